/* Who is tried when: destinations that fail, limits, order, fairness, who waits for whom. */
#include "queue/fixture.h"

#include "base/clock.h"

#include <pthread.h>

/* Times are chosen so that a pause of the machine by half a minute makes nothing due that should not be. */
static void a_dead_destination_is_left_alone(void **state)
{
	struct fixture *f = *state;
	f->config.retry_first_s = 1000;
	f->config.retry_max_s = 10000;
	queue_set_config(f->queue, &f->config);
	for (unsigned i = 0; i < 50; i++)
		fixture_submit(f, "s@example.com > a@dead.example");
	struct queue_job *j = fixture_take(f);
	uint64_t writes = store_scope_version(f->store, queue_scope(0));
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	/* other jobs that fail at the same time are the same failure */
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_finish(f, j, 0);
	fixture_expect_nothing(f);
	assert_true(store_scope_version(f->store, queue_scope(0)) <= writes + 1);
	/* others go on */
	fixture_submit(f, "s@example.com > a@example.net");
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	fixture_forward(f, 800);        /* 875 to 1000 */
	fixture_expect_nothing(f);
	fixture_forward(f, 201);
	/* one finds out */
	j = fixture_take(f);
	assert_non_null(j);
	fixture_expect_nothing(f);
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_finish(f, j, 0);
	fixture_forward(f, 1400);       /* 1.7 times that */
	fixture_expect_nothing(f);
	fixture_forward(f, 301);
	j = fixture_take(f);
	assert_non_null(j);
	queue_destination_ok(f->queue, STR("dead.example"));
	struct queue_job *k = fixture_take(f);
	assert_non_null(k);
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_finish(f, k, QUEUE_DELIVERED);
	for (unsigned i = 0; i < 48; i++)
		fixture_expect(f, "dead.example: a@dead.example", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void a_restart_knows_what_is_blocked(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@dead.example b@example.net");
	struct queue_job *j = fixture_take_of(f, "dead.example");
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_finish(f, j, 0);
	fixture_reopen(f);
	fixture_expect(f, "example.net: b@example.net", QUEUE_DELIVERED);
	fixture_expect_nothing(f);
	fixture_forward(f, 101);
	fixture_expect(f, "dead.example: a@dead.example", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void in_flight_when_the_process_ends(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net");
	assert_non_null(fixture_take(f));
	fixture_reopen(f);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void two_limits(void *ctx, struct str destination, struct queue_limits *out)
{
	(void)ctx;
	if (str_eq(destination, STR("two.example")))
		out->concurrency = 2;
	if (str_eq(destination, STR("slow.example")))
		out->per_minute = 1;
}

static void limits_hold(void **state)
{
	struct fixture *f = *state;
	struct queue_config c = f->config;
	c.limits = two_limits;
	queue_set_config(f->queue, &c);
	for (unsigned i = 0; i < 5; i++)
		fixture_submit(f, "s@example.com > a@two.example");
	struct queue_job *j = fixture_take(f), *k = fixture_take(f);
	assert_non_null(k);
	fixture_expect_nothing(f);
	fixture_finish(f, j, QUEUE_DELIVERED);
	j = fixture_take(f);
	assert_non_null(j);
	fixture_expect_nothing(f);
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_finish(f, k, QUEUE_DELIVERED);
	fixture_expect(f, "two.example: a@two.example", QUEUE_DELIVERED);
	fixture_expect(f, "two.example: a@two.example", QUEUE_DELIVERED);
	for (unsigned i = 0; i < 3; i++)
		fixture_submit(f, "s@example.com > a@slow.example");
	for (unsigned i = 0; i < 3; i++) {
		fixture_expect(f, "slow.example: a@slow.example", QUEUE_DELIVERED);
		fixture_expect_nothing(f);
		fixture_forward(f, 25);
		fixture_expect_nothing(f);
		fixture_forward(f, 36);
	}
	fixture_empty(f);
}

static void twenty_when_nothing_is_said(void **state)
{
	struct fixture *f = *state;
	struct queue_job *jobs[QUEUE_CONCURRENCY];
	for (unsigned i = 0; i < QUEUE_CONCURRENCY + 5; i++)
		fixture_submit(f, "s@example.com > a@example.net");
	for (unsigned i = 0; i < QUEUE_CONCURRENCY; i++) {
		jobs[i] = fixture_take(f);
		assert_non_null(jobs[i]);
	}
	fixture_expect_nothing(f);
	assert_int_equal(fixture_stats(f).in_flight, QUEUE_CONCURRENCY);
	for (unsigned i = 0; i < QUEUE_CONCURRENCY; i++)
		fixture_finish(f, jobs[i], QUEUE_DELIVERED);
	for (unsigned i = 0; i < 5; i++)
		fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void submit_with_priority(struct fixture *f, const char *text, int priority)
{
	struct queue_submission s = fixture_message(f, text);
	uint64_t id;
	s.envelope.priority = priority;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
}

/* RFC 6710: the higher goes first among what is due. */
static void priorities(void **state)
{
	struct fixture *f = *state;
	submit_with_priority(f, "s@example.com > low@example.net", -9);
	submit_with_priority(f, "s@example.com > normal@example.net", 0);
	submit_with_priority(f, "s@example.com > high@example.net", 9);
	submit_with_priority(f, "s@example.com > normal2@example.net", 0);
	fixture_expect(f, "example.net: high@example.net", QUEUE_DELIVERED);
	/* also before what was read ahead */
	submit_with_priority(f, "s@example.com > higher@example.net", 4);
	fixture_expect(f, "example.net: higher@example.net", QUEUE_DELIVERED);
	fixture_expect(f, "example.net: normal@example.net", QUEUE_DELAYED);
	fixture_expect(f, "example.net: normal2@example.net", QUEUE_DELIVERED);
	fixture_expect(f, "example.net: low@example.net", QUEUE_DELIVERED);
	fixture_expect_nothing(f);
	fixture_forward(f, 101);
	fixture_expect(f, "example.net: normal@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

/* One that has a thousand and one that has one take turns. */
static void destinations_take_turns(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < 300; i++)
		fixture_submit(f, "s@example.com > a@many.example");
	fixture_expect(f, "many.example: a@many.example", QUEUE_DELIVERED);
	fixture_submit(f, "s@example.com > a@one.example");
	unsigned before = 0;
	for (;; before++) {
		struct queue_job *j = fixture_take(f);
		assert_non_null(j);
		bool one = str_eq(j->destination, STR("one.example"));
		fixture_finish(f, j, QUEUE_DELIVERED);
		if (one)
			break;
	}
	assert_true(before <= 1);
	for (unsigned i = before; i < 299; i++)
		fixture_expect(f, "many.example: a@many.example", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void preferences(void **state)
{
	struct fixture *f = *state;
	struct queue_job *j;
	fixture_submit(f, "s@example.com > a@one.example");
	fixture_submit(f, "s@example.com > a@two.example");
	assert_int_equal(queue_take(f->queue, 0, STR("none.example"), true, &j), ERR_TIMEOUT);
	assert_int_equal(queue_take(f->queue, 0, STR("two.example"), true, &j), 0);
	assert_string_equal(fixture_show(f, j), "two.example: a@two.example");
	fixture_finish(f, j, QUEUE_DELIVERED);
	assert_int_equal(queue_take(f->queue, 0, STR("two.example"), false, &j), 0);
	assert_string_equal(fixture_show(f, j), "one.example: a@one.example");
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_empty(f);
}

static void what_comes_back_untried_pauses(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.net");
	struct queue_job *j = fixture_take(f);
	uint64_t began = clock_mono_ms();
	fixture_finish(f, j, 0);
	j = fixture_take(f);
	/* a machine that takes a second for that has come to its end */
	assert_true(!j || clock_mono_ms() - began >= QUEUE_NOT_TRIED_MS);
	if (j)
		fixture_finish(f, j, 0);
	fixture_forward(f, 2);
	j = fixture_take(f);
	assert_non_null(j);
	assert_int_equal(j->recipients[0].attempts, 0);
	/* one of two was tried: the other is due still */
	j->recipients[1].result = (struct queue_result){ .outcome = QUEUE_DELIVERED };
	assert_int_equal(queue_finish(f->queue, &j), 0);
	fixture_forward(f, 2);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

/* ---- waiting ---- */

struct taker {
	struct fixture *f;
	const char *prefer;
	int rc;
	struct queue_job *job;
	pthread_t thread;
};

static void *take_thread(void *arg)
{
	struct taker *t = arg;
	t->rc = queue_take(t->f->queue, 100000, str_from_c(t->prefer), t->prefer != NULL, &t->job);
	return NULL;
}

static void start(struct taker *t, struct fixture *f, const char *prefer)
{
	*t = (struct taker){ .f = f, .prefer = prefer };
	assert_int_equal(pthread_create(&t->thread, NULL, take_thread, t), 0);
	/* until it waits */
	for (bool waits = false; !waits; sched_yield()) {
		pthread_mutex_lock(&f->queue->schedule.lock);
		for (struct waiter *w = f->queue->schedule.waiters; w; w = w->next)
			waits = waits || (prefer ? str_eq(w->prefer, str_from_c(prefer)) : w->prefer.n == 0);
		pthread_mutex_unlock(&f->queue->schedule.lock);
	}
}

static void who_waits_is_woken(void **state)
{
	struct fixture *f = *state;
	struct taker any, one;
	start(&any, f, NULL);
	start(&one, f, "one.example");
	fixture_submit(f, "s@example.com > a@one.example");
	pthread_join(one.thread, NULL);
	assert_int_equal(one.rc, 0);
	fixture_submit(f, "s@example.com > a@two.example");
	pthread_join(any.thread, NULL);
	assert_int_equal(any.rc, 0);
	assert_string_equal(fixture_show(f, any.job), "two.example: a@two.example");
	fixture_finish(f, one.job, QUEUE_DELIVERED);
	fixture_finish(f, any.job, QUEUE_DELIVERED);
	start(&any, f, NULL);
	queue_stop(f->queue);
	pthread_join(any.thread, NULL);
	assert_int_equal(any.rc, ERR_CLOSED);
	struct queue_job *j;
	assert_int_equal(queue_take(f->queue, 0, STR_NONE, false, &j), ERR_CLOSED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_dead_destination_is_left_alone), FIXTURE_TEST(a_restart_knows_what_is_blocked), FIXTURE_TEST(in_flight_when_the_process_ends),
		FIXTURE_TEST(limits_hold), FIXTURE_TEST(twenty_when_nothing_is_said), FIXTURE_TEST(priorities), FIXTURE_TEST(destinations_take_turns),
		FIXTURE_TEST(preferences), FIXTURE_TEST(what_comes_back_untried_pauses), FIXTURE_TEST(who_waits_is_woken),
	};
	return fixture_run("schedule", tests, sizeof(tests) / sizeof(tests[0]));
}
