/* RFC 5782: 2.1 (addresses and codes), 2.4 (IPv6), 5 (test addresses). */
#include "guard/dnsbl.h"

#include "base/clock.h"
#include "rt/dns_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct net_addr addr_of(const char *text)
{
	struct net_addr a;

	assert_true(net_addr_parse(str_from_c(text), 0, &a));
	return a;
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"", "=5", "zone.example", "zone.example=", "zone.example=1001", "zone.example=x", "zone.example 127.0.0.2", "zone.example 127.0.0=1",
		"zone.example 127.0.0.2.1=1", "zone.example 127.0.0.300=1", "zone.example 127.0.0.9-2=1", "zone.example 127.0.0.a=1",
	};
	static const struct { const char *line, *answer; int points; } good[] = {
		{ "z=5", "127.0.0.2", 5 }, { "z=5", "127.0.9.2", 5 }, { "z=5", "127.1.0.2", 0 }, { "z=-3", "127.0.0.2", -3 },
		{ "z=5", "192.0.2.1", 0 },                       /* no code: the domain was sold */
		{ "z=5", "127.255.255.254", 0 },                 /* the list's own errors */
		{ "z 127.0.0.2=5 127.0.0.4-7=3 127.0.0.*=1", "127.0.0.2", 5 }, { "z 127.0.0.2=5 127.0.0.4-7=3 127.0.0.*=1", "127.0.0.7", 3 },
		{ "z 127.0.0.2=5 127.0.0.4-7=3 127.0.0.*=1", "127.0.0.8", 1 }, { "z 127.0.0.2=5", "127.0.0.3", 0 },
		{ "  z   127.0.*.1-3=-2  ", "127.0.15.3", -2 }, { "z 127.0.0.2=5", "2001:db8::2", 0 },
	};
	struct arena a = ARENA_INIT(0);
	struct dnsbl_zone z;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };
		if (dnsbl_parse(&a, str_from_c(bad[i]), &z, &e) != ERR_CONFIG || !e.log[0])
			fail_msg("'%s' was taken", bad[i]);
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct net_addr answer = addr_of(good[i].answer);
		assert_int_equal(dnsbl_parse(&a, str_from_c(good[i].line), &z, NULL), 0);
		assert_true(str_eq(z.name, STR("z")));
		assert_int_equal(dnsbl_points(&z, &answer), good[i].points);
	}
	arena_fini(&a);
}

#define ZONES 5
struct fixture {
	struct arena arena;
	struct dns_zone *zone;
	struct dns_source dns;
	struct dnsbl_zone lists[ZONES];
};

static int setup(void **state)
{
	static const char *const lines[ZONES] = { "bad.example 127.0.0.2=5 127.0.0.3=2", "good.example=-4", "slow.example=9", "all.example=9", "two.example=3" };
	struct fixture *f = calloc(1, sizeof *f);

	f->zone = dns_zone_create();
	dns_zone_add(f->zone, "7.2.0.192.bad.example A 127.0.0.2\n"
						  "7.2.0.192.bad.example TXT Seen sending spam, see https://bad.example/7\n"
						  "8.2.0.192.bad.example A 127.0.0.3\n"
						  "8.2.0.192.bad.example A 127.0.0.2\n"
						  "8.2.0.192.good.example A 127.0.0.2\n"
						  "7.2.0.192.slow.example A !temporary\n"
						  "1.0.0.127.all.example A 127.0.0.2\n"
						  "7.2.0.192.all.example A 127.0.0.2\n"
						  "7.2.0.192.two.example A 127.0.0.2\n"
						  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.two.example A 127.0.0.2\n");
	f->dns = dns_zone_source(f->zone);
	for (unsigned i = 0; i < ZONES; i++)
		assert_int_equal(dnsbl_parse(&f->arena, str_from_c(lines[i]), &f->lists[i], NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	dns_zone_destroy(&f->zone);
	free(f);
	return 0;
}

static void test_ask(void **state)
{
	struct fixture *f = *state;
	struct net_addr listed = addr_of("192.0.2.7"), both = addr_of("192.0.2.8"), clean = addr_of("192.0.2.9"), six = addr_of("2001:db8::1");
	struct dnsbl_verdict v;

	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &listed, 100000, 0, &v);
	assert_int_equal(v.points, 8);                   /* slow did not answer, all lists everybody */
	assert_true(v.incomplete);
	assert_true(str_eq(v.zone, STR("bad.example")));
	assert_true(str_eq(v.text, STR("Seen sending spam, see https://bad.example/7")));

	/* slow is left alone now, and no list is tested again */
	unsigned before = dns_zone_questions(f->zone);
	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &clean, 100000, 0, &v);
	assert_int_equal(v.points, 0);
	assert_int_equal(v.zone.n, 0);
	assert_int_equal(dns_zone_questions(f->zone) - before, 3);

	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &both, 100000, 0, &v);
	assert_int_equal(v.points, 1);                   /* 5, the stronger of two codes, less 4 */
	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &six, 100000, 0, &v);
	assert_int_equal(v.points, 3);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	struct net_addr listed = addr_of("192.0.2.7");
	struct dnsbl_verdict v;

	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &listed, 100000, 5, &v);
	assert_int_equal(v.points, 5);                   /* enough: the others are not asked */
	assert_int_equal(dns_zone_questions(f->zone), 3);        /* its test, the address, the text */
	assert_false(v.incomplete);
	dnsbl_ask(&f->dns, &f->arena, f->lists, ZONES, &listed, 0, 0, &v);
	assert_int_equal(v.points, 0);                   /* no time at all */
	assert_true(v.incomplete);
	assert_int_equal(dns_zone_questions(f->zone), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test_setup_teardown(test_ask, setup, teardown), cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
