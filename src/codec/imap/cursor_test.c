#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/cursor.h"

/* Every case: what the client sent, what must be read (NULL: an error), and what must remain. */
struct word_case {
	const char *in;
	const char *value;
	const char *rest;
};

typedef bool (*word_reader)(struct imap_cursor *, struct str *);

static void check_words(word_reader read, bool utf8, const struct word_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct str out = STR_NONE;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, utf8);
		bool ok = read(&c, &out);
		if (ok != (cases[i].value != NULL))
			fail_msg("%s: %s", cases[i].in, ok ? "was accepted" : c.error);
		if (ok) {
			if (!str_eq(out, str_from_c(cases[i].value)))
				fail_msg("%s: read %.*s", cases[i].in, STR_ARG(out));
			struct str rest = { c.p, (size_t)(c.end - c.p) };
			if (!str_eq(rest, str_from_c(cases[i].rest)))
				fail_msg("%s: left %.*s", cases[i].in, STR_ARG(rest));
			assert_null(c.error);
		} else {
			assert_non_null(c.error);
		}
		arena_fini(&a);
	}
}
#define CHECK_WORDS(read, utf8, cases) check_words(read, utf8, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_tag(void **state)
{
	(void)state;
	static const struct word_case cases[] = {
		{ "A001 LOGIN", "A001", " LOGIN" }, { "a.b]c x", "a.b]c", " x" },
		{ "+ x", NULL, NULL }, { "a+b x", "a", "+b x" }, { "", NULL, NULL }, { "(a", NULL, NULL }, { "\"a\" x", NULL, NULL },
		{ "*", NULL, NULL }, { "a%b", "a", "%b" }, { "{1}", NULL, NULL }, { "\x7f", NULL, NULL }, { "\xc3\xa9", NULL, NULL },
	};
	CHECK_WORDS(imap_tag, false, cases);
	char longest[IMAP_TAG_MAX + 2];
	memset(longest, 'a', sizeof(longest));
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct str out;
	imap_cursor_init(&c, str_make(longest, IMAP_TAG_MAX), &a, false);
	assert_true(imap_tag(&c, &out));
	imap_cursor_init(&c, str_make(longest, IMAP_TAG_MAX + 1), &a, false);
	assert_false(imap_tag(&c, &out));
	arena_fini(&a);
}

static void test_atom_and_astring(void **state)
{
	(void)state;
	static const struct word_case atoms[] = {
		{ "FETCH 1", "FETCH", " 1" }, { "a]", "a", "]" }, { "]", NULL, NULL }, { "a*", "a", "*" }, { "a\\b", "a", "\\b" },
		{ "a+b&c'd}", "a+b&c'd}", "" },
	};
	CHECK_WORDS(imap_atom, false, atoms);
	static const struct word_case astrings[] = {
		{ "abc def", "abc", " def" }, { "a]b", "a]b", "" }, { "\"a b\" c", "a b", " c" }, { "\"\"", "", "" },
		{ "{3}\r\na b x", "a b", " x" }, { "{0}\r\n", "", "" }, { "{3+}\r\na\r\n", "a\r\n", "" }, { "{3}\nabc", "abc", "" },
		{ "NIL", "NIL", "" }, { "a%", "a", "%" }, { "", NULL, NULL }, { " a", NULL, NULL }, { "(", NULL, NULL },
	};
	CHECK_WORDS(imap_astring, false, astrings);
}

static void test_string(void **state)
{
	(void)state;
	static const struct word_case cases[] = {
		{ "\"a\\\"b\\\\c\"", "a\"b\\c", "" }, { "\"\\\\\"x", "\\", "x" },
		{ "\"a", NULL, NULL }, { "\"a\r\n\"", NULL, NULL }, { "\"a\n\"", NULL, NULL }, { "\"a\\nb\"", NULL, NULL },
		{ "\"a\\", NULL, NULL }, { "\"\xc3\xa9\"", NULL, NULL }, { "\"a\\\"", NULL, NULL },
		{ "{2}\r\n\xc3\xa9", "\xc3\xa9", "" }, { "{4}\r\nabc", NULL, NULL }, { "{}\r\n", NULL, NULL }, { "{1}a", NULL, NULL },
		{ "{1} \r\na", NULL, NULL }, { "{-1}\r\na", NULL, NULL }, { "{1-}\r\na", NULL, NULL },
		{ "{99999999999999999999}\r\n", NULL, NULL }, { "{18446744073709551615}\r\n", NULL, NULL }, { "abc", NULL, NULL },
		{ "~{1}\r\na", NULL, NULL },
	};
	CHECK_WORDS(imap_string, false, cases);
	/* RFC 9755 3. */
	static const struct word_case utf8[] = {
		{ "\"\xc3\xa9\"", "\xc3\xa9", "" }, { "\"\xc3\"", NULL, NULL }, { "\"\xed\xa0\x80\"", NULL, NULL },
	};
	CHECK_WORDS(imap_string, true, utf8);
	static const struct word_case nstrings[] = {
		{ "NIL x", "", " x" }, { "nil", "", "" }, { "NILS", NULL, NULL }, { "\"NIL\"", "NIL", "" },
	};
	CHECK_WORDS(imap_nstring, false, nstrings);
}

