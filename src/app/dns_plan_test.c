/* The records of a domain, and how they stand in a zone file (RFC 1035 5.1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/dns_plan.h"

static struct dns_facts facts_of(const char *domain, const char *host)
{
	struct dns_facts f = { .domain = str_from_c(domain), .host = str_from_c(host), .validates = true };

	f.port[APP_IMAPS] = 993;
	f.port[APP_SUBMISSIONS] = 1465;
	return f;
}

static const struct dns_plan_record *find(const struct dns_plan *p, enum dns_subject subject, const char *owner)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->records[i].subject == subject && (!owner || str_eq(p->records[i].owner, str_from_c(owner))))
			return &p->records[i];
	return NULL;
}

static void test_records(void **state)
{
	static const struct { enum dns_subject subject; enum dns_need need; const char *owner, *value; } t[] = {
		{ DNS_PLAN_MX, DNS_REQUIRED, "example.org", "10 mail.example.org." },
		{ DNS_PLAN_ADDRESS, DNS_REQUIRED, "mail.example.org", "" },
		{ DNS_PLAN_PTR, DNS_REQUIRED, "mail.example.org", "" },
		{ DNS_PLAN_SPF, DNS_REQUIRED, "example.org", "v=spf1 mx -all" },
		{ DNS_PLAN_SPF_HOST, DNS_RECOMMENDED, "mail.example.org", "v=spf1 a -all" },
		{ DNS_PLAN_DKIM, DNS_REQUIRED, "one._domainkey.example.org", "v=DKIM1; p=AA==" },
		{ DNS_PLAN_DKIM, DNS_RECOMMENDED, "two._domainkey.example.org", "v=DKIM1; p=AB==" },
		{ DNS_PLAN_DMARC, DNS_RECOMMENDED, "_dmarc.example.org", "v=DMARC1; p=none; rua=mailto:dmarc@example.org" },
		{ DNS_PLAN_STS, DNS_REQUIRED, "_mta-sts.example.org", "v=STSv1; id=ab01" },
		{ DNS_PLAN_STS_HOST, DNS_REQUIRED, "mta-sts.example.org", "mail.example.org." },
		{ DNS_PLAN_TLSRPT, DNS_RECOMMENDED, "_smtp._tls.example.org", "v=TLSRPTv1; rua=mailto:postmaster@example.org" },
		{ DNS_PLAN_SRV, DNS_RECOMMENDED, "_submissions._tcp.example.org", "0 1 1465 mail.example.org." },
		{ DNS_PLAN_SRV, DNS_RECOMMENDED, "_imaps._tcp.example.org", "0 1 993 mail.example.org." },
		{ DNS_PLAN_SRV, DNS_RECOMMENDED, "_pop3._tcp.example.org", "0 0 0 ." },
		{ DNS_PLAN_AUTOCONFIG, DNS_OPTIONAL, "autoconfig.example.org", "mail.example.org." },
	};
	static const struct dns_key keys[] = {
		{ .domain = STR_INIT("example.org"), .selector = STR_INIT("one"), .record = STR_INIT("v=DKIM1; p=AA=="), .state = SIGNING_ACTIVE },
		{ .domain = STR_INIT("example.org"), .selector = STR_INIT("two"), .record = STR_INIT("v=DKIM1; p=AB=="), .state = SIGNING_RETIRED },
	};
	struct dns_facts f = facts_of("example.org", "mail.example.org");
	struct arena a = ARENA_INIT(0);
	struct dns_plan p;
	(void)state;

	f.keys = keys;
	f.n_keys = 2;
	f.sts_id = STR("ab01");
	f.dmarc_address = STR("dmarc@example.org");
	f.tls_address = STR("postmaster@example.org");
	f.port[APP_HTTP] = 80;
	assert_int_equal(dns_plan_make(&f, &a, &p), 0);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const struct dns_plan_record *r = find(&p, t[i].subject, t[i].owner);
		assert_non_null(r);
		assert_true(str_eq(r->value, str_from_c(t[i].value)));
		assert_int_equal(r->need, t[i].need);
	}
	assert_null(find(&p, DNS_PLAN_TLSA, NULL));                  /* no certificate yet */
	arena_fini(&a);
}

