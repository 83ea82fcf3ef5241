#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/cursor.h"
#include "codec/imap/format.h"
#include "codec/imap/needle.h"

static void check(struct buf *b, struct str expected)
{
	assert_false(b->failed);
	if (!str_eq(buf_str(b), expected))
		fail_msg("wrote %.*s, not %.*s", STR_ARG(buf_str(b)), STR_ARG(expected));
	buf_fini(b);
}

static void test_strings(void **state)
{
	(void)state;
	static const struct { struct str in; bool utf8; struct str string, astring; } cases[] = {
		{ STR_INIT(""), false, STR_INIT("\"\""), STR_INIT("\"\"") },
		{ STR_INIT("abc]"), false, STR_INIT("\"abc]\""), STR_INIT("abc]") },
		{ STR_INIT("NIL"), false, STR_INIT("\"NIL\""), STR_INIT("\"NIL\"") },
		{ STR_INIT("a b"), false, STR_INIT("\"a b\""), STR_INIT("\"a b\"") },
		{ STR_INIT("a(b"), false, STR_INIT("\"a(b\""), STR_INIT("\"a(b\"") },
		{ STR_INIT("a*"), false, STR_INIT("\"a*\""), STR_INIT("\"a*\"") },
		{ STR_INIT("a\"b\\"), false, STR_INIT("\"a\\\"b\\\\\""), STR_INIT("\"a\\\"b\\\\\"") },
		{ STR_INIT("\"\r\n"), false, STR_INIT("{3}\r\n\"\r\n"), STR_INIT("{3}\r\n\"\r\n") },
		{ STR_INIT("\xc3\xa9"), false, STR_INIT("{2}\r\n\xc3\xa9"), STR_INIT("{2}\r\n\xc3\xa9") },
		{ STR_INIT("\xc3\xa9"), true, STR_INIT("\"\xc3\xa9\""), STR_INIT("\"\xc3\xa9\"") },
		{ STR_INIT("\xc3\xa9\""), true, STR_INIT("\"\xc3\xa9\\\"\""), STR_INIT("\"\xc3\xa9\\\"\"") },
		{ STR_INIT("\xc3"), true, STR_INIT("{1}\r\n\xc3"), STR_INIT("{1}\r\n\xc3") },
		{ STR_INIT("a\0b"), false, STR_INIT("~{3}\r\na\0b"), STR_INIT("~{3}\r\na\0b") },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(0);
		imap_format_string(&b, cases[i].in, cases[i].utf8);
		check(&b, cases[i].string);
		imap_format_astring(&b, cases[i].in, cases[i].utf8);
		check(&b, cases[i].astring);
	}
	struct buf b = BUF_INIT(0);
	imap_format_nstring(&b, STR_NONE, false);
	imap_format_nstring(&b, STR("a"), false);
	imap_format_literal(&b, STR("xy"));
	check(&b, STR("NIL\"a\"{2}\r\nxy"));
}

static void test_mailbox(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	imap_format_mailbox(&b, STR("INBOX"), false);
	check(&b, STR("INBOX"));
	imap_format_mailbox(&b, STR("a \xc3\xa9&"), false);
	check(&b, STR("\"a &AOk-&-\""));
	imap_format_mailbox(&b, STR("\xc3\xa9&"), true);
	check(&b, STR("\"\xc3\xa9&\""));
}

static void test_flags(void **state)
{
	(void)state;
	static const struct str keywords[] = { STR_INIT("$Forwarded"), STR_INIT(""), STR_INIT("Junk") };
	struct buf b = BUF_INIT(0);
	imap_format_flags(&b, 0, false, NULL, 0);
	check(&b, STR("()"));
	imap_format_flags(&b, IMAP_SEEN, true, keywords, 3);
	check(&b, STR("(\\Seen \\Recent)"));
	imap_format_flags(&b, 0x1f | 128 | 1ull << 8 | 1ull << 9 | 1ull << 10 | 1ull << 63, false, keywords, 3);
	check(&b, STR("(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded Junk)"));
}

static void test_internaldate(void **state)
{
	(void)state;
	static const struct { int64_t t; const char *text; } cases[] = {
		{ 0, "\"01-Jan-1970 00:00:00 +0000\"" }, { 837596665, "\"17-Jul-1996 09:44:25 +0000\"" }, { -1, "\"31-Dec-1969 23:59:59 +0000\"" },
		{ 253402300799, "\"31-Dec-9999 23:59:59 +0000\"" }, { INT64_MAX, "\"31-Dec-9999 23:59:59 +0000\"" },
		{ INT64_MIN, "\"01-Jan-0000 00:00:00 +0000\"" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(0);
		imap_format_internaldate(&b, cases[i].t);
		check(&b, str_from_c(cases[i].text));
	}
}

static void test_text(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	imap_format_text(&b, STR("a\r\n\0b\xc3\xa9."));
	check(&b, STR("a???b??."));
}

static void test_full_buffer(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(4);
	imap_format_flags(&b, 0x1f, true, NULL, 0);
	imap_format_internaldate(&b, 0);
	imap_format_mailbox(&b, STR("abcdefgh"), false);
	assert_true(b.failed);
	buf_fini(&b);
}

/* Every byte at every place of a word: only the letters change. */
static void test_fold(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 19; at++) {
		for (unsigned c = 0; c < 128; c++) {
			char text[20];
			struct buf b = BUF_INIT(0);
			memset(text, 'Q', sizeof(text));
			text[at] = (char)c;
			imap_fold(str_make(text, sizeof(text)), &b);
			assert_int_equal(b.n, sizeof(text));
			for (unsigned i = 0; i < sizeof(text); i++)
				assert_int_equal(b.p[i], i != at ? 'q' : c >= 'A' && c <= 'Z' ? (int)c + 32 : (int)c);
			buf_fini(&b);
		}
	}
}

static void test_needle(void **state)
{
	(void)state;
	static const struct { const char *needle; const char *text; bool in; } cases[] = {
		{ "", "", true }, { "", "a", true }, { "a", "", false }, { "SMITH", "John smith", true }, { "smith", "John SMITH", true },
		{ "smiths", "Smith", false }, { "\xc3\x89t\xc3\xa9", "L'\xc3\xa9T\xc3\x89", true },
		/* RFC 5051: compared decomposed, so a letter is a part of itself with an accent, and not the other way round. */
		{ "e", "\xc3\xa9", true }, { "\xc3\xa9", "e", false },
		/* U+0416 and U+0436; U+03A3, U+03C3 and the final U+03C2 fold to one; U+212A is a K. */
		{ "\xd0\x96", "\xd0\xb6", true }, { "\xcf\x82", "\xce\xa3", true }, { "k", "\xe2\x84\xaa", true },
		{ "[@`{", "[@`{", true }, { "@", "`", false }, { "{", "[", false },
	};
	struct buf scratch = BUF_INIT(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_needle n;
		assert_int_equal(imap_needle_init(&n, &a, str_from_c(cases[i].needle)), 0);
		if (imap_needle_in(&n, str_from_c(cases[i].text), &scratch) != cases[i].in)
			fail_msg("%s in %s", cases[i].needle, cases[i].text);
		arena_fini(&a);
	}
	buf_fini(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_mailbox), cmocka_unit_test(test_flags), cmocka_unit_test(test_internaldate),
		cmocka_unit_test(test_text), cmocka_unit_test(test_full_buffer), cmocka_unit_test(test_fold), cmocka_unit_test(test_needle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
