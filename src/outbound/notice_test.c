/* RFC 3461 4.3, 5.2, 6.1; RFC 5321 6.1; RFC 8689 5. What the notice itself looks like is codec/dsn's to test, and tests/notice_peer.py's. */
#include "outbound/notice.h"

#include "base/clock.h"
#include "codec/dsn/parse.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define ORIGINAL "From: a@ours.example\r\nSubject: x\r\n\r\nHello\r\n"

static struct arena arena;
static struct buf text;

static bool is_local(void *ctx, struct str domain)
{
	(void)ctx;
	return str_eq(domain, STR("ours.example"));
}

static const struct notice_config config = {
	.hostname = STR_INIT("mx.ours.example"), .postmaster = STR_INIT("postmaster@ours.example"), .is_local = is_local };

static int reset(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&text);
	return 0;
}

static struct queue_job make_job(struct queue_job_recipient *r, size_t n)
{
	return (struct queue_job){ .kind = QUEUE_NOTICE, .id = 0x4711, .envelope = { .sender = STR("a@ours.example"), .envid = STR("QQ1"), .arrived = 1000 },
							   .expires = 500000, .recipients = r, .n_recipients = n };
}

static int build(const struct queue_job *j, const struct notice_config *c, struct queue_submission *out)
{
	int code = notice_build(j, STR(ORIGINAL), c, &arena, out);

	buf_reset(&text);
	for (size_t i = 0; i < out->n_pieces; i++)
		buf_add_str(&text, out->pieces[i]);
	return code;
}

static bool has(const char *what) { return str_find(buf_str(&text), str_from_c(what)) != STR_NPOS; }

static void test_failure(void **state)
{
	(void)state;
	struct queue_job_recipient r[] = {
		{ .r = { .address = STR("b@else.example"), .orcpt = STR("rfc822;B@else.example") }, .owed = QUEUE_FAILED | QUEUE_DELAYED, .status = STR("5.1.1"),
		  .reply = STR("550 5.1.1 No such user"), .remote = STR("mx.else.example"), .last_attempt = 2000 },
		{ .r = { .address = STR("c@else.example") }, .owed = 0, .status = STR("2.0.0") },
		{ .r = { .address = STR("d@else.example") }, .owed = QUEUE_DELAYED, .reply = STR("no route"), .last_attempt = 2000 },
	};
	struct queue_job j = make_job(r, 3);
	struct queue_submission s;
	struct dsn_report report;

	assert_int_equal(build(&j, &config, &s), 1);
	assert_int_equal(s.envelope.sender.n, 0);
	assert_int_equal(s.envelope.flags, 0);
	assert_int_equal(s.n_recipients, 1);
	assert_true(str_eq(s.recipients[0].address, STR("a@ours.example")) && str_eq(s.recipients[0].destination, STR(QUEUE_LOCAL)));
	assert_int_equal(s.recipients[0].notify, QUEUE_NOTIFY_NEVER);
	assert_int_equal(dsn_parse(buf_str(&text), &arena, &report), 0);
	assert_int_equal(report.n, 2);
	assert_true(str_eq(report.envid, STR("QQ1")) && str_eq(report.reporting_mta, STR("mx.ours.example")));
	assert_true(report.recipients[0].action == DSN_FAILED && report.recipients[0].status.detail == 1 && report.recipients[1].action == DSN_DELAYED);
	assert_true(has("To: <a@ours.example>\r\n") && has("From: Mail Delivery System <postmaster@ours.example>\r\n"));
	assert_true(has("message/rfc822") && has("Hello") && has(" 4711."));
}

static void test_events(void **state)
{
	(void)state;
	static const struct { unsigned owed; enum dsn_action action; } t[] = {
		{ QUEUE_FAILED, DSN_FAILED }, { QUEUE_DELAYED, DSN_DELAYED }, { QUEUE_DELIVERED, DSN_DELIVERED }, { QUEUE_RELAYED, DSN_RELAYED },
		{ QUEUE_EXPANDED, DSN_EXPANDED }, { QUEUE_DELAYED | QUEUE_DELIVERED, DSN_DELIVERED },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct queue_job_recipient r = { .r = { .address = STR("b@x") }, .owed = t[i].owed };
		struct queue_job j = make_job(&r, 1);
		struct queue_submission s;
		struct dsn_report report;
		assert_int_equal(build(&j, &config, &s), 1);
		assert_int_equal(dsn_parse(buf_str(&text), &arena, &report), 0);
		assert_int_equal(report.recipients[0].action, t[i].action);
		assert_true(has("Hello") == (t[i].action == DSN_FAILED));
		assert_true(has("Will-Retry-Until") == (t[i].action == DSN_DELAYED));
	}
}

