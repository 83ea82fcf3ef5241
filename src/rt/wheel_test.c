#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/wheel.h"

#define COUNT 500

/* Time is a number here: no test waits. */
struct fixture {
	struct wheel wheel;
	struct wheel_timer timers[COUNT];
	uint64_t fired_at[COUNT];
	uint64_t now;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->now = 1000000;
	wheel_init(&f->wheel, f->now);
	for (size_t i = 0; i < COUNT; i++)
		f->timers[i].key = i;
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;
	wheel_fini(&f->wheel);
	free(f);
	return 0;
}

static void move_to(struct fixture *f, uint64_t now)
{
	uint64_t key;
	f->now = now;
	while (wheel_expire(&f->wheel, now, &key))
		f->fired_at[key] = now;
}

/* As the carrier does: sleeps to the time that the wheel names. */
static void run_until(struct fixture *f, uint64_t end)
{
	while (f->now < end) {
		uint64_t next = wheel_next(&f->wheel);
		assert_true(next > f->now);
		move_to(f, next < end ? next : end);
	}
}

static void test_fires_in_time(void **state)
{
	struct fixture *f = *state;
	/* from "at once" to several turns of the wheel */
	for (size_t i = 0; i < COUNT; i++)
		wheel_set(&f->wheel, &f->timers[i], f->now + i * i * 3);
	uint64_t begin = f->now;
	run_until(f, f->now + (uint64_t)COUNT * COUNT * 3 + 10000);
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(f->fired_at[i] > begin + i * i * 3);
		assert_true(f->fired_at[i] <= begin + i * i * 3 + 2ull * WHEEL_TICK_MS);
	}
	assert_int_equal(wheel_next(&f->wheel), UINT64_MAX);
}

static void test_later_earlier_never(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = f->now;
	wheel_set(&f->wheel, &f->timers[0], begin + 1000);
	wheel_set(&f->wheel, &f->timers[1], begin + 500000);
	wheel_set(&f->wheel, &f->timers[2], begin + 1000);
	wheel_set(&f->wheel, &f->timers[3], begin + 1000);
	run_until(f, begin + 500);
	wheel_set(&f->wheel, &f->timers[0], begin + 300000);        /* later */
	wheel_set(&f->wheel, &f->timers[1], begin + 2000);          /* earlier */
	wheel_set(&f->wheel, &f->timers[2], 0);                     /* never */
	wheel_remove(&f->wheel, &f->timers[3]);
	run_until(f, begin + 600000);
	assert_in_range(f->fired_at[0], begin + 300000, begin + 300200);
	assert_in_range(f->fired_at[1], begin + 2000, begin + 2200);
	assert_int_equal(f->fired_at[2], 0);
	assert_int_equal(f->fired_at[3], 0);
}

static void test_sleeper_is_woken(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(wheel_next(&f->wheel), UINT64_MAX);
	assert_true(wheel_set(&f->wheel, &f->timers[0], f->now + 60000));
	wheel_next(&f->wheel);
	assert_false(wheel_set(&f->wheel, &f->timers[1], f->now + 90000));
	assert_true(wheel_set(&f->wheel, &f->timers[2], f->now + 300));
	wheel_next(&f->wheel);
	assert_false(wheel_set(&f->wheel, &f->timers[2], f->now + 30000));        /* later: no lock, no wake */
}

/* The carrier slept long: nobody is forgotten and nothing loops. */
static void test_long_sleep(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < COUNT; i++)
		wheel_set(&f->wheel, &f->timers[i], f->now + 1 + i * 10);
	move_to(f, f->now + 10ull * 3600 * 1000);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(f->fired_at[i], f->now);
	uint64_t now = f->now;
	wheel_set(&f->wheel, &f->timers[7], now + 102400);
	run_until(f, now + 200000);
	assert_in_range(f->fired_at[7], now + 102400, now + 102600);
}

/* Random moves against a plain list of deadlines. */
static void test_random(void **state)
{
	struct fixture *f = *state;
	static uint64_t deadline[COUNT];
	uint64_t dice = 88172645463325252ull;
	memset(deadline, 0, sizeof(deadline));
	for (int round = 0; round < 20000; round++) {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		size_t i = dice % COUNT;
		deadline[i] = f->now + 1 + (dice >> 20) % ((dice >> 50) % 2 ? 2000 : 400000);
		f->fired_at[i] = 0;
		wheel_set(&f->wheel, &f->timers[i], deadline[i]);
		move_to(f, f->now + (dice >> 40) % 50);
		for (size_t k = 0; k < COUNT; k++) {
			if (deadline[k] == 0)
				continue;
			if (f->fired_at[k] != 0) {
				assert_true(f->fired_at[k] >= deadline[k]);
				deadline[k] = 0;
			} else {
				assert_true(f->now < deadline[k] + 2ull * WHEEL_TICK_MS);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fires_in_time, make, drop),
		cmocka_unit_test_setup_teardown(test_later_earlier_never, make, drop),
		cmocka_unit_test_setup_teardown(test_sleeper_is_woken, make, drop),
		cmocka_unit_test_setup_teardown(test_long_sleep, make, drop),
		cmocka_unit_test_setup_teardown(test_random, make, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
