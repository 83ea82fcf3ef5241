/* What is said of each record: by the meaning of what the DNS has, not by its text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/dns_check.h"
#include "rt/dns_zone.h"

/* Everything as it must be; a case replaces what it names. */
static const struct { const char *what, *lines; } good[] = {
	{ "mx", "example.org MX 10 mail.example.org\n" },
	{ "a", "mail.example.org A 192.0.2.1\n" },
	{ "ptr", "1.2.0.192.in-addr.arpa PTR mail.example.org\n" },
	{ "spf", "example.org TXT v=spf1 mx -all\n" },
	{ "host", "mail.example.org TXT v=spf1 a -all\n" },
	{ "dkim", "s._domainkey.example.org TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" },
	{ "dmarc", "_dmarc.example.org TXT v=DMARC1; p=reject; rua=mailto:d@example.org\n" },
	{ "sts", "_mta-sts.example.org TXT v=STSv1; id=1\n" },
	{ "stshost", "mta-sts.example.org CNAME mail.example.org\n" },
	{ "tlsrpt", "_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:t@example.org\n" },
	{ "srv", "_imaps._tcp.example.org SRV 0 1 993 mail.example.org\n" },
};

struct outcome {
	enum dns_subject subject;
	struct str owner;
	enum dns_state state;
	bool found, publish;
	char said[1024];
	unsigned faults;
};

static void note(void *ctx, const struct dns_finding *f)
{
	struct outcome *o = ctx;

	if (f->record->subject != o->subject || (o->owner.n && !str_eq(o->owner, f->record->owner)))
		return;
	assert_false(o->found);
	o->found = true;
	o->state = f->state;
	o->publish = f->publish;
	snprintf(o->said, sizeof o->said, "%.*s%.*s", STR_ARG(buf_str(&f->there)), STR_ARG(buf_str(&f->notes)));
}

/* what: "mx", or "mx a": left out, and lines stand instead. */
static struct outcome check(enum dns_subject subject, const char *owner, const char *what, const char *lines)
{
	static const struct dns_key key = { .domain = STR_INIT("example.org"), .selector = STR_INIT("s"), .state = SIGNING_ACTIVE, .algorithm = DKIM_ED25519_SHA256,
										.record = STR_INIT("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") };
	struct dns_facts f = { .domain = STR("example.org"), .host = STR("mail.example.org"), .keys = &key, .n_keys = 1, .validates = true, .sts_id = STR("1"),
						   .sts_policy = STR("version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 86400\r\n"), .tls_address = STR("t@example.org") };
	struct outcome o = { .subject = subject, .owner = str_from_c(owner) };
	struct dns_zone *zone = dns_zone_create();
	struct arena a = ARENA_INIT(0);
	struct dns_plan plan;
	struct dns_counts n;

	f.port[APP_IMAPS] = 993;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		bool replaced = false;
		struct str word, rest = str_from_c(what);
		while (rest.n) {
			str_cut(rest, ' ', &word, &rest);
			replaced = replaced || str_eq(word, str_from_c(good[i].what));
		}
		if (!replaced)
			dns_zone_add(zone, good[i].lines);
	}
	dns_zone_add(zone, lines);
	dns_zone_secure(zone, "example.org");
	struct dns_source source = dns_zone_source(zone);
	assert_int_equal(dns_plan_make(&f, &a, &plan), 0);
	assert_int_equal(dns_check(&source, &plan, &a, note, &o, &n), 0);
	assert_int_equal(n.right + n.wrong + n.missing + n.unknown, plan.n);
	assert_true(o.found);
	o.faults = n.faults;
	arena_fini(&a);
	dns_zone_destroy(&zone);
	return o;
}

static void test_good(void **state)
{
	(void)state;
	struct outcome o = check(DNS_PLAN_MX, NULL, "", "");

	assert_int_equal(o.state, DNS_RIGHT);
	assert_int_equal(o.faults, 0);
	o = check(DNS_PLAN_ZONE, NULL, "", "");
	assert_non_null(strstr(o.said, "signed"));
}

