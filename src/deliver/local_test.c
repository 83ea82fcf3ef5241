/* What the queue holds for ourselves: into accounts, to groups, on through aliases. RFC 3461 5.2.7, RFC 5321 4.4 and 6.3, RFC 7208 10.3. */
#include "deliver/local.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define MESSAGE "From: a@b.example\r\nSubject: hello\r\n\r\nHello\r\n"

struct world {
	struct store *store;
	struct local_env env;
	struct buf text;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };

	assert_non_null(w);
	assert_int_equal(store_open(&c, &w->store, NULL), 0);
	assert_int_equal(model_open(w->store, NULL, &w->env.model, NULL), 0);
	struct group_env *g = &w->env.groups;
	assert_int_equal(directory_open(w->store, NULL, &g->directory, NULL), 0);
	assert_int_equal(queue_open(w->store, &(struct queue_config){ .warn_s = 0 }, &g->queue, NULL), 0);
	w->env.store = w->store;
	w->env.srs = true;
	g->hostname = STR("mx.example.org");
	assert_int_equal(directory_domain_add(g->directory, STR("example.org"), NULL), 0);
	static const char *const users[] = { "alice@example.org", "bob@example.org" };
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(account_create(w->env.model, i + 1), 0);
		assert_int_equal(directory_user_add(g->directory, str_from_c(users[i]), STR("good password"), i + 1, NULL), 0);
	}
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	queue_stop(w->env.groups.queue);
	queue_close(&w->env.groups.queue);
	directory_close(&w->env.groups.directory);
	model_close(&w->env.model);
	store_close(&w->store);
	buf_fini(&w->text);
	free(w);
	return 0;
}

static void alias(struct world *w, const char *name, const char *first, const char *second)
{
	struct str targets[] = { str_from_c(first), str_from_c(second) };

	assert_int_equal(directory_alias_add(w->env.groups.directory, str_from_c(name), targets, second ? 2 : 1, NULL), 0);
}

static void submit(struct world *w, const char *message, const char *sender, unsigned notify, const char *recipient, const char *second)
{
	struct queue_recipient r[] = { { .address = str_from_c(recipient), .destination = STR(QUEUE_LOCAL), .notify = notify },
								   { .address = str_from_c(second), .destination = STR(QUEUE_LOCAL), .notify = notify } };
	struct str piece = str_from_c(message);
	struct queue_submission s = { .envelope = { .sender = str_from_c(sender), .flags = QUEUE_8BIT, .envid = STR("E1") }, .pieces = &piece, .n_pieces = 1,
								  .recipients = r, .n_recipients = second ? 2 : 1 };
	uint64_t id;

	assert_int_equal(queue_submit(w->env.groups.queue, &s, &id, NULL), 0);
}

static struct queue_job *take(struct world *w)
{
	struct queue_job *j;
	struct store_blob_view view;

	if (queue_take(w->env.groups.queue, 0, STR_NONE, false, &j) != 0)
		return NULL;
	assert_int_equal(queue_job_map(w->env.groups.queue, j, &view), 0);
	buf_reset(&w->text);
	buf_add_str(&w->text, view.bytes);
	store_blob_unmap(w->store, &view);
	return j;
}

/* Takes the job for ourselves and delivers it. */
static struct queue_job *deliver(struct world *w)
{
	struct queue_job *j = take(w);

	assert_non_null(j);
	assert_true(str_eq(j->destination, STR(QUEUE_LOCAL)));
	local_deliver(&w->env, j);
	return j;
}

static void assert_outcome(const struct queue_job *j, size_t i, int outcome, const char *status)
{
	assert_int_equal(j->recipients[i].result.outcome, outcome);
	assert_true(str_eq(j->recipients[i].result.status, str_from_c(status)));
	assert_true(j->recipients[i].result.reply.n > 4);
}

static void finish(struct world *w, struct queue_job *j) { assert_int_equal(queue_finish(w->env.groups.queue, &j), 0); }

