/* Thousands of random operations, each done to the queue and to a plain reference: every job must be one that the reference allows, every notice must
 * tell exactly what it expects, and what the queue lists and counts must be the same. When the job is taken is not foretold, but at the end
 * everything must have gone out.
 *
 * All that the clock does happens at half past a minute, all operations at the full minute and within half a minute, so that a slow machine
 * changes nothing. */
#include "queue/fixture.h"
#include "queue/limits.h"

#include "base/clock.h"

#define STEPS 3000
#define MESSAGES_MAX 4000
#define RECIPIENTS 6
#define DESTINATIONS 5
#define IN_FLIGHT 6
#define MINUTE 60
#define EXPIRE (10000 / MINUTE * MINUTE)
#define EXPIRE_NULL (5000 / MINUTE * MINUTE)
#define WARN (3000 / MINUTE * MINUTE)

static const char *const destinations[DESTINATIONS] = { QUEUE_LOCAL, "a.example", "b.example", "c.example", "d.example" };

struct ref_recipient {
	char address[40];
	unsigned destination, group, notify, owed;
	bool pending, in_flight;
};
struct ref_message {
	uint64_t id;
	bool null_sender, held, warned;
	int64_t expires, look, warn;
	unsigned n;
	struct ref_recipient r[RECIPIENTS];
};
struct world {
	struct fixture *f;
	int64_t now;
	struct ref_message *m;
	unsigned n;
	struct queue_job *jobs[IN_FLIGHT];
	unsigned n_jobs, notices, expired;
	uint64_t random;
};

static unsigned roll(struct world *w, unsigned below)
{
	/* xorshift64*: the same on every machine */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (unsigned)((w->random * 0x2545f4914f6cdd1du >> 33) % below);
}

static void pin_clock(struct world *w)
{
	int64_t by = w->now * 1000 + 100 - clock_now_ms();
	w->f->shifted_ms += by;
	clock_shift_ms(by);
}

/* ---- the reference ---- */

static struct ref_message *ref_find(struct world *w, uint64_t id)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->m[i].id == id)
			return &w->m[i];
	return NULL;
}

static bool is_told(const struct ref_message *m, const struct ref_recipient *r, unsigned event)
{
	static const struct { unsigned event, bit; bool by_default; } rules[] = {
		{ QUEUE_FAILED, QUEUE_NOTIFY_FAILURE, true }, { QUEUE_DELAYED, QUEUE_NOTIFY_DELAY, true },
		{ QUEUE_DELIVERED, QUEUE_NOTIFY_SUCCESS, false }, { QUEUE_RELAYED, QUEUE_NOTIFY_SUCCESS, false },
	};
	for (size_t i = 0; i < 4; i++)
		if (rules[i].event == event)
			return !m->null_sender && !(r->notify & QUEUE_NOTIFY_NEVER) && (r->notify ? (r->notify & rules[i].bit) != 0 : rules[i].by_default);
	return false;
}

static void ref_settle(struct ref_message *m, struct ref_recipient *r, unsigned event)
{
	r->pending = false;
	r->owed = is_told(m, r, event) ? event : 0;
}

/* The clock leaves a group alone of which some are in flight, with those that wait for another time. */
static bool flies(const struct ref_message *m, const struct ref_recipient *r)
{
	for (unsigned k = 0; k < m->n; k++)
		if (m->r[k].in_flight && m->r[k].destination == r->destination && m->r[k].group == r->group)
			return true;
	return false;
}

static void ref_clock(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct ref_message *m = &w->m[i];
		bool over = w->now >= m->expires, warn = !m->warned && w->now >= m->warn;
		if (m->held || (over ? w->now < m->look : !warn))
			continue;
		m->warned = true;
		m->look = w->now + QUEUE_OVER_S;
		for (unsigned k = 0; k < m->n; k++) {
			struct ref_recipient *r = &m->r[k];
			if (r->pending && over && !flies(m, r))
				ref_settle(m, r, QUEUE_FAILED), w->expired++;
			else if (r->pending && !over && is_told(m, r, QUEUE_DELAYED))
				r->owed |= QUEUE_DELAYED;
		}
	}
}

