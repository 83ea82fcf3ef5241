/* What a message from outside is asked (RFC 7208, 6376, 7489, 8617, 8601) and what follows; what is signed and sealed on the way out. */
#include "proto/smtp/fixture.h"

#include "base/clock.h"
#include "proto/smtp/gate.h"

#define FROM(address) "From: <" address ">\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@b.example>\r\n\r\nx\r\n"
#define SEND(sender, address) HELLO "MAIL FROM:<" sender ">\r\nRCPT TO:<alice@example.org>\r\n" DATA(FROM(address))

static const char zone[] =
	"strict.example TXT v=spf1 ip4:198.51.100.0/24 -all\n_dmarc.strict.example TXT v=DMARC1; p=reject\n"
	"doubtful.example TXT v=spf1 ip4:198.51.100.0/24 -all\n_dmarc.doubtful.example TXT v=DMARC1; p=quarantine\n"
	"lax.example TXT v=spf1 ip4:198.51.100.0/24 ~all\n_dmarc.lax.example TXT v=DMARC1; p=none\n"
	"good.example TXT v=spf1 ip4:192.0.2.1 -all\n_dmarc.good.example TXT v=DMARC1; p=reject\n";

static bool holds(struct world *w, const char *text)
{
	return str_find(buf_str(&w->last), str_from_c(text)) != STR_NPOS;
}

static void check_outside(struct world *w)
{
	dns_zone_add(w->zone, zone);
	w->service.dns = &w->dns;
}

/* ---- DMARC and SPF ---- */

