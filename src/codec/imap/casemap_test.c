#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/imap/casemap.h"
#include "codec/imap/needle.h"

static void test_mapped(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } rows[] = {
		{ "", "" },
		{ "Hello, World_[z]", "HELLO, WORLD_[Z]" },
		/* RFC 5051 section 2, the example: U+01C4 becomes U+0044 U+007A U+030C. */
		{ "\xc7\x84", "D" "z\xcc\x8c" },
		{ "\xc3\xa9", "E\xcc\x81" },                                 /* e acute, in one code point */
		{ "e\xcc\x81", "E\xcc\x81" },                                /* and in two */
		{ "\xef\xbc\xa1\xef\xbd\x81", "AA" },                        /* full width A, and a */
		{ "\xef\xac\x81", "fi" },                                    /* the ligature fi: decomposed, not mapped again */
		{ "\xd0\xbc\xd0\xb8\xd1\x80", "\xd0\x9c\xd0\x98\xd0\xa0" },  /* Cyrillic */
		{ "\xd1\x91", "\xd0\x95\xcc\x88" },                          /* Cyrillic io */
		{ "\xcf\x82\xcf\x83", "\xce\xa3\xce\xa3" },                  /* both small sigmas */
		{ "\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" },  /* Hangul */
		{ "\xf0\x90\x90\xa8", "\xf0\x90\x90\x80" },                  /* Deseret, beyond the BMP */
		{ "ab\xff", "ab\xff" },                                      /* no UTF-8: i;octet */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(0);
		imap_casemap(str_from_c(rows[i].in), &b);
		if (!str_eq(buf_str(&b), str_from_c(rows[i].out)))
			fail_msg("row %zu: %.*s", i, STR_ARG(buf_str(&b)));
		buf_fini(&b);
	}
}

/* U+FDFA is the longest of all. */
static void test_longest(void **state)
{
	(void)state;
	uint32_t points[IMAP_CASEMAP_POINTS];
	unsigned longest = 0;
	for (uint32_t c = 0x80; c < 0x110000; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		unsigned n = imap_casemap_point(c, points);
		longest = n > longest ? n : longest;
	}
	assert_int_equal(longest, IMAP_CASEMAP_POINTS);
}

/* What the collation takes for a part is found by a needle; so is more. */
static void test_needle(void **state)
{
	(void)state;
	static const struct { const char *needle, *text; bool found; } rows[] = {
		{ "RESUME\xcc\x81", "my r\xc3\xa9sum\xc3\xa9", false },
		{ "R\xc3\x89SUM\xc3\x89", "my re\xcc\x81sume\xcc\x81", true },
		{ "abc", "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", true },
		{ "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92", "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", true },
		{ "stra\xc3\x9f", "STRA\xe1\xba\x9e" "E", true },
		{ "x", "abc", false },
		{ "", "abc", true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct buf b = BUF_INIT(0);
		struct imap_needle n;
		assert_int_equal(imap_needle_init(&n, &a, str_from_c(rows[i].needle)), 0);
		if (imap_needle_in(&n, str_from_c(rows[i].text), &b) != rows[i].found)
			fail_msg("row %zu", i);
		buf_fini(&b);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mapped), cmocka_unit_test(test_longest), cmocka_unit_test(test_needle) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
