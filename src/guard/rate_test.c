#include "guard/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_window(void **state)
{
	static const struct { int64_t now; uint32_t add, sum; } table[] = {
		{ 7200, 0, 0 },          /* nothing is made by looking */
		{ 7200, 1, 1 }, { 7200, 3, 4 }, { 10799, 6, 10 },
		{ 10800, 0, 10 },        /* the next hour begins: all of the last still counts */
		{ 12600, 0, 5 },         /* half of it */
		{ 12600, 1, 6 }, { 14399, 0, 1 },
		{ 18000, 0, 0 },         /* two hours on */
		{ 18000, UINT32_MAX, UINT32_MAX }, { 18000, 5, UINT32_MAX },
		{ 10000, 1, 1 },         /* the clock was set back */
	};
	struct ledger *l;

	(void)state;
	assert_int_equal(ledger_open(NULL, 'x', 16, &l), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(rate_count(l, 77, 3600, table[i].now, table[i].add), table[i].sum);
	assert_int_equal(rate_count(l, 78, 3600, 10000, 0), 0);
	ledger_close(&l);
}

static void test_take(void **state)
{
	struct ledger *l;

	(void)state;
	assert_int_equal(ledger_open(NULL, 'x', 16, &l), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(rate_take(l, 77, 3600, 7200, 3), i < 3);
	assert_int_equal(rate_count(l, 77, 3600, 7200, 0), 3);
	rate_give_back(l, 77, 3600, 7200);
	assert_true(rate_take(l, 77, 3600, 7200, 3));
	assert_false(rate_take(l, 77, 3600, 7200, 3));
	assert_false(rate_take(l, 77, 3600, 10800, 3));          /* all of the last hour still counts */
	assert_true(rate_take(l, 77, 3600, 14399, 3));
	assert_false(rate_take(l, 78, 3600, 7200, 0));
	rate_give_back(l, 79, 3600, 7200);
	assert_int_equal(rate_count(l, 79, 3600, 7200, 0), 0);
	ledger_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_window), cmocka_unit_test(test_take) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