static uint64_t messages(struct world *w, uint64_t account)
{
	struct quota q;

	assert_int_equal(model_quota(w->env.model, account, &q), 0);
	return q.messages;
}

static void test_accounts(void **state)
{
	struct world *w = *state;
	struct account *a;

	submit(w, MESSAGE, "a@b.example", 0, "alice+tag@example.org", "Bob@example.org");
	struct queue_job *j = deliver(w);
	assert_outcome(j, 0, QUEUE_DELIVERED, "2.1.5");
	assert_outcome(j, 1, QUEUE_DELIVERED, "2.1.5");
	finish(w, j);
	assert_true(messages(w, 1) == 1 && messages(w, 2) == 1);

	assert_int_equal(account_open(w->env.model, 1, &a), 0);
	assert_int_equal(account_set_quota(a, &(struct quota){ .bytes_max = 0, .messages_max = 1 }), 0);
	account_close(&a);
	submit(w, MESSAGE, "a@b.example", 0, "alice@example.org", "nobody@example.org");
	j = deliver(w);
	assert_outcome(j, 0, QUEUE_DELAYED, "4.2.2");
	assert_outcome(j, 1, QUEUE_FAILED, "5.1.1");
	finish(w, j);
}

static void test_alias(void **state)
{
	struct world *w = *state;

	alias(w, "all@example.org", "alice@example.org", "far@else.example");
	submit(w, MESSAGE, "a@b.example", QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE, "all@example.org", NULL);
	struct queue_job *j = deliver(w);
	assert_outcome(j, 0, QUEUE_EXPANDED, "2.1.5");
	assert_false(j->recipients[0].result.dsn_passed_on);
	finish(w, j);
	unsigned seen = 0;
	while ((j = take(w))) {
		if (j->kind == QUEUE_NOTICE) {
			assert_int_equal(j->recipients[0].owed, QUEUE_EXPANDED);
			assert_int_equal(queue_finish_notice(w->env.groups.queue, &j, NULL), 0);
			continue;
		}
		seen |= str_eq(j->destination, STR(QUEUE_LOCAL)) ? 1u : str_eq(j->destination, STR("else.example")) ? 2u : 4u;
		assert_true(str_starts(j->envelope.sender, STR("SRS0=")) && str_ends(j->envelope.sender, STR("=b.example=a@example.org")));
		assert_int_equal(j->recipients[0].r.notify, QUEUE_NOTIFY_FAILURE);
		assert_true(str_eq(j->recipients[0].r.orcpt, STR("rfc822;all@example.org")) && str_eq(j->envelope.envid, STR("E1")));
		assert_true(str_starts(buf_str(&w->text), STR("Delivered-To: all@example.org\r\nFrom: ")));
		j->recipients[0].result.outcome = QUEUE_DELIVERED;
		finish(w, j);
	}
	assert_int_equal(seen, 3);
	/* once more round */
	submit(w, "Delivered-To: All@example.org\r\n" MESSAGE, "a@b.example", 0, "all@example.org", NULL);
	j = deliver(w);
	assert_outcome(j, 0, QUEUE_FAILED, "5.4.6");
	finish(w, j);
}

static void test_forward(void **state)
{
	struct world *w = *state;
	static const struct { const char *sender, *forwarded; } t[] = {
		{ "", "" }, { "alice@example.org", "alice@example.org" }, { "a@b.example", "SRS0=" }, { "SRS0=x=y=z=u@b.example", "SRS1=" } };

	alias(w, "away@example.org", "far@else.example", NULL);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		submit(w, MESSAGE, t[i].sender, QUEUE_NOTIFY_SUCCESS, "away@example.org", NULL);
		struct queue_job *j = deliver(w);
		assert_outcome(j, 0, QUEUE_RELAYED, "2.1.5");
		assert_true(j->recipients[0].result.dsn_passed_on);
		finish(w, j);
		j = take(w);
		assert_non_null(j);
		assert_true(str_starts(j->envelope.sender, str_from_c(t[i].forwarded)) && (*t[i].forwarded || !j->envelope.sender.n));
		assert_int_equal(j->recipients[0].r.notify, QUEUE_NOTIFY_SUCCESS);
		j->recipients[0].result.outcome = QUEUE_RELAYED;
		j->recipients[0].result.dsn_passed_on = true;
		finish(w, j);
		assert_null(take(w));
	}
}

