#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/dns_zone.h"

static const char lines[] =
	"example.org MX 10 mx.example.org\n"
	"  example.org MX TTL=60 20 mx2.example.org\n"
	"example.org TXT v=spf1 mx  -all\n"
	"null.example.org MX 0 .\n"
	"mx.example.org A 192.0.2.1\n"
	"mx.example.org AAAA 2001:db8::1\n"
	"_25._tcp.mx.example.org TLSA 3 1 1 00ff\n"
	"www.example.org CNAME web.example.net\n"
	"web.example.net A 192.0.2.2\n"
	"loop.example.org CNAME loop.example.org\n"
	"a\\032b.example.org TXT one \\013\\000\\256 two\\032\n"
	"slow.example.org ANY !temporary\n"
	"bad.example.org A !bogus\n"
	"_submissions._tcp.example.org SRV 0 5 465 mx.example.org\n";

static struct dns_answer ask(struct dns_zone *z, struct arena *a, const char *name, enum dns_type type)
{
	struct dns_source s = dns_zone_source(z);
	struct dns_answer out;
	assert_int_equal(dns_query(&s, a, str_from_c(name), type, &out), 0);
	return out;
}

static void test_answers(void **state)
{
	static const struct { const char *name; enum dns_type type; enum dns_status status; size_t n; bool secure; const char *canonical; } cases[] = {
		{ "example.org", DNS_MX, DNS_OK, 2, true, "example.org" },
		{ "EXAMPLE.org", DNS_TXT, DNS_OK, 1, true, "EXAMPLE.org" },
		{ "example.org", DNS_A, DNS_NODATA, 0, true, "example.org" },
		{ "_tcp.mx.example.org", DNS_TLSA, DNS_NODATA, 0, true, "_tcp.mx.example.org" },        /* RFC 8020 */
		{ "none.example.org", DNS_A, DNS_NXDOMAIN, 0, true, "none.example.org" },
		{ "xexample.org", DNS_A, DNS_NXDOMAIN, 0, false, "xexample.org" },
		{ "www.example.org", DNS_A, DNS_OK, 1, false, "web.example.net" },
		{ "www.example.org", DNS_CNAME, DNS_OK, 1, true, "www.example.org" },
		{ "www.example.org", DNS_AAAA, DNS_NODATA, 0, false, "web.example.net" },
		{ "loop.example.org", DNS_A, DNS_TEMPORARY, 0, false, "loop.example.org" },
		{ "slow.example.org", DNS_MX, DNS_TEMPORARY, 0, false, "slow.example.org" },
		{ "bad.example.org", DNS_A, DNS_BOGUS, 0, false, "bad.example.org" },
		{ "bad.example.org", DNS_MX, DNS_NODATA, 0, true, "bad.example.org" },
	};
	struct dns_zone *z = dns_zone_create();
	struct arena a = ARENA_INIT(0);
	(void)state;
	dns_zone_add(z, lines);
	dns_zone_secure(z, "example.org");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_answer r = ask(z, &a, cases[i].name, cases[i].type);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(r.n, cases[i].n);
		assert_int_equal(r.secure, cases[i].secure);
		assert_true(str_eq(r.canonical, str_from_c(cases[i].canonical)));
	}
	assert_int_equal(dns_zone_questions(z), sizeof(cases) / sizeof(cases[0]));
	arena_fini(&a);
	dns_zone_destroy(&z);
}

static void test_values(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct arena a = ARENA_INIT(0);
	(void)state;
	dns_zone_add(z, lines);
	struct dns_answer r = ask(z, &a, "example.org", DNS_MX);
	assert_int_equal(r.records[0].ttl, 300);
	assert_int_equal(r.records[1].ttl, 60);
	assert_int_equal(r.records[1].mx.preference, 20);
	assert_true(str_eq(r.records[1].mx.host, STR("mx2.example.org")));
	assert_false(r.secure);
	assert_int_equal(ask(z, &a, "null.example.org", DNS_MX).records[0].mx.host.n, 0);
	assert_true(str_eq(ask(z, &a, "example.org", DNS_TXT).records[0].text, STR("v=spf1 mx  -all")));
	assert_true(str_eq(ask(z, &a, "a b.example.org", DNS_TXT).records[0].text, STR("one \r\0\\256 two ")));
	r = ask(z, &a, "_25._tcp.mx.example.org", DNS_TLSA);
	assert_int_equal(r.records[0].tlsa.matching, 1);
	assert_true(str_eq(r.records[0].tlsa.data, STR("\0\xff")));
	r = ask(z, &a, "_submissions._tcp.example.org", DNS_SRV);
	assert_int_equal(r.records[0].srv.port, 465);
	struct dns_source s = dns_zone_source(z);
	assert_int_equal(dns_query(&s, &a, STR(""), DNS_A, &r), ERR_INVALID);
	assert_int_equal(dns_query(&s, &a, STR("a..b"), DNS_A, &r), ERR_INVALID);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_values) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
