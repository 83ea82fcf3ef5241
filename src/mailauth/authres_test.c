/* RFC 8601 2.2, 2.7 and appendix B; RFC 6008, 8617 6. */
#include "mailauth/check.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct mailauth_question question(const char *sender, const char *ip)
{
	struct mailauth_question q = { .helo = STR("helo.example"), .sender = str_from_c(sender) };
	assert_true(net_addr_parse(str_from_c(ip), 0, &q.ip));
	return q;
}

static void assert_field(const struct mailauth_verdict *v, const struct mailauth_question *q, const char *authserv, const char *wanted)
{
	struct buf b = BUF_INIT(0);
	authres_format(v, q, str_from_c(authserv), &b);
	if (!str_eq(buf_str(&b), str_from_c(wanted)))
		fail_msg("wrote\n%.*swanted\n%s", STR_ARG(buf_str(&b)), wanted);
	buf_fini(&b);
}

static void test_everything_passes(void **state)
{
	struct dkim_verdict dkim[] = {
		{ .result = DKIM_PASS, .domain = STR("example.com"), .selector = STR("2026"), .identity = STR("@example.com"),
		  .algorithm = STR("rsa-sha256"), .signature = STR("abc/de+=") },
		{ .result = DKIM_FAIL, .domain = STR("list.example.net"), .selector = STR("s"), .identity = STR("ann@list.example.net"),
		  .algorithm = STR("ed25519-sha256"), .signature = STR("abcdefgh"), .problem = "the body has changed" },
		{ .result = DKIM_PASS, .domain = STR("list.example.org"), .selector = STR("s"), .algorithm = STR("rsa-sha256"), .partial = true },
	};
	struct mailauth_verdict v = {
		.spf = { .result = SPF_PASS, .domain = STR("example.com") }, .dkim = dkim, .n_dkim = 3,
		.arc = { .result = ARC_PASS, .instances = 2, .oldest_pass = 1, .sealer = STR("list.example.net") },
		.dmarc = { .result = DMARC_PASS, .policy = DMARC_POLICY_REJECT }, .from_domain = STR("example.com"),
		.iprev = IPREV_PASS, .ptr = STR("mail.example.com"),
	};
	struct mailauth_question q = question("joe@example.com", "192.0.2.1");
	(void)state;
	assert_field(&v, &q, "mx.example.org",
	             "Authentication-Results: mx.example.org;\r\n"
	             "\tiprev=pass policy.iprev=192.0.2.1 (mail.example.com);\r\n"
	             "\tspf=pass smtp.mailfrom=example.com;\r\n"
	             "\tdkim=pass header.d=example.com header.i=@example.com header.s=2026\r\n"
	             "\theader.a=rsa-sha256 header.b=\"abc/de+=\";\r\n"
	             "\tdkim=fail reason=\"the body has changed\" header.d=list.example.net\r\n"
	             "\theader.i=ann@list.example.net header.s=s header.a=ed25519-sha256\r\n"
	             "\theader.b=abcdefgh;\r\n"
	             "\tdkim=pass (the end of the body is not signed)\r\n"
	             "\theader.d=list.example.org header.s=s header.a=rsa-sha256;\r\n"
	             "\tarc=pass (d=list.example.net) header.oldest-pass=1\r\n"
	             "\tsmtp.remote-ip=192.0.2.1;\r\n"
	             "\tdmarc=pass (p=reject) header.from=example.com\r\n");
}

static void test_little_is_known(void **state)
{
	struct mailauth_verdict v = { .spf = { .result = SPF_TEMPERROR, .domain = STR("helo.example"), .problem = "DNS failed" },
		                      .dmarc = { .result = DMARC_FAIL, .policy = DMARC_POLICY_QUARANTINE }, .from_domain = STR("example.com"),
		                      .iprev = IPREV_PERMERROR };
	struct mailauth_question q = question("", "2001:db8::1");
	(void)state;
	assert_field(&v, &q, "mx.example.org",
	             "Authentication-Results: mx.example.org;\r\n"
	             "\tiprev=permerror policy.iprev=\"2001:db8::1\";\r\n"
	             "\tspf=temperror reason=\"DNS failed\" smtp.helo=helo.example;\r\n"
	             "\tdkim=none;\r\n"
	             "\tdmarc=fail policy.dmarc=quarantine header.from=example.com\r\n");
	memset(&v, 0, sizeof(v));
	assert_field(&v, &q, "mx.example.org", "Authentication-Results: mx.example.org;\r\n\tspf=none;\r\n\tdkim=none;\r\n\tdmarc=none\r\n");
}

static void test_submission(void **state)
{
	struct mailauth_verdict v = { 0 };
	struct mailauth_question q = question("ann@example.org", "192.0.2.1");
	(void)state;
	q.auth_user = STR("ann@example.org");
	assert_field(&v, &q, "mx.example.org", "Authentication-Results: mx.example.org;\r\n\tauth=pass smtp.auth=ann@example.org\r\n");
	q.auth_user = STR("ann");
	assert_field(&v, &q, "mx.example.org", "Authentication-Results: mx.example.org;\r\n\tauth=pass smtp.auth=ann\r\n");
	q.auth_user = STR("a \"b\"@example.org");
	assert_field(&v, &q, "mx.example.org", "Authentication-Results: mx.example.org;\r\n\tauth=pass smtp.auth=\"a \\\"b\\\"\"@example.org\r\n");
}

static void test_bare(void **state)
{
	struct mailauth_verdict v = { 0 };
	struct mailauth_question q = question("", "192.0.2.1");
	struct buf b = BUF_INIT(0);
	(void)state;
	authres_format_bare(&v, &q, STR("mx.example.org"), &b);
	assert_true(str_eq(buf_str(&b), STR("mx.example.org;\r\n\tspf=none;\r\n\tdkim=none;\r\n\tdmarc=none")));
	buf_fini(&b);
}

/* What strangers write is in quotes, on one line, and ends where it ends. */
static void test_hostile_values(void **state)
{
	struct dkim_verdict dkim = {
		.result = DKIM_NEUTRAL, .domain = STR("x; spf=pass"), .selector = STR("\"; dmarc=pass (\\"), .identity = STR("a\r\nX: y@example.com"),
		.algorithm = STR("caf\xc3\xa9"), .signature = STR("\0\x7f)"),
	};
	struct mailauth_verdict v = { .spf = { .domain = STR("(comment") }, .dkim = &dkim, .n_dkim = 1, .ptr = STR("a)b(c"), .iprev = IPREV_FAIL,
		                      .arc = { .result = ARC_FAIL, .sealer = STR("x)"), .problem = "no \"seal\"" } };
	struct mailauth_question q = question("x@y", "192.0.2.1");
	(void)state;
	assert_field(&v, &q, "mx.example.org",
	             "Authentication-Results: mx.example.org;\r\n"
	             "\tiprev=fail policy.iprev=192.0.2.1;\r\n"
	             "\tspf=none smtp.mailfrom=\"(comment\";\r\n"
	             "\tdkim=neutral header.d=\"x; spf=pass\" header.i=\"a??X: y\"@example.com\r\n"
	             "\theader.s=\"\\\"; dmarc=pass (\\\\\" header.a=\"caf??\" header.b=\"?\?)\";\r\n"
	             "\tarc=fail reason=\"no \\\"seal\\\"\" smtp.remote-ip=192.0.2.1;\r\n"
	             "\tdmarc=none\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_passes), cmocka_unit_test(test_little_is_known), cmocka_unit_test(test_submission),
		cmocka_unit_test(test_bare), cmocka_unit_test(test_hostile_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
