#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/brake.h"
#include "directory/limits.h"

#define WINDOW 60000u
#define START ((uint64_t)1000 * WINDOW)

static struct brake *make(unsigned limit)
{
	struct brake *b;
	assert_int_equal(brake_create(limit, WINDOW, &b), 0);
	return b;
}

static void fail_times(struct brake *b, const char *ip, int n, uint64_t now)
{
	for (int i = 0; i < n; i++)
		brake_tells(b, str_from_c(ip), true, 0, now);
}

static void test_networks(void **state)
{
	(void)state;
	struct brake *b = make(3);
	static const char *const apart[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "::1", "fe80::1" };
	for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
		assert_false(brake_blocks(b, str_from_c(apart[i]), START));
		fail_times(b, apart[i], 3, START);
		assert_true(brake_blocks(b, str_from_c(apart[i]), START));
	}
	/* one /64 is one network, and a mapped address is the address */
	assert_true(brake_blocks(b, STR("2001:db8::ffff:ffff:ffff:ffff"), START));
	assert_true(brake_blocks(b, STR("::ffff:192.0.2.1"), START));
	/* what is no address is nobody */
	static const char *const nobody[] = { "", "unix", "192.0.2",
										  "2001:db8::1%eth0-and-some-more-text-that-is-far-too-long-for-it" };
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		fail_times(b, nobody[i], 10, START);
		assert_false(brake_blocks(b, str_from_c(nobody[i]), START));
	}
	brake_destroy(&b);
	assert_null(b);
}

static void test_window_slides(void **state)
{
	(void)state;
	struct brake *b = make(10);
	struct str ip = STR("192.0.2.1");
	fail_times(b, "192.0.2.1", 9, START + WINDOW - 1);
	assert_false(brake_blocks(b, ip, START + WINDOW - 1));
	/* a new window does not begin with a clean slate: the nine are still counted */
	fail_times(b, "192.0.2.1", 1, START + WINDOW);
	assert_true(brake_blocks(b, ip, START + WINDOW));
	/* they fade: half of them after half a window, gone after two */
	assert_false(brake_blocks(b, ip, START + WINDOW + WINDOW / 2));
	fail_times(b, "192.0.2.1", 6, START + WINDOW + WINDOW / 2);
	assert_true(brake_blocks(b, ip, START + WINDOW + WINDOW / 2));
	assert_false(brake_blocks(b, ip, START + 3 * WINDOW));
	brake_destroy(&b);
}

static void test_guesses(void **state)
{
	(void)state;
	struct brake *b = make(10);
	struct str ip = STR("2001:db8::7"), neighbour = STR("2001:db8:0:1::7");
	assert_false(brake_knows_guess(b, ip, 77, START));
	assert_true(brake_tells(b, ip, true, 77, START));
	assert_true(brake_knows_guess(b, ip, 77, START));
	assert_true(brake_knows_guess(b, ip, 77, START + WINDOW));
	assert_false(brake_knows_guess(b, ip, 78, START));
	assert_false(brake_knows_guess(b, neighbour, 77, START));
	assert_false(brake_knows_guess(b, ip, 77, START + 2 * WINDOW));
	for (uint64_t g = 1; g <= BRAKE_GUESSES + 1; g++)
		assert_true(brake_tells(b, ip, true, g, START + 2 * WINDOW));
	assert_false(brake_knows_guess(b, ip, 1, START + 2 * WINDOW));
	for (uint64_t g = 2; g <= BRAKE_GUESSES + 1; g++)
		assert_true(brake_knows_guess(b, ip, g, START + 2 * WINDOW));
	brake_destroy(&b);
}

/* An attacker with very many addresses cannot make the table grow; who fails most is remembered longest. */
static void test_flood(void **state)
{
	(void)state;
	struct brake *b = make(10);
	fail_times(b, "192.0.2.1", 10, START);
	for (unsigned i = 0; i < 3 * BRAKE_SLOTS; i++) {
		char ip[40];
		snprintf(ip, sizeof(ip), "2001:db8:%x:%x::1", i >> 16, i & 0xffff);
		brake_tells(b, str_from_c(ip), true, 0, START + 1);
	}
	assert_true(brake_blocks(b, STR("192.0.2.1"), START + 1));
	brake_destroy(&b);
}

/* Of accounts: over the limit one is let through now and then. */
static void test_trickle(void **state)
{
	(void)state;
	struct brake *b = make(3);
	for (int i = 0; i < 3; i++) {
		assert_true(brake_admits(b, 77, 1000, START));
		assert_true(brake_tells_of(b, 77, true, 1000, START));
	}
	/* to be let in is one thing, to be told another */
	assert_true(brake_admits(b, 77, 1000, START));
	assert_true(brake_admits(b, 77, 1000, START));
	assert_true(brake_tells_of(b, 77, true, 1000, START));
	assert_false(brake_admits(b, 77, 1000, START));
	assert_false(brake_tells_of(b, 77, false, 1000, START));
	assert_false(brake_tells_of(b, 77, true, 1000, START + 999));
	assert_true(brake_tells_of(b, 77, false, 1000, START + 1000));
	assert_false(brake_admits(b, 77, 1000, START + 1001));
	assert_true(brake_admits(b, 78, 1000, START));
	assert_true(brake_admits(b, 77, 1000, START + 2 * WINDOW));
	assert_true(brake_admits(b, 77, 1000, START + 2 * WINDOW));
	brake_destroy(&b);
}

/* Attempts are counted when they are told, and told as long as there is room for one. */
static void test_told(void **state)
{
	(void)state;
	struct brake *b = make(3);
	struct str ip = STR("192.0.2.1");
	for (uint64_t guess = 1; guess <= 3; guess++) {
		assert_true(brake_tells(b, ip, false, 0, START));
		assert_true(brake_tells(b, ip, true, guess, START));
		assert_true(brake_knows_guess(b, ip, guess, START));
	}
	assert_false(brake_tells(b, ip, true, 4, START));
	assert_false(brake_knows_guess(b, ip, 4, START));
	assert_false(brake_tells(b, ip, false, 0, START));
	assert_true(brake_tells(b, STR("192.0.2.2"), true, 4, START));
	/* what was not told was not counted either */
	for (int i = 0; i < 100; i++)
		assert_false(brake_tells(b, ip, true, 5, START));
	assert_true(brake_tells(b, ip, false, 0, START + WINDOW + 1));
	brake_destroy(&b);
}

static void test_same_guess(void **state)
{
	(void)state;
	struct brake *b = make(3);
	for (int i = 0; i < 100; i++)
		assert_true(brake_tells(b, STR("192.0.2.1"), true, 77, START));
	assert_false(brake_blocks(b, STR("192.0.2.1"), START));
	brake_destroy(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks), cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_window_slides),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_same_guess),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
