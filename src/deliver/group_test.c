/* A message to a group, and what comes back, through a real directory and queue. RFC 2369, 2919, 3461 5.2.7, 3834, 8617, 8689 6. */
#include "deliver/group.h"

#include "base/clock.h"
#include "deliver/group_address.h"
#include "mailauth/arc.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#define LIST STR("list@example.org")
#define RESULTS "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@b.example;\r\n dkim=none; arc=none\r\n"
#define MESSAGE RESULTS "From: a@b.example\r\nSubject: hello\r\n\r\nHello\r\n"

struct world {
	struct store *store;
	struct group_env env;
	struct dns_zone *zone;
	struct dkim_key *key;
	struct dkim_keyring ring;
	struct arena arena;
	struct buf text;                   /* of the last job taken */
	char dir[40];
};

static int signers(void *ctx, struct arena *a, struct str domain, struct dkim_signer *out, size_t max)
{
	struct world *w = ctx;

	(void)a;
	assert_true(str_eq(domain, STR("example.org")) && max > 0);
	out[0] = (struct dkim_signer){ .domain = STR("example.org"), .selector = STR("s"), .key = dkim_key_ref(w->key) };
	return 1;
}

static void make_key(struct world *w)
{
	struct buf pem = BUF_INIT(0), record = BUF_INIT(0);

	assert_int_equal(dkim_key_generate(DKIM_RSA_SHA256, 0, &pem, NULL), 0);
	assert_int_equal(dkim_key_parse(buf_str(&pem), &w->key, NULL), 0);
	buf_add_lit(&record, "s._domainkey.example.org TXT ");
	assert_int_equal(dkim_key_record(w->key, &record), 0);
	buf_add_char(&record, '\0');
	w->zone = dns_zone_create();
	dns_zone_add(w->zone, record.p);
	w->ring = (struct dkim_keyring){ .signers = signers, .ctx = w };
	buf_fini(&pem);
	buf_fini(&record);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err e = { 0 };

	assert_non_null(w);
	memcpy(w->dir, "/tmp/troika-group-XXXXXX", 25);
	assert_non_null(mkdtemp(w->dir));
	struct store_config c = { .engine = STORE_ENGINE_MEM, .dir = w->dir, .create = true };
	assert_int_equal(store_open(&c, &w->store, &e), 0);
	assert_int_equal(directory_open(w->store, NULL, &w->env.directory, &e), 0);
	assert_int_equal(queue_open(w->store, &(struct queue_config){ .warn_s = 0 }, &w->env.queue, &e), 0);
	w->env.hostname = STR("mx.example.org");
	struct directory *d = w->env.directory;
	assert_int_equal(directory_domain_add(d, STR("example.org"), &e), 0);
	assert_int_equal(directory_user_add(d, STR("alice@example.org"), STR("good password"), 1, &e), 0);
	assert_int_equal(directory_user_add(d, STR("boss@example.org"), STR("good password"), 2, &e), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	queue_stop(w->env.queue);
	queue_close(&w->env.queue);
	directory_close(&w->env.directory);
	store_close(&w->store);
	if (w->key)
		dkim_key_unref(&w->key);
	if (w->zone)
		dns_zone_destroy(&w->zone);
	arena_fini(&w->arena);
	buf_fini(&w->text);
	rmdir(w->dir);
	free(w);
	return 0;
}

static void make_group(struct world *w, const struct group_settings *settings, const char *const *members)
{
	struct group_settings s = *settings;
	struct str v[20];
	size_t n = 0;
	uint64_t changed;

	s.owners = &STR("boss@example.org");
	s.n_owners = 1;
	assert_int_equal(directory_group_add(w->env.directory, LIST, &s, NULL), 0);
	for (; members[n]; n++)
		v[n] = str_from_c(members[n]);
	assert_int_equal(directory_group_join(w->env.directory, LIST, v, n, &changed, NULL), 0);
}

static int send_to(struct world *w, enum directory_role role, const char *detail, const char *message, const char *sender, unsigned flags)
{
	struct group_mail m = { .message = str_from_c(message), .envelope = { .sender = str_from_c(sender), .flags = flags, .priority = 3 } };
	struct directory_target t = { .role = role, .address = LIST, .detail = str_from_c(detail) };
	struct err e = { 0 };
	int code = group_deliver(&w->env, &t, &m, &e);

	assert_int_equal(e.code, code);
	return code;
}

/* Takes all jobs of one message; their recipients as "address>destination" words, sorted as the queue gives them. NULL: there is none. */
static struct queue_job *take(struct world *w)
{
	struct queue_job *j;
	struct store_blob_view view;

	if (queue_take(w->env.queue, 0, STR_NONE, false, &j) != 0)
		return NULL;
	assert_int_equal(queue_job_map(w->env.queue, j, &view), 0);
	buf_reset(&w->text);
	buf_add_str(&w->text, view.bytes);
	store_blob_unmap(w->store, &view);
	return j;
}

static void settle(struct world *w, struct queue_job **j)
{
	for (size_t i = 0; i < (*j)->n_recipients; i++)
		(*j)->recipients[i].result.outcome = QUEUE_DELIVERED;
	assert_int_equal(queue_finish(w->env.queue, j), 0);
}

static void assert_none(struct world *w) { assert_null(take(w)); }

static bool has(const struct world *w, const char *text) { return str_find(buf_str(&w->text), str_from_c(text)) != STR_NPOS; }

/* One job, for this one recipient; leaves its message in text. */
static void assert_job(struct world *w, const char *sender_starts, unsigned flags, const char *recipient)
{
	struct queue_job *j = take(w);

	assert_non_null(j);
	assert_true(str_starts(j->envelope.sender, str_from_c(sender_starts)) && (*sender_starts || j->envelope.sender.n == 0));
	assert_int_equal(j->envelope.flags, flags);
	assert_int_equal(j->n_recipients, 1);
	assert_true(str_eq(j->recipients[0].r.address, str_from_c(recipient)));
	assert_int_equal(j->recipients[0].r.notify, *sender_starts ? QUEUE_NOTIFY_FAILURE : QUEUE_NOTIFY_NEVER);
	settle(w, &j);
}

static void test_post(void **state)
{
	struct world *w = *state;
	static const struct group_settings plain = { .post = GROUP_POST_MEMBERS };

	make_group(w, &plain, (const char *[]){ "alice@example.org", "b@far.example", "c@far.example", "q r@far.example", NULL });
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", MESSAGE, "a@b.example", QUEUE_8BIT | QUEUE_RET_FULL | QUEUE_REQUIRETLS | QUEUE_HELD), 0);
	const unsigned flags = QUEUE_8BIT | QUEUE_REQUIRETLS | QUEUE_RET_HDRS | QUEUE_VERP;
	/* one submission: two jobs, by destination */
	for (int i = 0; i < 2; i++) {
		struct queue_job *j = take(w);
		assert_non_null(j);
		assert_true(str_starts(j->envelope.sender, STR("list-bounces-")) && str_ends(j->envelope.sender, STR("@example.org")));
		assert_int_equal(j->envelope.flags, flags);
		assert_int_equal(j->envelope.priority, 3);
		bool local = str_eq(j->destination, STR(QUEUE_LOCAL));
		assert_true(local || str_eq(j->destination, STR("far.example")));
		assert_int_equal(j->n_recipients, local ? 1 : 3);
		assert_true(str_eq(j->recipients[0].r.address, local ? STR("alice@example.org") : STR("b@far.example")));
		assert_true(local || str_eq(j->recipients[2].r.address, STR("\"q r\"@far.example")));
		for (size_t k = 0; k < j->n_recipients; k++)
			assert_int_equal(j->recipients[k].r.notify, QUEUE_NOTIFY_FAILURE);
		settle(w, &j);
	}
	assert_none(w);
	assert_true(str_starts(buf_str(&w->text), STR(RESULTS "From: a@b.example\r\nSubject: hello\r\nList-Id: ")));
	assert_true(str_ends(buf_str(&w->text), STR("X-Loop: list@example.org\r\n\r\nHello\r\n")));
}

static void test_refused(void **state)
{
	struct world *w = *state;
	static const struct group_settings small = { .size_max = 200, .no_verp = true };
	struct group_mail m = { .message = STR("X-Loop: list@example.org\r\nFrom: a@b.example\r\n\r\n") };
	struct err e = { 0 };

	make_group(w, &small, (const char *[]){ "b@far.example", NULL });
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", "X-Loop: list@example.org\r\nFrom: a@b.example\r\n\r\n", "a@b.example", 0), ERR_CONFLICT);
	assert_int_equal(group_check(&w->env, LIST, &m, &e), ERR_CONFLICT);
	m.message = STR(MESSAGE MESSAGE);
	assert_int_equal(group_check(&w->env, LIST, &m, &e), ERR_TOO_BIG);
	/* later, what arrival put in front is forgiven */
	struct buf large = BUF_INIT(0);
	buf_add_lit(&large, "Subject: x\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		buf_add_char(&large, 'x');
	buf_add_char(&large, '\0');
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", large.p, "a@b.example", 0), ERR_TOO_BIG);
	buf_fini(&large);
	m.message = STR(MESSAGE);
	assert_int_equal(group_check(&w->env, LIST, &m, &e), 0);
	assert_int_equal(group_check(&w->env, STR("nolist@example.org"), &m, &e), ERR_NOT_FOUND);
	assert_none(w);
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", MESSAGE, "a@b.example", 0), 0);
	assert_job(w, "list-bounces-", QUEUE_RET_HDRS, "b@far.example");
	/* nobody is in it */
	uint64_t changed;
	assert_int_equal(directory_group_leave(w->env.directory, LIST, &STR("b@far.example"), 1, &changed, &e), 0);
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", MESSAGE, "a@b.example", 0), 0);
	assert_none(w);
}

static void test_signed(void **state)
{
	struct world *w = *state;
	static const struct group_settings plain = { .post = GROUP_POST_MEMBERS };
	struct dkim_verdict *verdicts;
	struct arc_verdict chain;
	size_t n;

	make_key(w);
	w->env.keyring = &w->ring;
	struct dns_source dns = dns_zone_source(w->zone);
	make_group(w, &plain, (const char *[]){ "b@far.example", NULL });
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", MESSAGE, "a@b.example", 0), 0);
	assert_job(w, "list-bounces-", QUEUE_RET_HDRS | QUEUE_VERP, "b@far.example");
	assert_int_equal(dkim_verify(&dns, &w->arena, buf_str(&w->text), clock_now(), &verdicts, &n), 0);
	assert_true(n == 1 && verdicts[0].result == DKIM_PASS && str_eq(verdicts[0].domain, STR("example.org")));
	assert_int_equal(arc_validate(&dns, &w->arena, buf_str(&w->text), clock_now(), &chain), 0);
	assert_true(chain.result == ARC_PASS && chain.instances == 1 && str_find(chain.results, STR("spf=pass")) != STR_NPOS);
	/* without results of ours there is nothing to seal; those of others count for nothing */
	assert_int_equal(send_to(w, DIRECTORY_GROUP, "", "Authentication-Results: mx.example.orgy; spf=pass\r\nFrom: a@b.example\r\n\r\n", "a@b.example", 0), 0);
	assert_job(w, "list-bounces-", QUEUE_RET_HDRS | QUEUE_VERP, "b@far.example");
	assert_true(has(w, "DKIM-Signature:") && !has(w, "ARC-Seal:"));
}

/* ---- what comes back ---- */

static struct str bounce_detail(struct world *w, const char *member, struct buf *out)
{
	struct buf address = BUF_INIT(0);

	buf_reset(out);
	assert_int_equal(group_bounce_address(LIST, directory_address_key(w->env.directory), clock_now(), &address), 0);
	buf_add_str(out, str_sub(buf_str(&address), 12, 9));
	buf_add_c(out, member);
	buf_add_char(out, '\0');
	buf_fini(&address);
	return buf_str(out);
}

struct look { struct str address; unsigned bounces; bool disabled; };

static int look_at(void *arg, const struct group_member *m)
{
	struct look *l = arg;

	if (!str_eq(m->address, l->address))
		return 0;
	l->bounces = m->bounces;
	l->disabled = m->disabled;
	return 1;
}

static struct look member(struct world *w, struct str address)
{
	struct look l = { .address = address };

	assert_int_equal(directory_group_members(w->env.directory, LIST, look_at, &l), 1);
	return l;
}

#define REPORT(address, action, status) "Subject: x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nx\r\n" \
	"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; " address "\r\nAction: " action "\r\n" \
	"Status: " status "\r\nDiagnostic-Code: smtp; 550 no\x1b[2J\r\n--b--\r\n"

static void test_bounce(void **state)
{
	struct world *w = *state;
	static const struct group_settings strict = { .bounces_max = 2 };
	struct buf b = BUF_INIT(0);

	make_group(w, &strict, (const char *[]){ "b@far.example", "c@far.example", "d@far.example", NULL });
	static const struct { const char *member, *message, *sender; unsigned counted; } t[] = {
		{ "+b=far.example", REPORT("elsewhere@x", "delayed", "4.4.1"), "", 0 }, { "+b=far.example", REPORT("elsewhere@x", "delivered", "2.0.0"), "", 0 },
		{ "+b=far.example", REPORT("elsewhere@x", "failed", "5.7.1"), "", 0 }, { "+b=far.example", REPORT("elsewhere@x", "failed", "5.2.3"), "", 0 },
		{ "+b=far.example", REPORT("elsewhere@x", "failed", "5.6.0"), "", 0 }, { "+nobody=far.example", REPORT("b@far.example", "failed", "5.1.1"), "", 0 },
		{ "+b=far.example", "Auto-Submitted: auto-replied\r\n\r\nI am on holiday\r\n", "b@far.example", 0 },
		{ "+b=far.example", "Precedence: bulk\r\n\r\nI am on holiday\r\n", "b@far.example", 0 },
		{ "+b=far.example", REPORT("elsewhere@x", "failed", "5.1.1"), "", 1 }, { "+b=far.example", REPORT("elsewhere@x", "failed", "5.1.1"), "", 1 },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, t[i].member, &b).p, t[i].message, t[i].sender, 0), 0);
		assert_int_equal(member(w, STR("b@far.example")).bounces, t[i].counted);
		assert_none(w);
	}
	/* without an address of their own the report says who; a bounce in words of its own says nothing then */
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, "", &b).p, REPORT("C@far.example", "failed", "4.4.7"), "", 0), 0);
	assert_int_equal(member(w, STR("c@far.example")).bounces, 1);
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, "+d=far.example", &b).p, "Subject: failed\r\n\r\nno such user\r\n", "", 0), 0);
	assert_int_equal(member(w, STR("d@far.example")).bounces, 1);
	assert_none(w);
	/* one too many */
	clock_shift_ms((int64_t)86400 * 1000);
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, "+b=far.example", &b).p, REPORT("x@y", "failed", "5.1.1"), "", 0), 0);
	assert_true(member(w, STR("b@far.example")).disabled);
	assert_job(w, "", QUEUE_8BIT, "boss@example.org");
	assert_true(has(w, "To: <list-owner@example.org>\r\n") && has(w, "  b@far.example\r\n") && has(w, "550 no?[2J") && has(w, "Auto-Submitted: auto-generated\r\n"));
	clock_shift_ms((int64_t)-86400 * 1000);
	buf_fini(&b);
}

