#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/conn_state.h"

#include <pthread.h>
#include <sched.h>

static void test_life(void **state)
{
	(void)state;
	struct conn_state s = { 0 };
	assert_int_equal(conn_state_post(&s, 0, NEWS_WAKE, CONN_QUEUED), POST_GONE);
	conn_state_open(&s, CONN_QUEUED);
	uint32_t generation = conn_state_generation(&s);
	assert_int_equal(conn_state_post(&s, generation, NEWS_WAKE, CONN_QUEUED), POST_NOTED);
	conn_state_run(&s);
	assert_int_equal(conn_state_take(&s), NEWS_WAKE);
	assert_int_equal(conn_state_take(&s), 0);
	assert_true(conn_state_park(&s));
	assert_int_equal(conn_state_post(&s, generation, NEWS_IN, CONN_RUNNING), POST_OWNED);
	assert_int_equal(conn_state_post(&s, generation, NEWS_TIMEOUT, CONN_QUEUED), POST_NOTED);
	assert_true(conn_state_has(&s, NEWS_TIMEOUT));
	assert_false(conn_state_has(&s, NEWS_KILL));
	assert_false(conn_state_park(&s));        /* news came: not before it is taken */
	assert_int_equal(conn_state_take(&s), NEWS_IN | NEWS_TIMEOUT);
	conn_state_queue(&s);
	assert_int_equal(conn_state_post(&s, generation, NEWS_DRAIN, CONN_RUNNING), POST_NOTED);
	conn_state_run(&s);
	conn_state_close(&s);
	assert_int_equal(conn_state_post(&s, generation, NEWS_WAKE, CONN_QUEUED), POST_GONE);
}

/* A late event of an earlier connection must not touch the one that has its memory now. */
static void test_generations(void **state)
{
	(void)state;
	struct conn_state s = { 0 };
	conn_state_open(&s, CONN_RUNNING);
	uint32_t old = conn_state_generation(&s);
	conn_state_close(&s);
	conn_state_open(&s, CONN_RUNNING);
	assert_int_not_equal(conn_state_generation(&s), old);
	assert_int_equal(conn_state_take(&s), 0);
	assert_true(conn_state_park(&s));
	assert_int_equal(conn_state_post(&s, old, NEWS_IN, CONN_RUNNING), POST_GONE);
	assert_int_equal(conn_state_post(&s, conn_state_generation(&s), NEWS_IN, CONN_RUNNING), POST_OWNED);
	assert_int_equal(conn_state_take(&s), NEWS_IN);
}

#define ROUNDS 200000

struct contest {
	struct conn_state s;
	_Atomic int owners;
	_Atomic uint64_t asked, seen;
	_Atomic bool done;
};

/* Whoever gets it by posting runs it: takes the news, parks. */
static void run_as_owner(struct contest *c)
{
	do {
		assert_int_equal(atomic_fetch_add(&c->owners, 1), 0);
		uint64_t asked = atomic_load(&c->asked);
		if (conn_state_take(&c->s) & NEWS_WAKE)
			atomic_store(&c->seen, asked > atomic_load(&c->asked) ? asked : atomic_load(&c->asked));
		atomic_fetch_sub(&c->owners, 1);
	} while (!conn_state_park(&c->s));
}

static void *compete(void *arg)
{
	struct contest *c = arg;
	for (int i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&c->asked, 1);
		if (conn_state_post(&c->s, conn_state_generation(&c->s), NEWS_WAKE, CONN_RUNNING) == POST_OWNED)
			run_as_owner(c);
	}
	return NULL;
}

/* Three threads post and run: one owner at a time, and what was asked for last was seen. */
static void test_contest(void **state)
{
	(void)state;
	struct contest c = { 0 };
	pthread_t threads[3];
	conn_state_open(&c.s, CONN_RUNNING);
	assert_true(conn_state_park(&c.s));
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, compete, &c);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&c.seen), 3ull * ROUNDS);
	assert_false(conn_state_has(&c.s, NEWS_WAKE));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_life), cmocka_unit_test(test_generations), cmocka_unit_test(test_contest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
