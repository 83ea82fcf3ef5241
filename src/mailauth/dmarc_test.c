/* RFC 7489 6.6, 7.1 and its successor's 4.10. */
#include "mailauth/dmarc.h"

#include "base/err.h"
#include "mailauth/limits.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char zone[] =
	"_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=none\n"
	"there.example.com A 192.0.2.1\n"
	"_dmarc.own.example.com TXT v=DMARC1; p=none\n"
	"_dmarc.psdn.example.com TXT v=DMARC1; p=quarantine; psd=n\n"
	"_dmarc.two.example.com TXT v=DMARC1; p=none\n_dmarc.two.example.com TXT v=DMARC1; p=none\n"
	"two.example.com A 192.0.2.1\n"
	"_dmarc.noise.example.com TXT v=spf1 -all\n_dmarc.noise.example.com TXT v=DMARC1;p=none\n"
	/* a public suffix */
	"_dmarc.bank TXT v=DMARC1; p=none; sp=quarantine; np=reject; psd=y\n"
	"first.bank A 192.0.2.1\n"
	"_dmarc.second.bank TXT v=DMARC1; p=reject\n"
	"_dmarc.deep.branch.third.bank TXT v=DMARC1; p=quarantine\n"
	/* settings */
	"_dmarc.strict.example TXT v=DMARC1; p=reject; adkim=s; aspf=s\n"
	"_dmarc.test.example TXT v=DMARC1; p=reject; sp=quarantine; t=y\nsub.test.example A 192.0.2.1\n"
	"_dmarc.pct.example TXT v=DMARC1; p=quarantine; pct=0\n"
	"_dmarc.broken.example TXT v=DMARC1; p=whatever\n"
	"_dmarc.slow.example TXT !temporary\n"
	"_dmarc.bogus.example TXT !bogus\n"
	"_dmarc.own.slow.example TXT v=DMARC1; p=reject\n"
	"_dmarc.np.example TXT v=DMARC1; p=none; np=reject\nlater.np.example A !temporary\n"
	/* reports */
	"example.net._report._dmarc.collector.example TXT v=DMARC1\n"
	"slow.net._report._dmarc.collector.example TXT !temporary\n"
	"wrong.net._report._dmarc.collector.example TXT yes please\n";

struct setup {
	struct dns_zone *zone;
	struct dns_source dns;
	struct arena arena;
};

static int set_up(void **state)
{
	struct setup *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->zone = dns_zone_create();
	dns_zone_add(s->zone, zone);
	s->dns = dns_zone_source(s->zone);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *s = *state;
	arena_fini(&s->arena);
	dns_zone_destroy(&s->zone);
	free(s);
	return 0;
}

static void test_discover(void **state)
{
	static const struct { const char *author; int err; const char *domain, *organization; } rows[] = {
		{ "example.com", 0, "example.com", "example.com" },
		{ "a.b.example.com", 0, "example.com", "example.com" },
		{ "own.example.com", 0, "own.example.com", "example.com" },
		/* a record between the author and the organization is nobody's */
		{ "x.own.example.com", 0, "example.com", "example.com" },
		{ "psdn.example.com", 0, "psdn.example.com", "psdn.example.com" },
		{ "x.psdn.example.com", 0, "psdn.example.com", "psdn.example.com" },
		{ "two.example.com", 0, "example.com", "example.com" },
		{ "noise.example.com", 0, "noise.example.com", "example.com" },
		{ "bank", 0, "bank", "bank" },
		{ "first.bank", 0, "bank", "first.bank" },
		{ "www.first.bank", 0, "bank", "first.bank" },
		{ "second.bank", 0, "second.bank", "second.bank" },
		{ "www.second.bank", 0, "second.bank", "second.bank" },
		/* the organization third.bank has no record: the suffix's applies, not that of a domain in between */
		{ "x.deep.branch.third.bank", 0, "bank", "third.bank" },
		{ "deep.branch.third.bank", 0, "deep.branch.third.bank", "third.bank" },
		{ "nothing.example", ERR_NOT_FOUND, "", "" },
		{ "broken.example", ERR_INVALID, "", "" },
		{ "sub.broken.example", ERR_INVALID, "", "" },
		{ "slow.example", ERR_RETRY, "", "" },
		{ "sub.slow.example", ERR_RETRY, "", "" },
		{ "bogus.example", ERR_RETRY, "", "" },
		{ "own.slow.example", 0, "own.slow.example", "" },
	};
	struct setup *s = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dmarc_record r;
		int err = dmarc_discover(&s->dns, &s->arena, str_from_c(rows[i].author), &r);
		if (err != rows[i].err || !str_eq(r.domain, str_from_c(rows[i].domain)) || !str_eq(r.organization, str_from_c(rows[i].organization)))
			fail_msg("%s: %d, record of %.*s, organization %.*s", rows[i].author, err, STR_ARG(r.domain), STR_ARG(r.organization));
	}
}

