/* What the clock does to messages: expiry, delay notices, deliver-by times, release. From RFC 3461, 2852, 4865. */
#include "queue/fixture.h"

#include "base/clock.h"

static uint64_t submit(struct fixture *f, const char *text, struct queue_envelope with)
{
	struct queue_submission s = fixture_message(f, text);
	uint64_t id = 0;
	with.sender = s.envelope.sender;
	s.envelope = with;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	return id;
}

static void a_delay_is_told_once(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.net=never c@example.net=failure d@example.net=delay");
	fixture_expect(f, "example.net: a@example.net b@example.net c@example.net d@example.net", QUEUE_DELAYED);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_forward(f, 2900);
	fixture_finish(f, fixture_take(f), QUEUE_DELAYED);
	fixture_expect_nothing(f);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_forward(f, 101);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: a@example.net=delayed d@example.net=delayed");
	assert_int_equal(j->recipients[0].attempts, 2);
	assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	fixture_forward(f, 3000);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

/* RFC 3463 X.4.7; the words are what the destination last said. */
static void what_is_blocked_expires(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net");
	fixture_submit(f, "> a@example.net");
	struct queue_job *j = fixture_take(f);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("connection refused"), STR("mx.example.net"));
	fixture_finish(f, j, 0);
	fixture_expect_nothing(f);
	fixture_forward(f, 3001);
	j = fixture_take_of(f, QUEUE_NOTICES);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: a@example.net=delayed");
	assert_true(str_eq(j->recipients[0].reply, STR("connection refused")));
	assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	fixture_forward(f, 2000);
	assert_int_equal(fixture_stats(f).messages, 1);       /* the null sender's is over: nobody is told */
	fixture_forward(f, 5000);
	j = fixture_take(f);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: a@example.net=failed");
	assert_true(str_eq(j->recipients[0].status, STR("4.4.7")));
	assert_true(str_eq(j->recipients[0].reply, STR("connection refused")));
	assert_true(str_eq(j->recipients[0].remote, STR("mx.example.net")));
	assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	fixture_empty(f);
}

static void what_is_in_flight_does_not_expire(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.com");
	struct queue_job *j = fixture_take_of(f, "example.net");
	fixture_forward(f, 10001);
	fixture_forward(f, QUEUE_GATHER_S);
	fixture_expect_notice(f, "notice: b@example.com=failed");
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_empty(f);
	/* when it comes back untried the clock ends it; deferred, it ends at once */
	fixture_submit(f, "s@example.com > a@example.net");
	fixture_submit(f, "s@example.com > a@example.com");
	j = fixture_take_of(f, "example.net");
	struct queue_job *k = fixture_take_of(f, "example.com");
	fixture_forward(f, 10001);
	fixture_finish(f, k, QUEUE_DELAYED);
	fixture_expect_notice(f, "notice: a@example.com=failed");
	fixture_finish(f, j, 0);
	fixture_forward(f, QUEUE_OVER_S + 1);
	fixture_expect_notice(f, "notice: a@example.net=failed");
	fixture_empty(f);
}

/* RFC 2852 4.1.2 */
static void by_return(void **state)
{
	struct fixture *f = *state;
	struct queue_envelope by = { .flags = QUEUE_BY_RETURN, .deliver_by = clock_now() + 600 };
	submit(f, "s@example.com > a@example.net b@example.net=success c@example.net=failure", by);
	fixture_expect(f, "example.net: a@example.net b@example.net c@example.net", QUEUE_DELAYED);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_forward(f, 601);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: a@example.net=failed c@example.net=failed");
	assert_true(str_eq(j->recipients[0].status, STR("5.4.7")));
	assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	fixture_empty(f);
}

static void by_notify(void **state)
{
	struct fixture *f = *state;
	submit(f, "s@example.com > a@example.net b@example.net=delay c@example.net=failure d@example.net=never",
		   (struct queue_envelope){ .deliver_by = clock_now() + 600 });
	fixture_finish(f, fixture_take(f), QUEUE_DELAYED);
	fixture_forward(f, 601);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELAYED);
	fixture_expect_notice(f, "notice: a@example.net=delayed b@example.net=delayed");
	fixture_expect_nothing(f);
	fixture_forward(f, 800);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_empty(f);
}

/* RFC 4865 */
static void future_release(void **state)
{
	struct fixture *f = *state;
	submit(f, "s@example.com > a@example.net", (struct queue_envelope){ .not_before = clock_now() + 5000 });
	fixture_forward(f, 4900);
	fixture_expect_nothing(f);
	fixture_forward(f, 101);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELAYED);
	/* its days are counted from the release */
	fixture_forward(f, 9000);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELAYED);
	fixture_expect_notice(f, "notice: a@example.net=delayed");
	fixture_forward(f, 1000);
	fixture_expect_notice(f, "notice: a@example.net=failed");
	fixture_empty(f);
}

static void a_notice_gathers(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.com");
	struct queue_job *j = fixture_take_of(f, "example.net");
	uint64_t began = clock_mono_ms();
	fixture_finish(f, j, QUEUE_FAILED);
	j = fixture_take_of(f, QUEUE_NOTICES);
	/* only where the machine took longer than it waits */
	assert_true(!j || clock_mono_ms() - began >= QUEUE_GATHER_S * 1000);
	bool told = j != NULL;
	if (told)
		assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_FAILED);
	fixture_forward(f, QUEUE_GATHER_S);
	fixture_expect_notice(f, told ? "notice: b@example.com=failed" : "notice: b@example.com=failed a@example.net=failed");
	fixture_empty(f);
}

