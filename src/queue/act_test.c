/* Looking and steering, from this process and from another one that has the same store open. */
#include "queue/fixture.h"

#include "base/buf.h"
#include "base/clock.h"

static int show_item(void *arg, const struct queue_item *item)
{
	struct buf *b = arg;
	buf_printf(b, "%s%.*s", b->n ? "; " : "", STR_ARG(item->envelope.sender));
	for (size_t i = 0; i < item->n_recipients; i++)
		buf_printf(b, " %.*s%s%s", STR_ARG(item->recipients[i].r.address), item->recipients[i].next ? "" : "!", item->recipients[i].owed ? "=" : "");
	return 0;
}

static const char *list(struct fixture *f, struct queue *q, struct queue_filter filter)
{
	struct buf b = BUF_INIT(0);
	int rc;
	do {
		buf_reset(&b);
		rc = queue_list(q, &filter, show_item, &b);
	} while (fixture_again(rc));
	assert_int_equal(rc, 0);
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static uint64_t act(struct queue *q, struct queue_filter filter, enum queue_action action)
{
	uint64_t n;
	FIXTURE_OK(queue_act(q, &filter, action, &n, NULL));
	return n;
}

static void filters(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.com");
	fixture_submit(f, "t@example.com > a@example.net c@example.net");
	fixture_submit(f, "> d@example.org");
	struct queue *q = f->queue;
	assert_string_equal(list(f, q, (struct queue_filter){ 0 }), "s@example.com b@example.com a@example.net; t@example.com a@example.net c@example.net;  d@example.org");
	assert_string_equal(list(f, q, (struct queue_filter){ .id = id }), "s@example.com b@example.com a@example.net");
	assert_string_equal(list(f, q, (struct queue_filter){ .id = id + 16 * 100 }), "");
	assert_string_equal(list(f, q, (struct queue_filter){ .sender = STR("T@example.com") }), "t@example.com a@example.net c@example.net");
	assert_string_equal(list(f, q, (struct queue_filter){ .sender = STR("<>") }), " d@example.org");
	assert_string_equal(list(f, q, (struct queue_filter){ .recipient = STR("c@example.net") }), "t@example.com a@example.net c@example.net");
	assert_string_equal(list(f, q, (struct queue_filter){ .destination = STR(QUEUE_LOCAL) }), " d@example.org");
	assert_string_equal(list(f, q, (struct queue_filter){ .recipient = STR("c@example.net"), .destination = STR("example.com") }), "");
	assert_string_equal(list(f, q, (struct queue_filter){ .held_only = true }), "");
}

static int stop_at_second(void *arg, const struct queue_item *item)
{
	(void)item;
	return ++*(unsigned *)arg == 2 ? 7 : 0;
}

static void a_list_is_long_and_can_be_stopped(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;
	for (unsigned i = 0; i < 3 * QUEUE_LIST_CHUNK + 5; i++)
		fixture_submit(f, "s@example.com > a@example.net");
	struct queue_filter all = { 0 };
	assert_int_equal(queue_list(f->queue, &all, stop_at_second, &n), 7);
	assert_int_equal(n, 2);
	assert_int_equal(act(f->queue, all, QUEUE_DROP), 3 * QUEUE_LIST_CHUNK + 5);
	fixture_empty(f);
}

static void held_and_released(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.com");
	struct queue_submission s = fixture_message(f, "t@example.com > a@example.net");
	uint64_t other;
	s.envelope.flags = QUEUE_HELD;
	FIXTURE_OK(queue_submit(f->queue, &s, &other, NULL));
	assert_int_equal(act(f->queue, (struct queue_filter){ .id = id }, QUEUE_HOLD), 1);
	assert_int_equal(act(f->queue, (struct queue_filter){ .id = id }, QUEUE_HOLD), 0);
	assert_int_equal(fixture_stats(f).held, 2);
	assert_string_equal(list(f, f->queue, (struct queue_filter){ .held_only = true }), "s@example.com b@example.com! a@example.net!; t@example.com a@example.net!");
	fixture_expect_nothing(f);
	/* it does not expire either */
	fixture_forward(f, 20000);
	fixture_expect_nothing(f);
	assert_int_equal(act(f->queue, (struct queue_filter){ .held_only = true }, QUEUE_RELEASE), 2);
	assert_int_equal(fixture_stats(f).held, 0);
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_DELIVERED);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_empty(f);
}

