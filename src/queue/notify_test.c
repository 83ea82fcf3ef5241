/* RFC 3461: who is told what. One recipient each, every NOTIFY with every end. */
#include "queue/fixture.h"

static const struct {
	const char *notify;                           /* as in fixture_message; "": not given */
	int outcome;
	bool passed_on;                               /* the next server has DSN */
	const char *told;                             /* NULL: nothing */
} cases[] = {
	/* 4.1: not given means failures, and delays */
	{ "", QUEUE_FAILED, false, "failed" },
	{ "", QUEUE_DELIVERED, false, NULL },
	{ "", QUEUE_RELAYED, false, NULL },
	{ "", QUEUE_EXPANDED, false, NULL },
	{ "=never", QUEUE_FAILED, false, NULL },
	{ "=never", QUEUE_DELIVERED, false, NULL },
	{ "=never", QUEUE_RELAYED, false, NULL },
	{ "=success", QUEUE_FAILED, false, NULL },
	{ "=success", QUEUE_DELIVERED, false, "delivered" },
	{ "=success", QUEUE_EXPANDED, false, "expanded" },
	/* 5.2.2: a relayed one is told when the next server does not do DSN; otherwise it tells */
	{ "=success", QUEUE_RELAYED, false, "relayed" },
	{ "=success", QUEUE_RELAYED, true, NULL },
	{ "=failure", QUEUE_FAILED, false, "failed" },
	{ "=failure", QUEUE_DELIVERED, false, NULL },
	{ "=failure", QUEUE_RELAYED, false, NULL },
	{ "=delay", QUEUE_FAILED, false, NULL },
	{ "=success,failure,delay", QUEUE_FAILED, false, "failed" },
	{ "=success,failure,delay", QUEUE_DELIVERED, false, "delivered" },
};

static void play(struct fixture *f, size_t i, const char *sender, unsigned flags, const char *told)
{
	char text[200], shown[200];
	snprintf(text, sizeof(text), "%s > a@example.net%s", sender, cases[i].notify);
	struct queue_submission s = fixture_message(f, text);
	uint64_t id;
	s.envelope.flags = flags;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	j->recipients[0].result = (struct queue_result){ .outcome = cases[i].outcome, .status = STR("5.1.1"), .dsn_passed_on = cases[i].passed_on };
	assert_int_equal(queue_finish(f->queue, &j), 0);
	if (told) {
		snprintf(shown, sizeof(shown), "notice: a@example.net=%s", told);
		fixture_expect_notice(f, shown);
	}
	fixture_expect_nothing(f);
	fixture_empty(f);
}

static void every_case(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		play(f, i, "s@example.com", 0, cases[i].told);
}

/* RFC 3461 6: never about a message with a null reverse-path. */
static void never_to_a_null_sender(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		play(f, i, "", 0, NULL);
}

/* ... but to the postmaster, who wants to know what bounced back from nowhere. */
static void failures_of_null_senders_may_be_told(void **state)
{
	struct fixture *f = *state;
	f->config.tell_null = true;
	queue_set_config(f->queue, &f->config);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		play(f, i, "", 0, cases[i].outcome == QUEUE_FAILED ? "failed" : NULL);
}

/* RFC 2852 4.1.4: a trace tells of each relay, unless NOTIFY=NEVER. */
static void a_trace_is_told_of_relays(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool never = strcmp(cases[i].notify, "=never") == 0;
		play(f, i, "s@example.com", QUEUE_BY_TRACE, cases[i].outcome == QUEUE_RELAYED && !never ? "relayed" : cases[i].told);
	}
}

/* The notice goes in with the very commit that forgets it; what happened to the message before that does not matter. */
static void a_notice_for_what_was_dropped_is_not_sent(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net"), n;
	fixture_expect(f, "example.net: a@example.net", QUEUE_FAILED);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	struct queue_filter filter = { .id = id };
	assert_int_equal(queue_act(f->queue, &filter, QUEUE_DROP, &n, NULL), 0);
	assert_int_equal(n, 1);
	struct queue_submission notice = fixture_message(f, "> s@example.com");
	assert_int_equal(queue_finish_notice(f->queue, &j, &notice), 0);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

/* A thousand in the first, the rest in another. */
static void many_are_told_in_parts(void **state)
{
	struct fixture *f = *state;
	struct queue_recipient *r = arena_array(&f->arena, 1500, sizeof(*r));
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	uint64_t id;
	for (size_t i = 0; i < 1500; i++)
		r[i] = (struct queue_recipient){ .address = arena_printf(&f->arena, "a%zu@example.net", i), .destination = STR("example.net") };
	s.recipients = r;
	s.n_recipients = 1500;
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), 0);
	bool seen[1500] = { false };
	for (size_t i = 0; i < 15; i++) {
		struct queue_job *j = fixture_take_of(f, "example.net");
		assert_non_null(j);
		assert_int_equal(j->n_recipients, QUEUE_GROUP_MAX);
		fixture_finish(f, j, QUEUE_FAILED);
	}
	fixture_forward(f, QUEUE_GATHER_S);
	for (size_t left = 1500; left;) {
		struct queue_job *j = fixture_take(f);
		assert_non_null(j);
		assert_int_equal(j->kind, QUEUE_NOTICE);
		assert_int_equal(j->n_recipients, left < QUEUE_NOTICE_RECIPIENTS_MAX ? left : QUEUE_NOTICE_RECIPIENTS_MAX);
		for (size_t i = 0; i < j->n_recipients; i++) {
			assert_false(seen[j->recipients[i].index]);
			seen[j->recipients[i].index] = true;
		}
		left -= j->n_recipients;
		assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
	}
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_case), FIXTURE_TEST(never_to_a_null_sender), FIXTURE_TEST(failures_of_null_senders_may_be_told), FIXTURE_TEST(a_trace_is_told_of_relays),
		FIXTURE_TEST(a_notice_for_what_was_dropped_is_not_sent), FIXTURE_TEST(many_are_told_in_parts),
	};
	return fixture_run("notify", tests, sizeof(tests) / sizeof(tests[0]));
}
