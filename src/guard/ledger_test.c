#include "guard/ledger.h"

#include "guard/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct store *open_store(void)
{
	const struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store *s;

	assert_int_equal(store_open(&c, &s, NULL), 0);
	return s;
}

static uint64_t hash_in(unsigned bucket, unsigned i) { return (uint64_t)bucket << 60 | (i + 1); }      /* of 16 buckets */

static void put(struct ledger *l, uint64_t hash, uint32_t a, int64_t now)
{
	struct ledger_entry *e = ledger_hold(l, hash, true, now);
	assert_non_null(e);
	e->a = a;
	ledger_release(l, hash, true);
}

static uint32_t get(struct ledger *l, uint64_t hash)
{
	const struct ledger_entry *e = ledger_hold(l, hash, false, 0);
	uint32_t a = e ? e->a : 0;
	ledger_release(l, hash, false);
	return a;
}

static void test_survives(void **state)
{
	struct store *s = open_store();
	struct ledger *l;

	(void)state;
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	put(l, hash_in(3, 0), 30, 1000);
	put(l, hash_in(15, 1), 31, 1000);
	assert_int_equal(ledger_flush(l), 0);
	put(l, hash_in(3, 5), 35, 1000);                 /* not flushed: lost */
	ledger_close(&l);
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	assert_int_equal(get(l, hash_in(3, 0)), 30);
	assert_int_equal(get(l, hash_in(15, 1)), 31);
	assert_int_equal(get(l, hash_in(3, 5)), 0);
	assert_int_equal(ledger_count(l), 2);
	ledger_close(&l);
	assert_int_equal(ledger_open(s, 'y', 16, &l), 0);      /* another kind has its own */
	assert_int_equal(ledger_count(l), 0);
	ledger_close(&l);
	store_close(&s);
}

static void test_sweep(void **state)
{
	struct store *s = open_store();
	struct store_read *r;
	struct ledger *l;
	uint64_t version;

	(void)state;
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	put(l, hash_in(1, 0), 1, 1000);
	put(l, hash_in(1, 1), 2, 2000);
	put(l, hash_in(2, 0), 3, 1000);
	assert_int_equal(ledger_flush(l), 0);
	ledger_sweep(l, 1500);
	assert_int_equal(ledger_count(l), 1);
	assert_int_equal(ledger_flush(l), 0);
	/* an empty bucket leaves nothing in the store */
	struct str value;
	assert_int_equal(store_begin(s, (struct store_scope){ STORE_SYSTEM, 0 }, &r), 0);
	assert_int_equal(store_get(r, str_make("jx\0\1", 4), &value), 0);
	assert_int_equal(store_get(r, str_make("jx\0\2", 4), &value), ERR_NOT_FOUND);
	version = store_version(r);
	store_end(&r);
	/* nothing changed: nothing is written */
	assert_int_equal(ledger_flush(l), 0);
	assert_int_equal(store_scope_version(s, (struct store_scope){ STORE_SYSTEM, 0 }), version);
	ledger_close(&l);
	store_close(&s);
}

static void test_full_bucket(void **state)
{
	struct ledger *l;

	(void)state;
	assert_int_equal(ledger_open(NULL, 'x', 16, &l), 0);
	for (unsigned i = 0; i < LEDGER_WAYS; i++)
		put(l, hash_in(7, i), i + 1, 1000 + (i == 4 ? -500 : (int)i));
	put(l, hash_in(7, 99), 100, 3000);
	assert_int_equal(ledger_count(l), LEDGER_WAYS);
	assert_int_equal(get(l, hash_in(7, 4)), 0);      /* touched longest ago */
	assert_int_equal(get(l, hash_in(7, 99)), 100);
	assert_int_equal(get(l, hash_in(7, 0)), 1);
	assert_int_equal(ledger_flush(l), 0);            /* in memory only */
	ledger_close(&l);
}

static void test_store_fails(void **state)
{
	struct store *s = open_store();
	const struct store_fault_plan plan = { .commit_io_percent = 100 };
	struct ledger *l;

	(void)state;
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	ledger_close(&l);
	assert_int_equal(store_wrap_faults(&s, &plan), 0);
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	put(l, hash_in(1, 0), 1, 1000);
	assert_int_equal(ledger_flush(l), ERR_IO);
	assert_int_equal(ledger_flush(l), ERR_IO);       /* it is still to be written */
	assert_int_equal(get(l, hash_in(1, 0)), 1);
	ledger_close(&l);
	store_close(&s);
}

#define THREADS 4
#define ROUNDS 5000

static void *count_up(void *arg)
{
	struct ledger *l = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t hash = hash_in(i % 16, i % 3);
		struct ledger_entry *e = ledger_hold(l, hash, true, 1000);
		e->b++;
		ledger_release(l, hash, true);
		if (i % 500 == 0)
			assert_int_equal(ledger_flush(l), 0);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct store *s = open_store();
	struct ledger *l;
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, l), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ledger_flush(l), 0);
	ledger_close(&l);
	assert_int_equal(ledger_open(s, 'x', 16, &l), 0);
	for (unsigned b = 0; b < 16; b++)
		for (unsigned i = 0; i < 3; i++) {
			const struct ledger_entry *e = ledger_hold(l, hash_in(b, i), false, 0);
			sum += e ? e->b : 0;
			ledger_release(l, hash_in(b, i), false);
		}
	assert_int_equal(sum, THREADS * ROUNDS);
	ledger_close(&l);
	store_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survives), cmocka_unit_test(test_sweep), cmocka_unit_test(test_full_bucket), cmocka_unit_test(test_store_fails),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