static bool ref_is_there(const struct ref_message *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->r[i].pending || m->r[i].owed)
			return true;
	return false;
}

/* ---- comparing ---- */

static int compare_item(void *arg, const struct queue_item *item)
{
	struct world *w = arg;
	struct ref_message *m = ref_find(w, item->id);
	unsigned expected = 0, found = 0;
	assert_non_null(m);
	for (unsigned k = 0; k < m->n; k++)
		expected += m->r[k].pending || m->r[k].owed;
	assert_int_equal(item->n_recipients, expected);
	assert_int_equal((item->envelope.flags & QUEUE_HELD) != 0, m->held);
	for (size_t i = 0; i < item->n_recipients; i++)
		for (unsigned k = 0; k < m->n; k++) {
			const struct queue_item_recipient *r = &item->recipients[i];
			if (!str_eq(r->r.address, str_from_c(m->r[k].address)))
				continue;
			found++;
			assert_int_equal(r->owed, m->r[k].owed);
			assert_int_equal(!r->settled, m->r[k].pending);
			assert_int_equal(r->next != 0, m->r[k].pending && !m->held);
		}
	assert_int_equal(found, expected);
	return 0;
}

static void compare(struct world *w)
{
	struct queue_stats s, expected = { 0 };
	struct queue_filter all = { 0 };
	for (unsigned i = 0; i < w->n; i++) {
		const struct ref_message *m = &w->m[i];
		bool owed = false;
		for (unsigned k = 0; k < m->n; k++) {
			expected.recipients += m->r[k].pending;
			owed = owed || m->r[k].owed;
		}
		expected.messages += ref_is_there(m);
		expected.held += m->held && ref_is_there(m);
		expected.owed += owed;
	}
	assert_int_equal(queue_stats(w->f->plain_queue, &s), 0);
	/* With faults the sweeper may have failed to forget a message that is done; it tries again after a second. */
	for (unsigned i = 0; fixture_faults() && s.messages != expected.messages && i < 20; i++) {
		w->f->shifted_ms += 1100;
		clock_shift_ms(1100);
		fixture_tick(w->f);
		assert_int_equal(queue_stats(w->f->plain_queue, &s), 0);
	}
	assert_int_equal(s.messages, expected.messages);
	assert_int_equal(s.recipients, expected.recipients);
	assert_int_equal(s.held, expected.held);
	assert_int_equal(s.owed, expected.owed);
	assert_int_equal(queue_list(w->f->plain_queue, &all, compare_item, w), 0);
}

/* ---- operations ---- */

static void ref_add(struct world *w, uint64_t id, const struct queue_submission *s, const unsigned *where)
{
	struct ref_message *m = &w->m[w->n++];
	assert_true(w->n < MESSAGES_MAX);
	*m = (struct ref_message){ .id = id, .null_sender = s->envelope.sender.n == 0, .held = s->envelope.flags & QUEUE_HELD, .n = (unsigned)s->n_recipients };
	m->expires = m->look = s->envelope.arrived + (m->null_sender ? EXPIRE_NULL : EXPIRE);
	m->warn = s->envelope.arrived + WARN;
	for (unsigned i = 0; i < m->n; i++) {
		unsigned before = 0;                  /* of the same destination */
		for (unsigned k = 0; k < i; k++)
			before += where[k] == where[i];
		m->r[i] = (struct ref_recipient){ .destination = where[i], .group = before / QUEUE_GROUP_MAX, .notify = s->recipients[i].notify, .pending = true };
		assert_true(str_copy_c(m->r[i].address, sizeof(m->r[i].address), s->recipients[i].address));
	}
}