static void test_nil_is_not_empty(void **state)
{
	(void)state;
	static const char *const empty[] = { "\"\"", "{0}\r\n" };
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct str out;
	for (size_t i = 0; i < 2; i++) {
		imap_cursor_init(&c, str_from_c(empty[i]), &a, false);
		assert_true(imap_nstring(&c, &out));
		assert_non_null(out.p);
		assert_int_equal(out.n, 0);
	}
	imap_cursor_init(&c, STR("NIL"), &a, false);
	assert_true(imap_nstring(&c, &out));
	assert_null(out.p);
	arena_fini(&a);
}

static void test_nul(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct str out;
	bool binary;
	imap_cursor_init(&c, STR("{3}\r\na\0b"), &a, false);
	assert_false(imap_string(&c, &out));
	imap_cursor_init(&c, STR("\"a\0b\""), &a, false);
	assert_false(imap_string(&c, &out));
	imap_cursor_init(&c, STR("~{3}\r\na\0b"), &a, false);
	assert_true(imap_string8(&c, &out, &binary));
	assert_true(binary && str_eq(out, STR("a\0b")));
	imap_cursor_init(&c, STR("~{3+}\r\na\0b"), &a, false);
	assert_true(imap_string8(&c, &out, &binary));
	imap_cursor_init(&c, STR("{3}\r\nabc"), &a, false);
	assert_true(imap_string8(&c, &out, &binary));
	assert_false(binary);
	arena_fini(&a);
}

static void test_mailbox(void **state)
{
	(void)state;
	static const struct word_case cases[] = {
		{ "blurdybloop", "blurdybloop", "" }, { "inbox x", "INBOX", " x" }, { "\"InBoX\"", "INBOX", "" }, { "inbox/a", "inbox/a", "" },
		/* RFC 3501 5.1.3. */
		{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "" },
		{ "\"a &- b\"", "a & b", "" }, { "&Jjo!", NULL, NULL }, { "{2}\r\n\xc3\xa9", NULL, NULL }, { "a*", "a", "*" },
	};
	CHECK_WORDS(imap_mailbox, false, cases);
	static const struct word_case utf8[] = {
		{ "\"\xc3\xa9\"", "\xc3\xa9", "" }, { "{2}\r\n\xc3\xa9", "\xc3\xa9", "" }, { "a&-b", "a&-b", "" }, { "{1}\r\n\xff", NULL, NULL },
	};
	CHECK_WORDS(imap_mailbox, true, utf8);
	static const struct word_case patterns[] = {
		{ "*", "*", "" }, { "~/Mail/%", "~/Mail/%", "" }, { "\"%\"", "%", "" }, { "&AOk-*", "\xc3\xa9*", "" }, { "\"\"", "", "" },
		{ "inbox", "inbox", "" }, { "(", NULL, NULL },
	};
	CHECK_WORDS(imap_list_mailbox, false, patterns);
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok, nz_ok, ok64; uint64_t value; } cases[] = {
		{ "0", true, false, true, 0 }, { "1", true, true, true, 1 }, { "007", true, false, true, 7 },
		{ "4294967295", true, true, true, UINT32_MAX }, { "4294967296", false, false, true, 4294967296 },
		{ "9223372036854775807", false, false, true, INT64_MAX }, { "9223372036854775808", false, false, false, 0 },
		{ "", false, false, false, 0 }, { "-1", false, false, false, 0 }, { "x", false, false, false, 0 },
	};
	struct arena a = ARENA_INIT(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imap_cursor c;
		uint32_t v = 0;
		uint64_t v64 = 0;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		assert_int_equal(imap_number(&c, &v), cases[i].ok);
		assert_true(!cases[i].ok || v == cases[i].value);
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		assert_int_equal(imap_nz_number(&c, &v), cases[i].nz_ok);
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		assert_int_equal(imap_number64(&c, &v64), cases[i].ok64);
		assert_true(!cases[i].ok64 || v64 == cases[i].value);
	}
	arena_fini(&a);
}