static void policies_are_obeyed(void **state)
{
	struct world *w = *state;
	check_outside(w);
	world_say(w, SEND("a@good.example", "a@good.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "INBOX");
	assert_true(str_starts(buf_str(&w->last), STR("Return-Path: <a@good.example>\r\nReceived: from client.example.net ([192.0.2.1])\r\n")));
	assert_true(holds(w, "\r\nAuthentication-Results: mx.example.org;"));
	assert_true(holds(w, "dmarc=pass") && holds(w, "spf=pass"));
	world_say(w, SEND("a@good.example", "a@strict.example"), "550 5.7.1 The message fails DMARC");
	world_say(w, SEND("a@lax.example", "a@lax.example"), "250 2.0.0 Ok: kept");
	assert_int_equal(world_messages(w, 1), 2);
	world_say(w, SEND("a@doubtful.example", "a@doubtful.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "Junk");
	assert_true(holds(w, "Return-Path: <a@doubtful.example>\r\n") && holds(w, "dmarc=fail"));
}

/* A success would be told to whoever was named as the sender: with SPF or DMARC against it, that is somebody else. */
static void nothing_is_told_to_a_sender_who_is_none(void **state)
{
	static const struct { const char *sender, *reply; } cases[] = {
		{ "a@good.example", "250 2.0.0 Ok: queued" }, { "a@lax.example", "250 2.0.0 Ok: queued" },
		{ "a@doubtful.example", "250 2.0.0 Ok: kept" }, { "a@forged.example", "250 2.0.0 Ok: kept" } };
	struct world *w = *state;
	check_outside(w);
	dns_zone_add(w->zone, "forged.example TXT v=spf1 ip4:198.51.100.0/24 -all\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf say = BUF_INIT(4096);
		buf_printf(&say, HELLO "MAIL FROM:<%s>\r\nRCPT TO:<alice@example.org> NOTIFY=SUCCESS,FAILURE\r\nDATA\r\nFrom: <%s>\r\n"
				   "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@b.example>\r\n\r\nx\r\n.\r\n", cases[i].sender, cases[i].sender);
		buf_add_char(&say, 0);
		world_say(w, say.p, cases[i].reply);
		buf_fini(&say);
	}
}

static void policies_are_bounded_by_configuration(void **state)
{
	struct world *w = *state;
	check_outside(w);
	w->config.smtp_dmarc_enforce = DMARC_POLICY_QUARANTINE;
	world_configure(w);
	world_say(w, SEND("a@strict.example", "a@strict.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "Junk");
	w->config.smtp_dmarc_enforce = DMARC_POLICY_NONE;
	world_configure(w);
	world_say(w, SEND("a@strict.example", "a@strict.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "INBOX");
	w->config.smtp_spf_enforce = true;
	world_configure(w);
	world_say(w, SEND("a@strict.example", "a@strict.example"), "550 5.7.23 SPF of strict.example does not permit 192.0.2.1");
	assert_int_equal(world_messages(w, 1), 2);
}

/* What waits in the queue for somebody here remembers where it belongs. */
static void quarantine_goes_through_the_queue(void **state)
{
	struct world *w = *state;
	check_outside(w);
	world_say(w, HELLO "MAIL FROM:<>\r\nRCPT TO:<both@example.org>\r\n" DATA(FROM("a@doubtful.example")), "250 2.0.0 Ok: queued");
	world_expect_queue(w, "<> flags=2048 peer=192.0.2.1\n  alice@example.org > :local notify=1 orcpt=rfc822;both@example.org\n"
					   "  friend@elsewhere.test > elsewhere.test notify=1 orcpt=rfc822;both@example.org\n");
}

static void two_authors_are_refused(void **state)
{
	struct world *w = *state;
	check_outside(w);
	world_say(w, HELLO "MAIL FROM:<a@good.example>\r\nRCPT TO:<alice@example.org>\r\n"
			  DATA("From: <a@good.example>\r\nFrom: <ceo@strict.example>\r\n\r\nx\r\n"), "550 5.6.0 ");
}

static void our_own_are_not_asked(void **state)
{
	struct world *w = *state;
	check_outside(w);
	w->config.smtp_unchecked_from = STR("192.0.2.0/24");
	world_configure(w);
	unsigned before = dns_zone_questions(w->zone);
	world_say(w, SEND("a@strict.example", "a@strict.example"), "250 2.0.0 Ok: kept");
	w->config.smtp_unchecked_from = STR_NONE;
	world_configure(w);
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: kept");
	w->service.mode = SMTP_LMTP;
	world_say(w, "LHLO c.example\r\nMAIL FROM:<a@strict.example>\r\nRCPT TO:<bob@example.org>\r\n" DATA(FROM("a@strict.example")), "250 2.0.0 Ok: kept");
	assert_int_equal(dns_zone_questions(w->zone), before);
}

/* RFC 8601 5: results in our name that came along are forged; those of others stay. */
static void forged_results_are_removed(void **state)
{
	struct world *w = *state;
	check_outside(w);
	world_say(w, HELLO "MAIL FROM:<a@lax.example>\r\nRCPT TO:<alice@example.org>\r\n"
			  DATA("Authentication-Results: MX.example.org; dmarc=pass\r\nAuthentication-Results: other.example; spf=none\r\nReturn-Path: <x>\r\n" FROM("a@lax.example")),
			  "250 2.0.0 Ok: kept");
	world_read(w, 1, "INBOX");
	assert_false(holds(w, "dmarc=pass") || holds(w, "Return-Path: <x>"));
	assert_true(holds(w, "Authentication-Results: other.example; spf=none\r\nFrom: <a@lax.example>"));
}

/* ---- what is told ---- */

static void count_report(void *ctx, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done)
{
	struct { unsigned n; enum dmarc_policy done; } *seen = ctx;
	assert_true(str_eq(q->sender, STR("a@good.example")));
	assert_int_equal(v->spf.result, SPF_PASS);
	assert_int_equal(v->dmarc.result, DMARC_FAIL);
	seen->n++;
	seen->done = done;
}

static void verdicts_are_told(void **state)
{
	struct world *w = *state;
	struct { unsigned n; enum dmarc_policy done; } seen = { 0, DMARC_POLICY_NONE };
	check_outside(w);
	w->service.report = count_report;
	w->service.report_ctx = &seen;
	world_say(w, SEND("a@good.example", "a@strict.example"), "550 ");
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.done, DMARC_POLICY_REJECT);
}

/* ---- signatures ---- */

struct ring {
	struct dkim_key *key;
	bool broken;
};

static int signers(void *ctx, struct arena *a, struct str domain, struct dkim_signer *out, size_t max)
{
	struct ring *ring = ctx;
	(void)a;
	if (ring->broken)
		return ERR_IO;
	if (!str_eq(domain, STR("example.org")) || max == 0)
		return 0;
	*out = (struct dkim_signer){ .domain = STR("example.org"), .selector = STR("s1"), .key = dkim_key_ref(ring->key) };
	return 1;
}

static void make_ring(struct world *w, struct ring *ring, struct dkim_keyring *keyring)
{
	struct buf pem = BUF_INIT(0), record = BUF_INIT(0);
	char line[1024];
	assert_int_equal(dkim_key_generate(DKIM_ED25519_SHA256, 0, &pem, NULL), 0);
	assert_int_equal(dkim_key_parse(buf_str(&pem), &ring->key, NULL), 0);
	assert_int_equal(dkim_key_record(ring->key, &record), 0);
	snprintf(line, sizeof line, "s1._domainkey.example.org TXT %.*s\n", STR_ARG(buf_str(&record)));
	dns_zone_add(w->zone, line);
	*keyring = (struct dkim_keyring){ signers, ring };
	w->service.keyring = keyring;
	buf_fini(&pem);
	buf_fini(&record);
}

/* The fields in front of what is signed: whole lines up to this one. */
static struct str from_field(struct world *w, const char *field)
{
	size_t at = str_find(buf_str(&w->last), str_from_c(field));
	assert_true(at != STR_NPOS);
	return str_from(buf_str(&w->last), at);
}

static void submissions_that_leave_are_signed(void **state)
{
	struct world *w = *state;
	struct arena a = ARENA_INIT(0);
	struct ring ring = { 0 };
	struct dkim_keyring keyring;
	struct dkim_verdict *v;
	size_t n;
	make_ring(w, &ring, &keyring);
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<friend@elsewhere.test>\r\n" DATA("From: alice@example.org\r\nBcc: x@y.example\r\n\r\nx\r\n"),
				 "250 2.0.0 Ok: queued");
	world_show_queue(w, &(struct queue_filter){ 0 });
	assert_int_equal(dkim_verify(&w->dns, &a, from_field(w, "DKIM-Signature:"), clock_now(), &v, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].result, DKIM_PASS);
	assert_false(holds(w, "Bcc:"));
	/* mail that stays needs none, and a ring that fails keeps nothing back */
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n" MESSAGE, "250 2.0.0 Ok: kept");
	world_read(w, 2, "INBOX");
	assert_false(holds(w, "DKIM-Signature:"));
	ring.broken = true;
	world_submit(w, HELLO "MAIL FROM:<alice@example.org>\r\nRCPT TO:<friend@elsewhere.test>\r\n" MESSAGE, "250 2.0.0 Ok: queued");
	dkim_key_unref(&ring.key);
	arena_fini(&a);
}

static void forwarded_mail_is_sealed(void **state)
{
	struct world *w = *state;
	struct arena a = ARENA_INIT(0);
	struct ring ring = { 0 };
	struct dkim_keyring keyring;
	struct arc_verdict v;
	check_outside(w);
	make_ring(w, &ring, &keyring);
	world_say(w, HELLO "MAIL FROM:<a@good.example>\r\nRCPT TO:<away@example.org>\r\n" DATA(FROM("a@good.example")), "250 2.0.0 Ok: queued");
	world_show_queue(w, &(struct queue_filter){ 0 });
	assert_int_equal(arc_validate(&w->dns, &a, buf_str(&w->last), clock_now(), &v), 0);
	assert_int_equal(v.result, ARC_PASS);
	assert_true(str_eq(v.sealer, STR("example.org")));
	assert_true(str_find(v.results, STR("dmarc=pass")) != STR_NPOS);
	assert_false(holds(w, "DKIM-Signature:"));
	/* Received first, then what was found, then the seals */
	assert_true(from_field(w, "Received:").p < from_field(w, "\r\nAuthentication-Results:").p);
	assert_true(from_field(w, "\r\nAuthentication-Results:").p < from_field(w, "\r\nARC-Seal:").p);

	/* RFC 8617 7.2: the same message comes back through us from an address that fails DMARC; a seal we trust outweighs that */
	struct buf again = BUF_INIT(0);
	buf_printf(&again, HELLO "MAIL FROM:<a@strict.example>\r\nRCPT TO:<alice@example.org>\r\n" "DATA\r\n%.*s.\r\n", STR_ARG(buf_str(&w->last)));
	buf_add_char(&again, '\0');
	world_say(w, again.p, "550 5.7.1 The message fails DMARC");
	w->config.smtp_arc_trusted = STR("other.example example.org");
	world_configure(w);
	world_say(w, again.p, "250 2.0.0 Ok: kept");
	buf_fini(&again);
	dkim_key_unref(&ring.key);
	arena_fini(&a);
}

/* ---- gates ---- */

struct watcher {
	char seen[512];
	enum smtp_stage at;
	struct smtp_answer answer;
	unsigned ended;
};

static void watch(void *ctx, void **state, const struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m, struct smtp_answer *out)
{
	static const char letters[] = "chmrdwxu";
	struct watcher *x = ctx;
	size_t n = strlen(x->seen);
	(void)c;
	*state = x;
	snprintf(x->seen + n, sizeof x->seen - n, "%c(%.*s)", letters[stage], STR_ARG(m->argument));
	if (stage == x->at)
		*out = x->answer;
}

static void end(void *ctx, void *state)
{
	struct watcher *x = ctx;
	assert_ptr_equal(state, x);
	x->ended++;
}

static void gates_are_asked_in_order(void **state)
{
	struct world *w = *state;
	struct watcher x = { .at = SMTP_STAGE_MESSAGE };
	struct smtp_gate gate = { .name = "watch", .ctx = &x, .ask = watch, .end = end };
	w->service.gates = &gate;
	w->service.n_gates = 1;
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: kept");
	assert_string_equal(x.seen, "c()h(client.example.net)m(a@b.example)r(alice@example.org)d()w()");
	assert_int_equal(x.ended, 1);

	static const struct { enum smtp_stage at; struct smtp_answer answer; const char *reply; } cases[] = {
		{ SMTP_STAGE_CONNECT, { SMTP_REFUSE, 554, "5.7.0", "go\raway", 0, { .n_add = 0 } }, "554 5.7.0 go away" },
		{ SMTP_STAGE_HELO, { SMTP_REFUSE, 421, "", "", 0, { .n_add = 0 } }, "421 4.7.1 Try again later" },
		{ SMTP_STAGE_MESSAGE, { SMTP_REFUSE, 550, "", "spam", 0, { .n_add = 0 } }, "550 5.7.1 spam" },
		{ SMTP_STAGE_MAIL, { SMTP_DISCARD, 0, "", "", 0, { .n_add = 0 } }, "250 2.0.0 Ok: kept" },
		{ SMTP_STAGE_MESSAGE, { SMTP_DISCARD, 0, "", "", 0, { .n_add = 0 } }, "250 2.0.0 Ok: kept" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		x.at = cases[i].at;
		x.answer = cases[i].answer;
		world_say(w, SEND("a@b.example", "a@b.example"), cases[i].reply);
	}
	assert_int_equal(world_messages(w, 1), 1);
	x.at = SMTP_STAGE_RCPT;
	x.answer = (struct smtp_answer){ .decision = SMTP_QUARANTINE };
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "Junk");
	x.answer = (struct smtp_answer){ .decision = SMTP_HOLD };
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: queued as ");
	world_expect_queue(w, "<a@b.example> flags=512 peer=192.0.2.1\n  alice@example.org > :local\n");
	world_empty_queue(w, &(struct queue_filter){ 0 });
	w->service.queue = NULL;
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "Junk");
}

static void gates_change_messages(void **state)
{
	struct world *w = *state;
	static const struct str add[] = { STR_INIT("bob@example.org"), STR_INIT("nobody@example.org"), STR_INIT("stranger@elsewhere.test") };
	static const struct str remove[] = { STR_INIT("ALICE@example.org") };
	static const struct str pieces[] = { STR_INIT("From: <other@b.example>\r\n\r\nch"), STR_INIT("anged\r\n") };
	struct watcher x = { .at = SMTP_STAGE_MESSAGE, .answer = { .changes = {
		.front = STR("X-Seen: yes\r\n"), .pieces = pieces, .n_pieces = 2, .new_sender = true, .sender = STR("new@b.example"),
		.add = add, .n_add = 3, .remove = remove, .n_remove = 1 } } };
	struct smtp_gate gate = { .name = "watch", .ctx = &x, .ask = watch, .end = end };
	w->service.gates = &gate;
	w->service.n_gates = 1;
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: kept");
	assert_int_equal(world_messages(w, 1), 0);
	world_read(w, 2, "INBOX");
	assert_true(str_starts(buf_str(&w->last), STR("Return-Path: <new@b.example>\r\nReceived: ")));
	assert_true(str_ends(buf_str(&w->last), STR("X-Seen: yes\r\nFrom: <other@b.example>\r\n\r\nchanged\r\n")));
	x.answer.changes = (struct smtp_changes){ .remove = remove, .n_remove = 1 };
	world_say(w, SEND("a@b.example", "a@b.example"), "250 2.0.0 Ok: kept");
	assert_int_equal(world_messages(w, 1), 0);
}

/* A gate may let replies come late: they are held back while nothing is read, whatever was sent ahead. */
static void replies_come_late(void **state)
{
	struct world *w = *state;
	struct watcher x = { .at = SMTP_STAGE_RCPT, .answer = { .delay_ms = 2000 } };
	struct smtp_gate gate = { .name = "watch", .ctx = &x, .ask = watch, .end = end };
	w->service.gates = &gate;
	w->service.n_gates = 1;
	struct conn c;
	script_house_visit(&c, &w->service, "192.0.2.1");
	script_play(&c, STR(HELLO "MAIL FROM:<a@b.example>\r\n"), 0);
	buf_reset(&c.out);
	c.in = STR("RCPT TO:<alice@example.org>\r\nNOOP\r\n");
	c.taken = 0;
	assert_true(script_event(&c, CONN_INPUT));
	assert_int_equal(c.out.n, 0);
	assert_int_equal(c.want, SCRIPT_WANTS_NOTHING);
	assert_int_equal(c.timeout_ms, 2000);
	assert_true(script_event(&c, CONN_WAKE));
	assert_int_equal(c.out.n, 0);
	assert_int_equal(c.want, SCRIPT_WANTS_NOTHING);
	assert_true(script_event(&c, CONN_TIMEOUT));
	assert_true(str_eq(buf_str(&c.out), STR("250 2.1.5 Recipient ok\r\n")));
	assert_int_equal(c.want, SCRIPT_WANTS_LINE);
	assert_int_equal(c.timeout_ms, w->config.smtp_timeout_ms);
	/* refusals too, within bounds, also of a recipient that is refused anyway; the server's end does not wait */
	x.at = SMTP_STAGE_REFUSED_RCPT;
	x.answer = (struct smtp_answer){ .decision = SMTP_REFUSE, .code = 450, .text = "Later", .delay_ms = UINT64_MAX };
	c.in = STR("RCPT TO:<nobody@example.org>\r\n");
	c.taken = 0;
	buf_reset(&c.out);
	assert_true(script_event(&c, CONN_INPUT));
	assert_int_equal(c.out.n, 0);
	assert_int_equal(c.timeout_ms, SMTP_DELAY_MS_MAX);
	assert_false(script_event(&c, CONN_DRAIN));
	assert_true(str_starts(buf_str(&c.out), STR("450 4.7.1 Later\r\n421 4.3.2 ")));
	buf_fini(&c.out);
	/* a session that ends meanwhile leaks nothing */
	x.at = SMTP_STAGE_CONNECT;
	x.answer = (struct smtp_answer){ .delay_ms = 1 };
	script_house_visit(&c, &w->service, "192.0.2.1");
	assert_int_equal(c.out.n, 0);
	script_close(&c);
	buf_fini(&c.out);
	/* what is no command is asked about, too */
	x.at = SMTP_STAGE_UNKNOWN;
	x.answer = (struct smtp_answer){ .decision = SMTP_REFUSE, .code = 502, .enhanced = "5.5.1", .text = "Never heard of it" };
	world_say(w, "XYZZY now\r\n", "502 5.5.1 Never heard of it");
	assert_non_null(strstr(x.seen, "u(XYZZY now)"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(policies_are_obeyed), T(nothing_is_told_to_a_sender_who_is_none), T(policies_are_bounded_by_configuration), T(quarantine_goes_through_the_queue), T(two_authors_are_refused),
		T(our_own_are_not_asked), T(forged_results_are_removed), T(verdicts_are_told), T(submissions_that_leave_are_signed), T(forwarded_mail_is_sealed),
		T(gates_are_asked_in_order), T(gates_change_messages), T(replies_come_late),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
