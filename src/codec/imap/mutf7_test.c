#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/imap/mutf7.h"

static const struct { const char *mutf7; const char *utf8; } pairs[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	/* RFC 3501 5.1.3. */
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&Jjo-!", "\xe2\x98\xba!" },
	{ "&U,BTF2XlZyyKng-", "\xe5\x8f\xb0\xe5\x8c\x97\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&-", "&" },
	{ "a&-b&-&-", "a&b&&" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "&AOk-&-&AOk-", "\xc3\xa9&\xc3\xa9" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "&AAE-", "\x01" },
	{ "&AH8-", "\x7f" },
};

static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf b = BUF_INIT(0);
		assert_int_equal(imap_mutf7_decode(str_from_c(pairs[i].mutf7), &b), 0);
		if (!str_eq(buf_str(&b), str_from_c(pairs[i].utf8)))
			fail_msg("%s decoded to %.*s", pairs[i].mutf7, STR_ARG(buf_str(&b)));
		buf_reset(&b);
		imap_mutf7_encode(str_from_c(pairs[i].utf8), &b);
		if (!str_eq(buf_str(&b), str_from_c(pairs[i].mutf7)))
			fail_msg("%s encoded to %.*s", pairs[i].utf8, STR_ARG(buf_str(&b)));
		buf_fini(&b);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const names[] = {
		"&Jjo!",                  /* RFC 3501 5.1.3: no shift back to US-ASCII before "!" */
		"&U,BTFw-&ZeVnLIqe-",     /* RFC 3501 5.1.3: a superfluous shift */
		"&", "a&", "&AOk", "&A-", "&AO-", "&AOl-", "&AOkA-", "&/Ok-", "&AGE-", "&ACY-", "&ZeVnLIqe",
		"\xc3\xa9", "a\x01", "a\x7f", "&2D0-", "&3gA-", "&2D0AQQ-", "& -", "&=-",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf b = BUF_INIT(0);
		buf_add_lit(&b, "kept");
		if (imap_mutf7_decode(str_from_c(names[i]), &b) != ERR_INVALID)
			fail_msg("%s was accepted", names[i]);
		assert_true(str_eq(buf_str(&b), STR("kept")));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pairs), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