static void test_cases(void **state)
{
	static const struct { enum dns_subject subject; const char *owner, *what, *lines; enum dns_state state; bool publish; const char *says; } t[] = {
		{ DNS_PLAN_ZONE, NULL, "", "example.org ANY !bogus\n", DNS_WRONG, false, "DS record" },
		{ DNS_PLAN_ZONE, NULL, "", "example.org ANY !temporary\n", DNS_UNKNOWN, false, "SERVFAIL" },
		{ DNS_PLAN_ZONE, NULL, "", "example.org ANY !nxdomain\n", DNS_WRONG, false, "registered" },
		{ DNS_PLAN_MX, NULL, "mx", "", DNS_MISSING, true, "" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX !temporary\n", DNS_UNKNOWN, false, "SERVFAIL" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX !bogus\n", DNS_UNKNOWN, false, "signature expired" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX 0 .\n", DNS_WRONG, true, "RFC 7505" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX 5 MAIL.example.ORG\n", DNS_RIGHT, false, "" },
		/* the same machine: mail arrives, but the policy does not know that name */
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX 5 mx.example.org\nmx.example.org A 192.0.2.1\n", DNS_WRONG, true, "mta_sts.mx" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX 5 mx.example.org\nmx.example.org CNAME mail.example.org\n", DNS_WRONG, true, "CNAME" },
		{ DNS_PLAN_MX, NULL, "mx", "example.org MX 5 mx.example.net\nmx.example.net A 192.0.2.9\n", DNS_WRONG, true, "does not come to" },
		{ DNS_PLAN_ADDRESS, NULL, "a", "", DNS_MISSING, false, "A and AAAA" },
		{ DNS_PLAN_ADDRESS, NULL, "a", "mail.example.org A !temporary\n", DNS_UNKNOWN, false, "SERVFAIL" },
		{ DNS_PLAN_ADDRESS, NULL, "", "mail.example.org AAAA !temporary\n", DNS_RIGHT, false, "not all was answered" },
		{ DNS_PLAN_ADDRESS, NULL, "a host", "mail.example.org CNAME h.example.org\nh.example.org A 192.0.2.1\n", DNS_WRONG, false, "alias" },
		{ DNS_PLAN_ADDRESS, NULL, "a", "mail.example.org AAAA ::1\n", DNS_WRONG, false, "loopback" },
		{ DNS_PLAN_PTR, NULL, "a", "", DNS_UNKNOWN, false, "no address" },
		{ DNS_PLAN_PTR, NULL, "ptr", "", DNS_MISSING, false, "192.0.2.1 leads to no name" },
		{ DNS_PLAN_PTR, NULL, "ptr", "1.2.0.192.in-addr.arpa PTR else.example\n", DNS_WRONG, false, "PTR else.example" },
		{ DNS_PLAN_PTR, NULL, "ptr", "1.2.0.192.in-addr.arpa PTR !temporary\n", DNS_UNKNOWN, false, "no answer" },
		{ DNS_PLAN_PTR, NULL, "ptr", "1.2.0.192.in-addr.arpa PTR h.example\nh.example A 192.0.2.1\n", DNS_RIGHT, false, "some compare" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT something else\n", DNS_MISSING, true, "" },
		{ DNS_PLAN_SPF, NULL, "", "example.org TXT v=spf1 mx ~all\n", DNS_WRONG, true, "2 SPF records" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 ip4:192.0.2.0/30 ?all\n", DNS_RIGHT, false, "ip4" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 ip4:192.0.2.8 ~all\n", DNS_WRONG, true, "\"softfail\" by ~all" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 ip4:192.0.2.300\n", DNS_WRONG, true, "permerror" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 include:slow.example -all\nslow.example TXT !temporary\n", DNS_UNKNOWN, false, "no answer" },
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 all\n", DNS_WRONG, true, "whole world" },
		{ DNS_PLAN_SPF, NULL, "a", "", DNS_UNKNOWN, false, "no address yet" },
		{ DNS_PLAN_SPF_HOST, NULL, "host", "", DNS_MISSING, true, "" },
		{ DNS_PLAN_SPF_HOST, NULL, "host", "mail.example.org TXT v=spf1 -all\n", DNS_WRONG, true, "\"fail\"" },
		{ DNS_PLAN_DKIM, NULL, "dkim", "", DNS_MISSING, true, "" },
		{ DNS_PLAN_DKIM, NULL, "dkim", "s._domainkey.example.org TXT p=11qYAYKxCrfVS/7TyWQ HOg7hcvPapiMlrwIaaPcHURo= ; k=ed25519\n", DNS_RIGHT, false, "" },
		{ DNS_PLAN_DKIM, NULL, "dkim", "s._domainkey.example.org TXT v=DKIM1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n", DNS_WRONG, true, "another type" },
		{ DNS_PLAN_DKIM, NULL, "dkim", "s._domainkey.example.org TXT v=DKIM1; k=ed25519; p=21qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n", DNS_WRONG, true, "another key" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "", DNS_MISSING, true, "" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.org TXT v=DMARC1; p=none; psd=y\n", DNS_RIGHT, false, "the record of org" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.org TXT !temporary\n", DNS_UNKNOWN, false, "above" },
		{ DNS_PLAN_DMARC, NULL, "", "_dmarc.example.org TXT v=DMARC1; p=none\n", DNS_WRONG, true, "2 DMARC records" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.example.org TXT v=DMARC1; p=bad\n", DNS_WRONG, true, "no policy" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.example.org TXT v=DMARC1; p=none\n", DNS_RIGHT, false, "without rua=" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:x@else.example\n", DNS_WRONG, false, "RFC 7489 7.1" },
		{ DNS_PLAN_DMARC, NULL, "dmarc", "_dmarc.example.org TXT v=DMARC1; p=none; rua=mailto:x@else.example\nexample.org._report._dmarc.else.example TXT v=DMARC1\n",
		  DNS_RIGHT, false, "p=none" },
		{ DNS_PLAN_STS, NULL, "sts", "_mta-sts.example.org TXT v=STSv1; id=2\n", DNS_WRONG, true, "another policy" },
		{ DNS_PLAN_STS, NULL, "sts", "_mta-sts.example.org TXT v=STSv1; id=-\n", DNS_WRONG, true, "no id" },
		{ DNS_PLAN_STS_HOST, NULL, "stshost", "mta-sts.example.org A 192.0.2.1\n", DNS_RIGHT, false, "" },
		{ DNS_PLAN_STS_HOST, NULL, "stshost", "mta-sts.example.org A 192.0.2.2\n", DNS_WRONG, true, "does not lead" },
		{ DNS_PLAN_STS_HOST, NULL, "stshost", "mta-sts.example.org A !temporary\n", DNS_UNKNOWN, false, "SERVFAIL" },
		{ DNS_PLAN_TLSRPT, NULL, "tlsrpt", "_smtp._tls.example.org TXT v=TLSRPTv1;rua=https://r.example/x, mailto:a@b.example\n", DNS_RIGHT, false, "" },
		{ DNS_PLAN_TLSRPT, NULL, "tlsrpt", "_smtp._tls.example.org TXT v=TLSRPTv1; rua=\n", DNS_WRONG, true, "nowhere" },
		{ DNS_PLAN_TLSRPT, NULL, "tlsrpt", "_smtp._tls.example.org TXT v=TLSRPTv10; rua=mailto:a@b.example\n", DNS_MISSING, true, "" },
		{ DNS_PLAN_SRV, "_imaps._tcp.example.org", "srv", "", DNS_MISSING, true, "" },
		{ DNS_PLAN_SRV, "_imaps._tcp.example.org", "srv", "_imaps._tcp.example.org SRV 0 0 0 .\n", DNS_WRONG, true, "not offered" },
		{ DNS_PLAN_SRV, "_imaps._tcp.example.org", "", "_imaps._tcp.example.org SRV 9 0 993 other.example.org\n", DNS_RIGHT, false, "other.example.org" },
		{ DNS_PLAN_SRV, "_pop3._tcp.example.org", "", "", DNS_RIGHT, false, "neither" },
		{ DNS_PLAN_SRV, "_pop3._tcp.example.org", "", "_pop3._tcp.example.org SRV 0 0 0 .\n", DNS_RIGHT, false, "" },
		{ DNS_PLAN_SRV, "_pop3._tcp.example.org", "", "_pop3._tcp.example.org SRV 0 0 110 mail.example.org\n", DNS_WRONG, true, "not offered" },
		/* what is shown on a terminal is printable */
		{ DNS_PLAN_SPF, NULL, "spf", "example.org TXT v=spf1 \\027]0;x\\007 -all\n", DNS_WRONG, true, "v=spf1 ?]0;x? -all" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct outcome o = check(t[i].subject, t[i].owner, t[i].what, t[i].lines);
		if (o.state != t[i].state || o.publish != t[i].publish || !strstr(o.said, t[i].says))
			fail_msg("%s: %s, %d: %s", t[i].lines, dns_state_text(o.state), o.publish, o.said);
	}
}

/* A resolver that never answers is not asked for everything. */
static int silent(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	(void)a;
	(void)type;
	++*(unsigned *)ctx;
	*out = (struct dns_answer){ .status = DNS_TEMPORARY, .canonical = name, .why = "timeout" };
	return 0;
}

static void ignore(void *ctx, const struct dns_finding *f)
{
	(void)ctx;
	assert_int_equal(f->state, DNS_UNKNOWN);
}

static void test_silence(void **state)
{
	struct dns_facts f = { .domain = STR("example.org"), .host = STR("mail.example.org"), .validates = true };
	struct arena a = ARENA_INIT(0);
	struct dns_plan plan;
	struct dns_counts n;
	unsigned asked = 0;
	struct dns_source source = { silent, &asked };
	static const struct dns_key key = { .domain = STR_INIT("example.org"), .selector = STR_INIT("s"), .record = STR_INIT("v=DKIM1; p=AA==") };
	(void)state;

	f.keys = &key;
	f.n_keys = 1;
	assert_int_equal(dns_plan_make(&f, &a, &plan), 0);
	assert_int_equal(dns_check(&source, &plan, &a, ignore, NULL, &n), 0);
	assert_true(asked < 10);
	assert_int_equal(n.unknown, plan.n);
	assert_true(n.faults > 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_cases), cmocka_unit_test(test_silence) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
