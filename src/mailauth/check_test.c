/* The parts put together: RFC 7489 over 7208, and the limit of time. */
#include "mailauth/check.h"

#include "base/clock.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static const char zone[] =
	"example.com TXT v=spf1 ip4:192.0.2.1 -all\n"
	"_dmarc.example.com TXT v=DMARC1;p=reject\n"
	"1.2.0.192.in-addr.arpa PTR mail.example.com\nmail.example.com A 192.0.2.1\n";
static const char message[] = "From: Joe <joe@Example.com>\r\nSubject: x\r\n\r\nbody\r\n";

static struct mailauth_question question(const char *ip)
{
	struct mailauth_question q = { .helo = STR("mail.example.com"), .sender = STR("joe@example.com"), .receiver = STR("mx.example.org"),
		                       .message = str_from_c(message), .now = 1764140000 };
	assert_true(net_addr_parse(str_from_c(ip), 0, &q.ip));
	return q;
}

static void test_composition(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct dns_source dns = dns_zone_source(z);
	struct arena a = ARENA_INIT(0);
	struct mailauth_question q = question("192.0.2.1");
	struct mailauth_verdict v;
	(void)state;
	dns_zone_add(z, zone);
	assert_int_equal(mailauth_check(&dns, &a, &q, &v), 0);
	assert_int_equal(v.spf.result, SPF_PASS);
	assert_int_equal(v.n_dkim, 0);
	assert_int_equal(v.arc.result, ARC_NONE);
	assert_int_equal(v.dmarc.result, DMARC_PASS);
	assert_true(str_eq(v.from_domain, STR("example.com")));
	assert_int_equal(v.iprev, IPREV_PASS);
	assert_true(str_eq(v.ptr, STR("mail.example.com")));
	q = question("192.0.2.2");
	assert_int_equal(mailauth_check(&dns, &a, &q, &v), 0);
	assert_int_equal(v.spf.result, SPF_FAIL);
	assert_int_equal(v.dmarc.result, DMARC_FAIL);
	assert_int_equal(v.dmarc.policy, DMARC_POLICY_REJECT);
	q.message = STR("From: a@example.com, b@example.net\r\n\r\n");
	assert_int_equal(mailauth_check(&dns, &a, &q, &v), 0);
	assert_int_equal(v.dmarc.result, DMARC_PERMERROR);
	assert_int_equal(v.from_domain.n, 0);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

static void test_spf_is_not_asked_again(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct dns_source dns = dns_zone_source(z);
	struct arena a = ARENA_INIT(0);
	struct spf_answer known = { .result = SPF_PASS, .domain = STR("example.com") };
	struct mailauth_question q = question("192.0.2.2");
	struct mailauth_verdict v;
	(void)state;
	dns_zone_add(z, zone);
	q.spf = &known;
	assert_int_equal(mailauth_check(&dns, &a, &q, &v), 0);
	assert_int_equal(v.spf.result, SPF_PASS);
	assert_int_equal(v.dmarc.result, DMARC_PASS);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

struct slow {
	struct dns_source zone;
	unsigned questions;
};

/* The first question takes longer than there is time. */
static int query_slowly(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct slow *s = ctx;
	s->questions++;
	usleep(20 * 1000);
	return dns_query(&s->zone, a, name, type, out);
}

static void test_time_is_up(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct slow slow = { dns_zone_source(z), 0 };
	struct dns_source dns = { query_slowly, &slow };
	struct arena a = ARENA_INIT(0);
	struct mailauth_question q = question("192.0.2.1");
	struct mailauth_verdict v;
	(void)state;
	dns_zone_add(z, zone);
	q.limit_ms = 10;
	assert_int_equal(mailauth_check(&dns, &a, &q, &v), 0);
	assert_true(slow.questions <= 1);
	assert_int_equal(v.dmarc.result, DMARC_TEMPERROR);
	assert_int_equal(v.iprev, IPREV_TEMPERROR);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_composition), cmocka_unit_test(test_spf_is_not_asked_again), cmocka_unit_test(test_time_is_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
