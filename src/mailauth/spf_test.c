/* RFC 7208 and 8616 where the published suite (tests/mailauth/spf_vectors.py) does not ask. */
#include "mailauth/spf.h"

#include "base/buf.h"
#include "mailauth/limits.h"
#include "rt/dns_zone.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char zone[] =
	"simple.example TXT v=spf1 ip4:192.0.2.1 -all exp=why.simple.example\n"
	"why.simple.example TXT %{i} may not, says %{o} to %{r} at %{h}\n"
	"xn--bcher-kva.example TXT v=spf1 ip4:192.0.2.1 ~all\n"
	"local.example TXT v=spf1 exists:%{l}.local.example ?a:%{s}.example -all exp=why.local.example\n"
	"why.local.example TXT no %{l}\n"
	"joe.local.example A 127.0.0.2\n"
	"helo.example TXT v=spf1 a -all\n"
	"helo.example A 192.0.2.1\n"
	"bogus.example TXT !bogus\n"
	"mapped.example TXT v=spf1 ip6:::ffff:192.0.2.1 -all\n"
	"family.example TXT v=spf1 ip4:0.0.0.0/0 -all\n"
	/* 4.6.4: voids are counted in terms, not in questions */
	"void1.example TXT v=spf1 mx a ip4:192.0.2.1 -all\n"
	"void1.example MX 1 m1.void1.example\nvoid1.example MX 2 m2.void1.example\nvoid1.example MX 3 m3.void1.example\n"
	"void3.example TXT v=spf1 exists:x.void3.example include:inc.void3.example a ip4:192.0.2.1 -all\n"
	"inc.void3.example TXT v=spf1 mx -all\n"
	"ptr.example TXT v=spf1 ptr ptr ptr ptr ip4:192.0.2.1 -all\n"
	"ptrerr.example TXT v=spf1 ptr ?all\n"
	"9.2.0.192.in-addr.arpa PTR !temporary\n"
	"incexp.example TXT v=spf1 include:simple.example -all\n"
	"redirexp.example TXT v=spf1 redirect=simple.example exp=why.local.example\n"
	"afterall.example TXT v=spf1 redirect=nothing.example ?all\n"
	"long.example TXT v=spf1 -all exp=why.long.example\n"
	"crlf.example TXT v=spf1 -all exp=why.crlf.example\n"
	"why.crlf.example TXT one\\013\\010two\n"
	"late.example TXT v=spf1 ip4:192.0.2.1 a:slow.example -all\n"
	"slow.example A !temporary\n"
	"two.example TXT v=spf1 -all\ntwo.example TXT v=spf1 ip4:192.0.2.1 +all\n";

static const struct {
	const char *ip, *helo, *sender;
	enum spf_result result;
	const char *domain, *explanation, *mechanism;
} rows[] = {
	{ "192.0.2.1", "h.example", "Joe@Simple.Example", SPF_PASS, "simple.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.9", "h.example", "joe@simple.example.", SPF_FAIL, "simple.example", "192.0.2.9 may not, says simple.example to rx.example at h.example", "-all" },
	{ "2001:db8::9", "h.example", "joe@simple.example", SPF_FAIL, "simple.example",
	  "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9 may not, says simple.example to rx.example at h.example", "-all" },
	{ "192.0.2.1", "h.example", "joe@b\xc3\xbc" "cher.example", SPF_PASS, "xn--bcher-kva.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.2", "h.example", "joe@\xff\xff.example", SPF_NONE, "", "", "" },
	/* RFC 8616 4 */
	{ "192.0.2.1", "h.example", "joe@local.example", SPF_PASS, "local.example", "", "exists:%{l}.local.example" },
	{ "192.0.2.1", "h.example", "jos\xc3\xa9@local.example", SPF_FAIL, "local.example", "", "-all" },
	/* 2.4 */
	{ "192.0.2.1", "Helo.example", "", SPF_PASS, "helo.example", "", "a" },
	{ "192.0.2.2", "helo.example", "", SPF_FAIL, "helo.example", "", "-all" },
	{ "192.0.2.1", "[192.0.2.1]", "", SPF_NONE, "", "", "" },
	{ "192.0.2.1", "", "", SPF_NONE, "", "", "" },
	{ "192.0.2.1", "localhost", "", SPF_NONE, "localhost", "", "" },
	{ "192.0.2.1", "h.example", "joe@nothing.example", SPF_NONE, "nothing.example", "", "" },
	{ "192.0.2.1", "h.example", "a@b@simple.example", SPF_PASS, "simple.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.1", "h.example", "joe@bogus.example", SPF_TEMPERROR, "bogus.example", "", "" },
	{ "192.0.2.1", "h.example", "joe@mapped.example", SPF_FAIL, "mapped.example", "", "-all" },
	{ "2001:db8::1", "h.example", "joe@family.example", SPF_FAIL, "family.example", "", "-all" },
	{ "192.0.2.1", "h.example", "joe@void1.example", SPF_PASS, "void1.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.1", "h.example", "joe@void3.example", SPF_PERMERROR, "void3.example", "", "" },
	{ "192.0.2.1", "h.example", "joe@ptr.example", SPF_PASS, "ptr.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.9", "h.example", "joe@ptrerr.example", SPF_NEUTRAL, "ptrerr.example", "", "?all" },
	/* 6.2 */
	{ "192.0.2.9", "h.example", "joe@incexp.example", SPF_FAIL, "incexp.example", "", "-all" },
	{ "192.0.2.9", "h", "joe@redirexp.example", SPF_FAIL, "redirexp.example", "192.0.2.9 may not, says redirexp.example to rx.example at h", "-all" },
	{ "192.0.2.9", "h.example", "joe@afterall.example", SPF_NEUTRAL, "afterall.example", "", "?all" },
	{ "192.0.2.9", "h\r\nx", "joe@simple.example", SPF_FAIL, "simple.example", "", "-all" },
	{ "192.0.2.9", "h.example", "joe@crlf.example", SPF_FAIL, "crlf.example", "", "-all" },
	{ "192.0.2.1", "h.example", "joe@late.example", SPF_PASS, "late.example", "", "ip4:192.0.2.1" },
	{ "192.0.2.9", "h.example", "joe@late.example", SPF_TEMPERROR, "late.example", "", "" },
	{ "192.0.2.1", "h.example", "joe@two.example", SPF_PERMERROR, "two.example", "", "" },
};

