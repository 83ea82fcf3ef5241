/* The table and the examples of RFC 4314 sections 2.1, 2.1.1 and 3.1. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/rights.h"

static void parsed(void **state)
{
	(void)state;
	static const struct { const char *text; enum imap_rights_op op; const char *shown; } good[] = {
		{ "", IMAP_RIGHTS_REPLACE, "\"\"" },
		{ "+", IMAP_RIGHTS_ADD, "\"\"" },
		{ "lrs", IMAP_RIGHTS_REPLACE, "lrs" },
		{ "srl", IMAP_RIGHTS_REPLACE, "lrs" },
		{ "+w", IMAP_RIGHTS_ADD, "w" },
		{ "-kx", IMAP_RIGHTS_REMOVE, "kxc" },
		{ "lrswida", IMAP_RIGHTS_REPLACE, "lrswiteda" },
		{ "lrswikda", IMAP_RIGHTS_REPLACE, "lrswiktecda" },
		{ "cda", IMAP_RIGHTS_REPLACE, "kxtecda" },
		{ "e", IMAP_RIGHTS_REPLACE, "ed" },
		{ "lrswipkxtea", IMAP_RIGHTS_REPLACE, "lrswipkxtecda" },
		{ "aaa", IMAP_RIGHTS_REPLACE, "a" },
	};
	static const char *const bad[] = { "lrQswicda", "lrqswicda", "l r", "0", "++l", "l+", "\xff" };
	enum imap_rights_op op;
	uint32_t rights;
	const char *error = NULL;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buf b = BUF_INIT(0);
		assert_true(imap_rights_parse(str_from_c(good[i].text), &op, &rights, &error));
		assert_int_equal(op, good[i].op);
		imap_format_rights(&b, rights);
		if (!str_eq(buf_str(&b), str_from_c(good[i].shown)))
			fail_msg("%s: %.*s", good[i].text, STR_ARG(buf_str(&b)));
		buf_fini(&b);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (imap_rights_parse(str_from_c(bad[i]), &op, &rights, &error))
			fail_msg("%s", bad[i]);
		assert_non_null(error);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(parsed) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