/* What is no bounce of ours, or from people, is for the owners to read; nothing that is sent to them can come back. */
static void test_owners(void **state)
{
	struct world *w = *state;
	static const struct group_settings strict = { .bounces_max = 1 };
	struct buf b = BUF_INIT(0);
	static const char boss[] = "boss@example.org";

	make_group(w, &strict, (const char *[]){ "b@far.example", NULL });
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, "-aaaaaaaa+b=far.example", REPORT("b@far.example", "failed", "5.1.1"), "", 0), 0);
	assert_job(w, "", 0, boss);
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, "", REPORT("b@far.example", "failed", "5.1.1"), "", 0), 0);
	assert_job(w, "", 0, boss);
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, "+b=far.example", &b).p, "Subject: why?\r\n\r\nWhat is this?\r\n", "b@far.example", QUEUE_8BIT), 0);
	assert_job(w, "", QUEUE_8BIT, boss);
	assert_true(str_eq(buf_str(&w->text), STR("Subject: why?\r\n\r\nWhat is this?\r\n")));
	assert_int_equal(send_to(w, DIRECTORY_GROUP_BOUNCES, bounce_detail(w, "", &b).p, "Subject: failed\r\n\r\nno such user\r\n", "", 0), 0);
	assert_job(w, "", 0, boss);
	struct look l = member(w, STR("b@far.example"));
	assert_true(l.bounces == 0 && !l.disabled);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_post, setup, teardown), cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signed, setup, teardown), cmocka_unit_test_setup_teardown(test_bounce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owners, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