static void its_own_time_of_expiry(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_now();
	submit(f, "s@example.com > a@example.net", (struct queue_envelope){ .expires = now + 50 });
	struct queue_job *j = fixture_take(f);
	assert_int_equal(j->expires, now + 50);
	fixture_finish(f, j, QUEUE_DELAYED);
	fixture_forward(f, 51);
	fixture_expect_notice(f, "notice: a@example.net=failed");
	fixture_empty(f);
}

#define DAYS_AHEAD (40 * 86400)

static void deliver(struct fixture *f, const char *destination)
{
	struct queue_job *j = fixture_take_of(f, destination);
	if (!j)
		fail_msg("nothing is due for %s", destination);
	fixture_finish(f, j, QUEUE_DELIVERED);
}

/* What was told to wait while the clock was ahead, in every place that knows a time. */
static void a_clock_that_is_set_back(void **state)
{
	struct fixture *f = *state;
	int64_t release = clock_now() + 5000;
	fixture_forward(f, DAYS_AHEAD);
	submit(f, "s@example.com > a@held.example", (struct queue_envelope){ .not_before = release });
	submit(f, "s@example.com > a@asked.example", (struct queue_envelope){ .not_before = clock_now() + 86400 });
	fixture_submit(f, "s@example.com > a@late.example");
	fixture_submit(f, "s@example.com > a@gone.example");
	fixture_submit(f, "s@example.com > a@untried.example");
	fixture_submit(f, "s@example.com > a@dead.example");
	fixture_finish(f, fixture_take_of(f, "late.example"), QUEUE_DELAYED);
	fixture_finish(f, fixture_take_of(f, "gone.example"), QUEUE_FAILED);
	fixture_finish(f, fixture_take_of(f, "untried.example"), 0);
	struct queue_job *j = fixture_take_of(f, "dead.example");
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_finish(f, j, 0);
	fixture_submit(f, "s@example.com > a@new.example");
	fixture_forward(f, -DAYS_AHEAD);
	deliver(f, "new.example");
	deliver(f, "late.example");
	deliver(f, "untried.example");
	deliver(f, "dead.example");
	fixture_expect_notice(f, "notice: a@gone.example=failed");
	/* RFC 4865: who asked for a time gets it */
	fixture_expect_nothing(f);
	fixture_forward(f, 4900);
	fixture_expect_nothing(f);
	fixture_forward(f, 101);
	deliver(f, "held.example");
	fixture_forward(f, DAYS_AHEAD);
	fixture_expect_nothing(f);
	fixture_forward(f, 86400);
	deliver(f, "asked.example");
	fixture_empty(f);
}

/* More of it than one commit changes. */
static void a_clock_that_was_set_back_before_the_start(void **state)
{
	struct fixture *f = *state;
	fixture_forward(f, DAYS_AHEAD);
	for (unsigned i = 0; i < 2 * QUEUE_CLERK_BATCH + 1; i++)
		fixture_submit(f, "s@example.com > a@new.example");
	fixture_submit(f, "s@example.com > a@dead.example");
	struct queue_job *j = fixture_take_of(f, "dead.example");
	queue_destination_failed(f->queue, STR("dead.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_finish(f, j, 0);
	f->shifted_ms -= DAYS_AHEAD * INT64_C(1000);
	clock_shift_ms(-DAYS_AHEAD * INT64_C(1000));
	fixture_reopen(f);
	for (unsigned i = 0; i < 2 * QUEUE_CLERK_BATCH + 1; i++)
		deliver(f, "new.example");
	deliver(f, "dead.example");
	fixture_empty(f);
}

/* The entry itself was due all along; that the clock had it in its hands is put off in memory only. */
static void what_memory_alone_put_off(void **state)
{
	struct fixture *f = *state;
	uint64_t id = submit(f, "s@example.com > a@busy.example=never", (struct queue_envelope){ .expires = clock_now() + 2 * DAYS_AHEAD });
	fixture_forward(f, DAYS_AHEAD);
	f->queue->schedule.claimed = &id;
	f->queue->schedule.n_claimed = 1;
	fixture_expect_nothing(f);
	f->queue->schedule.claimed = NULL;
	f->queue->schedule.n_claimed = 0;
	fixture_forward(f, -DAYS_AHEAD);
	deliver(f, "busy.example");
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_delay_is_told_once), FIXTURE_TEST(what_is_blocked_expires), FIXTURE_TEST(what_is_in_flight_does_not_expire),
		FIXTURE_TEST(by_return), FIXTURE_TEST(by_notify), FIXTURE_TEST(future_release), FIXTURE_TEST(a_notice_gathers),
		FIXTURE_TEST(its_own_time_of_expiry), FIXTURE_TEST(a_clock_that_is_set_back), FIXTURE_TEST(a_clock_that_was_set_back_before_the_start),
		FIXTURE_TEST(what_memory_alone_put_off),
	};
	return fixture_run("clock", tests, sizeof(tests) / sizeof(tests[0]));
}
