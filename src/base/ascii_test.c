#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ascii.h"

/* RFC 5234 appendix B.1: ALPHA, DIGIT, HEXDIG, WSP, VCHAR, CTL. */
static void test_classes(void **state)
{
	(void)state;
	for (int c = -2; c < 300; c++) {
		bool upper = c >= 0x41 && c <= 0x5a, lower = c >= 0x61 && c <= 0x7a, digit = c >= 0x30 && c <= 0x39;
		assert_int_equal(ascii_is_upper(c), upper);
		assert_int_equal(ascii_is_lower(c), lower);
		assert_int_equal(ascii_is_alpha(c), upper || lower);
		assert_int_equal(ascii_is_digit(c), digit);
		assert_int_equal(ascii_is_alnum(c), upper || lower || digit);
		assert_int_equal(ascii_is_blank(c), c == 0x20 || c == 0x09);
		assert_int_equal(ascii_is_space(c), c == 0x20 || (c >= 0x09 && c <= 0x0d));
		assert_int_equal(ascii_is_print(c), c >= 0x20 && c <= 0x7e);
		assert_int_equal(ascii_is_cntrl(c), (c >= 0x00 && c <= 0x1f) || c == 0x7f);
		assert_int_equal(ascii_lower(c), upper ? c + 0x20 : c);
		assert_int_equal(ascii_upper(c), lower ? c - 0x20 : c);
	}
}

static void test_hex(void **state)
{
	(void)state;
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	for (int c = -2; c < 300; c++) {
		const char *at = c > 0 && c < 256 ? strchr(digits, c) : NULL;
		assert_int_equal(ascii_hex_value(c), at ? (at - digits) % 16 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_classes), cmocka_unit_test(test_hex) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
