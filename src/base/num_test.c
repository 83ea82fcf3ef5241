#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define UNTOUCHED 77

static void test_integers(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		bool fits32, fits64;
		uint64_t v;
	} table[] = {
		{ STR_INIT("0"), true, true, 0 },
		{ STR_INIT("007"), true, true, 7 },
		{ STR_INIT("4294967295"), true, true, UINT32_MAX },
		{ STR_INIT("4294967296"), false, true, UINT64_C(4294967296) },
		{ STR_INIT("18446744073709551615"), false, true, UINT64_MAX },
		{ STR_INIT("18446744073709551616"), false, false, 0 },
		{ STR_INIT("18446744073709551620"), false, false, 0 },
		{ STR_INIT("99999999999999999999999999"), false, false, 0 },
		{ STR_INIT("00000000000000000000000000000000000001"), true, true, 1 },
		{ STR_INIT(""), false, false, 0 },
		{ { NULL, 0 }, false, false, 0 },
		{ STR_INIT("+1"), false, false, 0 },
		{ STR_INIT("-1"), false, false, 0 },
		{ STR_INIT(" 1"), false, false, 0 },
		{ STR_INIT("1 "), false, false, 0 },
		{ STR_INIT("1\0"), false, false, 0 },
		{ STR_INIT("0x10"), false, false, 0 },
		{ STR_INIT("1e3"), false, false, 0 },
		{ STR_INIT("/"), false, false, 0 },
		{ STR_INIT(":"), false, false, 0 },
		{ STR_INIT("\xd9\xa1"), false, false, 0 },        /* ARABIC-INDIC DIGIT ONE */
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		uint32_t v32 = UNTOUCHED;
		uint64_t v64 = UNTOUCHED;
		assert_int_equal(num_parse_u32(table[i].text, &v32), table[i].fits32);
		assert_int_equal(v32, table[i].fits32 ? table[i].v : UNTOUCHED);
		assert_int_equal(num_parse_u64(table[i].text, &v64), table[i].fits64);
		assert_int_equal(v64, table[i].fits64 ? table[i].v : UNTOUCHED);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		bool fine;
		uint64_t v;
	} table[] = {
		{ STR_INIT("0"), true, 0 },
		{ STR_INIT("10"), true, 10 },
		{ STR_INIT("64k"), true, 65536 },
		{ STR_INIT("64K"), true, 65536 },
		{ STR_INIT("10M"), true, 10485760 },
		{ STR_INIT("2G"), true, UINT64_C(2147483648) },
		{ STR_INIT("17179869183G"), true, UINT64_C(17179869183) << 30 },
		{ STR_INIT("17179869184G"), false, 0 },
		{ STR_INIT("k"), false, 0 },
		{ STR_INIT(""), false, 0 },
		{ STR_INIT("1kk"), false, 0 },
		{ STR_INIT("1.5M"), false, 0 },
		{ STR_INIT("1KB"), false, 0 },
		{ STR_INIT("10 M"), false, 0 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		uint64_t v = UNTOUCHED;
		assert_int_equal(num_parse_size(table[i].text, &v), table[i].fine);
		assert_int_equal(v, table[i].fine ? table[i].v : UNTOUCHED);
	}
}

static void test_durations(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		bool fine;
		uint64_t ms;
	} table[] = {
		{ STR_INIT("0"), true, 0 },
		{ STR_INIT("30"), true, 30000 },
		{ STR_INIT("30s"), true, 30000 },
		{ STR_INIT("10m"), true, 600000 },
		{ STR_INIT("2h"), true, 7200000 },
		{ STR_INIT("7d"), true, 604800000 },
		{ STR_INIT("18446744073709551s"), true, UINT64_C(18446744073709551000) },
		{ STR_INIT("18446744073709552s"), false, 0 },
		{ STR_INIT("18446744073709551615"), false, 0 },
		{ STR_INIT("s"), false, 0 },
		{ STR_INIT(""), false, 0 },
		{ STR_INIT("10ms"), false, 0 },
		{ STR_INIT("1w"), false, 0 },
		{ STR_INIT("-1s"), false, 0 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		uint64_t v = UNTOUCHED;
		assert_int_equal(num_parse_duration(table[i].text, &v), table[i].fine);
		assert_int_equal(v, table[i].fine ? table[i].ms : UNTOUCHED);
	}
}

static void test_format(void **state)
{
	(void)state;
	static const uint64_t values[] = { 0, 9, 10, 99, 100, 4294967295, 9999999999999999999u, UINT64_MAX };
	for (size_t i = 0; i < COUNT(values); i++) {
		char dst[21], expected[21];
		memset(dst, '#', sizeof(dst));
		int n = snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
		assert_int_equal(num_format_u64(dst, values[i]), n);
		assert_memory_equal(dst, expected, (size_t)n);
		assert_int_equal(dst[n], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