/* Recipients into r; where: their destinations. */
static struct queue_submission make_message(struct world *w, struct queue_recipient *r, unsigned *where)
{
	static const struct str body = STR_INIT("A body.\r\n");
	struct queue_submission s = { .pieces = &body, .n_pieces = 1, .recipients = r, .n_recipients = 1 + roll(w, RECIPIENTS) };
	s.envelope = (struct queue_envelope){ .sender = roll(w, 5) ? STR("s@example.com") : STR_NONE, .priority = (int)roll(w, 5) - 2,
										  .flags = roll(w, 20) ? 0 : QUEUE_HELD, .arrived = w->now - MINUTE / 2 };
	for (size_t i = 0; i < s.n_recipients; i++) {
		static const unsigned notify[] = { 0, 0, 0, QUEUE_NOTIFY_NEVER, QUEUE_NOTIFY_SUCCESS, QUEUE_NOTIFY_FAILURE, QUEUE_NOTIFY_DELAY, 14 };
		where[i] = roll(w, DESTINATIONS);
		r[i] = (struct queue_recipient){ .address = arena_printf(&w->f->arena, "u%u-%zu@example", w->n, i),
										 .destination = str_from_c(destinations[where[i]]), .notify = notify[roll(w, 8)] };
	}
	return s;
}

static void op_submit(struct world *w)
{
	struct queue_recipient r[RECIPIENTS];
	unsigned where[RECIPIENTS];
	struct queue_submission s = make_message(w, r, where);
	uint64_t id = 0;
	FIXTURE_OK(queue_submit(w->f->queue, &s, &id, NULL));
	assert_null(ref_find(w, id));
	ref_add(w, id, &s, where);
}

static void assert_job(struct world *w, const struct queue_job *j)
{
	struct ref_message *m = ref_find(w, j->id);
	assert_non_null(m);
	for (size_t i = 0; i < j->n_recipients; i++) {
		struct ref_recipient *r = &m->r[j->recipients[i].index];
		assert_true(j->recipients[i].index < m->n);
		assert_true(str_eq(j->recipients[i].r.address, str_from_c(r->address)));
		if (j->kind == QUEUE_NOTICE) {
			assert_int_equal(j->recipients[i].owed, r->owed);
			continue;
		}
		assert_true(str_eq(j->destination, str_from_c(destinations[r->destination])));
		assert_true(r->pending && !r->in_flight && !m->held);
		r->in_flight = true;
	}
	unsigned owing = 0;
	for (unsigned k = 0; k < m->n; k++)
		owing += m->r[k].owed != 0;
	if (j->kind == QUEUE_NOTICE)
		assert_int_equal(owing < QUEUE_NOTICE_RECIPIENTS_MAX ? owing : QUEUE_NOTICE_RECIPIENTS_MAX, j->n_recipients);
}

/* Of the recipients that the notice tells about. */
static unsigned list_told(const struct queue_job *j, uint32_t told[RECIPIENTS])
{
	for (size_t i = 0; i < j->n_recipients; i++)
		told[i] = j->recipients[i].index;
	return (unsigned)j->n_recipients;
}

struct unknown {
	struct world *w;
	uint64_t id;
};

static int find_unknown(void *arg, const struct queue_item *item)
{
	struct unknown *u = arg;
	u->id = ref_find(u->w, item->id) ? u->id : item->id;
	return 0;
}

static void finish_notice(struct world *w, struct queue_job *j)
{
	struct ref_message *m = ref_find(w, j->id);
	struct queue_recipient r[RECIPIENTS];
	unsigned where[RECIPIENTS];
	uint32_t told[RECIPIENTS];
	unsigned n_told = list_told(j, told);
	struct queue_submission s = make_message(w, r, where);
	s.envelope.sender = STR_NONE;
	s.n_recipients = 1;
	if (queue_finish_notice(w->f->queue, &j, &s))
		return;                                   /* owed still, and tried again */
	for (unsigned k = 0; k < n_told; k++)
		m->r[told[k]].owed = 0;
	w->notices++;
	struct queue_filter all = { 0 };
	struct unknown u = { .w = w };
	assert_int_equal(queue_list(w->f->plain_queue, &all, find_unknown, &u), 0);
	assert_true(u.id > 0);
	ref_add(w, u.id, &s, where);
}

static void op_take(struct world *w)
{
	if (w->n_jobs == IN_FLIGHT)
		return;
	struct queue_job *j = fixture_take(w->f);
	if (!j)
		return;
	assert_job(w, j);
	if (j->kind == QUEUE_NOTICE)
		finish_notice(w, j);
	else
		w->jobs[w->n_jobs++] = j;
}

