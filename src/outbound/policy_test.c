/* Which TLS is demanded of a host: RFC 7672 2.2 and 3.2.2, RFC 8461 4.1 and 5, RFC 8689 4.2; DANE before MTA-STS, the operator before both. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "outbound/policy.h"
#include "rt/dns_zone.h"

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char zone_text[] =
	"dane.sec A 192.0.2.1\n_25._tcp.dane.sec TLSA 3 1 1 " SHA256 "\n"
	"odd.sec A 192.0.2.1\n_25._tcp.odd.sec TLSA 0 1 1 " SHA256 "\n"
	"fail.sec A 192.0.2.1\n_25._tcp.fail.sec TLSA !temporary\n"
	"plain.sec A 192.0.2.1\n"
	"mx.plain A 192.0.2.1\n";

enum how { MX_SECURE, MX_INSECURE, CONFIGURED, IMPLICIT };

static const struct str sts_mx[] = { STR_INIT("*.plain"), STR_INIT("plain.sec") };

struct expected {
	int r;
	enum client_tls tls;
	enum tls_trust trust;
	enum tls_report_policy kind;
	bool testing, relaxed, require;
	const char *status;
};

static void check(const char *name, enum how how, const char *host, enum route_tls tls, int sts_mode, unsigned flags, struct expected want)
{
	struct dns_zone *zone = dns_zone_create();
	struct dns_source dns = dns_zone_source(zone);
	struct arena a = ARENA_INIT(0);
	struct mx_self self = { 0 };
	struct mx_list list = { .secure = how == MX_SECURE, .implicit = how == IMPLICIT, .canonical = STR("dest.example") };
	struct mx_addresses at;
	struct sts_answer sts = { .found = sts_mode >= 0, .policy = { .mode = sts_mode >= 0 ? (enum sts_mode)sts_mode : STS_NONE, .mx = sts_mx, .n_mx = 2 } };
	struct route route = { .port = 25, .tls = tls };
	struct policy p;
	struct trouble t = { 0 };

	dns_zone_add(zone, zone_text);
	dns_zone_secure(zone, "sec");
	assert_int_equal(mx_resolve(&dns, &a, str_from_c(host), 25, OUTBOUND_IPV4_ONLY, &self, &at, &t), 0);
	struct policy_question q = { .dns = &dns, .route = &route, .domain = STR("dest.example"), .list = how == CONFIGURED ? NULL : &list, .host = str_from_c(host),
								 .addresses = &at, .sts = &sts, .flags = flags };
	int r = policy_find(&q, &a, &p, &t);
	if (r != want.r || strcmp(t.status, want.status ? want.status : "") != 0)
		fail_msg("%s: result %d, '%s' %s", name, r, t.status, t.text);
	if (r == 0 && (p.tls != want.tls || p.client.trust != want.trust || p.testing != want.testing || p.relaxed != want.relaxed || p.require != want.require))
		fail_msg("%s: tls %d trust %d testing %d relaxed %d require %d", name, p.tls, p.client.trust, p.testing, p.relaxed, p.require);
	if (p.kind != want.kind)
		fail_msg("%s: report kind %d", name, p.kind);
	/* Whoever is to be verified has a name; DANE has the next hop's too. */
	if (r == 0 && p.client.trust == TLS_TRUST_PKIX)
		assert_true(p.client.n_names == 1 && str_eq(p.client.names[0], how == IMPLICIT ? q.domain : q.host));
	if (r == 0 && p.client.trust == TLS_TRUST_DANE)
		assert_true(p.client.n_names == 2 && str_eq(p.client.names[1], STR("dest.example")) && p.client.n_tlsa == 1);
	arena_fini(&a);
	dns_zone_destroy(&zone);
}

#define NO_STS (-1)

static void test_published(void **state)
{
	(void)state;
	const struct expected any = { .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_NONE };
	const struct expected dane = { .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_DANE, .kind = TLS_REPORT_TLSA };
	const struct expected sts = { .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_STS };

	check("nothing", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, NO_STS, 0, any);
	check("nothing, with DNSSEC", MX_SECURE, "plain.sec", ROUTE_TLS_POLICY, NO_STS, 0, any);
	check("DANE", MX_SECURE, "dane.sec", ROUTE_TLS_POLICY, NO_STS, 0, dane);
	check("DANE of a configured host", CONFIGURED, "dane.sec", ROUTE_TLS_POLICY, NO_STS, 0,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_DANE, .kind = TLS_REPORT_TLSA });
	check("DANE needs a secure MX", MX_INSECURE, "dane.sec", ROUTE_TLS_POLICY, NO_STS, 0, any);
	check("DANE, unusable: encrypt", MX_SECURE, "odd.sec", ROUTE_TLS_POLICY, NO_STS, 0,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_TLSA });
	check("DANE cannot be read", MX_SECURE, "fail.sec", ROUTE_TLS_POLICY, NO_STS, 0, (struct expected){ .r = ERR_DENIED, .kind = TLS_REPORT_TLSA, .status = "4.4.3" });
	check("enforce", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, STS_ENFORCE, 0, sts);
	check("enforce, another host", MX_INSECURE, "dane.sec", ROUTE_TLS_POLICY, STS_ENFORCE, 0, (struct expected){ .r = ERR_DENIED, .kind = TLS_REPORT_STS, .status = "4.7.5" });
	check("testing", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, STS_TESTING, 0,
		  (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_STS, .testing = true });
	check("testing, another host", MX_INSECURE, "dane.sec", ROUTE_TLS_POLICY, STS_TESTING, 0,
		  (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_STS, .testing = true });
	check("none", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, STS_NONE, 0, any);
	check("DANE before MTA-STS", MX_SECURE, "dane.sec", ROUTE_TLS_POLICY, STS_ENFORCE, 0, dane);
	check("no TLSA: MTA-STS", MX_SECURE, "plain.sec", ROUTE_TLS_POLICY, STS_ENFORCE, 0, sts);
}

