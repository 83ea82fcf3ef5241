/* RFC 5321 4.5.2 (transparency), 4.1.1.4 (the end of data), 2.3.8 (no bare CR or LF). */
#include "codec/smtp/data.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void gather(void *arg, const char *p, size_t n) { buf_add(arg, p, n); }

struct expectation {
	const char *in, *out, *left;      /* left: what must not be eaten; NULL: no end was found */
	unsigned faults;
};

static const struct expectation table[] = {
	{ "a\r\n.\r\nRSET", "a\r\n", "RSET", 0 },
	{ ".\r\n", "", "", 0 },
	{ "..\r\n.\r\n", ".\r\n", "", 0 },
	{ "..two\r\n...three\r\n.\r\n", ".two\r\n..three\r\n", "", 0 },
	{ "a.b\r\n.c\r\n.\r\n", "a.b\r\nc\r\n", "", 0 },
	{ "a\r\n.\rx\r\n.\r\n", "a\r\n\rx\r\n", "", SMTP_DATA_BARE_CR },
	{ "a\nb\r\n.\r\n", "a\nb\r\n", "", SMTP_DATA_BARE_LF },
	{ "a\rb\r\n.\r\n", "a\rb\r\n", "", SMTP_DATA_BARE_CR },
	{ "a\r\r\n.\r\n", "a\r\r\n", "", SMTP_DATA_BARE_CR },
	/* smuggling: each of these somebody has taken for the end */
	{ "a\n.\nMAIL", "a\n.", "MAIL", SMTP_DATA_BARE_LF | SMTP_DATA_FALSE_END },
	{ "a\n.\r\nMAIL", "a\n.", "\nMAIL", SMTP_DATA_BARE_LF | SMTP_DATA_FALSE_END },
	{ "a\r\n.\nMAIL", "a\r\n", "MAIL", SMTP_DATA_BARE_LF | SMTP_DATA_FALSE_END },
	{ "a\r.\rMAIL", "a\r.", "MAIL", SMTP_DATA_BARE_CR | SMTP_DATA_FALSE_END },
	{ "a\r.\r\nMAIL", "a\r.", "\nMAIL", SMTP_DATA_BARE_CR | SMTP_DATA_FALSE_END },
	{ "a\r\n.\r\r\n", "a\r\n\r\r\n", NULL, SMTP_DATA_BARE_CR | SMTP_DATA_FALSE_END },
	{ "a\n.b\r\n.\r\n", "a\n.b\r\n", "", SMTP_DATA_BARE_LF },
	{ "long line here\r\n.\r\n", "long line here\r\n", "", SMTP_DATA_LONG_LINE },
	{ "0123456789\r\n.\r\n", "0123456789\r\n", "", 0 },
	{ "no end", "no end", NULL, 0 },
	{ "a\r\n.", "a\r\n", NULL, 0 },
};

static void run(const struct expectation *t, size_t step)
{
	struct smtp_data d;
	struct buf out = BUF_INIT(0);
	struct str in = str_from_c(t->in);
	size_t at = 0, used;
	bool end = false;

	smtp_data_init(&d, 10);
	while (at < in.n && !end) {
		end = smtp_data_feed(&d, str_sub(in, at, step), gather, &out, &used);
		at += used;
	}
	assert_int_equal(d.faults, t->faults);
	assert_true(end == (t->left != NULL));
	if (t->left)
		assert_true(str_eq(str_from(in, at), str_from_c(t->left)));
	if (!(t->faults & SMTP_DATA_FALSE_END))
		assert_true(str_eq(buf_str(&out), str_from_c(t->out)));
	buf_fini(&out);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (size_t step = 1; step <= 64; step++)
			run(&table[i], step);
}

static void test_nul(void **state)
{
	(void)state;
	struct smtp_data d;
	struct buf out = BUF_INIT(0);
	size_t used;

	smtp_data_init(&d, 1000);
	assert_true(smtp_data_feed(&d, STR("a\0b\r\n.\r\n"), gather, &out, &used));
	assert_int_equal(d.faults, SMTP_DATA_NUL);
	buf_fini(&out);
}

static void test_chunks(void **state)
{
	(void)state;
	static const struct { const char *chunks[4]; unsigned faults; } t[] = {
		{ { "a\r\nb\r\n" }, 0 },
		{ { "a\r", "\nb\r\n" }, 0 },
		{ { "a\r", "b\r\n" }, SMTP_DATA_BARE_CR },
		{ { "a\r" }, SMTP_DATA_BARE_CR },
		{ { "a", "\nb" }, SMTP_DATA_BARE_LF },
		{ { "01234", "56789", "0\r\n" }, SMTP_DATA_LONG_LINE },
		{ { ".\r\n", ".\r\n" }, 0 },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct smtp_data d;
		smtp_data_init(&d, 10);
		for (int k = 0; k < 4 && t[i].chunks[k]; k++)
			smtp_data_check(&d, str_from_c(t[i].chunks[k]));
		smtp_data_check_end(&d);
		assert_int_equal(d.faults, t[i].faults);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table), cmocka_unit_test(test_nul), cmocka_unit_test(test_chunks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
