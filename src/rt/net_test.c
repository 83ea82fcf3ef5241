#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/net.h"

static struct net_addr addr(const char *text)
{
	struct net_addr a;
	assert_true(net_addr_parse(str_from_c(text), 0, &a));
	return a;
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct { const char *text; int family; const char *formatted; } cases[] = {
		{ "192.0.2.1", 0, "192.0.2.1" },   { "192.0.2.1", 4, "192.0.2.1" },   { "192.0.2.1", 6, NULL },
		{ "2001:DB8::1", 0, "2001:db8::1" }, { "2001:db8::1", 4, NULL },       { "::ffff:192.0.2.1", 6, "192.0.2.1" },
		{ "1.2.3", 0, NULL },  { "1.2.3.04", 0, NULL }, { "1.2.3.256", 0, NULL }, { "", 0, NULL }, { "1::2::3", 0, NULL },
		{ "fe80::1%eth0", 0, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr a;
		char text[NET_TEXT_MAX];
		bool ok = net_addr_parse(str_from_c(cases[i].text), cases[i].family, &a);
		if (ok != (cases[i].formatted != NULL))
			fail_msg("%s as %d", cases[i].text, cases[i].family);
		if (!ok)
			continue;
		net_addr_format(&a, text);
		assert_string_equal(text, cases[i].formatted);
	}
}

static void test_loopback(void **state)
{
	(void)state;
	struct net_addr yes[] = { addr("127.0.0.1"), addr("127.9.9.9"), addr("::1"), addr("::ffff:127.0.0.1") };
	struct net_addr no[] = { addr("128.0.0.1"), addr("::2"), addr("::"), addr("0.0.0.0") };
	for (size_t i = 0; i < 4; i++) {
		assert_true(net_addr_is_loopback(&yes[i]));
		assert_false(net_addr_is_loopback(&no[i]));
	}
}

static void test_networks(void **state)
{
	(void)state;
	static const struct { const char *network; const char *in; const char *out; } cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", "192.0.3.0" },
		{ "192.0.2.128/25", "192.0.2.129", "192.0.2.127" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.6/31", "192.0.2.7", "192.0.2.8" },
		{ "0.0.0.0/0", "9.9.9.9", "2001:db8::1" },
		{ "2001:db8::/32", "2001:db8:ffff::1", "2001:db9::" },
		{ "2001:db8::8/125", "2001:db8::f", "2001:db8::10" },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9" },
		{ "::/0", "2001:db8::1", NULL },
	};
	static const char *const bad[] = { "", "/", "192.0.2.0/33", "192.0.2.0/", "2001:db8::/129", "example.org", "192.0.2.0/-1", "192.0.2.0/8/8" };
	struct network n;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_addr in = addr(cases[i].in);
		assert_true(network_parse(str_from_c(cases[i].network), &n));
		if (!network_has(&n, &in))
			fail_msg("%s is in %s", cases[i].in, cases[i].network);
		if (!cases[i].out)
			continue;
		struct net_addr out = addr(cases[i].out);
		if (network_has(&n, &out))
			fail_msg("%s is not in %s", cases[i].out, cases[i].network);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (network_parse(str_from_c(bad[i]), &n))
			fail_msg("%s", bad[i]);
}

static void test_lists(void **state)
{
	(void)state;
	struct net_addr four = addr("192.0.2.7"), six = addr("2001:db8::7");
	assert_true(network_list_has(STR("2001:db8::/32, 192.0.2.0/24"), &four));
	assert_true(network_list_has(STR(" 10.0.0.1  2001:db8::/32 "), &six));
	assert_false(network_list_has(STR("10.0.0.0/8,2001:db8::/32"), &four));
	assert_false(network_list_has(STR(""), &four));
	assert_false(network_list_has(STR("192.0.2.0/33"), &four));
	assert_true(network_list_is_valid(STR("")));
	assert_true(network_list_is_valid(STR("192.0.2.0/24,::1")));
	assert_false(network_list_is_valid(STR("192.0.2.0/24;::1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_addresses), cmocka_unit_test(test_loopback), cmocka_unit_test(test_networks),
		cmocka_unit_test(test_lists) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
