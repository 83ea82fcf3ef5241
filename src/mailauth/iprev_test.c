/* RFC 8601 2.7.3 and 3. */
#include "mailauth/check.h"

#include "mailauth/limits.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char zone[] =
	"1.2.0.192.in-addr.arpa PTR other.example\n1.2.0.192.in-addr.arpa PTR mail.example\n"
	"other.example A 192.0.2.7\nmail.example A 192.0.2.9\nmail.example A 192.0.2.1\n"
	"2.2.0.192.in-addr.arpa PTR other.example\n"
	"3.2.0.192.in-addr.arpa PTR nothing.example\n"
	"4.2.0.192.in-addr.arpa PTR !temporary\n"
	"5.2.0.192.in-addr.arpa PTR slow.example\n5.2.0.192.in-addr.arpa PTR other.example\nslow.example A !temporary\n"
	"6.2.0.192.in-addr.arpa PTR slow.example\n6.2.0.192.in-addr.arpa PTR six.example\nsix.example A 192.0.2.6\n"
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.example\nmail.example AAAA 2001:db8::1\n";

static void test_check(void **state)
{
	static const struct { const char *ip; enum iprev_result result; const char *name; } rows[] = {
		{ "192.0.2.1", IPREV_PASS, "mail.example" },
		{ "2001:db8::1", IPREV_PASS, "mail.example" },
		{ "192.0.2.2", IPREV_FAIL, "" },
		{ "192.0.2.3", IPREV_FAIL, "" },
		{ "192.0.2.4", IPREV_TEMPERROR, "" },
		{ "192.0.2.5", IPREV_TEMPERROR, "" },
		{ "192.0.2.6", IPREV_PASS, "six.example" },
		{ "192.0.2.99", IPREV_PERMERROR, "" },
	};
	struct dns_zone *z = dns_zone_create();
	struct dns_source dns = dns_zone_source(z);
	struct arena a = ARENA_INIT(0);
	(void)state;
	dns_zone_add(z, zone);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr ip;
		struct str name;
		assert_true(net_addr_parse(str_from_c(rows[i].ip), 0, &ip));
		enum iprev_result r = iprev_check(&dns, &a, &ip, &name);
		if (r != rows[i].result || !str_eq(name, str_from_c(rows[i].name)))
			fail_msg("%s: %s %.*s", rows[i].ip, iprev_result_text(r), STR_ARG(name));
	}
	arena_fini(&a);
	dns_zone_destroy(&z);
}

static void test_names_are_limited(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct dns_source dns = dns_zone_source(z);
	struct arena a = ARENA_INIT(0);
	struct net_addr ip;
	struct str name;
	(void)state;
	for (unsigned i = 0; i < 2 * IPREV_NAMES_MAX; i++)
		dns_zone_add(z, "1.2.0.192.in-addr.arpa PTR other.example");
	assert_true(net_addr_parse(STR("192.0.2.1"), 0, &ip));
	assert_int_equal(iprev_check(&dns, &a, &ip, &name), IPREV_FAIL);
	assert_int_equal(dns_zone_questions(z), 1 + IPREV_NAMES_MAX);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_check), cmocka_unit_test(test_names_are_limited) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