static void held_while_in_flight(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.net");
	struct queue_job *j = fixture_take(f);
	assert_int_equal(act(f->queue, (struct queue_filter){ .id = id }, QUEUE_HOLD), 1);
	j->recipients[0].result.outcome = QUEUE_DELIVERED;
	j->recipients[1].result.outcome = QUEUE_DELAYED;
	assert_int_equal(queue_finish(f->queue, &j), 0);
	fixture_forward(f, 200);
	fixture_expect_nothing(f);
	assert_int_equal(act(f->queue, (struct queue_filter){ .id = id }, QUEUE_RELEASE), 1);
	fixture_expect(f, "example.net: b@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void dropped_for_some(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.com c@example.com");
	assert_int_equal(act(f->queue, (struct queue_filter){ .recipient = STR("c@example.com") }, QUEUE_DROP), 1);
	assert_string_equal(list(f, f->queue, (struct queue_filter){ 0 }), "s@example.com b@example.com a@example.net");
	assert_int_equal(act(f->queue, (struct queue_filter){ .destination = STR("example.com") }, QUEUE_DROP), 1);
	struct queue_job *j = fixture_take(f);
	assert_int_equal(act(f->queue, (struct queue_filter){ 0 }, QUEUE_DROP), 1);
	/* what was in flight is nobody's any more */
	fixture_finish(f, j, QUEUE_FAILED);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

static void bounced(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.com c@example.com=never");
	struct queue_job *j = fixture_take_of(f, "example.com");
	assert_int_equal(act(f->queue, (struct queue_filter){ .destination = STR("example.com") }, QUEUE_BOUNCE), 1);
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_forward(f, QUEUE_GATHER_S);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_expect_notice(f, "notice: b@example.com=failed");
	fixture_empty(f);
}

static void retried_now(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.com");
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_DELAYED);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_expect_nothing(f);
	assert_int_equal(act(f->queue, (struct queue_filter){ .id = id }, QUEUE_RETRY), 1);
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_DELIVERED);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_empty(f);
}

static void a_destination_is_flushed(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < 250; i++) {
		struct queue_submission s = fixture_message(f, "s@example.com > a@example.net b@example.net");
		uint64_t id;
		s.envelope.not_before = i % 10 ? clock_now() + 1000 + i % 7 : 0;
		s.envelope.priority = (int)(i % 3) - 1;
		FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	}
	fixture_submit(f, "s@example.com > a@example.com");
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	assert_null(fixture_take_of(f, "example.net"));
	assert_int_equal(queue_flush_destination(f->queue, STR("none.example")), 0);
	assert_int_equal(queue_flush_destination(f->queue, STR("example.net")), 500);
	queue_destination_ok(f->queue, STR("example.net"));
	for (unsigned i = 0; i < 250; i++)
		fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_expect(f, "example.com: a@example.com", QUEUE_DELIVERED);
	fixture_empty(f);
}

static void what_another_process_does_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct queue *other = fixture_open(f);
	fixture_expect_nothing(f);
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	uint64_t id;
	FIXTURE_OK(queue_submit(other, &s, &id, NULL));
	fixture_tick(f);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELAYED);
	queue_destination_failed(f->queue, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
	fixture_expect_nothing(f);
	assert_int_equal(act(other, (struct queue_filter){ 0 }, QUEUE_RETRY), 1);
	fixture_tick(f);
	fixture_expect(f, "example.net: a@example.net", QUEUE_FAILED);
	assert_int_equal(act(other, (struct queue_filter){ 0 }, QUEUE_DROP), 1);
	fixture_tick(f);
	fixture_expect_nothing(f);
	FIXTURE_OK(queue_submit(other, &s, &id, NULL));
	assert_int_equal(act(other, (struct queue_filter){ .id = id }, QUEUE_HOLD), 1);
	fixture_tick(f);
	fixture_expect_nothing(f);
	assert_int_equal(act(other, (struct queue_filter){ .id = id }, QUEUE_RELEASE), 1);
	fixture_tick(f);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	queue_close(&other);
	fixture_empty(f);
}

static void destinations_by_load(void **state)
{
	struct fixture *f = *state;
	struct queue_destination_stats *d;
	size_t n;
	for (unsigned i = 0; i < 9; i++)
		fixture_submit(f, i % 3 ? "s@example.com > a@many.example b@many.example" : "s@example.com > a@few.example c@none.example=never");
	for (unsigned i = 0; i < 3; i++)
		fixture_finish(f, fixture_take_of(f, "none.example"), QUEUE_FAILED);
	queue_destination_failed(f->queue, STR("few.example"), STR("4.4.1"), STR("no answer"), STR_NONE);
	assert_int_equal(queue_destinations(f->queue, &f->arena, 10, &d, &n), 0);
	assert_int_equal(n, 2);
	assert_true(str_eq(d[0].destination, STR("many.example")) && d[0].recipients == 12 && d[0].failures == 0);
	assert_true(str_eq(d[1].destination, STR("few.example")) && d[1].recipients == 3 && d[1].failures == 1);
	assert_true(str_eq(d[1].reply, STR("no answer")) && d[1].next > clock_now());
	assert_int_equal(queue_destinations(f->queue, &f->arena, 1, &d, &n), 0);
	assert_int_equal(n, 1);
	assert_true(str_eq(d[0].destination, STR("many.example")));
}

