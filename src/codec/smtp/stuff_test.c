/* RFC 5321 4.5.2; RFC 2045 2.7 and 2.8 for what is 7bit, 8bit and binary. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/smtp/stuff.h"

static void test_stuff(void **state)
{
	(void)state;
	static const struct { const char *message, *wire; } cases[] = {
		{ "a\r\n", "a\r\n.\r\n" },
		{ "a", "a\r\n.\r\n" },
		{ "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n.\r\n" },
		{ ".\r\n", "..\r\n.\r\n" },
		{ "..\r\n", "...\r\n.\r\n" },
		{ ".a\r\n.b\r\nc.d\r\n.\r\n", "..a\r\n..b\r\nc.d\r\n..\r\n.\r\n" },
		{ "a\r\n.", "a\r\n..\r\n.\r\n" },
		{ "a.\r\n", "a.\r\n.\r\n" },
		{ "\r\n", "\r\n.\r\n" },
		{ "\r\n\r\n", "\r\n\r\n.\r\n" },
		{ "\r\n.\r\n", "\r\n..\r\n.\r\n" },
		{ "", "\r\n.\r\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_stuff s;
		struct buf wire = BUF_INIT(0);
		struct str piece;

		smtp_stuff_init(&s, str_from_c(cases[i].message));
		while ((piece = smtp_stuff_next(&s)).n)
			buf_add_str(&wire, piece);
		if (!str_eq(buf_str(&wire), str_from_c(cases[i].wire)))
			fail_msg("case %zu: '%.*s'", i, STR_ARG(buf_str(&wire)));
		assert_int_equal(smtp_stuff_next(&s).n, 0);
		buf_fini(&wire);
	}
}

static void test_octets(void **state)
{
	(void)state;
	static const struct { struct str message; struct smtp_octets want; } cases[] = {
		{ STR_INIT("A: b\r\n\r\nbody\r\n"), { .header_n = 6 } },
		{ STR_INIT("A: b\r\nB: c\r\n"), { .header_n = 12 } },
		{ STR_INIT("\r\nbody"), { .header_n = 0 } },
		{ STR_INIT("A: \303\274\r\n\r\nbody\r\n"), { .header_n = 7, .header_8bit = true } },
		{ STR_INIT("A: b\r\n\r\nlong enough to be read by words \303\274\r\n"), { .header_n = 6, .body_8bit = true } },
		{ STR_INIT("A: b\r\n\r\n\200"), { .header_n = 6, .body_8bit = true } },
		{ STR_INIT("A: b\r\n\r\nx\ny\r\n"), { .header_n = 6, .bare = true } },
		{ STR_INIT("A: b\r\n\r\nx\ry\r\n"), { .header_n = 6, .bare = true } },
		{ STR_INIT("A: b\r\n\r\nx\r\r\n"), { .header_n = 6, .bare = true } },
		{ STR_INIT("A: b\r\n\r\nx\r"), { .header_n = 6, .bare = true } },
		{ STR_INIT("A: b\r\n\r\nx\0y\r\n"), { .header_n = 6, .nul = true } },
		{ STR_INIT(""), { .header_n = 0 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_octets o;
		smtp_octets_scan(cases[i].message, &o);
		assert_int_equal(o.header_n, cases[i].want.header_n);
		assert_int_equal(o.header_8bit, cases[i].want.header_8bit);
		assert_int_equal(o.body_8bit, cases[i].want.body_8bit);
		assert_int_equal(o.nul, cases[i].want.nul);
		assert_int_equal(o.bare, cases[i].want.bare);
		assert_false(o.long_line);
	}
}

static void test_long_lines(void **state)
{
	(void)state;
	char line[SMTP_TEXT_LINE_MAX + 3];
	struct smtp_octets o;

	memset(line, 'x', sizeof line);
	memcpy(line + SMTP_TEXT_LINE_MAX, "\r\n", 2);
	smtp_octets_scan(str_make(line, SMTP_TEXT_LINE_MAX + 2), &o);
	assert_false(o.long_line);
	memcpy(line + SMTP_TEXT_LINE_MAX, "x\r\n", 3);
	smtp_octets_scan(str_make(line, SMTP_TEXT_LINE_MAX + 3), &o);
	assert_true(o.long_line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuff),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_long_lines),
	};
	return cmocka_run_group_tests_name("smtp/stuff", tests, NULL, NULL);
}
