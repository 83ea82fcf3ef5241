/* RFC 1870 3, 2852 4, 3461 4.1 to 4.4, 3865 2.2, 4865 3, 6533 3, 6710 7: what is right, what is wrong, and where the edges are. */
#include "codec/smtp/params.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define N(a) (sizeof(a) / sizeof *(a))

static void test_notify(void **state)
{
	(void)state;
	static const struct { const char *in; unsigned bits; } good[] = {
		{ "NEVER", SMTP_NOTIFY_NEVER }, { "never", SMTP_NOTIFY_NEVER }, { "SUCCESS", SMTP_NOTIFY_SUCCESS },
		{ "Failure,delay", SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY },
		{ "SUCCESS,FAILURE,DELAY", SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY },
	};
	static const char *const bad[] = { "", ",", "NEVER,SUCCESS", "SUCCESS,NEVER", "SUCCESS,", ",DELAY", "ALWAYS", "SUCCESS FAILURE", "SUCCESS;DELAY" };
	unsigned bits;

	for (size_t i = 0; i < N(good); i++) {
		assert_null(smtp_param_notify(str_from_c(good[i].in), &bits));
		assert_int_equal(bits, good[i].bits);
	}
	bits = 99;
	for (size_t i = 0; i < N(bad); i++)
		assert_non_null(smtp_param_notify(str_from_c(bad[i]), &bits));
	assert_int_equal(bits, 99);
}

static void test_orcpt(void **state)
{
	(void)state;
	static const struct { const char *in; bool utf8; const char *out; } good[] = {
		{ "rfc822;a@example.org", false, "rfc822;a@example.org" },
		{ "RFC822;Carol+2BTag@Ivory.EDU", false, "RFC822;Carol+Tag@Ivory.EDU" },
		{ "rfc822;", false, "rfc822;" },
		{ "x400;/C=", false, NULL },
		{ "x400;/C+3DUS/;x", false, "x400;/C=US/;x" },
		{ "rfc822;a+20b", false, "rfc822;a b" },
		{ "rfc822;a+0D+0Ab", false, NULL },
		{ "rfc822;a+C3+BC", false, NULL },
		{ "rfc822;a+C3+BC@x", true, "utf-8;a\xc3\xbc@x" },          /* Postfix 3.7 */
		{ "rfc822;a+C3@x", true, NULL },
		{ "rfc822;a+C3+BC+0A", true, NULL },
		{ "x400;a+C3+BC", true, NULL },
		{ "rfc822;a+2b", false, NULL },
		{ "rfc822;\xc3\xbc@x", true, NULL },
		{ "utf-8;\\x{FC}ber@example.org", false, "utf-8;\xc3\xbc" "ber@example.org" },
		{ "UTF-8;a\\x{2B}b\\x{5C}\\x{1F600}\\x{10FFFF}", false, "UTF-8;a+b\\\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf" },
		{ "utf-8;\xc3\xbc" "ber@example.org", true, "utf-8;\xc3\xbc" "ber@example.org" },
		{ "utf-8;\xc3\xbc" "ber@example.org", false, NULL },
		{ "utf-8;\xc3@example.org", true, NULL },
		{ "utf-8;", false, NULL },
		{ "utf-8;a=b", true, NULL },
		{ "utf-8;a+b", false, NULL },
		{ "utf-8;\\x{fc}", false, "utf-8;\xc3\xbc" },      /* letters in ABNF have no case, RFC 5234 2.3 */
		{ "utf-8;\\x{0FC}", false, NULL },
		{ "utf-8;\\x{D800}", false, NULL },
		{ "utf-8;\\x{110000}", false, NULL },
		{ "utf-8;\\x{41}", false, NULL },
		{ "utf-8;\\x{0A}", false, NULL },
		{ "utf-8;\\x{}", false, NULL },
		{ "utf-8;\\x{FC", false, NULL },
		{ "utf-8;\\y", false, NULL },
		{ "utf-8;\\", false, NULL },
		{ "a@example.org", false, NULL },
		{ ";a@example.org", false, NULL },
		{ "rfc 822;a", false, NULL },
		{ "", false, NULL },
	};

	for (size_t i = 0; i < N(good); i++) {
		struct buf b = BUF_INIT(0);
		buf_add_lit(&b, "kept ");
		const char *wrong = smtp_param_orcpt(str_from_c(good[i].in), good[i].utf8, &b);
		assert_int_equal(wrong == NULL, good[i].out != NULL);
		assert_true(str_eq(str_from(buf_str(&b), 5), str_from_c(good[i].out)));
		buf_fini(&b);
	}
}

static void test_lengths(void **state)
{
	(void)state;
	char text[SMTP_ORCPT_MAX + 1];
	struct buf b = BUF_INIT(0);

	memset(text, 'x', sizeof text);
	memcpy(text, "rfc822;", 7);
	assert_null(smtp_param_orcpt(str_make(text, SMTP_ORCPT_MAX), false, &b));
	assert_non_null(smtp_param_orcpt(str_make(text, SMTP_ORCPT_MAX + 1), false, &b));
	assert_null(smtp_param_envid(str_make(text, SMTP_ENVID_MAX), &b));
	assert_non_null(smtp_param_envid(str_make(text, SMTP_ENVID_MAX + 1), &b));
	buf_fini(&b);
}

