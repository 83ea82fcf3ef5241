#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/base_subject.h"

static const struct { const char *in, *base; bool reply; } rows[] = {
	{ "", "", false },
	{ "   ", "", false },
	{ "hello", "hello", false },
	{ "  hello \t there  ", "hello there", false },
	{ "Re: hello", "hello", true },
	{ "RE:hello", "hello", true },
	{ "re  : hello", "hello", true },
	{ "Fw: hello", "hello", true },
	{ "fwd: hello", "hello", true },
	{ "Re: Fwd: RE: hello", "hello", true },
	{ "Re[2]: hello", "hello", true },
	{ "Re [a b] : hello", "hello", true },
	{ "re", "re", false },
	{ "Re: ", "", true },
	{ "regarding: x", "regarding: x", false },
	{ "hello (fwd)", "hello", true },
	{ "hello (FWD) (fwd)  ", "hello", true },
	{ "(fwd)", "", true },
	/* Blobs: gone before a refwd, gone before anything else, but never the last thing there is. */
	{ "[list] hello", "hello", false },
	{ "[list] [tag] hello", "hello", false },
	{ "[list] Re: hello", "hello", true },
	{ "[list] [x] Re: [y] hello", "hello", true },
	{ "Re: [list] Re: hello", "hello", true },
	{ "[list]", "[list]", false },
	{ "[a] [b]", "[b]", false },
	{ "Re: [list]", "[list]", true },
	{ "[unclosed hello", "[unclosed hello", false },
	{ "[a[b] hello", "[a[b] hello", false },
	{ "[] hello", "hello", false },
	/* [fwd: ...] */
	{ "[fwd: hello]", "hello", true },
	{ "[Fwd: Re: [list] hello (fwd)]", "hello", true },
	{ "Re: [fwd: hello]", "hello", true },
	{ "[fwd: [fwd: hello]]", "hello", true },
	{ "[fwd: hello", "[fwd: hello", false },
	{ "[fwd:]", "", true },
	/* What follows the blob counts, so this one is a blob before a base. */
	{ "[fwd: hello] there", "there", false },
	/* Encoded words. */
	{ "=?UTF-8?Q?Re=3A_h=C3=A9llo?=", "h\xc3\xa9llo", true },
	{ "Re: =?ISO-8859-1?Q?caf=E9?= \r\n =?ISO-8859-1?Q?_noir?=", "caf\xc3\xa9 noir", true },
	{ "AW: hello", "AW: hello", false },                       /* other languages are not looked at */
};

static void test_rows(void **state)
{
	(void)state;
	struct buf scratch = BUF_INIT(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool reply;
		struct str base = imap_base_subject(str_from_c(rows[i].in), &scratch, &reply);
		if (!str_eq(base, str_from_c(rows[i].base)) || reply != rows[i].reply)
			fail_msg("\"%s\": \"%.*s\", %d", rows[i].in, STR_ARG(base), reply);
	}
	buf_fini(&scratch);
}

/* Taking it again changes nothing. */
static void test_stable(void **state)
{
	(void)state;
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool reply;
		struct str base = imap_base_subject(str_from_c(rows[i].in), &one, NULL);
		struct str again = imap_base_subject(base, &two, &reply);
		if (!str_eq(base, again) || reply)
			fail_msg("\"%s\": \"%.*s\"", rows[i].in, STR_ARG(again));
	}
	buf_fini(&one);
	buf_fini(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_stable) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
