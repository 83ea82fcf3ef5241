#include "base/array.h"

#include <stdbool.h>
#include <stdlib.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static bool memory_is_out;
void *reallocarray(void *p, size_t n, size_t size) { return memory_is_out ? NULL : realloc(p, n * size); }

static void grows_and_keeps(void **state)
{
	(void)state;
	uint32_t *v = NULL;
	size_t n = 0, cap = 0;
	for (uint32_t i = 0; i < 10000; i++) {
		size_t before = cap;
		uint32_t *w = array_room(v, n, &cap, sizeof *v);
		assert_non_null(w);
		assert_true(n < cap && (cap == before || cap >= 2 * before));
		v = w;
		v[n++] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(v[i], i);
	free(v);
}

static void nothing_is_lost_without_memory(void **state)
{
	(void)state;
	size_t cap = 0;
	char *v = array_room(NULL, 0, &cap, 1), *before = v;
	assert_non_null(v);
	v[0] = 'x';
	size_t held = cap;
	memory_is_out = true;
	assert_ptr_equal(array_room(v, cap - 1, &cap, 1), v);
	assert_null(array_room(v, cap, &cap, 1));
	memory_is_out = false;
	assert_int_equal(cap, held);
	assert_true(before == v && v[0] == 'x');
	free(v);
	cap = SIZE_MAX / 2 + 2;
	assert_null(array_room(NULL, cap, &cap, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(grows_and_keeps), cmocka_unit_test(nothing_is_lost_without_memory) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
