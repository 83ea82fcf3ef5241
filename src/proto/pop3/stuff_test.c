#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "proto/pop3/stuff.h"

static bool gather(void *arg, struct str run)
{
	assert_true(run.n > 0);
	buf_add_str(arg, run);
	return true;
}

/* What a client makes of it by RFC 1939 section 3: lines end in CRLF, a leading dot goes, a lone one ends. */
static bool unstuff(struct str s, struct buf *out)
{
	while (s.n) {
		size_t end = str_find(s, STR("\r\n"));
		if (end == STR_NPOS)
			return false;
		struct str line = str_sub(s, 0, end);
		s = str_from(s, end + 2);
		if (str_eq(line, STR(".")))
			return s.n == 0;
		buf_add_str(out, str_starts(line, STR(".")) ? str_from(line, 1) : line);
		buf_add_lit(out, "\r\n");
	}
	return false;
}

static void test_stuffing(void **state)
{
	(void)state;
	static const struct { struct str message, want; } cases[] = {
		{ STR_INIT(""), STR_INIT(".\r\n") },
		{ STR_INIT("a\r\n"), STR_INIT("a\r\n.\r\n") },
		{ STR_INIT("."), STR_INIT("..\r\n.\r\n") },
		{ STR_INIT(".\r\n"), STR_INIT("..\r\n.\r\n") },
		{ STR_INIT("..\r\n"), STR_INIT("...\r\n.\r\n") },
		{ STR_INIT("a\r\n.\r\n"), STR_INIT("a\r\n..\r\n.\r\n") },
		{ STR_INIT("a\r\n.b\r\n..c\r\n"), STR_INIT("a\r\n..b\r\n...c\r\n.\r\n") },
		{ STR_INIT("a.\r\nb.c\r\n"), STR_INIT("a.\r\nb.c\r\n.\r\n") },
		{ STR_INIT("a"), STR_INIT("a\r\n.\r\n") },
		{ STR_INIT("a\r"), STR_INIT("a\r\r\n.\r\n") },
		{ STR_INIT("a\n"), STR_INIT("a\n\r\n.\r\n") },
		/* a bare LF is a line end to some */
		{ STR_INIT("a\n.\nb\r\n"), STR_INIT("a\n..\nb\r\n.\r\n") },
		{ STR_INIT("\r\n\r\n"), STR_INIT("\r\n\r\n.\r\n") },
		{ STR_INIT("a\0.\r\n.\0\r\n"), STR_INIT("a\0.\r\n..\0\r\n.\r\n") },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(0);
		pop3_stuff(cases[i].message, gather, &out);
		if (!str_eq(buf_str(&out), cases[i].want))
			fail_msg("case %zu: \"%.*s\"", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
	struct buf out = BUF_INIT(0);
	pop3_stuff(STR_NONE, gather, &out);
	assert_true(str_eq(buf_str(&out), STR(".\r\n")));
	buf_fini(&out);
}

/* All messages of up to 6 pieces come back as they were, with the CRLF that they lack. */
static void test_round_trip(void **state)
{
	(void)state;
	static const struct str pieces[] = { STR_INIT("."), STR_INIT("\r\n"), STR_INIT("x"), STR_INIT("\r\n.\r\n"),
										 STR_INIT("..") };
	for (unsigned n = 1; n < 5 * 5 * 5 * 5 * 5 * 5; n++) {
		struct buf message = BUF_INIT(0), stuffed = BUF_INIT(0), back = BUF_INIT(0);
		for (unsigned rest = n; rest; rest /= 5)
			buf_add_str(&message, pieces[rest % 5]);
		pop3_stuff(buf_str(&message), gather, &stuffed);
		assert_true(unstuff(buf_str(&stuffed), &back));
		if (!str_ends(buf_str(&message), STR("\r\n")))
			buf_add_lit(&message, "\r\n");
		assert_true(str_eq(buf_str(&message), buf_str(&back)));
		buf_fini(&message);
		buf_fini(&stuffed);
		buf_fini(&back);
	}
}

static bool hear_some(void *arg, struct str run)
{
	int *left = arg;
	(void)run;
	assert_true(*left > 0);
	return --*left > 0;
}

/* Who does not listen any more is not talked to. */
static void test_stops(void **state)
{
	(void)state;
	for (int most = 1; most < 9; most++) {
		int left = most;
		pop3_stuff(STR(".a\r\n.b\r\n.c"), hear_some, &left);
	}
}

static void test_top(void **state)
{
	(void)state;
#define MESSAGE "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\nthree"
	static const struct { struct str message; uint32_t lines; const char *want; } cases[] = {
		{ STR_INIT(MESSAGE), 0, "A: 1\r\nB: 2\r\n\r\n" },
		{ STR_INIT(MESSAGE), 1, "A: 1\r\nB: 2\r\n\r\none\r\n" },
		{ STR_INIT(MESSAGE), 2, "A: 1\r\nB: 2\r\n\r\none\r\ntwo\r\n" },
		{ STR_INIT(MESSAGE), 3, MESSAGE },
		{ STR_INIT(MESSAGE), UINT32_MAX, MESSAGE },
		{ STR_INIT("\r\nbody\r\nmore\r\n"), 1, "\r\nbody\r\n" },
		{ STR_INIT("A: 1\n\nbody\nmore\n"), 1, "A: 1\n\nbody\n" },
		{ STR_INIT("A: 1\r\n"), 5, "A: 1\r\n" },
		{ STR_INIT("A: 1"), 0, "A: 1" },
		{ STR_INIT(""), 3, "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!str_eq(pop3_top(cases[i].message, cases[i].lines), str_from_c(cases[i].want)))
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuffing),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_top),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
