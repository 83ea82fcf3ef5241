/* What is counted comes out as XML that others' parsers, and ours, understand; hostile names stay text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/dmarc_read.h"
#include "report/dmarc_row.h"
#include "report/pack.h"
#include "report/tally.h"
#include "report/tls_row.h"

#include <jansson.h>

static struct dmarc_row sample(void)
{
	struct dmarc_row r = { .disposition = DMARC_POLICY_NONE, .overridden = true, .dkim_aligned = true, .header_from = STR("example.org"),
						   .envelope_from = STR("bounce.example.net"), .spf_domain = STR("bounce.example.net"), .spf = SPF_SOFTFAIL, .n_dkim = 2 };
	net_addr_parse(STR("192.0.2.7"), 4, &r.ip);
	r.dkim[0].domain = STR("example.org");
	r.dkim[0].selector = STR("s1");
	r.dkim[0].result = DKIM_PASS;
	r.dkim[1].domain = STR("<evil>&\"\r\n\x01\xff");
	r.dkim[1].selector = STR("</dkim>");
	r.dkim[1].result = DKIM_FAIL;
	return r;
}

static void test_round(void **state)
{
	(void)state;
	struct dmarc_row r = sample(), back;
	struct buf b = BUF_INIT(4096), again = BUF_INIT(4096);
	dmarc_row_encode(&r, &b);
	assert_true(dmarc_row_decode(buf_str(&b), &back));
	dmarc_row_encode(&back, &again);
	assert_true(str_eq(buf_str(&b), buf_str(&again)));
	for (size_t n = 0; n < b.n; n++)
		assert_false(dmarc_row_decode(str_sub(buf_str(&b), 0, n), &back));
	buf_fini(&b);
	buf_fini(&again);
}

/* RFC 7489 appendix C. */
static void test_xml(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct dmarc_row r = sample();
	struct buf row = BUF_INIT(4096), xml = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20);
	struct dmarc_record policy = { .domain = STR("example.org"), .p = DMARC_POLICY_REJECT, .sp = DMARC_POLICY_QUARANTINE, .strict_spf = true, .percent = 100 };
	struct dmarc_report_head head = { .org = STR("mx.example.net"), .email = STR("postmaster@mx.example.net"), .id = STR("1.2"), .begin = 86400, .end = 172799,
									  .policy = &policy };
	dmarc_row_encode(&r, &row);
	struct tally_row rows[] = { { buf_str(&row), 3 }, { STR("no row"), 1 }, { buf_str(&row), 4 } };
	dmarc_xml_format(&head, rows, 3, &xml);
	assert_int_equal(pack_gzip(buf_str(&xml), &packed), 0);
	struct dmarc_foreign f;
	assert_int_equal(dmarc_read(buf_str(&packed), &a, &f, NULL), 0);
	assert_true(str_eq(f.org, head.org) && str_eq(f.id, head.id) && str_eq(f.domain, policy.domain) && str_eq(f.policy, STR("reject")));
	assert_true(f.begin == 86400 && f.end == 172799);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.rows[1].count, 4);
	assert_true(str_eq(f.rows[0].source_ip, STR("192.0.2.7")) && str_eq(f.rows[0].dkim, STR("pass")) && str_eq(f.rows[0].spf, STR("fail")));
	assert_true(str_eq(f.rows[0].disposition, STR("none")) && str_eq(f.rows[0].envelope_from, STR("bounce.example.net")));
	assert_true(str_starts(f.rows[0].dkim_domains, STR("example.org pass, <evil>&\"")));
	assert_true(str_eq(f.rows[0].spf_domain, STR("bounce.example.net softfail")));
	buf_fini(&row);
	buf_fini(&xml);
	buf_fini(&packed);
	arena_fini(&a);
}

static void test_no_report(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "hello", "<feedback/>", "<feedback><report_metadata/>", "From: a@b\r\n\r\n<feedback/>",
		"<!DOCTYPE f [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><feedback>&b;</feedback>" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a = ARENA_INIT(0);
		struct dmarc_foreign f;
		assert_int_equal(dmarc_read(str_from_c(bad[i]), &a, &f, NULL), ERR_INVALID);
		arena_fini(&a);
	}
}

static void add(struct buf *b, struct tally_row *out, const struct tls_row *r, uint64_t n)
{
	buf_init(b, 4096);
	tls_row_encode(r, b);
	*out = (struct tally_row){ buf_str(b), n };
}

/* RFC 8460 4.4 and appendix B. */
static void test_tls_json(void **state)
{
	(void)state;
	struct buf memory[4], json = BUF_INIT(1 << 20);
	struct tally_row rows[4];
	struct tls_row ok = { .kind = TLS_POLICY_STS, .policy = STR("version: STSv1\nmode: testing\nmx: *.mail.company-y.example\nmax_age: 86400"),
						  .mx_patterns = STR("*.mail.company-y.example") }, expired = ok, none = { .kind = TLS_POLICY_NONE };
	expired.result = STR("certificate-expired");
	expired.sending_ip = STR("2001:db8:abcd:0012::1");
	expired.receiving_host = STR("mx1.mail.company-y.example");
	expired.reason = STR("\xff not UTF-8");
	add(&memory[0], &rows[0], &ok, 5326);
	add(&memory[1], &rows[1], &expired, 100);
	add(&memory[2], &rows[2], &none, 7);
	add(&memory[3], &rows[3], &ok, 1);
	struct tls_report_head head = { .org = STR("Company-X"), .contact = STR("sts-reporting@company-x.example"), .id = STR("5065427c"), .domain = STR("company-y.example"),
									.begin = 1459468800, .end = 1459555199 };
	assert_int_equal(tls_json_format(&head, rows, 4, &json), 0);
	json_t *j = json_loadb(json.p, json.n, 0, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "date-range"), "start-datetime")), "2016-04-01T00:00:00Z");
	json_t *policies = json_object_get(j, "policies");
	assert_int_equal(json_array_size(policies), 2);
	json_t *sts = json_array_get(policies, 0), *summary = json_object_get(sts, "summary");
	assert_int_equal(json_integer_value(json_object_get(summary, "total-successful-session-count")), 5327);
	assert_int_equal(json_integer_value(json_object_get(summary, "total-failure-session-count")), 100);
	assert_int_equal(json_array_size(json_object_get(json_object_get(sts, "policy"), "policy-string")), 4);
	json_t *detail = json_array_get(json_object_get(sts, "failure-details"), 0);
	assert_string_equal(json_string_value(json_object_get(detail, "result-type")), "certificate-expired");
	assert_int_equal(json_integer_value(json_object_get(detail, "failed-session-count")), 100);
	assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(policies, 1), "policy"), "policy-type")), "no-policy-found");
	json_decref(j);
	for (int i = 0; i < 4; i++)
		buf_fini(&memory[i]);
	buf_fini(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round), cmocka_unit_test(test_xml), cmocka_unit_test(test_no_report), cmocka_unit_test(test_tls_json) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