static struct spf_answer check(struct dns_zone *z, struct arena *a, const char *ip, const char *helo, const char *sender)
{
	struct dns_source s = dns_zone_source(z);
	struct spf_question q = { .helo = str_from_c(helo), .sender = str_from_c(sender), .receiver = STR("rx.example") };
	struct spf_answer answer;
	assert_true(net_addr_parse(str_from_c(ip), 0, &q.ip));
	assert_int_equal(spf_check(&s, a, &q, &answer), 0);
	return answer;
}

static void test_checks(void **state)
{
	struct dns_zone *z = dns_zone_create();
	(void)state;
	dns_zone_add(z, zone);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct spf_answer r = check(z, &a, rows[i].ip, rows[i].helo, rows[i].sender);
		bool error = r.result == SPF_TEMPERROR || r.result == SPF_PERMERROR;
		if (r.result != rows[i].result || !str_eq(r.domain, str_from_c(rows[i].domain)) || !str_eq(r.explanation, str_from_c(rows[i].explanation)) ||
		    !str_eq(r.mechanism, str_from_c(rows[i].mechanism)) || error != (r.problem != NULL))
			fail_msg("row %zu: %s %.*s '%.*s' '%.*s' %s", i, spf_result_text(r.result), STR_ARG(r.domain), STR_ARG(r.explanation), STR_ARG(r.mechanism),
			         r.problem ? r.problem : "");
		arena_fini(&a);
	}
	dns_zone_destroy(&z);
}

/* 6.2: "Implementations MAY limit the length of the resulting explanation string" */
static void test_explanation_is_cut(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct arena a = ARENA_INIT(0);
	struct buf line = BUF_INIT(0);
	(void)state;
	dns_zone_add(z, zone);
	buf_add_lit(&line, "why.long.example TXT ");
	for (unsigned i = 0; i <= SPF_EXPLANATION_MAX; i++)
		buf_add_char(&line, 'x');
	buf_add_char(&line, '\0');
	dns_zone_add(z, line.p);
	assert_int_equal(check(z, &a, "192.0.2.9", "h.example", "joe@long.example").explanation.n, SPF_EXPLANATION_MAX);
	buf_fini(&line);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

/* The client's names are asked for once, however many terms want them. */
static void test_names_asked_once(void **state)
{
	struct dns_zone *z = dns_zone_create();
	struct arena a = ARENA_INIT(0);
	(void)state;
	dns_zone_add(z, zone);
	check(z, &a, "192.0.2.1", "h.example", "joe@ptr.example");
	assert_int_equal(dns_zone_questions(z), 2);
	arena_fini(&a);
	dns_zone_destroy(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks), cmocka_unit_test(test_explanation_is_cut), cmocka_unit_test(test_names_asked_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
