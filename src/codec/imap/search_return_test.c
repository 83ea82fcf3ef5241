#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/search_return.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool parse(const char *in, struct arena *a, struct imap_cursor *c, struct imap_search_return *out)
{
	imap_cursor_init(c, str_from_c(in), a, false);
	return imap_search_return(c, out);
}

static void test_options(void **state)
{
	(void)state;
	static const struct { const char *in; bool given; unsigned options; } good[] = {
		{ "ALL", false, 0 },
		{ "", false, 0 },
		{ "RETURNED", false, 0 },
		/* RFC 4731 3.1. */
		{ "RETURN (MIN COUNT) FLAGGED", true, IMAP_RETURN_MIN | IMAP_RETURN_COUNT },
		{ "RETURN () FLAGGED", true, IMAP_RETURN_ALL },
		{ "return (min max all count) x", true, IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL | IMAP_RETURN_COUNT },
		/* RFC 5182: SAVE alone answers nothing. */
		{ "RETURN (SAVE) x", true, IMAP_RETURN_SAVE },
		{ "RETURN (SAVE ALL) x", true, IMAP_RETURN_SAVE | IMAP_RETURN_ALL },
		{ "RETURN (PARTIAL 1:500 MIN) x", true, IMAP_RETURN_PARTIAL | IMAP_RETURN_MIN },
		/* RFC 6203 4. */
		{ "RETURN (RELEVANCY ALL) x", true, IMAP_RETURN_RELEVANCY | IMAP_RETURN_ALL },
		{ "RETURN (MIN MIN) x", true, IMAP_RETURN_MIN },
	};
	static const char *const bad[] = {
		"RETURN", "RETURN ", "RETURN(ALL) x", "RETURN ALL x", "RETURN (ALL", "RETURN (ALL)", "RETURN (ALL )", "RETURN ( ALL) x",
		"RETURN (FOO) x", "RETURN (UPDATES) x", "RETURN (ALL PARTIAL 1:2) x", "RETURN (PARTIAL 1:2 ALL) x", "RETURN (PARTIAL 1:2 PARTIAL 1:2) x",
		"RETURN (PARTIAL) x", "RETURN (PARTIAL 1) x", "RETURN (PARTIAL 0:1) x", "RETURN (PARTIAL 1:*) x", "RETURN (PARTIAL -1:2) x",
		"RETURN (PARTIAL 1:-2) x", "RETURN (PARTIAL -0:-1) x", "RETURN (PARTIAL 1:4294967296) x",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_search_return r;
		bool is_good = i < COUNT(good);
		const char *in = is_good ? good[i].in : bad[i - COUNT(good)];
		if (parse(in, &a, &c, &r) != is_good)
			fail_msg("%s: %s", in, is_good ? "refused" : "accepted");
		assert_true(is_good || c.error);
		if (is_good && (r.given != good[i].given || r.options != good[i].options))
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

static void test_partial(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n, at, count; } cases[] = {
		{ "1:500", 23764, 0, 500 }, { "501:1000", 23764, 500, 500 }, { "500:1", 23764, 0, 500 }, { "3:3", 3, 2, 1 },
		/* RFC 9394 3.1: what is not there is left out. */
		{ "23500:24000", 23764, 23499, 265 }, { "24000:24500", 23764, 0, 0 }, { "1:1", 0, 0, 0 },
		{ "-1:-100", 23764, 23664, 100 }, { "-100:-1", 23764, 23664, 100 }, { "-2:-3", 3, 0, 2 }, { "-2:-9", 3, 0, 2 },
		{ "-4:-9", 3, 0, 0 }, { "1:4294967295", 2, 0, 2 }, { "-4294967295:-1", 2, 0, 2 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_partial p;
		struct buf b = BUF_INIT(0);
		size_t at, count;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		assert_true(imap_partial(&c, &p) && imap_end(&c));
		imap_format_partial(&b, &p);
		assert_true(str_eq(buf_str(&b), str_from_c(cases[i].in)));
		imap_partial_of(&p, cases[i].n, &at, &count);
		if (at != cases[i].at || count != cases[i].count)
			fail_msg("%s of %zu: %zu, %zu", cases[i].in, cases[i].n, at, count);
		buf_fini(&b);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_options), cmocka_unit_test(test_partial) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
