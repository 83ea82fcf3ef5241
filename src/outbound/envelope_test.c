/* The parameters of MAIL and RCPT: RFC 1870, 6152, 3461, 6533, 2852, 6710, 8689, 6531. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "outbound/envelope.h"

#define ALL 0xffffu

static void test_mail(void **state)
{
	(void)state;
	static const struct { const char *name; struct queue_envelope e; const char *body, *line; unsigned extensions; bool utf8; } cases[] = {
		{ "plain", { .flags = 0 }, NULL,
		  "MAIL FROM:<a@b.example>\r\n", 0, false },
		{ "what was not offered is not said", { .flags = QUEUE_RET_FULL | QUEUE_REQUIRETLS, .envid = STR_INIT("x"), .priority = 3, .deliver_by = 160 }, NULL,
		  "MAIL FROM:<a@b.example>\r\n", 0, false },
		{ "size", { .flags = 0 }, NULL,
		  "MAIL FROM:<a@b.example> SIZE=5\r\n", SMTP_EXT_SIZE, false },
		{ "body", { .flags = 0 }, "8BITMIME",
		  "MAIL FROM:<a@b.example> BODY=8BITMIME\r\n", SMTP_EXT_8BITMIME, false },
		{ "utf8", { .flags = 0 }, "8BITMIME",
		  "MAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8\r\n", SMTP_EXT_SMTPUTF8 | SMTP_EXT_8BITMIME, true },
		{ "dsn", { .flags = QUEUE_RET_FULL, .envid = STR_INIT("a+b =c") }, NULL,
		  "MAIL FROM:<a@b.example> RET=FULL ENVID=a+2Bb+20+3Dc\r\n", SMTP_EXT_DSN, false },
		{ "dsn, header", { .flags = QUEUE_RET_HDRS }, NULL,
		  "MAIL FROM:<a@b.example> RET=HDRS\r\n", SMTP_EXT_DSN, false },
		{ "deliver by, return", { .deliver_by = 160, .flags = QUEUE_BY_RETURN }, NULL,
		  "MAIL FROM:<a@b.example> BY=60;R\r\n", SMTP_EXT_DELIVERBY, false },
		{ "deliver by, late", { .deliver_by = 40, .flags = QUEUE_BY_TRACE }, NULL,
		  "MAIL FROM:<a@b.example> BY=-60;NT\r\n", SMTP_EXT_DELIVERBY, false },
		{ "priority", { .priority = -3 }, NULL,
		  "MAIL FROM:<a@b.example> MT-PRIORITY=-3\r\n", SMTP_EXT_MT_PRIORITY, false },
		{ "requiretls", { .flags = QUEUE_REQUIRETLS | QUEUE_RET_FULL }, NULL,
		  "MAIL FROM:<a@b.example> RET=HDRS REQUIRETLS\r\n", SMTP_EXT_REQUIRETLS | SMTP_EXT_DSN, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_ehlo server = { .extensions = cases[i].extensions };
		struct message_form form = { .bytes = STR("12345"), .body = cases[i].body };
		struct buf out = BUF_INIT(0);
		envelope_mail(&out, &cases[i].e, STR("a@b.example"), &server, &form, cases[i].utf8, 100);
		if (!str_eq(buf_str(&out), str_from_c(cases[i].line)))
			fail_msg("%s: %.*s", cases[i].name, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

static void test_rcpt(void **state)
{
	(void)state;
	static const struct { const char *orcpt; int64_t deliver_by; const char *line; unsigned notify, extensions; } cases[] = {
		{ "", 0, "RCPT TO:<x@y.example>\r\n", 0, ALL },
		{ "rfc822;x@y.example", 0, "RCPT TO:<x@y.example>\r\n", QUEUE_NOTIFY_NEVER, 0 },
		{ "", 0, "RCPT TO:<x@y.example> NOTIFY=NEVER\r\n", QUEUE_NOTIFY_NEVER, ALL },
		{ "", 0, "RCPT TO:<x@y.example> NOTIFY=SUCCESS,DELAY\r\n", QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY, ALL },
		{ "rfc822;a+b=c@y.example", 0, "RCPT TO:<x@y.example> ORCPT=rfc822;a+2Bb+3Dc@y.example\r\n", 0, ALL },
		{ "utf-8;gr\303\274n+1@y.example", 0, "RCPT TO:<x@y.example> ORCPT=utf-8;gr\\x{FC}n\\x{2B}1@y.example\r\n", 0, ALL },
		{ "no type", 0, "RCPT TO:<x@y.example>\r\n", 0, ALL },
		/* RFC 2852 4.1.4.2 */
		{ "", 160, "RCPT TO:<x@y.example> NOTIFY=FAILURE,DELAY\r\n", 0, SMTP_EXT_DSN },
		{ "", 160, "RCPT TO:<x@y.example> NOTIFY=SUCCESS,DELAY\r\n", QUEUE_NOTIFY_SUCCESS, SMTP_EXT_DSN },
		{ "", 160, "RCPT TO:<x@y.example> NOTIFY=NEVER\r\n", QUEUE_NOTIFY_NEVER, SMTP_EXT_DSN },
		{ "", 160, "RCPT TO:<x@y.example> NOTIFY=SUCCESS\r\n", QUEUE_NOTIFY_SUCCESS, SMTP_EXT_DSN | SMTP_EXT_DELIVERBY },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_ehlo server = { .extensions = cases[i].extensions };
		struct queue_envelope e = { .deliver_by = cases[i].deliver_by };
		struct queue_recipient r = { .notify = cases[i].notify, .orcpt = str_from_c(cases[i].orcpt) };
		struct buf out = BUF_INIT(0);
		envelope_rcpt(&out, &e, &r, STR("x@y.example"), &server);
		if (!str_eq(buf_str(&out), str_from_c(cases[i].line)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

static void test_check(void **state)
{
	(void)state;
	static const struct { const char *sender; int64_t by; unsigned flags, extensions; uint64_t min; const char *status; } cases[] = {
		{ "a@b.example", 0, 0, 0, 0, "" },
		{ "", 0, 0, 0, 0, "" },
		{ "gr\303\274n@b.example", 0, 0, SMTP_EXT_SMTPUTF8, 0, "" },
		{ "gr\303\274n@b.example", 0, 0, 0, 0, "5.6.7" },
		{ "a@b.example> SIZE=1", 0, 0, 0, 0, "5.1.7" },
		{ "a\r\nRSET@b.example", 0, 0, 0, 0, "5.1.7" },
		{ "\"a b>\\\"\"@b.example", 0, 0, 0, 0, "" },
		{ "\"a b@b.example", 0, 0, 0, 0, "5.1.7" },
		{ "a@b.example", 160, QUEUE_BY_RETURN, SMTP_EXT_DELIVERBY, 0, "" },
		{ "a@b.example", 160, QUEUE_BY_RETURN, SMTP_EXT_DELIVERBY, 60, "" },
		{ "a@b.example", 160, QUEUE_BY_RETURN, SMTP_EXT_DELIVERBY, 61, "5.4.7" },
		{ "a@b.example", 160, QUEUE_BY_RETURN, 0, 0, "5.4.7" },
		{ "a@b.example", 100, QUEUE_BY_RETURN, SMTP_EXT_DELIVERBY, 0, "5.4.7" },
		{ "a@b.example", 50, 0, 0, 0, "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_ehlo server = { .extensions = cases[i].extensions, .deliver_by_min = cases[i].min };
		struct queue_envelope e = { .deliver_by = cases[i].by, .flags = cases[i].flags };
		struct trouble t = { 0 };
		int r = envelope_check(&e, str_from_c(cases[i].sender), &server, 100, &t);
		if ((r != 0) != (cases[i].status[0] != '\0') || strcmp(t.status, cases[i].status) != 0)
			fail_msg("case %zu: %d %s", i, r, t.status);
	}
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct { const char *in, *out; unsigned extensions; const char *status; } cases[] = {
		{ "x@y.example", "x@y.example", 0, "" },
		{ "\"x y\"@y.example", "\"x y\"@y.example", 0, "" },
		{ "gr\303\274n@y.example", "gr\303\274n@y.example", SMTP_EXT_SMTPUTF8, "" },
		{ "gr\303\274n@y.example", NULL, 0, "5.6.7" },
		{ "x@b\303\274cher.example", "x@xn--bcher-kva.example", 0, "" },
		{ "x@b\303\274cher.example", "x@b\303\274cher.example", SMTP_EXT_SMTPUTF8, "" },
		{ "x y@y.example", NULL, 0, "5.1.3" },
		{ "x@y.example\r\nDATA", NULL, 0, "5.1.3" },
		{ "", NULL, 0, "5.1.3" },
	};
	struct arena a = ARENA_INIT(0);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_ehlo server = { .extensions = cases[i].extensions };
		struct trouble t = { 0 };
		struct str out;
		int r = envelope_address(&a, str_from_c(cases[i].in), &server, &out, &t);
		assert_int_equal(r == 0, cases[i].out != NULL);
		assert_string_equal(t.status, cases[i].status);
		if (r == 0)
			assert_true(str_eq(out, str_from_c(cases[i].out)));
	}
	assert_true(str_eq(envelope_verp(&a, STR("list@here.example"), STR("user@there.example")), STR("list+user=there.example@here.example")));
	assert_true(str_eq(envelope_verp(&a, STR(""), STR("user@there.example")), STR("")));
	assert_true(str_eq(envelope_verp(&a, STR("list@here.example"), STR("\"a b\"@there.example")), STR("list@here.example")));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail), cmocka_unit_test(test_rcpt), cmocka_unit_test(test_check), cmocka_unit_test(test_addresses),
	};
	return cmocka_run_group_tests_name("outbound/envelope", tests, NULL, NULL);
}
