/* Counts by day and domain: merged, kept apart, bounded, forgotten. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/limits.h"
#include "report/tally.h"

#include <pthread.h>

static int setup(void **state)
{
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store *s;
	assert_int_equal(store_open(&config, &s, NULL), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct store *s = *state;
	store_close(&s);
	return 0;
}

static uint64_t sum(struct tally *t, enum tally_kind kind, uint32_t day, struct str domain, size_t *n_out)
{
	struct arena a = ARENA_INIT(0);
	struct tally_row *rows;
	struct tally_domain d = { day, domain };
	uint64_t total = 0;
	assert_int_equal(tally_rows(t, kind, &d, &a, &rows, n_out), 0);
	for (size_t i = 0; i < *n_out; i++)
		total += rows[i].count;
	arena_fini(&a);
	return total;
}

static void test_counts(void **state)
{
	struct tally *t;
	size_t n;
	assert_int_equal(tally_create(*state, &t), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++)
			tally_add(t, TALLY_DMARC, 7, STR("example.org"), STR("a"));
		tally_add(t, TALLY_DMARC, 7, STR("example.org"), STR("b"));
		tally_add(t, TALLY_DMARC, 8, STR("example.org"), STR("a"));
		tally_add(t, TALLY_DMARC, 7, STR("example.organ"), STR("a"));
		tally_add(t, TALLY_TLS, 7, STR("example.org"), STR("a"));
		assert_int_equal(tally_flush(t), 0);
	}
	assert_int_equal(sum(t, TALLY_DMARC, 7, STR("example.org"), &n), 12);
	assert_int_equal(n, 2);
	assert_int_equal(sum(t, TALLY_DMARC, 8, STR("example.org"), &n), 2);
	assert_int_equal(sum(t, TALLY_DMARC, 7, STR("example.organ"), &n), 2);
	assert_int_equal(sum(t, TALLY_TLS, 7, STR("example.org"), &n), 2);
	assert_int_equal(sum(t, TALLY_TLS, 8, STR("example.org"), &n), 0);
	tally_destroy(&t);
}

static void test_lists_what_is_over(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct tally_domain *list;
	struct tally *t;
	size_t n;
	assert_int_equal(tally_create(*state, &t), 0);
	for (uint32_t day = 10; day < 13; day++) {
		tally_add(t, TALLY_DMARC, day, STR("a.example"), STR("1"));
		tally_add(t, TALLY_DMARC, day, STR("a.example"), STR("2"));
		tally_add(t, TALLY_DMARC, day, STR("b.example"), STR("1"));
	}
	tally_add(t, TALLY_TLS, 10, STR("c.example"), STR("1"));
	assert_int_equal(tally_flush(t), 0);
	assert_int_equal(tally_domains(t, TALLY_DMARC, 12, &a, &list, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(list[0].day, 10);
	assert_true(str_eq(list[1].domain, STR("b.example")));
	assert_int_equal(list[3].day, 11);
	assert_int_equal(tally_forget(t, TALLY_DMARC, &list[0]), 0);
	assert_int_equal(sum(t, TALLY_DMARC, 10, STR("a.example"), &n), 0);
	assert_int_equal(sum(t, TALLY_DMARC, 10, STR("b.example"), &n), 1);
	arena_fini(&a);
	tally_destroy(&t);
}

static void test_strangers_cannot_fill_it(void **state)
{
	struct tally *t;
	size_t n;
	assert_int_equal(tally_create(*state, &t), 0);
	for (uint32_t i = 0; i < TALLY_DOMAIN_ROWS_MAX + 50; i++) {
		char row[16];
		int len = snprintf(row, sizeof row, "%u", i);
		tally_add(t, TALLY_DMARC, 7, STR("example.org"), str_make(row, (size_t)len));
	}
	tally_add(t, TALLY_DMARC, 7, STR("other.example"), STR("x"));
	assert_int_equal(tally_flush(t), 0);
	sum(t, TALLY_DMARC, 7, STR("example.org"), &n);
	assert_int_equal(n, TALLY_DOMAIN_ROWS_MAX);
	assert_int_equal(sum(t, TALLY_DMARC, 7, STR("other.example"), &n), 1);
	tally_add(t, TALLY_DMARC, 7, STR(""), STR("x"));
	tally_add(t, TALLY_DMARC, 7, STR("a\0b"), STR("x"));
	assert_int_equal(tally_flush(t), 0);
	tally_destroy(&t);
}

static void *add_many(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		char row[2] = { (char)('a' + i % 20), 0 };
		tally_add(arg, TALLY_DMARC, 7, STR("example.org"), str_make(row, 1));
		if (i % 1000 == 0)
			tally_flush(arg);
	}
	return NULL;
}

static void test_threads_lose_none(void **state)
{
	pthread_t threads[4];
	struct tally *t;
	size_t n;
	assert_int_equal(tally_create(*state, &t), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, t), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(tally_flush(t), 0);
	assert_int_equal(sum(t, TALLY_DMARC, 7, STR("example.org"), &n), 80000);
	tally_destroy(&t);
}

static void test_a_failed_flush_keeps_them(void **state)
{
	(void)state;
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store_fault_plan plan = { .commit_nospace_percent = 50, .seed = 1 };
	struct store *s;
	struct tally *t;
	size_t n;
	int failed = 0;
	assert_int_equal(store_open(&config, &s, NULL), 0);
	assert_int_equal(store_wrap_faults(&s, &plan), 0);
	assert_int_equal(tally_create(s, &t), 0);
	for (int i = 0; i < 100; i++) {
		tally_add(t, TALLY_DMARC, 7, STR("example.org"), STR("a"));
		failed += tally_flush(t) != 0;
	}
	while (tally_flush(t))
		;
	assert_in_range(failed, 10, 90);
	assert_int_equal(sum(t, TALLY_DMARC, 7, STR("example.org"), &n), 100);
	tally_destroy(&t);
	store_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown), cmocka_unit_test_setup_teardown(test_lists_what_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers_cannot_fill_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads_lose_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_flush_keeps_them, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
