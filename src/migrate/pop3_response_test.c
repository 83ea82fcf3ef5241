/* Examples are those of RFC 1939 and 2449. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "migrate/pop3_response.h"

static void check_str(struct str is, const char *should)
{
	if (!str_eq(is, str_from_c(should)))
		fail_msg("read %.*s, not %s", STR_ARG(is), should);
}

static void test_status(void **state)
{
	(void)state;
	static const struct { const char *line; enum pop3_status status; const char *code, *text; } cases[] = {
		{ "+OK 2 320", POP3_OK, "", "2 320" }, { "+OK", POP3_OK, "", "" }, { "-ERR no such message, only 2 messages in maildrop", POP3_ERR, "", "no such message, only 2 messages in maildrop" },
		{ "-ERR [IN-USE] Do you have another POP session running?", POP3_ERR, "IN-USE", "Do you have another POP session running?" },
		{ "-ERR [never ends", POP3_ERR, "", "[never ends" }, { "+ dGVzdA==", POP3_CONTINUE, "", "dGVzdA==" }, { "+", POP3_CONTINUE, "", "" },
		{ "+OKAY", POP3_BAD, "", "" }, { "* OK IMAP4rev1", POP3_BAD, "", "" }, { "", POP3_BAD, "", "" }, { ".", POP3_BAD, "", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str code, text;
		assert_int_equal(pop3_response_status(str_from_c(cases[i].line), &code, &text), cases[i].status);
		check_str(code, cases[i].code);
		check_str(text, cases[i].text);
	}
}

static void test_listing(void **state)
{
	(void)state;
	uint32_t n;
	struct str word;
	assert_true(pop3_response_listing(STR("1 120"), &n, &word) && n == 1);
	check_str(word, "120");
	assert_true(pop3_response_listing(STR("2 QhdPYR:00WBw1Ph7x7 and more "), &n, &word) && n == 2);
	check_str(word, "QhdPYR:00WBw1Ph7x7");
	static const char *const wrong[] = { "", "0 120", "x 120", "1", "1 ", "-1 5", "4294967296 5" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(pop3_response_listing(str_from_c(wrong[i]), &n, &word));
}

static void test_lines(void **state)
{
	(void)state;
	struct str text;
	assert_false(pop3_response_line(STR("."), &text));
	assert_true(pop3_response_line(STR(".."), &text));
	check_str(text, ".");
	assert_true(pop3_response_line(STR("..a"), &text));
	check_str(text, ".a");
	assert_true(pop3_response_line(STR(".a"), &text));         /* nobody should; what is stuffed is taken off */
	check_str(text, "a");
	assert_true(pop3_response_line(STR(""), &text) && text.n == 0);
}

static void test_greeting(void **state)
{
	(void)state;
	struct str stamp;
	assert_true(pop3_response_timestamp(STR("POP3 server ready <1896.697170952@dbc.mtview.ca.us>"), &stamp));
	check_str(stamp, "<1896.697170952@dbc.mtview.ca.us>");
	assert_false(pop3_response_timestamp(STR("POP3 server ready"), &stamp));
	assert_false(pop3_response_timestamp(STR("ready <no at>"), &stamp));
	assert_false(pop3_response_timestamp(STR("ready <a> b@c"), &stamp));
	assert_false(pop3_response_timestamp(STR("ready <a b@c>"), &stamp));
	assert_false(pop3_response_timestamp(STR("ready <a@c"), &stamp));
}

static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(pop3_response_capability(STR("stls")), POP3_CAP_STLS);
	assert_int_equal(pop3_response_capability(STR("SASL CRAM-MD5 PLAIN XOAUTH2")), POP3_CAP_PLAIN | POP3_CAP_XOAUTH2);
	assert_int_equal(pop3_response_capability(STR("SASL")), 0);
	assert_int_equal(pop3_response_capability(STR("UIDL")), POP3_CAP_UIDL);
	assert_int_equal(pop3_response_capability(STR("EXPIRE 60")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status), cmocka_unit_test(test_listing), cmocka_unit_test(test_lines), cmocka_unit_test(test_greeting), cmocka_unit_test(test_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
