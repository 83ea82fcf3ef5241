#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"

#include <stdbool.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_civil(void **state)
{
	(void)state;
	static const struct {
		int64_t seconds;
		struct civil civil;
	} table[] = {
		{ 0, { 1970, 1, 1, 0, 0, 0, 4 } },
		{ -1, { 1969, 12, 31, 23, 59, 59, 3 } },
		{ 86399, { 1970, 1, 1, 23, 59, 59, 4 } },
		{ 951782400, { 2000, 2, 29, 0, 0, 0, 2 } },        /* leap: divisible by 400 */
		{ -2203891200, { 1900, 3, 1, 0, 0, 0, 4 } },       /* not leap: the day before is 28 February */
		{ -2203891201, { 1900, 2, 28, 23, 59, 59, 3 } },
		{ 1000000000, { 2001, 9, 9, 1, 46, 40, 0 } },
		{ 1234567890, { 2009, 2, 13, 23, 31, 30, 5 } },
		{ 2147483647, { 2038, 1, 19, 3, 14, 7, 2 } },
		{ 2147483648, { 2038, 1, 19, 3, 14, 8, 2 } },
		{ 4102444800, { 2100, 1, 1, 0, 0, 0, 5 } },
		{ 253402300799, { 9999, 12, 31, 23, 59, 59, 5 } },
		{ -62135596800, { 1, 1, 1, 0, 0, 0, 1 } },
		{ -62167219200, { 0, 1, 1, 0, 0, 0, 6 } },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct civil c = civil_from_unix(table[i].seconds);
		const struct civil *e = &table[i].civil;
		assert_int_equal(c.year, e->year);
		assert_int_equal(c.month, e->month);
		assert_int_equal(c.day, e->day);
		assert_int_equal(c.hour, e->hour);
		assert_int_equal(c.minute, e->minute);
		assert_int_equal(c.second, e->second);
		assert_int_equal(c.weekday, e->weekday);
		assert_int_equal(civil_to_unix(e), table[i].seconds);
	}
}

/* Every day of 800 years, counted by the plain rules of the calendar. */
static void test_every_day(void **state)
{
	(void)state;
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t at = -11676096000;        /* 1600-01-01, a Saturday */
	int weekday = 6;
	for (int year = 1600; year < 2400; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		for (int month = 1; month <= 12; month++) {
			for (int day = 1; day <= lengths[month - 1] + (leap && month == 2); day++) {
				struct civil c = civil_from_unix(at + 43210);
				assert_true(c.year == year && c.month == month && c.day == day && c.weekday == weekday);
				assert_int_equal(civil_to_unix(&c), at + 43210);
				at += 86400;
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

static void test_out_of_range(void **state)
{
	(void)state;
	static const struct {
		struct civil odd;
		int64_t seconds;
	} table[] = {
		{ { 1970, 13, 1, 0, 0, 0, 0 }, INT64_C(365) * 86400 },
		{ { 1970, 0, 1, 0, 0, 0, 0 }, INT64_C(-31) * 86400 },
		{ { 1970, -11, 1, 0, 0, 0, 0 }, INT64_C(-365) * 86400 },
		{ { 1970, 1, 32, 0, 0, 0, 0 }, INT64_C(31) * 86400 },
		{ { 1970, 1, 0, 0, 0, 0, 0 }, -86400 },
		{ { 1970, 1, 1, 24, 0, 0, 0 }, 86400 },
		{ { 1970, 1, 1, 0, -90, 0, 0 }, -5400 },
		{ { 1970, 1, 1, 0, 0, 60, 0 }, 60 },        /* a leap second runs into the next minute */
		{ { 2024, 2, 30, 0, 0, 0, 0 }, 1709251200 },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(civil_to_unix(&table[i].odd), table[i].seconds);
	struct civil c = civil_from_unix(INT64_MAX);
	assert_true(c.year > 1000000000 && c.month >= 1 && c.month <= 12);
	c = civil_from_unix(INT64_MIN);
	assert_true(c.year < -1000000000 && c.weekday >= 0 && c.weekday <= 6);
}

static void test_clocks(void **state)
{
	(void)state;
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_now(), now_ms = clock_now_ms();
	assert_true(now >= before && now <= before + 60);
	assert_true(now_ms / 1000 >= now && now_ms / 1000 <= now + 60);
	uint64_t us = clock_mono_us(), ms = clock_mono_ms();
	assert_true(us / 1000 <= ms);
	clock_shift_ms(-7200000);
	assert_true(clock_now() <= now - 7200 + 60 && clock_now() >= now - 7200);
	assert_true(clock_mono_ms() >= ms);
	clock_shift_ms(7200000);
	assert_true(clock_now() >= now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_civil),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_out_of_range),
		cmocka_unit_test(test_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