/* 4.10: "Author Domains with more than eight labels do not result in more than eight DNS queries", and which they are. */
static void test_walk_is_short(void **state)
{
	struct setup *s = *state;
	struct dmarc_record r;
	unsigned before = dns_zone_questions(s->zone);
	assert_int_equal(dmarc_discover(&s->dns, &s->arena, STR("a.b.c.d.e.f.g.h.i.j.mail.example.org"), &r), ERR_NOT_FOUND);
	assert_int_equal(dns_zone_questions(s->zone) - before, DMARC_WALK_MAX);
	before = dns_zone_questions(s->zone);
	assert_int_equal(dmarc_discover(&s->dns, &s->arena, STR("a.b.c.d.e.f.example.org"), &r), ERR_NOT_FOUND);
	assert_int_equal(dns_zone_questions(s->zone) - before, DMARC_WALK_MAX);
	dns_zone_add(s->zone, "_dmarc.g.h.i.j.mail.example.org TXT v=DMARC1;p=none;psd=n\n_dmarc.f.g.h.i.j.mail.example.org TXT v=DMARC1;p=reject;psd=n");
	before = dns_zone_questions(s->zone);
	assert_int_equal(dmarc_discover(&s->dns, &s->arena, STR("a.b.c.d.e.f.g.h.i.j.mail.example.org"), &r), 0);
	assert_true(str_eq(r.domain, STR("g.h.i.j.mail.example.org")));
	assert_int_equal(dns_zone_questions(s->zone) - before, 2);
}

#define P SPF_PASS
#define NONE DMARC_POLICY_NONE
#define QUARANTINE DMARC_POLICY_QUARANTINE
#define REJECT DMARC_POLICY_REJECT

static void test_check(void **state)
{
	static const struct { // NOLINT(clang-analyzer-optin.performance.Padding): rows read in this order
		const char *from;
		enum spf_result spf;
		const char *spf_domain;
		enum dkim_result dkim;
		const char *dkim_domain;
		enum dmarc_result result;
		enum dmarc_policy policy;
		bool spf_aligned, dkim_aligned;
	} rows[] = {
		{ "example.com", P, "example.com", DKIM_NONE, "", DMARC_PASS, REJECT, true, false },
		{ "example.com", P, "Bounces.Example.com", DKIM_PASS, "Mail.Example.com", DMARC_PASS, REJECT, true, true },
		{ "example.com", P, "badexample.com", DKIM_PASS, "com", DMARC_FAIL, REJECT, false, false },
		{ "example.com", SPF_FAIL, "example.com", DKIM_FAIL, "example.com", DMARC_FAIL, REJECT, false, false },
		{ "example.com", SPF_SOFTFAIL, "example.com", DKIM_POLICY, "example.com", DMARC_FAIL, REJECT, false, false },
		/* sp, np */
		{ "there.example.com", SPF_NONE, "", DKIM_NONE, "", DMARC_FAIL, QUARANTINE, false, false },
		{ "nowhere.example.com", SPF_NONE, "", DKIM_NONE, "", DMARC_FAIL, NONE, false, false },
		{ "there.example.com", SPF_NONE, "", DKIM_PASS, "other.example.com", DMARC_PASS, QUARANTINE, false, true },
		{ "own.example.com", SPF_NONE, "", DKIM_PASS, "example.com", DMARC_PASS, NONE, false, true },
		/* psd=n parts what lies below from what lies above, whichever way */
		{ "example.com", P, "psdn.example.com", DKIM_NONE, "", DMARC_FAIL, REJECT, false, false },
		{ "psdn.example.com", P, "example.com", DKIM_PASS, "x.psdn.example.com", DMARC_PASS, QUARANTINE, false, true },
		/* siblings below a public suffix */
		{ "first.bank", P, "second.bank", DKIM_PASS, "bank", DMARC_FAIL, QUARANTINE, false, false },
		{ "no.bank", P, "x.no.bank", DKIM_NONE, "", DMARC_PASS, REJECT, true, false },
		/* strict */
		{ "strict.example", P, "strict.example", DKIM_PASS, "x.strict.example", DMARC_PASS, REJECT, true, false },
		{ "strict.example", P, "x.strict.example", DKIM_PASS, "x.strict.example", DMARC_FAIL, REJECT, false, false },
		/* one level below */
		{ "test.example", P, "other.example", DKIM_NONE, "", DMARC_FAIL, QUARANTINE, false, false },
		{ "sub.test.example", P, "other.example", DKIM_NONE, "", DMARC_FAIL, NONE, false, false },
		{ "pct.example", P, "other.example", DKIM_NONE, "", DMARC_FAIL, NONE, false, false },
		/* errors */
		{ "nothing.example", P, "nothing.example", DKIM_NONE, "", DMARC_NONE, NONE, false, false },
		{ "broken.example", P, "broken.example", DKIM_NONE, "", DMARC_PERMERROR, NONE, false, false },
		{ "slow.example", P, "slow.example", DKIM_NONE, "", DMARC_TEMPERROR, NONE, false, false },
		{ "", P, "example.com", DKIM_NONE, "", DMARC_PERMERROR, NONE, false, false },
		{ "own.slow.example", P, "own.slow.example", DKIM_NONE, "", DMARC_PASS, REJECT, true, false },
		{ "own.slow.example", P, "x.own.slow.example", DKIM_NONE, "", DMARC_TEMPERROR, NONE, false, false },
		{ "later.np.example", SPF_NONE, "", DKIM_NONE, "", DMARC_TEMPERROR, NONE, false, false },
		{ "later.np.example", P, "later.np.example", DKIM_NONE, "", DMARC_PASS, NONE, true, false },
		/* "unable to conclude" only where it could have mattered */
		{ "example.com", SPF_TEMPERROR, "example.com", DKIM_FAIL, "example.com", DMARC_TEMPERROR, NONE, false, false },
		{ "example.com", SPF_FAIL, "example.com", DKIM_TEMPERROR, "mail.example.com", DMARC_TEMPERROR, NONE, false, false },
		{ "example.com", SPF_FAIL, "example.com", DKIM_TEMPERROR, "mail.example.net", DMARC_FAIL, REJECT, false, false },
		{ "example.com", SPF_TEMPERROR, "example.com", DKIM_PASS, "example.com", DMARC_PASS, REJECT, false, true },
	};
	struct setup *s = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spf_answer spf = { .result = rows[i].spf, .domain = str_from_c(rows[i].spf_domain) };
		struct dkim_verdict dkim[2] = { { .result = DKIM_PASS, .domain = STR("mailer.example.net") },
			                        { .result = rows[i].dkim, .domain = str_from_c(rows[i].dkim_domain) } };
		struct dmarc_question q = { str_from_c(rows[i].from), &spf, dkim, 2 };
		struct dmarc_answer r;
		bool error = rows[i].result == DMARC_TEMPERROR || rows[i].result == DMARC_PERMERROR;
		assert_int_equal(dmarc_check(&s->dns, &s->arena, &q, &r), 0);
		if (r.result != rows[i].result || r.policy != rows[i].policy || r.spf_aligned != rows[i].spf_aligned || r.dkim_aligned != rows[i].dkim_aligned ||
		    error != (r.problem != NULL))
			fail_msg("row %zu: %s %s %d %d", i, dmarc_result_text(r.result), dmarc_policy_text(r.policy), r.spf_aligned, r.dkim_aligned);
	}
}