static void test_dates(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; int64_t day; } days[] = {
		{ "1-Jan-1970", true, 0 }, { "01-jan-1970", true, 0 }, { "\"2-JAN-1970\"", true, 1 }, { "31-Dec-1969", true, -1 },
		{ "1-Feb-1994", true, 8797 }, { "29-Feb-2000", true, 11016 }, { "29-Feb-1900", false, 0 }, { "31-Apr-2000", false, 0 },
		{ "0-Jan-2000", false, 0 }, { "32-Jan-2000", false, 0 }, { "1-Foo-2000", false, 0 }, { "1-Jan-00", false, 0 },
		{ "1-January-2000", false, 0 }, { "\"1-Jan-2000", false, 0 }, { "1 Jan 2000", false, 0 }, { "1-Jan", false, 0 },
	};
	static const struct { const char *in; bool ok; int64_t unix_seconds; } times[] = {
		/* RFC 3501 7.4.2 and 6.3.11. */
		{ "\"17-Jul-1996 02:44:25 -0700\"", true, 837596665 }, { "\" 7-Feb-1994 21:52:25 -0800\"", true, 760686745 },
		{ "\"01-Jan-1970 00:00:00 +0000\"", true, 0 }, { "\"01-Jan-1970 01:30:00 +0130\"", true, 0 },
		{ "\"31-Dec-1998 23:59:60 +0000\"", true, 915148800 },
		{ "\"1-Jan-1970 00:00:00 +0000\"", false, 0 }, { "\"01-Jan-1970 24:00:00 +0000\"", false, 0 },
		{ "\"01-Jan-1970 00:60:00 +0000\"", false, 0 }, { "\"01-Jan-1970 00:00:00 0000\"", false, 0 },
		{ "\"01-Jan-1970 00:00:00 +0060\"", false, 0 }, { "\"01-Jan-1970 00:00:00\"", false, 0 },
		{ "\"31-Feb-1970 00:00:00 +0000\"", false, 0 }, { "01-Jan-1970 00:00:00 +0000", false, 0 },
		{ "\"01-Jan-1970 00:00:00 GMT\"", false, 0 }, { "\"01-Jan-1970 0:00:00 +0000\"", false, 0 },
	};
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	int64_t v;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		imap_cursor_init(&c, str_from_c(days[i].in), &a, false);
		bool ok = imap_date(&c, &v) && imap_end(&c);
		if (ok != days[i].ok || (ok && v != days[i].day))
			fail_msg("%s: %d %lld", days[i].in, ok, (long long)v);
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		imap_cursor_init(&c, str_from_c(times[i].in), &a, false);
		bool ok = imap_date_time(&c, &v) && imap_end(&c);
		if (ok != times[i].ok || (ok && v != times[i].unix_seconds))
			fail_msg("%s: %d %lld", times[i].in, ok, (long long)v);
	}
	arena_fini(&a);
}

static void test_flags(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok, store_ok; uint64_t system; size_t keywords; } cases[] = {
		{ "(\\Seen \\Draft)", true, true, IMAP_SEEN | IMAP_DRAFT, 0 }, { "()", true, true, 0, 0 },
		{ "(\\answered \\FLAGGED \\deleted)", true, true, IMAP_ANSWERED | IMAP_FLAGGED | IMAP_DELETED, 0 },
		{ "($Forwarded $MDNSent $forwarded)", true, true, 0, 2 }, { "\\Seen Junk", false, true, IMAP_SEEN, 1 },
		{ "\\Deleted", false, true, IMAP_DELETED, 0 }, { "", false, false, 0, 0 }, { "(\\Recent)", false, false, 0, 0 },
		{ "(\\Unknown)", false, false, 0, 0 }, { "(\\Seen", false, false, 0, 0 }, { "(\\*)", false, false, 0, 0 },
		{ "( \\Seen)", false, false, 0, 0 }, { "(\\Seen  a)", false, false, 0, 0 }, { "(\"a\")", false, false, 0, 0 },
		{ "(\\Seenx)", false, false, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_flags f;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		if ((imap_flag_list(&c, &f) && imap_end(&c)) != cases[i].ok)
			fail_msg("%s", cases[i].in);
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_store_flags(&c, &f) && imap_end(&c);
		if (ok != cases[i].store_ok || (ok && (f.system != cases[i].system || f.keyword_count != cases[i].keywords)))
			fail_msg("STORE: %s", cases[i].in);
		arena_fini(&a);
	}
}

static void test_marks(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct str word;
	imap_cursor_init(&c, STR("UID fetch\r\n"), &a, false);
	assert_false(imap_take_word(&c, "UI"));
	assert_true(imap_take_word(&c, "uid"));
	assert_true(imap_sp(&c) && !imap_end(&c));
	imap_cursor_init(&c, STR("x\r\n"), &a, false);
	assert_true(imap_atom(&c, &word) && imap_end(&c));
	imap_cursor_init(&c, STR("x\n"), &a, false);
	assert_true(imap_atom(&c, &word) && imap_end(&c));
	imap_cursor_init(&c, STR("x \r\n"), &a, false);
	assert_false(imap_atom(&c, &word) && imap_end(&c));
	/* The first error stays, and nothing can be read after it. */
	imap_cursor_init(&c, STR("x y"), &a, false);
	assert_false(imap_expect(&c, 'y', "first"));
	assert_false(imap_atom(&c, &word) || imap_take(&c, 'x') || imap_sp(&c) || imap_end(&c));
	assert_int_equal(imap_peek(&c), -1);
	assert_string_equal(c.error, "first");
	imap_cursor_init(&c, STR_NONE, &a, false);
	assert_true(imap_end(&c));
	arena_fini(&a);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(1);
	struct imap_cursor c;
	struct str out;
	imap_cursor_init(&c, STR("\"a\\\\b\""), &a, false);
	assert_false(imap_string(&c, &out));
	assert_true(a.failed);
	assert_non_null(c.error);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tag), cmocka_unit_test(test_atom_and_astring), cmocka_unit_test(test_string),
		cmocka_unit_test(test_nil_is_not_empty), cmocka_unit_test(test_nul), cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_dates), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_marks), cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
