#include "codec/smtp/trace.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_date(void **state)
{
	(void)state;
	static const struct { int64_t t; const char *text; } t[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 +0000" },
		{ 1795459506, "Mon, 23 Nov 2026 18:45:06 +0000" },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = BUF_INIT(0);
		smtp_format_date(&b, t[i].t);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].text)));
		buf_fini(&b);
	}
}

static void test_received(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	struct smtp_trace t = { .helo = STR("client.example"), .peer_ip = STR("192.0.2.1"), .by = STR("mx.example.org"), .esmtp = true,
							.id = STR("7f"), .recipient = STR("a@example.org"), .when = 0 };

	smtp_format_received(&b, &t);
	assert_true(str_eq(buf_str(&b), STR("Received: from client.example ([192.0.2.1])\r\n\tby mx.example.org with ESMTP id 7f\r\n"
										"\tfor <a@example.org>; Thu, 01 Jan 1970 00:00:00 +0000\r\n")));
	buf_reset(&b);
	t = (struct smtp_trace){ .helo = STR("c"), .peer_ip = STR("2001:db8::1"), .by = STR("mx"), .esmtp = true, .tls = true, .auth = true,
							 .utf8 = true, .tls_version = STR("TLSv1.3"), .tls_cipher = STR("X"), .id = STR("1") };
	smtp_format_received(&b, &t);
	assert_true(str_eq(buf_str(&b), STR("Received: from c ([IPv6:2001:db8::1])\r\n\tby mx with UTF8SMTPSA\r\n\t(TLSv1.3 X) id 1; "
										"Thu, 01 Jan 1970 00:00:00 +0000\r\n")));
	buf_fini(&b);
}

static void test_scan(void **state)
{
	(void)state;
	struct smtp_header_facts f;

	smtp_header_scan(STR("Received: a\r\nReceived: b\r\n\tfor c\r\nDATE: x\r\nMessage-Id: <a@b>\r\n\r\nFrom: body\r\nReceived: body\r\n"), &f);
	assert_int_equal(f.received, 2);
	assert_true(f.has_date && f.has_message_id && !f.from);
	assert_int_equal(f.length, 64);
	smtp_header_scan(STR("\r\nFrom: x\r\n"), &f);
	assert_true(!f.from && f.length == 2);
	smtp_header_scan(STR("From : x\r\nFrom: y"), &f);
	assert_true(f.from == 2 && str_eq(str_trim(f.from_body), STR("x")) && f.length == 17);
	smtp_header_scan(STR("TLS-Required: no\r\nBCC: a\r\nReturn-path:\r\nauthentication-results: x\r\nSender: y\r\n\r\n"), &f);
	assert_true(f.tls_optional && f.has_bcc && f.has_return_path && f.has_authres && f.has_sender && !f.has_date);
	smtp_header_scan(STR("TLS-Required: yes\r\nXBcc: a\r\n\r\nBcc: b"), &f);
	assert_true(!f.tls_optional && !f.has_bcc);
}

static void test_clauses(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	struct smtp_trace t = { .helo = STR("c"), .peer_ip = STR("192.0.2.1"), .by = STR("mx"), .esmtp = true, .id = STR("1"), .recipient = STR("a@b"),
							.has_priority = true, .priority = -3, .solicit = STR("net.example:ADV"), .when = 0 };

	smtp_format_received(&b, &t);
	assert_true(str_eq(buf_str(&b), STR("Received: from c ([192.0.2.1])\r\n\tby mx with ESMTP\r\n\t(SOLICIT=net.example:ADV) id 1\r\n\tfor <a@b>\r\n"
										"\tPRIORITY -3; Thu, 01 Jan 1970 00:00:00 +0000\r\n")));
	buf_reset(&b);
	t = (struct smtp_trace){ .by = STR("mx"), .esmtp = true, .auth = true, .id = STR("1"), .hide_peer = true };
	smtp_format_received(&b, &t);
	assert_true(str_eq(buf_str(&b), STR("Received: from authenticated-user\r\n\tby mx with ESMTPA id 1; Thu, 01 Jan 1970 00:00:00 +0000\r\n")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_date), cmocka_unit_test(test_received), cmocka_unit_test(test_scan),
		cmocka_unit_test(test_clauses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