static void test_may_report(void **state)
{
	static const struct { const char *domain, *destination; int answer; } rows[] = {
		{ "example.com", "example.com", 1 },
		{ "example.com", "Reports.Example.com", 1 },
		{ "there.example.com", "own.example.com", 1 },
		{ "psdn.example.com", "example.com", 0 },
		{ "example.com", "psdn.example.com", 0 },
		{ "first.bank", "second.bank", 0 },
		{ "example.net", "collector.example", 1 },
		{ "example.org", "collector.example", 0 },
		{ "wrong.net", "collector.example", 0 },
		{ "slow.net", "collector.example", ERR_RETRY },
		{ "example.com", "a b", 0 },
	};
	struct setup *s = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (dmarc_may_report(&s->dns, &s->arena, str_from_c(rows[i].domain), str_from_c(rows[i].destination)) != rows[i].answer)
			fail_msg("%s to %s", rows[i].domain, rows[i].destination);
}

static void test_author(void **state)
{
	static const struct { const char *header, *domain; } rows[] = {
		{ "From: a@Example.COM\r\n\r\n", "example.com" },
		{ "Subject: x\r\nfrom : \"b@other.example\" <a@example.com> (c@third.example)\r\n\r\n", "example.com" },
		{ "From: a@b\xc3\xbc" "cher.example\r\n\r\n", "xn--bcher-kva.example" },
		{ "From: a@example.com, b@EXAMPLE.com\r\n\r\n", "example.com" },
		{ "From: Example, Inc. <a@example.com>\r\n\r\n", "example.com" },
		{ "From: Friends: a@example.com;\r\n\r\n", "example.com" },                /* RFC 6854 */
		{ "From: a@example.com, b@other.example\r\n\r\n", "" },
		{ "From: a@example.com\r\nFrom: a@example.com\r\n\r\n", "" },
		{ "From: a@[192.0.2.1]\r\n\r\n", "" },
		{ "From: Friends:;\r\n\r\n", "" },
		{ "From: nobody\r\n\r\n", "" },
		{ "From:\r\n\r\n", "" },
		{ "To: a@example.com\r\n\r\nFrom: a@example.com\r\n", "" },
		{ "From: a@exa..com\r\n\r\n", "" },
	};
	struct setup *s = *state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str domain;
		bool found = dmarc_author_domain(&s->arena, str_from_c(rows[i].header), &domain);
		if (found != (rows[i].domain[0] != '\0') || !str_eq(domain, str_from_c(rows[i].domain)))
			fail_msg("%s became %.*s", rows[i].header, STR_ARG(domain));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discover, set_up, tear_down), cmocka_unit_test_setup_teardown(test_walk_is_short, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_check, set_up, tear_down), cmocka_unit_test_setup_teardown(test_may_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_author, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
