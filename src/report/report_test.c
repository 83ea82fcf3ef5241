/* From a judged message to the report in the queue: who gets one, who does not, and what is in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/dmarc_read.h"
#include "report/report.h"
#include "report/tally.h"
#include "rt/dns_zone.h"

#define DAY 86400
#define NOW ((int64_t)20000 * DAY + 3600)

struct bench {
	struct store *store;
	struct queue *queue;
	struct dns_zone *zone;
	struct report *report;
};

static bool is_local(void *ctx, struct str domain)
{
	(void)ctx;
	return str_eq(domain, STR("here.example"));
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct queue_config queue = { 0 };
	struct report_config report = { .hostname = STR("mx.here.example"), .sender = STR("dmarc@here.example"), .dmarc = true, .tls = true, .is_local = is_local };
	assert_int_equal(store_open(&config, &b->store, NULL), 0);
	assert_int_equal(queue_open(b->store, &queue, &b->queue, NULL), 0);
	b->zone = dns_zone_create();
	dns_zone_add(b->zone,
		"_dmarc.a.example TXT v=DMARC1; p=reject; rua=mailto:r@a.example!10m,https://a.example/r,mailto:collect@third.example,mailto:no@strange.example\n"
		"a.example._report._dmarc.third.example TXT v=DMARC1\n"
		"_dmarc.none.example TXT v=DMARC1; p=none\n"
		"_dmarc.here.example TXT v=DMARC1; p=none; rua=mailto:dmarc@here.example\n"
		"_dmarc.slow.example TXT !temporary\n"
		"_smtp._tls.a.example TXT v=TLSRPTv1; rua=mailto:tls@a.example\n"
		"_smtp._tls.two.example TXT v=TLSRPTv1; rua=mailto:tls@two.example\n_smtp._tls.two.example TXT v=TLSRPTv1; rua=mailto:b@two.example\n");
	struct dns_source source = dns_zone_source(b->zone);
	assert_int_equal(report_create(b->store, b->queue, &source, &report, &b->report), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	report_destroy(&b->report);
	dns_zone_destroy(&b->zone);
	queue_close(&b->queue);
	store_close(&b->store);
	free(b);
	return 0;
}

/* A message that came yesterday and failed, as mailauth_check would have judged it. */
static void judge(struct bench *b, struct str domain, unsigned n_rua)
{
	struct str rua = STR("mailto:x");
	struct mailauth_question q = { .helo = STR("h"), .sender = STR("bounce@other.example"), .now = NOW - DAY };
	struct mailauth_verdict v = { .spf = { .result = SPF_FAIL, .domain = STR("other.example") }, .from_domain = domain,
								  .dmarc = { .result = DMARC_FAIL, .policy = DMARC_POLICY_REJECT, .record = { .domain = domain, .rua = &rua, .n_rua = n_rua } } };
	net_addr_parse(STR("192.0.2.9"), 4, &q.ip);
	report_dmarc(b->report, &q, &v, DMARC_POLICY_REJECT);
}

struct sent {
	unsigned n;
	char to[8][64];
	store_blob_id blob[8];
	char destination[8][64];
};

static int note(void *arg, const struct queue_item *item)
{
	struct sent *s = arg;
	assert_true(s->n < 8 && item->n_recipients == 1);
	str_copy_c(s->to[s->n], 64, item->recipients[0].r.address);
	str_copy_c(s->destination[s->n], 64, item->recipients[0].r.destination);
	assert_true(str_eq(item->envelope.sender, STR("dmarc@here.example")));
	s->blob[s->n++] = item->blob;
	return 0;
}

static void list(struct bench *b, struct sent *s)
{
	struct queue_filter all = { 0 };
	*s = (struct sent){ 0 };
	assert_int_equal(queue_list(b->queue, &all, note, s), 0);
}

static int find(const struct sent *s, const char *to)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!strcmp(s->to[i], to))
			return (int)i;
	return -1;
}