static void counts(void **state)
{
	struct fixture *f = *state;
	fixture_submit(f, "s@example.com > a@example.net b@example.com");
	fixture_submit(f, "s@example.com > a@example.net");
	struct queue_stats s = fixture_stats(f);
	assert_true(s.messages == 2 && s.recipients == 3 && s.bytes == 50 && s.oldest && s.submitted == 2);
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_FAILED);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELIVERED);
	fixture_finish(f, fixture_take_of(f, "example.net"), QUEUE_DELAYED);
	s = fixture_stats(f);
	assert_true(s.messages == 2 && s.recipients == 1 && s.owed == 1);
	assert_true(s.delivered == 1 && s.failed == 1 && s.deferred == 1);
}

static void the_queue_is_full(void **state)
{
	struct fixture *f = *state;
	struct queue_config c = f->config;
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	uint64_t id;
	int rc = 0;
	unsigned n = 0;
	c.messages_max = 4 * QUEUE_SHARDS;
	queue_set_config(f->queue, &c);
	for (; rc == 0 && n < 100; n++)
		rc = queue_submit(f->queue, &s, &id, NULL);
	assert_int_equal(rc, ERR_BUSY);
	assert_int_equal(n, 4 * QUEUE_SHARDS + 1);
	assert_int_equal(fixture_blobs(f), 4 * QUEUE_SHARDS);
}

static void what_cannot_be(void **state)
{
	struct fixture *f = *state;
	struct queue_submission good = fixture_message(f, "s@example.com > a@example.net"), s = good;
	struct queue_recipient r = good.recipients[0];
	uint64_t id;
	s.n_recipients = 0;
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_INVALID);
	s.n_recipients = QUEUE_RECIPIENTS_MAX + 1;
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_INVALID);
	s = good;
	s.recipients = &r;
	static const struct str destinations[] = { STR_INIT(""), STR_INIT(QUEUE_NOTICES), STR_INIT("a\0b") };
	for (size_t i = 0; i < 3; i++) {
		r.destination = destinations[i];
		assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_INVALID);
	}
	r.destination = arena_printf(&f->arena, "%0256d", 1);
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_INVALID);
	r = good.recipients[0];
	r.address = arena_printf(&f->arena, "%01001d", 1);
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_TOO_BIG);
	r = good.recipients[0];
	s.envelope.priority = 10;
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), ERR_TOO_BIG);
	fixture_empty(f);
}

static void many_recipients(void **state)
{
	struct fixture *f = *state;
	struct queue_recipient *r = arena_array(&f->arena, QUEUE_RECIPIENTS_MAX, sizeof(*r));
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	bool *seen = arena_array(&f->arena, QUEUE_RECIPIENTS_MAX, sizeof(*seen));
	uint64_t id;
	for (size_t i = 0; i < QUEUE_RECIPIENTS_MAX; i++)
		r[i] = (struct queue_recipient){ .address = arena_printf(&f->arena, "a%zu@example.net", i), .destination = arena_printf(&f->arena, "d%zu.example", i % 7) };
	s.recipients = r;
	s.n_recipients = QUEUE_RECIPIENTS_MAX;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	for (size_t left = QUEUE_RECIPIENTS_MAX; left;) {
		struct queue_job *j = fixture_take(f);
		assert_non_null(j);
		assert_true(j->n_recipients <= QUEUE_GROUP_MAX);
		for (size_t i = 0; i < j->n_recipients; i++) {
			uint32_t index = j->recipients[i].index;
			assert_false(seen[index]);
			seen[index] = true;
			assert_true(str_eq(j->recipients[i].r.address, r[index].address) && str_eq(j->destination, r[index].destination));
		}
		left -= j->n_recipients;
		fixture_finish(f, j, QUEUE_DELIVERED);
	}
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(filters), FIXTURE_TEST(a_list_is_long_and_can_be_stopped), FIXTURE_TEST(held_and_released), FIXTURE_TEST(held_while_in_flight),
		FIXTURE_TEST(dropped_for_some), FIXTURE_TEST(bounced), FIXTURE_TEST(retried_now), FIXTURE_TEST(a_destination_is_flushed),
		FIXTURE_TEST(what_another_process_does_is_noticed), FIXTURE_TEST(destinations_by_load), FIXTURE_TEST(counts), FIXTURE_TEST(the_queue_is_full),
		FIXTURE_TEST(what_cannot_be), FIXTURE_TEST(many_recipients),
	};
	return fixture_run("act", tests, sizeof(tests) / sizeof(tests[0]));
}
