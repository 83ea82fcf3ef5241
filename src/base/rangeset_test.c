#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/rangeset.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Stands in for libc's in this program, so that memory can run out on demand. */
static bool memory_is_out;
void *reallocarray(void *p, size_t n, size_t size) { return memory_is_out ? NULL : realloc(p, n * size); }

static void assert_set(const struct rangeset *s, const char *expected)
{
	struct buf b = BUF_INIT(0);
	rangeset_format(s, &b);
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, expected);
	buf_fini(&b);
	for (size_t i = 1; i < s->n; i++)
		assert_true(s->v[i].lo > s->v[i - 1].hi && s->v[i].lo - s->v[i - 1].hi > 1);
}

static void test_steps(void **state)
{
	(void)state;
	static const struct {
		char what;
		uint32_t lo, hi;
		const char *after;
	} table[] = {
		{ '+', 5, 5, "5" },
		{ '+', 6, 6, "5:6" },                 /* neighbours merge */
		{ '+', 8, 8, "5:6,8" },
		{ '+', 7, 7, "5:8" },                 /* the gap closes */
		{ '+', 2, 3, "2:3,5:8" },
		{ '+', 20, 10, "2:3,5:8,10:20" },     /* swapped */
		{ '+', 12, 15, "2:3,5:8,10:20" },     /* inside */
		{ '+', 3, 10, "2:20" },               /* over several */
		{ '-', 30, 40, "2:20" },
		{ '-', 1, 1, "2:20" },
		{ '-', 5, 7, "2:4,8:20" },            /* split */
		{ '-', 20, 20, "2:4,8:19" },
		{ '-', 2, 2, "3:4,8:19" },
		{ '-', 15, 9, "3:4,8,16:19" },        /* swapped */
		{ '-', 4, 17, "3,18:19" },
		{ '+', 0, 0, "0,3,18:19" },
		{ '+', UINT32_MAX, UINT32_MAX, "0,3,18:19,4294967295" },
		{ '+', UINT32_MAX - 1, UINT32_MAX - 1, "0,3,18:19,4294967294:4294967295" },
		{ '+', 0, UINT32_MAX, "0:4294967295" },
		{ '-', 0, 0, "1:4294967295" },
		{ '-', UINT32_MAX, UINT32_MAX, "1:4294967294" },
		{ '-', 0, UINT32_MAX, "" },
		{ '-', 0, UINT32_MAX, "" },
	};
	struct rangeset s = RANGESET_INIT;
	for (size_t i = 0; i < COUNT(table); i++) {
		if (table[i].what == '+')
			assert_int_equal(rangeset_add(&s, table[i].lo, table[i].hi), 0);
		else
			rangeset_remove(&s, table[i].lo, table[i].hi);
		assert_set(&s, table[i].after);
	}
	rangeset_fini(&s);
	assert_null(s.v);
}

/* Random additions and removals against a plain table of yes and no. */
static void test_against_model(void **state)
{
	(void)state;
	enum { UNIVERSE = 200 };
	bool model[UNIVERSE] = { false };
	struct rangeset s = RANGESET_INIT;
	uint32_t random = 12345;
	for (int round = 0; round < 20000; round++) {
		random = random * 1664525 + 1013904223;
		uint32_t lo = (random >> 8) % UNIVERSE, hi = lo + (random >> 20) % 12;
		bool add = random >> 31;
		if (hi >= UNIVERSE)
			hi = UNIVERSE - 1;
		if (add)
			assert_int_equal(rangeset_add(&s, lo, hi), 0);
		else
			rangeset_remove(&s, lo, hi);
		uint64_t count = 0;
		for (uint32_t v = 0; v < UNIVERSE; v++) {
			if (v >= lo && v <= hi)
				model[v] = add;
			count += model[v];
			assert_int_equal(rangeset_has(&s, v), model[v]);
		}
		assert_int_equal(rangeset_count(&s), count);
		for (size_t i = 1; i < s.n; i++)
			assert_true(s.v[i].lo - s.v[i - 1].hi > 1);
	}
	rangeset_fini(&s);
}

static void test_count_and_has(void **state)
{
	(void)state;
	struct rangeset s = RANGESET_INIT;
	assert_int_equal(rangeset_count(&s), 0);
	assert_false(rangeset_has(&s, 0));
	rangeset_add(&s, 0, UINT32_MAX);
	assert_int_equal(rangeset_count(&s), UINT64_C(1) << 32);
	assert_true(rangeset_has(&s, 0) && rangeset_has(&s, UINT32_MAX));
	rangeset_clear(&s);
	assert_int_equal(rangeset_count(&s), 0);
	rangeset_fini(&s);
}

static void test_copy(void **state)
{
	(void)state;
	struct rangeset a = RANGESET_INIT, b = RANGESET_INIT;
	assert_int_equal(rangeset_copy(&b, &a), 0);
	assert_set(&b, "");
	for (uint32_t v = 1; v < 20; v += 2)
		rangeset_add(&a, v, v);
	rangeset_add(&b, 100, 200);
	assert_int_equal(rangeset_copy(&b, &a), 0);
	rangeset_add(&a, 500, 500);
	assert_set(&b, "1,3,5,7,9,11,13,15,17,19");
	assert_int_equal(rangeset_copy(&b, &b), 0);
	assert_set(&b, "1,3,5,7,9,11,13,15,17,19");
	rangeset_fini(&a);
	rangeset_fini(&b);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	struct rangeset s = RANGESET_INIT, copy = RANGESET_INIT;
	for (uint32_t v = 0; s.n < 4; v += 10)
		rangeset_add(&s, v, v + 5);
	assert_int_equal(s.n, s.cap);
	memory_is_out = true;
	assert_int_equal(rangeset_add(&s, 100, 100), ERR_NO_MEMORY);
	assert_set(&s, "0:5,10:15,20:25,30:35");
	assert_int_equal(rangeset_add(&s, 6, 9), 0);        /* merging needs none */
	assert_int_equal(rangeset_copy(&copy, &s), ERR_NO_MEMORY);
	assert_set(&copy, "");
	rangeset_add(&s, 50, 59);
	rangeset_remove(&s, 53, 53);        /* no room for the split: the larger part is kept */
	assert_set(&s, "0:15,20:25,30:35,54:59");
	rangeset_remove(&s, 12, 12);
	assert_set(&s, "0:11,20:25,30:35,54:59");
	memory_is_out = false;
	rangeset_fini(&s);
	rangeset_fini(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps), cmocka_unit_test(test_against_model), cmocka_unit_test(test_count_and_has),
		cmocka_unit_test(test_copy),  cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
