#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "rt/fault.h"

static void test_plans(void **state)
{
	(void)state;
	static const struct { const char *plan; int result; } cases[] = {
		{ NULL, 0 },           { "", 0 },
		{ "a=1", 0 },          { "a=1/100, b=3", 0 },
		{ "a", ERR_INVALID },  { "a=", ERR_INVALID },   { "a=0", ERR_INVALID }, { "a=1/0", ERR_INVALID },
		{ "=1", ERR_INVALID }, { "a=2/3", ERR_INVALID }, { "a=x", ERR_INVALID }, { "a=1,,b=1", ERR_INVALID },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (fault_setup(cases[i].plan) != cases[i].result)
			fail_msg("%s", cases[i].plan);
	fault_setup(NULL);
}

static void test_hits(void **state)
{
	(void)state;
	assert_false(fault_hit("store.fsync"));
	assert_int_equal(fault_setup("store.fsync=3,often=1/4"), 0);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(fault_hit("store.fsync"), i == 3);
	assert_false(fault_hit("store.fsyn"));
	int hits = 0;
	for (int i = 0; i < 4000; i++)
		hits += fault_hit("often");
	assert_in_range(hits, 800, 1200);
	assert_int_equal(fault_setup(""), 0);
	assert_false(fault_hit("often"));
}

/* A plan that is refused changes nothing. */
static void test_bad_plan_keeps_old(void **state)
{
	(void)state;
	assert_int_equal(fault_setup("a=1/1"), 0);
	assert_int_equal(fault_setup("b=1/1,oops"), ERR_INVALID);
	assert_true(fault_hit("a"));
	assert_false(fault_hit("b"));
	fault_setup(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plans), cmocka_unit_test(test_hits), cmocka_unit_test(test_bad_plan_keeps_old) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
