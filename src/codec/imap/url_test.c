#include "codec/imap/url.h"

#include "base/buf.h"
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* All that was read, one word each. */
static void describe(const struct imap_url *u, struct buf *b)
{
	static const char *const accesses[] = { "", " submit", " user", " authuser", " anonymous" };
	if (u->absolute)
		buf_printf(b, "user=%.*s auth=%.*s host=%.*s port=%u ", STR_ARG(u->user), STR_ARG(u->auth), STR_ARG(u->host), u->port);
	buf_printf(b, "[%.*s] validity=%u uid=%u", STR_ARG(u->mailbox), u->uidvalidity, u->uid);
	if (u->search)
		buf_add_lit(b, " search");
	if (u->section.p)
		buf_printf(b, " section=%.*s", STR_ARG(u->section));
	if (u->partial)
		buf_printf(b, " partial=%llu.%llu", (unsigned long long)u->offset, (unsigned long long)u->count);
	if (u->expire != INT64_MAX)
		buf_printf(b, " expire=%lld", (long long)u->expire);
	buf_add_c(b, accesses[u->access]);
	if (u->access_user.p)
		buf_printf(b, "+%.*s", STR_ARG(u->access_user));
	if (u->mechanism.p)
		buf_printf(b, " %.*s:%.*s", STR_ARG(u->mechanism), STR_ARG(u->token));
}

#define TOKEN "91354a473744909de610943775f92038"