static void test_operator(void **state)
{
	(void)state;
	check("none", MX_SECURE, "dane.sec", ROUTE_TLS_NONE, STS_ENFORCE, 0, (struct expected){ .tls = CLIENT_TLS_NEVER, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_NONE });
	check("may", MX_SECURE, "dane.sec", ROUTE_TLS_MAY, STS_ENFORCE, 0, (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_NONE });
	check("encrypt", CONFIGURED, "mx.plain", ROUTE_TLS_ENCRYPT, NO_STS, 0, (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_NONE });
	check("verify", CONFIGURED, "mx.plain", ROUTE_TLS_VERIFY, NO_STS, 0, (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_NONE });
	check("verify, TLS-Required: No", CONFIGURED, "mx.plain", ROUTE_TLS_VERIFY, NO_STS, QUEUE_TLS_OPTIONAL,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_NONE });
}

static void test_message(void **state)
{
	(void)state;
	const struct expected required = { .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_NONE, .require = true };

	check("REQUIRETLS, insecure MX", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, NO_STS, QUEUE_REQUIRETLS,
		  (struct expected){ .r = ERR_DENIED, .kind = TLS_REPORT_NONE, .status = "5.7.10" });
	check("REQUIRETLS, secure MX", MX_SECURE, "plain.sec", ROUTE_TLS_POLICY, NO_STS, QUEUE_REQUIRETLS, required);
	check("REQUIRETLS, configured host", CONFIGURED, "mx.plain", ROUTE_TLS_POLICY, NO_STS, QUEUE_REQUIRETLS, required);
	check("REQUIRETLS, no MX", IMPLICIT, "mx.plain", ROUTE_TLS_POLICY, NO_STS, QUEUE_REQUIRETLS, required);
	check("REQUIRETLS, tls=none", CONFIGURED, "mx.plain", ROUTE_TLS_NONE, NO_STS, QUEUE_REQUIRETLS, required);
	check("REQUIRETLS, DANE", MX_SECURE, "dane.sec", ROUTE_TLS_POLICY, NO_STS, QUEUE_REQUIRETLS,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_DANE, .kind = TLS_REPORT_TLSA, .require = true });
	check("REQUIRETLS, testing", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, STS_TESTING, QUEUE_REQUIRETLS,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_PKIX, .kind = TLS_REPORT_STS, .require = true });
	check("REQUIRETLS, testing, another host", MX_INSECURE, "dane.sec", ROUTE_TLS_POLICY, STS_TESTING, QUEUE_REQUIRETLS,
		  (struct expected){ .r = ERR_DENIED, .kind = TLS_REPORT_STS, .status = "5.7.10" });
	check("TLS-Required: No, DANE", MX_SECURE, "dane.sec", ROUTE_TLS_POLICY, NO_STS, QUEUE_TLS_OPTIONAL,
		  (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_TLSA, .relaxed = true });
	check("TLS-Required: No, enforce and another host", MX_INSECURE, "dane.sec", ROUTE_TLS_POLICY, STS_ENFORCE, QUEUE_TLS_OPTIONAL,
		  (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_STS, .relaxed = true, .status = "4.7.5" });
	check("TLS-Required: No beside REQUIRETLS", MX_SECURE, "dane.sec", ROUTE_TLS_POLICY, NO_STS, QUEUE_TLS_OPTIONAL | QUEUE_REQUIRETLS,
		  (struct expected){ .tls = CLIENT_TLS_MUST, .trust = TLS_TRUST_DANE, .kind = TLS_REPORT_TLSA, .require = true });
	check("TLS-Required: No, nothing published", MX_INSECURE, "mx.plain", ROUTE_TLS_POLICY, NO_STS, QUEUE_TLS_OPTIONAL,
		  (struct expected){ .tls = CLIENT_TLS_TRY, .trust = TLS_TRUST_ANY, .kind = TLS_REPORT_NONE });
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_published), cmocka_unit_test(test_operator), cmocka_unit_test(test_message) };
	return cmocka_run_group_tests_name("outbound/policy", tests, NULL, NULL);
}
