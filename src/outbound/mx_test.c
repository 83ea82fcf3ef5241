/* RFC 5321 5.1, RFC 7505: the order of hosts, ourselves among them, no hosts at all, and what each failure means. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "outbound/mx.h"
#include "rt/dns_zone.h"

static const struct str own_names[] = { STR_INIT("us.example") };
static struct mx_self self = { .names = own_names, .n_names = 1 };

static const char zone_text[] =
	"two.example MX 20 b.two.example\n"
	"two.example MX 10 a.two.example\n"
	"equal.example MX 10 a.equal.example\nequal.example MX 10 b.equal.example\nequal.example MX 10 c.equal.example\n"
	"null.example MX 0 .\n"
	"odd.example MX 0 .\nodd.example MX 10 a.two.example\n"
	"plain.example A 192.0.2.1\n"
	"alias.example CNAME plain.example\n"
	"mxalias.example CNAME two.example\n"
	"backup.example MX 10 first.example\nbackup.example MX 20 US.example\nbackup.example MX 20 third.example\nbackup.example MX 30 fourth.example\n"
	"ours.example MX 10 us.example\n"
	"double.example MX 10 a.two.example\ndouble.example MX 10 A.two.example\n"
	"broken.example MX !temporary\n"
	"forged.example MX !bogus\n"
	"both.example A 192.0.2.1\nboth.example A 192.0.2.2\nboth.example AAAA 2001:db8::1\nboth.example AAAA 2001:db8::2\n"
	"only6.example AAAA 2001:db8::1\n"
	"half.example A 192.0.2.1\nhalf.example AAAA !temporary\n"
	"gone.example A !temporary\ngone.example AAAA !nodata\n"
	"loop.example A 127.0.0.2\nany.example A 0.0.0.0\nany6.example AAAA ::\n"
	"nothing.example TXT x\n";

struct world {
	struct dns_zone *zone;
	struct dns_source dns;
	struct arena arena;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	w->zone = dns_zone_create();
	dns_zone_add(w->zone, zone_text);
	dns_zone_secure(w->zone, "both.example");
	w->dns = dns_zone_source(w->zone);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_fini(&w->arena);
	dns_zone_destroy(&w->zone);
	free(w);
	return 0;
}

/* "10 a.example 20 b.example" */
static const char *show(struct world *w, const struct mx_list *l)
{
	struct str s = STR("");

	for (size_t i = 0; i < l->n; i++)
		s = arena_printf(&w->arena, "%.*s%s%u %.*s", STR_ARG(s), i ? " " : "", l->host[i].preference, STR_ARG(l->host[i].name));
	return s.p;
}