static void test_ret_and_envid(void **state)
{
	(void)state;
	enum smtp_ret ret = SMTP_RET_NONE;
	struct buf b = BUF_INIT(0);

	assert_null(smtp_param_ret(STR("full"), &ret));
	assert_int_equal(ret, SMTP_RET_FULL);
	assert_null(smtp_param_ret(STR("HDRS"), &ret));
	assert_int_equal(ret, SMTP_RET_HDRS);
	assert_non_null(smtp_param_ret(STR("NONE"), &ret));
	assert_non_null(smtp_param_ret(STR(""), &ret));
	assert_null(smtp_param_envid(STR("QQ+20314159"), &b));
	assert_true(str_eq(buf_str(&b), STR("QQ 314159")));
	assert_non_null(smtp_param_envid(STR(""), &b));
	assert_non_null(smtp_param_envid(STR("a=b"), &b));
	assert_non_null(smtp_param_envid(STR("a+0Ab"), &b));
	assert_non_null(smtp_param_envid(STR("a+"), &b));
	buf_fini(&b);
}

static void test_by(void **state)
{
	(void)state;
	static const struct { const char *in; struct smtp_by by; } good[] = {
		{ "120;R", { 120, true, false } }, { "+120;rt", { 120, true, true } }, { "0;N", { 0, false, false } }, { "-999999999;NT", { -999999999, false, true } },
		{ "-0;N", { 0, false, false } },
	};
	static const char *const bad[] = { "", "120", "120;", ";N", "120;X", "120;RX", "120;RTT", "0;R", "-5;R", "1000000000;N", "+;N", "--1;N", "1.5;N", "120; R" };
	struct smtp_by by;

	for (size_t i = 0; i < N(good); i++) {
		assert_null(smtp_param_by(str_from_c(good[i].in), &by));
		assert_int_equal(by.seconds, good[i].by.seconds);
		assert_true(by.returns == good[i].by.returns && by.trace == good[i].by.trace);
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_non_null(smtp_param_by(str_from_c(bad[i]), &by));
}

static void test_hold(void **state)
{
	(void)state;
	static const char *const bad_for[] = { "", "0", "01", "-1", "+1", "1000000000", "1s" };
	static const char *const bad_until[] = { "", "2026-11-26", "2026-11-26T09:00:00", "2026-11-26T09:00:00+01:00", "2026-11-26T09:00:00.5Z",
		"2026-13-26T09:00:00Z", "2026-02-29T09:00:00Z", "2026-11-31T09:00:00Z", "2026-11-26T24:00:00Z", "2026-11-26T09:60:00Z", "2026-11-26 09:00:00Z",
		"2026-00-26T09:00:00Z", "2026-11-00T09:00:00Z", "+026-11-26T09:00:00Z" };
	uint64_t seconds;
	int64_t at;
	struct buf b = BUF_INIT(0);

	assert_null(smtp_param_holdfor(STR("999999999"), &seconds));
	assert_int_equal(seconds, 999999999);
	for (size_t i = 0; i < N(bad_for); i++)
		assert_non_null(smtp_param_holdfor(str_from_c(bad_for[i]), &seconds));
	assert_null(smtp_param_holduntil(STR("1970-01-02T00:00:01Z"), &at));
	assert_int_equal(at, 86401);
	assert_null(smtp_param_holduntil(STR("2028-02-29t23:59:60z"), &at));
	smtp_format_utc(&b, at);
	assert_true(str_eq(buf_str(&b), STR("2028-03-01T00:00:00Z")));
	for (size_t i = 0; i < N(bad_until); i++)
		assert_non_null(smtp_param_holduntil(str_from_c(bad_until[i]), &at));
	buf_fini(&b);
}

static void test_priority(void **state)
{
	(void)state;
	static const struct { const char *in; int value; } good[] = { { "0", 0 }, { "9", 9 }, { "-9", -9 }, { "3", 3 } };
	static const char *const bad[] = { "", "-", "10", "-10", "+1", "-0", "00", "a" };
	int value;

	for (size_t i = 0; i < N(good); i++) {
		assert_null(smtp_param_priority(str_from_c(good[i].in), &value));
		assert_int_equal(value, good[i].value);
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_non_null(smtp_param_priority(str_from_c(bad[i]), &value));
}

static void test_solicit(void **state)
{
	(void)state;
	static const char *const bad[] = { "", ",", "a,", "1a", "a b", "a=b", ":a" };

	assert_null(smtp_param_solicit(STR("net.example:ADV,org.example:ADV:ADLT")));
	for (size_t i = 0; i < N(bad); i++)
		assert_non_null(smtp_param_solicit(str_from_c(bad[i])));
	assert_true(str_eq(smtp_solicit_match(STR("a:X,net.example:adv"), STR("b:Y,net.example:ADV")), STR("net.example:adv")));
	assert_int_equal(smtp_solicit_match(STR("net.example:ADV"), STR("net.example:ADVX,x")).n, 0);
	assert_int_equal(smtp_solicit_match(STR("a"), STR_NONE).n, 0);
}

static void test_size_and_body(void **state)
{
	(void)state;
	enum smtp_body body = SMTP_BODY_7BIT;
	uint64_t size;

	assert_null(smtp_param_size(STR("00000000000000000001"), &size));
	assert_int_equal(size, 1);
	assert_non_null(smtp_param_size(STR("000000000000000000001"), &size));
	assert_non_null(smtp_param_size(STR("-1"), &size));
	assert_null(smtp_param_body(STR("binarymime"), &body));
	assert_int_equal(body, SMTP_BODY_BINARYMIME);
	assert_non_null(smtp_param_body(STR("8BIT"), &body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify), cmocka_unit_test(test_orcpt), cmocka_unit_test(test_lengths), cmocka_unit_test(test_ret_and_envid),
		cmocka_unit_test(test_by), cmocka_unit_test(test_hold), cmocka_unit_test(test_priority), cmocka_unit_test(test_solicit),
		cmocka_unit_test(test_size_and_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