static void test_nobody(void **state)
{
	(void)state;
	struct queue_job_recipient r = { .r = { .address = STR("b@x") }, .owed = QUEUE_FAILED };
	struct queue_job j = make_job(&r, 1);
	struct notice_config telling = config;
	struct queue_submission s;

	telling.tell_postmaster = true;
	j.envelope.sender = STR_NONE;
	assert_int_equal(build(&j, &config, &s), 0);
	assert_int_equal(s.n_recipients, 0);
	assert_int_equal(build(&j, &telling, &s), 1);
	assert_true(str_eq(s.recipients[0].address, config.postmaster) && s.envelope.sender.n == 0);
	/* the postmaster's own bounce ends there */
	r.r.address = STR("Postmaster@ours.example");
	assert_int_equal(build(&j, &telling, &s), 0);
	r.r.address = STR("b@x");
	r.owed = QUEUE_DELAYED;
	assert_int_equal(build(&j, &telling, &s), 0);
	r.owed = 0;
	j.envelope.sender = STR("a@ours.example");
	assert_int_equal(build(&j, &telling, &s), 0);
	r.owed = QUEUE_FAILED;
	j.envelope.sender = STR("not an address");
	assert_int_equal(build(&j, &telling, &s), 0);
}

static void test_return(void **state)
{
	(void)state;
	static const struct { size_t max, full_max; unsigned flags; bool whole; } t[] = {
		{ 0, 0, 0, true }, { 10, 0, 0, false }, { 0, 0, QUEUE_RET_HDRS, false }, { 10, 0, QUEUE_RET_FULL, true }, { 10, 10, QUEUE_RET_FULL, false },
		{ 0, 0, QUEUE_RET_FULL | QUEUE_REQUIRETLS, false }, { 0, 0, QUEUE_REQUIRETLS, false },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct queue_job_recipient r = { .r = { .address = STR("b@x") }, .owed = QUEUE_FAILED };
		struct queue_job j = make_job(&r, 1);
		struct notice_config c = config;
		struct queue_submission s;
		c.return_max = t[i].max;
		c.return_full_max = t[i].full_max;
		j.envelope.flags = t[i].flags;
		assert_int_equal(build(&j, &c, &s), 1);
		assert_true(has("Hello") == t[i].whole);
		/* RFC 8689 5: the bounce is as protected; RET is never passed on (RFC 3461 6.1) */
		assert_int_equal(s.envelope.flags, t[i].flags & QUEUE_REQUIRETLS);
	}
}

static void test_destination(void **state)
{
	(void)state;
	static const struct { const char *sender, *destination; unsigned flags; } t[] = {
		{ "x@Else.Example", "else.example", 0 }, { "\"a b\"@OURS.example", QUEUE_LOCAL, 0 }, { "x@[192.0.2.1]", "[192.0.2.1]", 0 },
		{ "\xd1\x8f@b\xc3\xbc" "cher.example", "xn--bcher-kva.example", QUEUE_UTF8 | QUEUE_8BIT },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct queue_job_recipient r = { .r = { .address = STR("b@x") }, .owed = QUEUE_FAILED };
		struct queue_job j = make_job(&r, 1);
		struct queue_submission s;
		j.envelope.sender = str_from_c(t[i].sender);
		assert_int_equal(build(&j, &config, &s), 1);
		assert_true(str_eq(s.recipients[0].address, str_from_c(t[i].sender)));
		assert_true(str_eq(s.recipients[0].destination, str_from_c(t[i].destination)));
		assert_int_equal(s.envelope.flags, t[i].flags);
	}
}

static int signers(void *ctx, struct arena *a, struct str domain, struct dkim_signer *out, size_t max)
{
	(void)a;
	assert_true(str_eq(domain, STR("ours.example")) && max > 0);
	out[0] = (struct dkim_signer){ .domain = STR("ours.example"), .selector = STR("s"), .key = dkim_key_ref(ctx) };
	return 1;
}

static void test_signed(void **state)
{
	(void)state;
	struct queue_job_recipient r = { .r = { .address = STR("b@x") }, .owed = QUEUE_FAILED };
	struct queue_job j = make_job(&r, 1);
	struct buf pem = BUF_INIT(0), record = BUF_INIT(0);
	struct dkim_key *key;
	struct dkim_verdict *verdicts;
	struct queue_submission s;
	size_t n;

	assert_int_equal(dkim_key_generate(DKIM_ED25519_SHA256, 0, &pem, NULL), 0);
	assert_int_equal(dkim_key_parse(buf_str(&pem), &key, NULL), 0);
	buf_add_lit(&record, "s._domainkey.ours.example TXT ");
	assert_int_equal(dkim_key_record(key, &record), 0);
	buf_add_char(&record, '\0');
	struct dns_zone *zone = dns_zone_create();
	dns_zone_add(zone, record.p);
	struct dns_source dns = dns_zone_source(zone);
	struct dkim_keyring ring = { .signers = signers, .ctx = key };
	struct notice_config c = config;
	c.keyring = &ring;
	assert_int_equal(build(&j, &c, &s), 1);
	assert_int_equal(dkim_verify(&dns, &arena, buf_str(&text), clock_now(), &verdicts, &n), 0);
	assert_true(n == 1 && verdicts[0].result == DKIM_PASS);
	dkim_key_unref(&key);
	dns_zone_destroy(&zone);
	buf_fini(&pem);
	buf_fini(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_failure, reset), cmocka_unit_test_teardown(test_events, reset), cmocka_unit_test_teardown(test_nobody, reset),
		cmocka_unit_test_teardown(test_return, reset), cmocka_unit_test_teardown(test_destination, reset),
		cmocka_unit_test_teardown(test_signed, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