static void test_hosts(void **state)
{
	static const struct { const char *domain, *hosts, *status; } cases[] = {
		{ "two.example", "10 a.two.example 20 b.two.example", NULL },
		{ "mxalias.example", "10 a.two.example 20 b.two.example", NULL },
		{ "odd.example", "10 a.two.example", NULL },
		{ "double.example", "10 a.two.example", NULL },
		{ "plain.example", "0 plain.example", NULL },
		{ "alias.example", "0 plain.example", NULL },
		{ "backup.example", "10 first.example", NULL },
		{ "null.example", NULL, "5.1.10" },
		{ "ours.example", NULL, "5.4.6" },
		{ "broken.example", NULL, "4.4.3" },
		{ "forged.example", NULL, "4.4.3" },
		{ "missing.example", NULL, "5.1.2" },
		{ "not..a..domain", NULL, "5.1.2" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mx_list l;
		struct trouble t = { 0 };
		int r = mx_find(&w->dns, &w->arena, str_from_c(cases[i].domain), &self, &l, &t);
		if (cases[i].hosts) {
			assert_int_equal(r, 0);
			assert_string_equal(show(w, &l), cases[i].hosts);
		} else if (r == 0 || strcmp(t.status, cases[i].status) != 0) {
			fail_msg("%s: %d %s %s", cases[i].domain, r, t.status, t.text);
		}
	}
}

/* RFC 5321 5.1: equal preferences MUST be tried in random order. */
static void test_equal_ones_are_spread(void **state)
{
	struct world *w = *state;
	unsigned first[3] = { 0 };

	for (unsigned i = 0; i < 300; i++) {
		struct mx_list l;
		struct trouble t;
		assert_int_equal(mx_find(&w->dns, &w->arena, STR("equal.example"), &self, &l, &t), 0);
		assert_int_equal(l.n, 3);
		first[l.host[0].name.p[0] - 'a']++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(first[i], 30, 200);
}

static void test_many_hosts_are_cut(void **state)
{
	struct world *w = *state;
	struct mx_list l;
	struct trouble t;

	for (unsigned i = 0; i < 100; i++) {
		char line[64];
		snprintf(line, sizeof line, "many.example MX %u h%u.example", 200 - i, i);
		dns_zone_add(w->zone, line);
	}
	assert_int_equal(mx_find(&w->dns, &w->arena, STR("many.example"), &self, &l, &t), 0);
	assert_int_equal(l.n, MX_HOSTS_MAX);
	for (size_t i = 0; i < l.n; i++)
		assert_int_equal(l.host[i].preference, 101 + i);
	mx_cut(&l, 5);
	assert_int_equal(l.n, 5);
}

static void test_addresses(void **state)
{
	static const struct { const char *host; enum outbound_ip order; size_t n; const char *families, *status; } cases[] = {
		{ "both.example", OUTBOUND_IPV6_FIRST, 4, "6464", NULL },
		{ "both.example", OUTBOUND_IPV4_FIRST, 4, "4646", NULL },
		{ "both.example", OUTBOUND_IPV4_ONLY, 2, "44", NULL },
		{ "both.example", OUTBOUND_IPV6_ONLY, 2, "66", NULL },
		{ "only6.example", OUTBOUND_IPV4_FIRST, 1, "6", NULL },
		{ "only6.example", OUTBOUND_IPV4_ONLY, 0, "", "5.4.4" },
		{ "half.example", OUTBOUND_IPV6_FIRST, 1, "4", NULL },
		{ "gone.example", OUTBOUND_IPV6_FIRST, 0, "", "4.4.3" },
		{ "nothing.example", OUTBOUND_IPV6_FIRST, 0, "", "5.4.4" },
		{ "missing.example", OUTBOUND_IPV6_FIRST, 0, "", "5.4.4" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mx_addresses found;
		struct trouble t = { 0 };
		char families[MX_ADDRESSES_MAX + 1] = "";
		int r = mx_resolve(&w->dns, &w->arena, str_from_c(cases[i].host), 25, cases[i].order, &self, &found, &t);
		assert_int_equal(r != 0, cases[i].status != NULL);
		assert_string_equal(t.status, cases[i].status ? cases[i].status : "");
		for (size_t k = 0; k < found.n; k++)
			families[k] = net_addr_is_v4(&found.addr[k]) ? '4' : '6';
		assert_string_equal(families, cases[i].families);
		if (r == 0)
			assert_int_equal(found.secure, !strcmp(cases[i].host, "both.example"));
	}
}

static void test_canonical_and_own_address(void **state)
{
	struct world *w = *state;
	struct net_endpoint here = { .port = 25 };
	struct mx_self by_address = { .endpoints = &here, .n_endpoints = 1 };
	struct mx_addresses found;
	struct trouble t = { 0 };

	assert_int_equal(mx_resolve(&w->dns, &w->arena, STR("alias.example"), 25, OUTBOUND_IPV6_FIRST, &self, &found, &t), 0);
	assert_true(str_eq(found.canonical, STR("plain.example")));
	assert_true(net_addr_parse(STR("192.0.2.1"), 4, &here.addr));
	assert_int_equal(mx_resolve(&w->dns, &w->arena, STR("plain.example"), 25, OUTBOUND_IPV6_FIRST, &by_address, &found, &t), ERR_CONFLICT);
	assert_string_equal(t.status, "5.4.6");
	assert_int_equal(mx_resolve(&w->dns, &w->arena, STR("plain.example"), 26, OUTBOUND_IPV6_FIRST, &by_address, &found, &t), 0);
	/* Loopback, and the unspecified address that leads there. */
	static const struct { const char *own, *host; bool ours; } cases[] = {
		{ "0.0.0.0", "loop.example", true }, { "0.0.0.0", "any.example", true }, { "0.0.0.0", "any6.example", true }, { "0.0.0.0", "plain.example", false },
		{ "127.0.0.1", "any.example", true }, { "127.0.0.1", "loop.example", false }, { "192.0.2.1", "any.example", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(net_addr_parse(str_from_c(cases[i].own), 4, &here.addr));
		if (mx_resolve(&w->dns, &w->arena, str_from_c(cases[i].host), 25, OUTBOUND_IPV6_FIRST, &by_address, &found, &t) != (cases[i].ours ? ERR_CONFLICT : 0))
			fail_msg("%s at %s", cases[i].host, cases[i].own);
	}
}

static void test_literals(void **state)
{
	(void)state;
	static const struct { const char *text; bool good; } cases[] = {
		{ "[192.0.2.1]", true }, { "[IPv6:2001:db8::1]", true }, { "[ipv6:::1]", true }, { "[2001:db8::1]", false }, { "[IPv6:192.0.2.1]", false },
		{ "[]", false }, { "[192.0.2.1", false }, { "192.0.2.1", false }, { "[192.0.2]", false }, { "[x:y]", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct net_addr a;
		assert_int_equal(mx_literal(str_from_c(cases[i].text), &a), cases[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_equal_ones_are_spread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_hosts_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_canonical_and_own_address, setup, teardown),
		cmocka_unit_test(test_literals),
	};
	return cmocka_run_group_tests_name("outbound/mx", tests, NULL, NULL);
}
