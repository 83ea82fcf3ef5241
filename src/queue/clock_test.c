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
	fixture_forward(f, 2990);
	fixture_finish(f, fixture_take(f), QUEUE_DELAYED);
	fixture_expect_nothing(f);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_forward(f, 11);
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
	fixture_forward(f, 4990);
	fixture_expect_nothing(f);
	fixture_forward(f, 11);
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
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_FAILED);
	assert_null(fixture_take_of(f, QUEUE_NOTICES));
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_FAILED);
	fixture_forward(f, QUEUE_GATHER_S);
	fixture_expect_notice(f, "notice: b@example.com=failed a@example.net=failed");
	fixture_empty(f);
}

static void its_own_time_of_expiry(void **state)
{
	struct fixture *f = *state;
	submit(f, "s@example.com > a@example.net", (struct queue_envelope){ .expires = clock_now() + 50 });
	struct queue_job *j = fixture_take(f);
	assert_int_equal(j->expires, j->envelope.arrived + 50);
	fixture_finish(f, j, QUEUE_DELAYED);
	fixture_forward(f, 51);
	fixture_expect_notice(f, "notice: a@example.net=failed");
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_delay_is_told_once), FIXTURE_TEST(what_is_blocked_expires), FIXTURE_TEST(what_is_in_flight_does_not_expire),
		FIXTURE_TEST(by_return), FIXTURE_TEST(by_notify), FIXTURE_TEST(future_release), FIXTURE_TEST(a_notice_gathers),
		FIXTURE_TEST(its_own_time_of_expiry),
	};
	return fixture_run("clock", tests, sizeof(tests) / sizeof(tests[0]));
}
