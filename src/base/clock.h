/* Where time comes from: one replaceable source, so that tests can move it. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Seconds and milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now(void);
int64_t clock_now_ms(void);
/* Milliseconds that never go back, for intervals and timeouts. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
/* Tests: adds to what clock_now and clock_now_ms say. */
void clock_shift_ms(int64_t by);

/* Civil date from seconds since 1970 (proleptic Gregorian), without libc's time zones. */
struct civil {
	int year, month /* 1..12 */, day /* 1..31 */, hour, minute, second, weekday /* 0 = Sunday */;
};
struct civil civil_from_unix(int64_t seconds);
int64_t civil_to_unix(const struct civil *c);     /* weekday is ignored; fields may be out of range by whole units */

#endif