static void finish_job(struct world *w, struct queue_job *j, bool deliver)
{
	static const int outcomes[] = { 0, QUEUE_DELAYED, QUEUE_DELAYED, QUEUE_FAILED, QUEUE_DELIVERED, QUEUE_RELAYED };
	struct ref_message *m = ref_find(w, j->id);
	bool untried = !deliver && roll(w, 6) == 0;
	for (size_t i = 0; i < j->n_recipients; i++) {
		struct ref_recipient *r = &m->r[j->recipients[i].index];
		int outcome = deliver ? QUEUE_DELIVERED : untried ? 0 : outcomes[roll(w, 6)];
		j->recipients[i].result = (struct queue_result){ .outcome = outcome, .status = STR("4.0.0"), .reply = STR("so it is") };
		r->in_flight = false;
		if (!r->pending || outcome == 0)
			continue;                             /* dropped or bounced meanwhile */
		if (outcome != QUEUE_DELAYED)
			ref_settle(m, r, (unsigned)outcome);
		else if (w->now >= m->expires && !m->held)
			ref_settle(m, r, QUEUE_FAILED);
	}
	queue_finish(w->f->queue, &j);
	for (unsigned i = 0; i < 100 && w->f->queue->schedule.n_unwritten; i++)
		queue_tick(w->f->queue);
	assert_int_equal(w->f->queue->schedule.n_unwritten, 0);
}

static void op_finish(struct world *w)
{
	if (w->n_jobs == 0)
		return;
	unsigned i = roll(w, w->n_jobs);
	struct queue_job *j = w->jobs[i];
	w->jobs[i] = w->jobs[--w->n_jobs];
	if (roll(w, 8) == 0)
		queue_destination_failed(w->f->queue, j->destination, STR("4.4.1"), STR("no answer"), STR_NONE);
	else
		queue_destination_ok(w->f->queue, j->destination);
	finish_job(w, j, false);
}

static void ref_act(struct world *w, struct ref_message *m, enum queue_action action, int destination)
{
	if (action == QUEUE_RELEASE && m->held && w->now >= m->expires)
		m->look = w->now + QUEUE_OVER_S;
	if (action == QUEUE_HOLD || action == QUEUE_RELEASE)
		m->held = ref_is_there(m) && action == QUEUE_HOLD;
	for (unsigned k = 0; k < m->n; k++) {
		struct ref_recipient *r = &m->r[k];
		if (destination >= 0 && r->destination != (unsigned)destination)
			continue;
		if (action == QUEUE_DROP)
			r->pending = false, r->owed = 0;
		if (action == QUEUE_BOUNCE && r->pending)
			ref_settle(m, r, QUEUE_FAILED);
	}
}

static void op_act(struct world *w)
{
	static const enum queue_action actions[] = { QUEUE_RETRY, QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RELEASE, QUEUE_DROP, QUEUE_BOUNCE };
	if (w->n == 0)
		return;
	struct ref_message *m = &w->m[w->n - 1 - roll(w, w->n < 60 ? w->n : 60)];
	enum queue_action action = actions[roll(w, 7)];
	int destination = roll(w, 2) ? (int)roll(w, DESTINATIONS) : -1;
	struct queue_filter filter = { .id = m->id, .destination = str_from_c(destination < 0 ? NULL : destinations[destination]) };
	uint64_t n;
	/* hold and release mean the whole message */
	if (action == QUEUE_HOLD || action == QUEUE_RELEASE)
		filter.destination = STR_NONE;
	FIXTURE_OK(queue_act(w->f->queue, &filter, action, &n, NULL));
	ref_act(w, m, action, destination);
}

static void op_flush(struct world *w)
{
	int64_t n;
	do
		n = queue_flush_destination(w->f->queue, str_from_c(destinations[roll(w, DESTINATIONS)]));
	while (n < 0 && fixture_again((int)n));
	assert_true(n >= 0);
}

static void op_forward(struct world *w)
{
	w->now += MINUTE * (int64_t)(roll(w, 10) ? 1 + roll(w, 3) : 1 + roll(w, 60));
}

