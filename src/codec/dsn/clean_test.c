/* RFC 5322 2.1.1 and 2.2.3; RFC 6533 3 (the unitext forms). */
#include "codec/dsn/clean.h"

#include "codec/mime/header.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_clean(void **state)
{
	(void)state;
	static const struct { const char *in, *ascii, *utf8; } t[] = {
		{ "", "", "" }, { "550 No", "550 No", "550 No" }, { "550-a\r\n550 b", "550-a 550 b", "550-a 550 b" }, { " \r\n\t x \n", "x", "x" },
		{ "a\r\nBcc: b", "a Bcc: b", "a Bcc: b" }, { "\xd1\x8f", "?", "\xd1\x8f" }, { "a\xff" "b", "a?b", "a?b" }, { "\x01\x7f\xc2\x85x", "x", "x" },
		{ "a\xe2\x80\xae" "b", "a?b", "a?b" }, { "a\xe2\x80\xa8" "b", "a b", "a b" }, { "\xef\xbf\xbd", "?", "\xef\xbf\xbd" },
	};
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_reset(&b);
		dsn_clean(str_from_c(t[i].in), false, 100, &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].ascii)));
		buf_reset(&b);
		dsn_clean(str_from_c(t[i].in), true, 100, &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].utf8)));
	}
	buf_reset(&b);
	dsn_clean(STR("0123456789"), true, 8, &b);
	assert_true(str_eq(buf_str(&b), STR("0123...")));
	buf_reset(&b);
	dsn_clean(STR("a\0b"), true, 8, &b);
	assert_true(str_eq(buf_str(&b), STR("a b")));
	buf_fini(&b);
}

/* Folded lines are as long as they may be, nothing is lost but where blanks were, and no line looks like a field of its own. */
static void test_field(void **state)
{
	(void)state;
	struct buf value = BUF_INIT(0), field = BUF_INIT(0), back = BUF_INIT(0);

	dsn_add_field(&field, "Status", STR("5.1.1"));
	assert_true(str_eq(buf_str(&field), STR("Status: 5.1.1\r\n")));
	for (size_t word = 1; word < 3000; word = word * 3 + 1) {
		buf_reset(&value);
		for (size_t i = 0; i < 3000; i++)
			buf_add_char(&value, i % (word + 1) == word ? ' ' : 'x');
		buf_reset(&field);
		dsn_add_field(&field, "Diagnostic-Code", str_trim(buf_str(&value)));
		struct str rest = buf_str(&field), line;
		for (bool first = true; rest.n; first = false) {
			assert_true(str_cut(rest, '\n', &line, &rest));
			assert_true(str_ends(line, STR("\r")) && line.n < 999 && (first || (line.p[0] == ' ' && line.p[1] == 'x')));
			if (word < 60)
				assert_true(line.n <= 79);
		}
		buf_reset(&back);
		mime_header_unfold(str_from(buf_str(&field), 16), &back);
		if (word < 800)
			assert_true(str_eq(str_trim(buf_str(&back)), str_trim(buf_str(&value))));
	}
	buf_fini(&value);
	buf_fini(&field);
	buf_fini(&back);
}

static void test_wrapped(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);

	dsn_add_wrapped(&b, 4, STR("The quick brown fox jumps over the lazy dog and then it jumps back again over it."));
	assert_true(str_eq(buf_str(&b), STR("    The quick brown fox jumps over the lazy dog and then it jumps back again\r\n    over it.\r\n")));
	buf_fini(&b);
}

static void test_unitext(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } t[] = {
		{ "user@example.org", "user@example.org" }, { "\\x{5FC3}@\\x{4F8B}.example", "\xe5\xbf\x83@\xe4\xbe\x8b.example" }, { "a\\x{2B}b", "a+b" },
		{ "\\x{10FFFF}", "\xf4\x8f\xbf\xbf" }, { "\xd1\x8f\\x{5c}", "\xd1\x8f\\" }, { "\\x{D800}", NULL }, { "\\x{110000}", NULL }, { "\\x{}", NULL },
		{ "\\x{1}", NULL }, { "\\x{44", NULL }, { "\\", NULL }, { "\\y", NULL }, { "\xff", NULL },
	};
	struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_reset(&b);
		assert_true(dsn_unitext_decode(str_from_c(t[i].in), &b) == (t[i].out != NULL));
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].out)));
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean), cmocka_unit_test(test_field), cmocka_unit_test(test_wrapped), cmocka_unit_test(test_unitext),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
