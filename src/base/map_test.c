#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/map.h"

enum { MANY = 5000 };

static struct str key_of(size_t i, char *room, size_t size)
{
	int n = snprintf(room, size, "key-%zu", i);
	return str_make(room, (size_t)n);
}

static void test_basics(void **state)
{
	(void)state;
	struct map *m;
	int a = 1, b = 2;
	assert_int_equal(map_create(&m), 0);
	assert_null(map_get(m, STR("x")));
	assert_null(map_remove(m, STR("x")));
	char key[] = "x";
	assert_int_equal(map_put(m, str_from_c(key), &a), 0);
	key[0] = 'y';        /* keys are copied */
	assert_ptr_equal(map_get(m, STR("x")), &a);
	assert_null(map_get(m, STR("y")));
	assert_int_equal(map_put(m, STR("x"), &b), 0);
	assert_ptr_equal(map_get(m, STR("x")), &b);
	assert_int_equal(map_count(m), 1);
	/* bytes, not strings */
	assert_int_equal(map_put(m, STR("x\0"), &a), 0);
	assert_int_equal(map_put(m, STR_NONE, &a), 0);
	assert_ptr_equal(map_get(m, STR("x")), &b);
	assert_ptr_equal(map_get(m, STR("")), &a);
	assert_int_equal(map_count(m), 3);
	assert_ptr_equal(map_remove(m, STR("x")), &b);
	assert_null(map_get(m, STR("x")));
	assert_int_equal(map_count(m), 2);
	map_destroy(&m);
	assert_null(m);
	map_destroy(&m);
	map_destroy(NULL);
}

static void test_many(void **state)
{
	(void)state;
	static int values[MANY];
	struct map *m;
	char room[32];
	assert_int_equal(map_create(&m), 0);
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(map_put(m, key_of(i, room, sizeof(room)), &values[i]), 0);
		assert_int_equal(map_count(m), MANY);
		for (size_t i = 0; i < MANY; i += 2)
			assert_ptr_equal(map_remove(m, key_of(i, room, sizeof(room))), &values[i]);
		for (size_t i = 0; i < MANY; i++)
			assert_ptr_equal(map_get(m, key_of(i, room, sizeof(room))), i % 2 ? &values[i] : NULL);
		assert_int_equal(map_count(m), MANY / 2);
	}
	map_destroy(&m);
}

/* A few live entries with endless turnover: removed slots must neither fill the table nor stop a search. */
static void test_turnover(void **state)
{
	(void)state;
	struct map *m;
	char room[32];
	int value;
	assert_int_equal(map_create(&m), 0);
	for (size_t i = 0; i < 20000; i++) {
		assert_int_equal(map_put(m, key_of(i, room, sizeof(room)), &value), 0);
		if (i >= 10)
			assert_ptr_equal(map_remove(m, key_of(i - 10, room, sizeof(room))), &value);
		assert_null(map_get(m, STR("absent")));
	}
	assert_int_equal(map_count(m), 10);
	map_destroy(&m);
}

static void test_iterate(void **state)
{
	(void)state;
	int seen[MANY] = { 0 };
	struct map *m;
	char room[32];
	size_t pos = 0;
	struct str key;
	void *value;
	assert_int_equal(map_create(&m), 0);
	assert_false(map_next(m, &pos, &key, &value));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(map_put(m, key_of(i, room, sizeof(room)), &seen[i]), 0);
	/* Removing what is visited disturbs nothing: each is seen once. */
	for (pos = 0; map_next(m, &pos, &key, &value);) {
		size_t i = (size_t)((int *)value - seen);
		assert_true(str_eq(key, key_of(i, room, sizeof(room))));
		seen[i]++;
		if (i % 3)
			assert_ptr_equal(map_remove(m, key_of(i, room, sizeof(room))), value);
	}
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	size_t left = 0;
	for (pos = 0; map_next(m, &pos, &key, &value); left++)
		assert_int_equal(((int *)value - seen) % 3, 0);
	assert_int_equal(left, map_count(m));
	assert_int_equal(left, (MANY + 2) / 3);
	map_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_turnover),
		cmocka_unit_test(test_iterate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
