#include "base/clock.h"

#include <stdatomic.h>

/* Process-wide by contract: tests move the one clock that everybody reads. */
static _Atomic int64_t shift_ms;

int64_t clock_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + atomic_load_explicit(&shift_ms, memory_order_relaxed);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int64_t clock_now(void) { return floor_div(clock_now_ms(), 1000); }

uint64_t clock_mono_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void) { return clock_mono_us() / 1000; }

void clock_shift_ms(int64_t by) { atomic_fetch_add_explicit(&shift_ms, by, memory_order_relaxed); }

#define SECONDS_PER_DAY 86400
#define DAYS_PER_ERA 146097        /* 400 years, after which the calendar repeats */
#define DAYS_TO_EPOCH 719468       /* 0000-03-01 to 1970-01-01 */
#define CIVIL_SECONDS_MAX ((int64_t)1 << 55)        /* the year must fit an int */

/* Years are counted from March, so that the leap day is the last day of a year and month lengths follow one
 * linear formula: day (153 m + 2) / 5 of the year begins month m (0 = March). */
struct civil civil_from_unix(int64_t seconds)
{
	if (seconds > CIVIL_SECONDS_MAX)
		seconds = CIVIL_SECONDS_MAX;
	if (seconds < -CIVIL_SECONDS_MAX)
		seconds = -CIVIL_SECONDS_MAX;
	int64_t days = floor_div(seconds, SECONDS_PER_DAY);
	int in_day = (int)(seconds - days * SECONDS_PER_DAY);
	int64_t z = days + DAYS_TO_EPOCH;
	int64_t era = floor_div(z, DAYS_PER_ERA);
	int in_era = (int)(z - era * DAYS_PER_ERA);
	int year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int from_march = (5 * in_year + 2) / 153;
	int month = from_march < 10 ? from_march + 3 : from_march - 9;
	return (struct civil){
		.year = (int)(era * 400 + year_of_era + (month <= 2)),
		.month = month,
		.day = in_year - (153 * from_march + 2) / 5 + 1,
		.hour = in_day / 3600,
		.minute = in_day / 60 % 60,
		.second = in_day % 60,
		.weekday = (int)(((days + 4) % 7 + 7) % 7),        /* 1970-01-01 was a Thursday */
	};
}

int64_t civil_to_unix(const struct civil *c)
{
	int64_t months = (int64_t)c->month - 1;
	int64_t year = c->year + floor_div(months, 12);
	int month = (int)(months - floor_div(months, 12) * 12) + 1;
	year -= month <= 2;
	int64_t era = floor_div(year, 400);
	int year_of_era = (int)(year - era * 400);
	int in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
	int in_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + in_year;
	int64_t days = era * DAYS_PER_ERA + in_era - DAYS_TO_EPOCH + c->day - 1;
	return days * SECONDS_PER_DAY + (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
}
