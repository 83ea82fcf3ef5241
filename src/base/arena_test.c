#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static bool is_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_zeroed_and_aligned(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	for (int round = 0; round < 3; round++) {
		size_t total = 0;
		for (size_t n = 0; n < 3000; n += 13) {
			char *p = arena_alloc(&a, n);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
			assert_true(is_zero(p, n));
			memset(p, 0xaa, n);
			total += n;
		}
		assert_int_equal(a.used, total);
		arena_reset(&a);     /* what comes back from a used block must be zero again */
		assert_int_equal(a.used, 0);
	}
	arena_fini(&a);
	assert_null(a.head);
}

static void test_pieces_do_not_overlap(void **state)
{
	(void)state;
	enum { PIECES = 500 };
	struct arena a = ARENA_INIT(0);
	unsigned char *pieces[PIECES];
	for (size_t i = 0; i < PIECES; i++) {
		/* small ones, with some larger than a whole block between */
		size_t n = i % 50 == 7 ? 100000 : i + 1;
		pieces[i] = arena_alloc(&a, n);
		assert_non_null(pieces[i]);
		memset(pieces[i], (int)(i % 251), n);
	}
	for (size_t i = 0; i < PIECES; i++) {
		size_t n = i % 50 == 7 ? 100000 : i + 1;
		for (size_t k = 0; k < n; k++)
			assert_int_equal(pieces[i][k], i % 251);
	}
	arena_fini(&a);
}

static void test_ceiling(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(1000);
	assert_non_null(arena_alloc(&a, 600));
	assert_null(arena_alloc(&a, 401));
	assert_true(a.failed);
	assert_int_equal(arena_error(&a), ERR_TOO_BIG);
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_false(a.failed);
	assert_non_null(arena_alloc(&a, 1000));
	assert_false(a.failed);
	assert_null(arena_alloc(&a, 1));
	arena_fini(&a);
	assert_int_equal(a.max, 1000);
	assert_non_null(arena_alloc(&a, 1));
	arena_fini(&a);
}

static void test_overflow(void **state)
{
	(void)state;
	static const struct {
		size_t n, size;
	} table[] = { { SIZE_MAX, 2 }, { SIZE_MAX / 2 + 2, 2 }, { SIZE_MAX, 1 }, { SIZE_MAX - 15, 1 }, { 1, SIZE_MAX - 1 } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a = ARENA_INIT(SIZE_MAX);
		assert_null(arena_array(&a, table[i].n, table[i].size));
		assert_true(a.failed);
		arena_fini(&a);
	}
	struct arena a = ARENA_INIT(0);
	assert_non_null(arena_array(&a, 0, 8));
	uint64_t *numbers = arena_array(&a, 10, sizeof(*numbers));
	assert_true(numbers && numbers[9] == 0);
	assert_non_null(arena_new(&a, struct str));
	assert_false(a.failed);
	arena_fini(&a);
}

/* The block that a reset keeps holds nothing of before. */
static void test_wipe(void **state)
{
	(void)state;
	static const char zeros[64];
	struct arena a = ARENA_INIT(0);
	a.wipe = true;
	struct str secret = arena_dup(&a, STR("a secret of some length"));
	const char *was = secret.p;
	arena_reset(&a);
#ifndef __SANITIZE_ADDRESS__        /* there what is not handed out may not be read */
	assert_memory_equal(was, zeros, secret.n);
#else
	(void)was, (void)zeros;
#endif
	arena_fini(&a);
	assert_true(a.wipe);
}

static void test_copies(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct str s = arena_dup(&a, STR("a\0b"));
	assert_true(str_eq(s, STR("a\0b")));
	assert_int_equal(s.p[3], '\0');
	s = arena_dup(&a, STR_NONE);
	assert_true(s.p && s.n == 0 && s.p[0] == '\0');
	assert_string_equal(arena_dup_c(&a, STR("abc")), "abc");
	s = arena_printf(&a, "%s-%d", "x", 42);
	assert_true(str_eq(s, STR("x-42")));
	assert_int_equal(s.p[4], '\0');
	s = arena_printf(&a, "%70000d", 1);
	assert_int_equal(s.n, 70000);
	arena_fini(&a);

	arena_init(&a, 4);
	assert_true(str_eq(arena_dup(&a, STR("abc")), STR("abc")));
	s = arena_dup(&a, STR("a"));
	assert_true(!s.p && s.n == 0 && a.failed);
	s = arena_printf(&a, "%d", 1);
	assert_true(!s.p && s.n == 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned), cmocka_unit_test(test_pieces_do_not_overlap),
		cmocka_unit_test(test_ceiling),            cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_copies),             cmocka_unit_test(test_wipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