/* What an alias sent away fails, and its sender is told: at the address that stood for it. */
static void test_notice_to_rewritten(void **state)
{
	struct world *w = *state;
	char rewritten[200];

	alias(w, "away@example.org", "far@else.example", NULL);
	submit(w, MESSAGE, "a+b@b.example", 0, "away@example.org", NULL);
	struct queue_job *j = deliver(w);
	finish(w, j);
	j = take(w);
	snprintf(rewritten, sizeof rewritten, "%.*s", STR_ARG(j->envelope.sender));
	j->recipients[0].result.outcome = QUEUE_RELAYED;
	finish(w, j);

	submit(w, MESSAGE, "", QUEUE_NOTIFY_NEVER, rewritten, "SRS0=AAAAAA=JP=b.example=a@example.org");
	j = deliver(w);
	assert_outcome(j, 0, QUEUE_RELAYED, "2.1.5");
	assert_outcome(j, 1, QUEUE_FAILED, "5.1.1");
	finish(w, j);
	j = take(w);
	assert_non_null(j);
	assert_true(str_eq(j->recipients[0].r.address, STR("a+b@b.example")) && str_eq(j->destination, STR("b.example")));
	assert_true(!j->envelope.sender.n && j->recipients[0].r.notify == QUEUE_NOTIFY_NEVER);
	j->recipients[0].result.outcome = QUEUE_RELAYED;
	finish(w, j);
	assert_null(take(w));
}

static void test_group(void **state)
{
	struct world *w = *state;
	struct directory *d = w->env.groups.directory;
	uint64_t changed;

	assert_int_equal(directory_group_add(d, STR("list@example.org"), &(struct group_settings){ .size_max = 1 }, NULL), 0);
	assert_int_equal(directory_group_join(d, STR("list@example.org"), (struct str[]){ STR("bob@example.org"), STR("a@b.example") }, 2, &changed, NULL), 0);
	static const struct { const char *message, *sender, *status; int outcome; } t[] = {
		{ MESSAGE, "stranger@b.example", "5.7.2", QUEUE_FAILED }, { MESSAGE, "", "5.7.2", QUEUE_FAILED },
		{ "X-Loop: list@example.org\r\n" MESSAGE, "a@b.example", "5.4.6", QUEUE_FAILED },
		{ MESSAGE, "a@b.example", "2.1.5", QUEUE_DELIVERED },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		submit(w, t[i].message, t[i].sender, QUEUE_NOTIFY_NEVER, "list@example.org", NULL);
		struct queue_job *j = deliver(w);
		assert_outcome(j, 0, t[i].outcome, t[i].status);
		finish(w, j);
	}
	unsigned seen = 0;
	for (struct queue_job *j; (j = take(w)); seen++) {
		assert_true(str_starts(j->envelope.sender, STR("list-bounces-")) && j->envelope.flags & QUEUE_VERP);
		if (str_eq(j->destination, STR(QUEUE_LOCAL)))
			local_deliver(&w->env, j);
		else
			j->recipients[0].result.outcome = QUEUE_RELAYED;
		finish(w, j);
	}
	assert_int_equal(seen, 2);
	assert_int_equal(messages(w, 2), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_accounts, setup, teardown), cmocka_unit_test_setup_teardown(test_alias, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forward, setup, teardown), cmocka_unit_test_setup_teardown(test_notice_to_rewritten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
