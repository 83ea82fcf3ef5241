/* RFC 5321 4.2, RFC 2034 4, RFC 3463; what servers are seen to say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/smtp/ehlo.h"
#include "codec/smtp/reply.h"

/* Lines are separated by LF. */
static enum smtp_reply_step feed(struct smtp_reply *r, const char *lines)
{
	struct str rest = str_from_c(lines), line;
	enum smtp_reply_step step = SMTP_REPLY_MORE;

	smtp_reply_begin(r);
	do {
		str_cut(rest, '\n', &line, &rest);
		step = smtp_reply_line(r, line);
	} while (step == SMTP_REPLY_MORE && rest.n);
	return step;
}

static void test_replies(void **state)
{
	(void)state;
	static const struct { const char *lines; enum smtp_reply_step step; unsigned code; const char *status, *text; } cases[] = {
		{ "250 ok", SMTP_REPLY_DONE, 250, "2.0.0", "250 ok" },
		{ "250", SMTP_REPLY_DONE, 250, "2.0.0", "250" },
		{ "250 ", SMTP_REPLY_DONE, 250, "2.0.0", "250" },
		{ "250-one\n250 two", SMTP_REPLY_DONE, 250, "2.0.0", "250 one two" },
		{ "250-one", SMTP_REPLY_MORE, 250, "2.0.0", "250 one" },
		{ "552 full", SMTP_REPLY_DONE, 552, "5.2.2", "552 full" },
		{ "550 5.1.1 no such user", SMTP_REPLY_DONE, 550, "5.1.1", "550 5.1.1 no such user" },
		{ "550-5.1.1 no such\n550 5.1.1 user", SMTP_REPLY_DONE, 550, "5.1.1", "550 5.1.1 no such user" },
		{ "550-5.7.26 a\n550-5.7.26 b\n550 5.7.26 c", SMTP_REPLY_DONE, 550, "5.7.26", "550 5.7.26 a b c" },
		{ "550 5.7.1", SMTP_REPLY_DONE, 550, "5.7.1", "550 5.7.1" },
		{ "550 10.1.1 x", SMTP_REPLY_DONE, 550, "5.0.0", "550 10.1.1 x" },
		/* A status of another class than the code does not count. */
		{ "450 5.1.1 wait", SMTP_REPLY_DONE, 450, "4.2.0", "450 5.1.1 wait" },
		{ "550 5.1.1234 x", SMTP_REPLY_DONE, 550, "5.0.0", "550 5.1.1234 x" },
		{ "550 5.1 x", SMTP_REPLY_DONE, 550, "5.0.0", "550 5.1 x" },
		{ "554 5.1.1x", SMTP_REPLY_DONE, 554, "5.0.0", "554 5.1.1x" },
		{ "354 go", SMTP_REPLY_DONE, 354, "2.0.0", "354 go" },
		{ "250-a\n550 b", SMTP_REPLY_DONE, 550, "5.0.0", "250 a b" },
		{ "250-2.1.5 a\n550 b", SMTP_REPLY_DONE, 550, "5.0.0", "250 2.1.5 a b" },
		{ "550 gr\303\274n\x01\tx", SMTP_REPLY_DONE, 550, "5.0.0", "550 gr??n? x" },
		{ "25 ok", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "150 x", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "650 x", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "2500 x", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "250_x", SMTP_REPLY_BAD, 0, NULL, NULL },
		{ "HTTP/1.1 400 Bad Request", SMTP_REPLY_BAD, 0, NULL, NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_reply r;
		assert_int_equal(feed(&r, cases[i].lines), cases[i].step);
		if (cases[i].step == SMTP_REPLY_BAD)
			continue;
		assert_int_equal(r.code, cases[i].code);
		char status[SMTP_STATUS_TEXT_MAX];
		smtp_status_format(r.status, status);
		assert_string_equal(status, cases[i].status);
		if (!str_eq(smtp_reply_text(&r), str_from_c(cases[i].text)))
			fail_msg("'%.*s' instead of '%s'", (int)r.text_n, r.text, cases[i].text);
	}
}

static void test_reply_is_bounded(void **state)
{
	(void)state;
	struct smtp_reply r;
	char line[SMTP_REPLY_LINE_MAX];

	memset(line, 'x', sizeof line);
	memcpy(line, "250-", 4);
	smtp_reply_begin(&r);
	for (unsigned i = 0; i < SMTP_REPLY_LINES_MAX; i++)
		assert_int_equal(smtp_reply_line(&r, str_make(line, sizeof line)), SMTP_REPLY_MORE);
	assert_int_equal(r.text_n, SMTP_REPLY_TEXT_MAX);
	assert_int_equal(smtp_reply_line(&r, STR("250 end")), SMTP_REPLY_BAD);
}

static void test_ehlo(void **state)
{
	(void)state;
	static const struct { const char *line; unsigned extensions, auth; uint64_t size_max, by_min; } cases[] = {
		{ "PIPELINING", SMTP_EXT_PIPELINING, 0, 0, 0 },
		{ "pipelining ", SMTP_EXT_PIPELINING, 0, 0, 0 },
		{ "SIZE 10240000", SMTP_EXT_SIZE, 0, 10240000, 0 },
		{ "SIZE", SMTP_EXT_SIZE, 0, 0, 0 },
		{ "SIZE 0", SMTP_EXT_SIZE, 0, 0, 0 },               /* RFC 1870 4: no fixed maximum */
		{ "SIZE -1", SMTP_EXT_SIZE, 0, 0, 0 },
		{ "SIZE 99999999999999999999999", SMTP_EXT_SIZE, 0, 0, 0 },
		{ "AUTH PLAIN  LOGIN GSSAPI", SMTP_EXT_AUTH, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN, 0, 0 },
		{ "AUTH=LOGIN", SMTP_EXT_AUTH, SMTP_AUTH_LOGIN, 0, 0 },
		{ "AUTH scram-sha-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1", SMTP_EXT_AUTH, SMTP_AUTH_SCRAM_SHA_256 | SMTP_AUTH_SCRAM_SHA_1, 0, 0 },
		{ "DELIVERBY 240", SMTP_EXT_DELIVERBY, 0, 0, 240 },
		{ "8BITMIME", SMTP_EXT_8BITMIME, 0, 0, 0 },
		{ "STARTTLS", SMTP_EXT_STARTTLS, 0, 0, 0 },
		{ "STARTTLSX", 0, 0, 0, 0 },
		{ "XSTARTTLS", 0, 0, 0, 0 },
		{ "REQUIRETLS", SMTP_EXT_REQUIRETLS, 0, 0, 0 },
		{ "MT-PRIORITY MIXER", SMTP_EXT_MT_PRIORITY, 0, 0, 0 },
		{ "", 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct smtp_ehlo e = { 0 };
		smtp_ehlo_line(&e, str_from_c(cases[i].line));
		assert_int_equal(e.extensions, cases[i].extensions);
		assert_int_equal(e.auth, cases[i].auth);
		assert_int_equal(e.size_max, cases[i].size_max);
		assert_int_equal(e.deliver_by_min, cases[i].by_min);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_reply_is_bounded),
		cmocka_unit_test(test_ehlo),
	};
	return cmocka_run_group_tests_name("smtp/reply", tests, NULL, NULL);
}