static void test_dmarc(void **state)
{
	struct bench *b = *state;
	struct sent s;
	unsigned n;
	judge(b, STR("a.example"), 3);
	judge(b, STR("a.example"), 3);
	judge(b, STR("none.example"), 0);
	judge(b, STR("here.example"), 1);
	judge(b, STR("gone.example"), 1);
	judge(b, STR("slow.example"), 1);
	assert_int_equal(report_send(b->report, NOW, &n), 0);
	list(b, &s);
	/* RFC 7489 7.1: third.example agreed to be told, strange.example did not */
	assert_int_equal(n, 3);
	assert_int_equal(s.n, 3);
	assert_true(find(&s, "r@a.example") >= 0 && find(&s, "collect@third.example") >= 0);
	int here = find(&s, "dmarc@here.example");
	assert_true(here >= 0);
	assert_string_equal(s.destination[here], QUEUE_LOCAL);
	/* read it as the other side does */
	struct store_blob_view view;
	struct arena a = ARENA_INIT(0);
	struct dmarc_foreign f;
	assert_int_equal(store_blob_map(b->store, s.blob[find(&s, "r@a.example")], &view), 0);
	assert_true(str_find(view.bytes, STR("Subject: Report Domain: a.example Submitter: mx.here.example Report-ID: <19999.a.example.mx.here.example>\r\n")) != STR_NPOS);
	assert_true(str_find(view.bytes, STR("filename=\"mx.here.example!a.example!1727913600!1727999999.xml.gz\"")) != STR_NPOS);
	assert_int_equal(dmarc_read(view.bytes, &a, &f, NULL), 0);
	assert_true(f.n == 1 && f.rows[0].count == 2 && str_eq(f.policy, STR("reject")) && str_eq(f.rows[0].source_ip, STR("192.0.2.9")));
	arena_fini(&a);
	store_blob_unmap(b->store, &view);
	/* told once; what DNS did not answer is still there, for a while */
	assert_int_equal(report_send(b->report, NOW, &n), 0);
	assert_int_equal(n, 0);
	dns_zone_add(b->zone, "_dmarc.later.example TXT v=DMARC1; p=none\n");
	assert_int_equal(report_send(b->report, NOW + (REPORT_KEEP_DAYS + 2) * (int64_t)DAY, &n), 0);
	unsigned asked = dns_zone_questions(b->zone);
	assert_int_equal(report_send(b->report, NOW + (REPORT_KEEP_DAYS + 3) * (int64_t)DAY, &n), 0);
	assert_int_equal(dns_zone_questions(b->zone), asked);
}

static void test_today_is_not_over(void **state)
{
	struct bench *b = *state;
	struct sent s;
	unsigned n;
	judge(b, STR("a.example"), 3);
	assert_int_equal(report_send(b->report, NOW - DAY, &n), 0);
	assert_int_equal(n, 0);
	list(b, &s);
	assert_int_equal(s.n, 0);
}

static void test_tls(void **state)
{
	struct bench *b = *state;
	struct tls_row ok = { .kind = TLS_POLICY_NONE }, bad = { .kind = TLS_POLICY_STS, .result = STR("certificate-expired") };
	struct sent s;
	unsigned n;
	report_tls(b->report, STR("a.example"), &ok);
	report_tls(b->report, STR("a.example"), &bad);
	report_tls(b->report, STR("two.example"), &ok);
	report_tls(b->report, STR("none.example"), &ok);
	/* what was counted just now is reported tomorrow */
	assert_int_equal(report_send(b->report, INT64_C(4000000000), &n), 0);
	assert_int_equal(n, 1);
	list(b, &s);
	assert_int_equal(find(&s, "tls@a.example"), 0);
	struct store_blob_view view;
	assert_int_equal(store_blob_map(b->store, s.blob[0], &view), 0);
	assert_true(str_find(view.bytes, STR("TLS-Report-Domain: a.example\r\nTLS-Report-Submitter: mx.here.example\r\n")) != STR_NPOS);
	assert_true(str_find(view.bytes, STR("multipart/report; report-type=tlsrpt")) != STR_NPOS);
	store_blob_unmap(b->store, &view);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_dmarc, setup, teardown),
										cmocka_unit_test_setup_teardown(test_today_is_not_over, setup, teardown),
										cmocka_unit_test_setup_teardown(test_tls, setup, teardown) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