/* Nothing is promised that is not there. */
static void test_least(void **state)
{
	struct dns_facts f = facts_of("example.org", "example.org");
	struct arena a = ARENA_INIT(0);
	struct dns_plan p;
	(void)state;

	assert_int_equal(dns_plan_make(&f, &a, &p), 0);
	assert_null(find(&p, DNS_PLAN_SPF_HOST, NULL));              /* one name, one SPF record: RFC 7208 3.2 */
	assert_null(find(&p, DNS_PLAN_STS, NULL));
	assert_null(find(&p, DNS_PLAN_STS_HOST, NULL));
	assert_null(find(&p, DNS_PLAN_TLSRPT, NULL));
	assert_null(find(&p, DNS_PLAN_AUTOCONFIG, NULL));
	assert_int_equal(find(&p, DNS_PLAN_DKIM, NULL)->value.n, 0);
	assert_true(str_find(find(&p, DNS_PLAN_DKIM, NULL)->hint, STR("troika dkim add example.org")) != STR_NPOS);
	assert_true(str_eq(find(&p, DNS_PLAN_DMARC, NULL)->value, STR("v=DMARC1; p=none")));
	arena_fini(&a);
}

static void test_line(void **state)
{
	static const struct { enum dns_type type; const char *owner, *value, *line; } t[] = {
		{ DNS_MX, "example.org", "10 mail.example.org.", "example.org. 3600 IN MX 10 mail.example.org.\n" },
		{ DNS_TXT, "example.org", "v=spf1 mx -all", "example.org. 3600 IN TXT \"v=spf1 mx -all\"\n" },
		{ DNS_TXT, "a b.example.org", "say \"a\\b\";\t\xc3", "a\\032b.example.org. 3600 IN TXT \"say \\\"a\\\\b\\\";\\009\\195\"\n" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct dns_plan_record r = { .type = t[i].type, .owner = str_from_c(t[i].owner), .value = str_from_c(t[i].value) };
		struct buf b = BUF_INIT(0);
		dns_plan_line(&r, &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].line)));
		buf_fini(&b);
	}
}

/* RFC 1035 3.3: a string has at most 255 octets; 3.3.14, RFC 6376 3.6.2.2: together they are the text again. */
static void test_long_text(void **state)
{
	char text[700];
	(void)state;

	for (size_t n = 250; n < sizeof text; n += 5) {
		struct dns_plan_record r = { .type = DNS_TXT, .owner = STR("k._domainkey.example.org"), .value = str_make(text, n) };
		struct buf b = BUF_INIT(0), joined = BUF_INIT(0);
		struct str before, piece, rest;
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + i % 26);
		dns_plan_line(&r, &b);
		rest = buf_str(&b);
		assert_int_equal(str_find(rest, STR("(")) != STR_NPOS, n > 255);
		while (str_cut(rest, '"', &before, &rest)) {
			assert_true(str_cut(rest, '"', &piece, &rest));
			assert_true(piece.n > 0 && piece.n <= 255);
			buf_add_str(&joined, piece);
		}
		assert_true(str_eq(buf_str(&joined), str_make(text, n)));
		buf_fini(&b);
		buf_fini(&joined);
	}
}

/* What belongs to another zone is a comment: a server refuses a zone with foreign names in it. */
static void test_zone(void **state)
{
	static const struct dns_key parents = { .domain = STR_INIT("example.org"), .selector = STR_INIT("s"), .record = STR_INIT("v=DKIM1; p="), .state = SIGNING_ACTIVE };
	struct dns_facts f = facts_of("sub.example.org", "mail.example.net");
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct dns_plan p;
	struct str line, rest;
	unsigned n = 0;
	(void)state;

	f.keys = &parents;
	f.n_keys = 1;
	assert_int_equal(dns_plan_make(&f, &a, &p), 0);
	dns_plan_format(&p, &b);
	rest = buf_str(&b);
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str name;
		if (line.n == 0 || line.p[0] == ';')
			continue;
		str_cut(line, ' ', &name, &line);
		assert_true(str_ends(name, STR("sub.example.org.")));
		n++;
	}
	assert_int_equal(n, 2 + 1 + 6);                              /* MX, SPF; DMARC; services */
	assert_true(str_find(buf_str(&b), STR("; s._domainkey.example.org. 3600 IN TXT")) != STR_NPOS);
	assert_true(str_find(buf_str(&b), STR("; mail.example.net. 3600 IN TXT \"v=spf1 a -all\"")) != STR_NPOS);
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_records), cmocka_unit_test(test_least), cmocka_unit_test(test_line),
										cmocka_unit_test(test_long_text), cmocka_unit_test(test_zone) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
