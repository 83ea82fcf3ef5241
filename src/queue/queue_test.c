/* What the contract promises, step by step, on both engines. */
#include "queue/fixture.h"

static void a_message_goes_through(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.net c@example.org");
	assert_int_equal(fixture_stats(f).recipients, 3);
	struct queue_job *j = fixture_take_of(f, "example.net");
	assert_string_equal(fixture_show(f, j), "example.net: a@example.net b@example.net");
	assert_int_equal(j->id, id);
	assert_int_equal(j->size, 25);
	assert_true(str_eq(j->envelope.sender, STR("s@example.com")));
	struct store_blob_view v;
	FIXTURE_OK(queue_job_map(f->queue, j, &v));
	assert_true(str_eq(v.bytes, STR("Subject: test\r\n\r\nHello.\r\n")));
	store_blob_unmap(f->store, &v);
	fixture_finish(f, j, QUEUE_RELAYED);
	fixture_expect(f, ":local: c@example.org", QUEUE_DELIVERED);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

static void what_is_deferred_comes_again(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net");
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELAYED);
	fixture_expect_nothing(f);
	fixture_forward(f, 50);
	if (!fixture_faults())
		fixture_expect_nothing(f);
	fixture_forward(f, 55);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_int_equal(j->recipients[0].attempts, 1);
	assert_true(str_eq(j->recipients[0].reply, STR("what the peer said")));
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_empty(f);
}

/* Parts of a message are numbered in two octets: what has more must not be taken, or parts would be written over each other. */
static void too_many_destinations(void **state)
{
	struct fixture *f = *state;
	const size_t n = GROUP_NOTICE + 1;
	struct queue_recipient *r = calloc(n, sizeof(*r));
	char (*names)[24] = calloc(n, sizeof(*names));
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	uint64_t id;
	assert_true(r && names);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "a@n%zu.example", i);
		r[i] = (struct queue_recipient){ .address = str_from_c(names[i]), .destination = str_from(str_from_c(names[i]), 2) };
	}
	s.recipients = r;
	s.n_recipients = n;
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_TOO_BIG);
	fixture_empty(f);
	free(names);
	free(r);
}

/* Nobody gets it who does not ask for it by name, however many wait. */
static void what_is_fetched_waits(void **state)
{
	struct fixture *f = *state;
	struct queue_recipient r[2] = { { .address = STR("a@example.net"), .destination = STR(QUEUE_FETCHED "example.net") },
									{ .address = STR("b@example.com"), .destination = STR("example.com") } };
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	uint64_t id;
	s.recipients = r;
	s.n_recipients = 2;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	fixture_expect(f, "example.com: b@example.com", QUEUE_RELAYED);
	fixture_expect_nothing(f);
	struct queue_job *j = fixture_take_of(f, QUEUE_FETCHED "example.net");
	assert_string_equal(fixture_show(f, j), QUEUE_FETCHED "example.net: a@example.net");
	fixture_finish(f, j, 0);
	fixture_expect_nothing(f);
	fixture_reopen(f);
	fixture_expect_nothing(f);
	j = fixture_take_of(f, QUEUE_FETCHED "example.net");
	fixture_finish(f, j, QUEUE_RELAYED);
	fixture_empty(f);
}

static void a_failure_is_told(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net");
	fixture_expect(f, "example.net: a@example.net", QUEUE_FAILED);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: a@example.net=failed");
	assert_true(str_eq(j->recipients[0].status, STR("5.1.1")));
	struct queue_submission notice = fixture_message(f, "> s@example.com");
	while (fixture_again(queue_finish_notice(f->queue, &j, &notice))) {
		j = fixture_take(f);
		assert_non_null(j);
	}
	assert_int_equal(fixture_stats(f).messages, 1);
	fixture_expect(f, "example.com: s@example.com", QUEUE_FAILED);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_message_goes_through), FIXTURE_TEST(what_is_deferred_comes_again), FIXTURE_TEST(too_many_destinations), FIXTURE_TEST(what_is_fetched_waits), FIXTURE_TEST(a_failure_is_told),
	};
	return fixture_run("queue", tests, sizeof(tests) / sizeof(tests[0]));
}