static void test_good(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } table[] = {
		/* RFC 4469, appendix A. */
		{ "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", "[Drafts] validity=385759045 uid=20 section=HEADER" },
		{ "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", "[Drafts] validity=385759045 uid=20 section=1.MIME" },
		{ "/INBOX;UIDVALIDITY=785799047/;UID=11467", "[INBOX] validity=785799047 uid=11467" },
		/* RFC 8508 4.2. */
		{ "/Drafts/;UID=3002", "[Drafts] validity=0 uid=3002" },
		{ "/;UID=1", "[] validity=0 uid=1" },
		{ "/a/b%20c/%C3%A4/;uid=4294967295", "[a/b c/\xc3\xa4] validity=0 uid=4294967295" },
		{ "/a/;UID=1/;SECTION=1.2/;PARTIAL=0.1024", "[a] validity=0 uid=1 section=1.2 partial=0.1024" },
		{ "/a/;UID=1/;PARTIAL=9223372036854775807", "[a] validity=0 uid=1 partial=9223372036854775807.0" },
		{ "/a/;UID=1/;SECTION=HEADER.FIELDS%20(DATE%20FROM)", "[a] validity=0 uid=1 section=HEADER.FIELDS (DATE FROM)" },
		{ "/a?SUBJECT%20x", "[a] validity=0 uid=0 search" },
		{ "/a;UIDVALIDITY=7", "[a] validity=7 uid=0" },
		{ "/", "[] validity=0 uid=0" },
		/* RFC 5092 10. */
		{ "imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024",
		  "user= auth= host=minbari.example.org port=0 [gray-council] validity=385759045 uid=20 partial=0.1024" },
		{ "imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97",
		  "user= auth= host=psicorp.example.org port=0 [~peter/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e/\xe5\x8f\xb0\xe5\x8c\x97] validity=0 uid=0" },
		{ "imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2",
		  "user= auth=GSSAPI host=minbari.example.org port=0 [gray-council] validity=0 uid=20 section=1.2" },
		{ "imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows",
		  "user= auth=* host=minbari.example.org port=0 [gray council] validity=0 uid=0 search" },
		{ "IMAP://john;AUTH=*@minbari.example.org:1143/babylon5/personel?charset%20UTF-8",
		  "user=john auth=* host=minbari.example.org port=1143 [babylon5/personel] validity=0 uid=0 search" },
		{ "imap://michael@[::1]:143/INBOX", "user=michael auth= host=[::1] port=143 [INBOX] validity=0 uid=0" },
		{ "imap://h", "user= auth= host=h port=0 [] validity=0 uid=0" },
		/* RFC 4467 */
		{ "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred",
		  "user=joe auth= host=example.com port=0 [INBOX] validity=0 uid=20 section=1.2 submit+fred" },
		{ "imap://joe%40example.com@example.com/INBOX/;uid=20;urlauth=user+fred%40example.com:internal:" TOKEN,
		  "user=joe@example.com auth= host=example.com port=0 [INBOX] validity=0 uid=20 user+fred@example.com internal:" TOKEN },
		{ "imap://j@h/I/;uid=2;expire=2026-11-26T12:00:00Z;urlauth=authuser",
		  "user=j auth= host=h port=0 [I] validity=0 uid=2 expire=1795694400 authuser" },
		{ "imap://j@h/I/;uid=2/;partial=1.2;EXPIRE=2026-11-26t13:30:00.25+01:30;URLAUTH=anonymous:x-y.z:" TOKEN "00",
		  "user=j auth= host=h port=0 [I] validity=0 uid=2 partial=1.2 expire=1795694400 anonymous x-y.z:" TOKEN "00" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena a = ARENA_INIT(0);
		struct buf b = BUF_INIT(0);
		struct imap_url u;
		const char *why;
		if (imap_url_parse(str_from_c(table[i].in), &a, &u, &why))
			fail_msg("%s: %s", table[i].in, why);
		describe(&u, &b);
		if (!str_eq(buf_str(&b), str_from_c(table[i].out)))
			fail_msg("%s:\n%.*s", table[i].in, STR_ARG(buf_str(&b)));
		buf_fini(&b);
		arena_fini(&a);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const table[] = {
		"", "x", "INBOX/;UID=1", ";UID=1", "//h/INBOX/;UID=1", "http://h/INBOX/;UID=1", "imap:///INBOX", "imap://@h/a", "imap://h:0/a", "imap://h:x/a",
		"imap://h:65536/a", "imap://a b@h/", "/a/;UID=0", "/a/;UID=", "/a/;UID=4294967296", "/a/;UID=1x", "/a/;UID=1/", "/a/;UID=1/x", "/a;UIDVALIDITY=0",
		"/a;UIDVALIDITY=x/;UID=1", "/a/;UID=1/;SECTION=", "/a/;UID=1;SECTION=1", "/a/;SECTION=1", "/a/;UID=1/;PARTIAL=", "/a/;UID=1/;PARTIAL=1.0",
		"/a/;UID=1/;PARTIAL=1.", "/a/;UID=1/;PARTIAL=1.2/;SECTION=1", "/a/;UID=1/;PARTIAL=9223372036854775808", "/a%/;UID=1", "/a%2/;UID=1", "/a%zz/;UID=1",
		"/%ff/;UID=1", "/%00/;UID=1", "/a b/;UID=1", "/a\x80/;UID=1", "/a\"/;UID=1", "/a;FOO=1/;UID=1", "/a/;UID=1;FOO",
		"imap://j@h/a;urlauth=anonymous", "imap://j@h/a/;uid=1;urlauth=", "imap://j@h/a/;uid=1;urlauth=foo", "imap://j@h/a/;uid=1;urlauth=submit+",
		"imap://j@h/a/;uid=1;urlauth=anonymous:", "imap://j@h/a/;uid=1;urlauth=anonymous:internal", "imap://j@h/a/;uid=1;urlauth=anonymous:internal:",
		"imap://j@h/a/;uid=1;urlauth=anonymous:internal:123", "imap://j@h/a/;uid=1;urlauth=anonymous::" TOKEN, "imap://j@h/a/;uid=1;urlauth=anonymous:internal:" TOKEN "x",
		"imap://j@h/a/;uid=1;expire=2026-11-26T12:00:00Z", "imap://j@h/a/;uid=1;expire=2026-11-26;urlauth=anonymous",
		"imap://j@h/a/;uid=1;expire=2026-13-26T12:00:00Z;urlauth=anonymous", "imap://j@h/a/;uid=1;expire=2026-11-26T12:00:00;urlauth=anonymous",
		"imap://j@h/a/;uid=1;expire=2026-11-26T24:00:00Z;urlauth=anonymous", "imap://j@h/a/;uid=1;expire=2026-11-26T12:00:00+25:00;urlauth=anonymous",
		"imap://j@h/a/;uid=1;urlauth=anonymous;expire=2026-11-26T12:00:00Z",
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_url u;
		const char *why = NULL;
		if (imap_url_parse(str_from_c(table[i]), &a, &u, &why) != ERR_INVALID || !why)
			fail_msg("%s: accepted", table[i]);
		arena_fini(&a);
	}
}

/* RFC 4467 6: nothing is decoded or folded in it. */
static void test_rump(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_url u;
	const char *why;
	assert_int_equal(imap_url_parse(STR("imap://Joe@EXAMPLE.com/In%42OX/;uid=20;urlauth=anonymous:internal:" TOKEN), &a, &u, &why), 0);
	assert_true(str_eq(u.rump, STR("imap://Joe@EXAMPLE.com/In%42OX/;uid=20;urlauth=anonymous")));
	assert_int_equal(imap_url_parse(STR("imap://j@h/a/;uid=20;urlauth=submit+b%40c"), &a, &u, &why), 0);
	assert_true(str_eq(u.rump, STR("imap://j@h/a/;uid=20;urlauth=submit+b%40c")));
	arena_fini(&a);
}

static void test_limit(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct imap_url u;
	const char *why;
	buf_add_char(&b, '/');
	while (b.n < IMAP_URL_MAX)
		buf_add_char(&b, 'x');
	assert_int_equal(imap_url_parse(buf_str(&b), &a, &u, &why), 0);
	buf_add_char(&b, 'x');
	assert_int_equal(imap_url_parse(buf_str(&b), &a, &u, &why), ERR_INVALID);
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_rump), cmocka_unit_test(test_limit) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