static void op_reopen(struct world *w)
{
	for (unsigned i = 0; i < w->n_jobs; i++)
		for (size_t k = 0; k < w->jobs[i]->n_recipients; k++)
			ref_find(w, w->jobs[i]->id)->r[w->jobs[i]->recipients[k].index].in_flight = false;
	w->n_jobs = 0;
	fixture_reopen(w->f);
}

static void no_line(void *arg, const char *line)
{
	(void)arg;
	/* what fails after a body was stored leaves it behind */
	if (!fixture_faults() || !strstr(line, "note: "))
		fail_msg("%s", line);
}

static void op_check(struct world *w)
{
	uint64_t faults;
	/* a read that fails ends it, and is no fault */
	queue_check(w->f->queue, false, no_line, NULL, &faults);
	assert_int_equal(faults, 0);
	assert_int_equal(queue_check(w->f->plain_queue, false, no_line, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void step(struct world *w)
{
	static void (*const ops[])(struct world *w) = {
		op_submit, op_submit, op_submit, op_take, op_take, op_take, op_take, op_take, op_finish, op_finish, op_finish, op_finish, op_finish, op_act, op_forward,
	};
	unsigned at = roll(w, 400);
	pin_clock(w);
	if (at == 0)
		op_reopen(w);
	else if (at < 4)
		op_flush(w);
	else if (at < 6)
		op_check(w);
	else
		ops[at % (sizeof(ops) / sizeof(ops[0]))](w);
	pin_clock(w);
	fixture_tick(w->f);
	ref_clock(w);
	if (roll(w, 10) == 0)
		compare(w);
}

/* Everything goes out. */
static void drain(struct world *w)
{
	struct queue_filter all = { 0 };
	uint64_t n;
	while (w->n_jobs)
		finish_job(w, w->jobs[--w->n_jobs], true);
	assert_int_equal(queue_act(w->f->plain_queue, &all, QUEUE_RELEASE, &n, NULL), 0);
	for (unsigned i = 0; i < w->n; i++)
		ref_act(w, &w->m[i], QUEUE_RELEASE, -1);
	assert_int_equal(queue_act(w->f->plain_queue, &all, QUEUE_RETRY, &n, NULL), 0);
	for (unsigned idle = 0; idle < 3;) {
		pin_clock(w);
		fixture_tick(w->f);
		ref_clock(w);
		struct queue_job *j = fixture_take(w->f);
		idle = j ? 0 : idle + 1;
		w->now += j ? 0 : MINUTE * 30;
		if (!j)
			continue;
		assert_job(w, j);
		if (j->kind == QUEUE_NOTICE) {
			struct ref_message *m = ref_find(w, j->id);
			uint32_t told[RECIPIENTS];
			unsigned n_told = list_told(j, told);
			if (queue_finish_notice(w->f->queue, &j, NULL) == 0)
				for (unsigned k = 0; k < n_told; k++)
					m->r[told[k]].owed = 0;
			continue;
		}
		queue_destination_ok(w->f->queue, j->destination);
		finish_job(w, j, true);
	}
	compare(w);
	assert_int_equal(fixture_stats(w->f).messages, 0);
}

static void as_the_reference(void **state)
{
	struct fixture *f = *state;
	struct world w = { .f = f, .now = clock_now() / MINUTE * MINUTE + MINUTE, .random = 0x9e3779b97f4a7c15u };
	w.m = calloc(MESSAGES_MAX, sizeof(*w.m));
	assert_non_null(w.m);
	f->config.expire_s = EXPIRE;
	f->config.expire_null_s = EXPIRE_NULL;
	f->config.warn_s = WARN;
	queue_set_config(f->queue, &f->config);
	for (unsigned i = 0; i < STEPS; i++)
		step(&w);
	assert_true(w.n > 300 && w.notices > 30 && w.expired > 30);
	drain(&w);
	if (!fixture_faults())
		fixture_empty(f);
	free(w.m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { FIXTURE_TEST(as_the_reference) };
	return fixture_run("random", tests, 1);
}
