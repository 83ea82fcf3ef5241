/* RFC 8601 5: "MUST delete any discovered instance of this header field that claims, by virtue of its authentication service identifier, to have been
 * added within its trust boundary". */
#include "mailauth/check.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define AR "Authentication-Results:"
#define OURS "mx.b\xc3\xbc" "cher.example"

static void test_fields(void **state)
{
	static const struct { const char *field; bool removed; } rows[] = {
		{ AR " mx.example.org; spf=pass\r\n", true },
		{ AR "mx.example.org;spf=pass\r\n", true },
		{ "authentication-RESULTS : MX.Example.ORG; spf=pass\r\n", true },
		{ AR "\r\n mx.example.org;\r\n\tspf=pass\r\n", true },
		{ AR " (a (nested) \\) comment) mx.example.org (another); none\r\n", true },
		{ AR " \"mx.example.org\"; none\r\n", true },
		{ AR " \"mx.\\e\\xample.org\"; none\r\n", true },
		{ AR " mx.example.org 1; none\r\n", true },
		{ AR " mx.example.org(x)1; none\r\n", true },
		{ AR " mx.example.org/1; none\r\n", true },
		{ AR " mx.example.org", true },
		{ AR " mx.example.org.; none\r\n", true },
		{ AR " mx.example.org\r\n", true },
		{ AR " mx.example.org\n", true },
		/* versions that we do not know */
		{ AR " other.example 2; spf=pass\r\n", true },
		{ AR " other.example (x) 10 ; spf=pass\r\n", true },
		{ AR " other.example 1; spf=pass\r\n", false },
		/* whose they are cannot be said */
		{ AR "\r\n", true },
		{ AR " ; spf=pass\r\n", true },
		{ AR " (open mx.example.org; spf=pass\r\n", true },
		{ AR " \"mx.example.org; spf=pass\r\n", true },
		{ AR " \"\"; spf=pass\r\n", true },
		/* not ours */
		{ AR " xmx.example.org; spf=pass\r\n", false },
		{ AR " example.org; spf=pass\r\n", false },
		{ AR " mx.example.org.evil.example; spf=pass\r\n", false },
		{ AR " other.example; spf=pass smtp.mailfrom=mx.example.org\r\n", false },
		{ AR " spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=x\r\n", false },
		{ "ARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n", false },
		{ "X-Authentication-Results: mx.example.org; spf=pass\r\n", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(0);
		size_t length = 0;
		unsigned n = authres_remove_ours(str_from_c(rows[i].field), STR("mx.example.org"), &b, &length);
		if (n != rows[i].removed || b.n != 0)
			fail_msg("%s", rows[i].field);
		assert_int_equal(length, strlen(rows[i].field));
		buf_fini(&b);
	}
}

static void test_other_spellings(void **state)
{
	struct buf b = BUF_INIT(0);
	size_t length;
	(void)state;
	assert_int_equal(authres_remove_ours(STR(AR " mx.xn--bcher-kva.example; none\r\n"), STR(OURS), &b, &length), 1);
	assert_int_equal(authres_remove_ours(STR(AR " " OURS "; none\r\n"), STR("mx.xn--bcher-kva.example"), &b, &length), 1);
	buf_fini(&b);
}

static void test_the_rest_stays(void **state)
{
	static const char before[] =
		"Received: x\r\n" AR " mx.example.org; spf=pass\r\n\tx=y\r\nSubject: a\r\n b\r\n" AR " other.example; spf=pass\r\n"
		AR " mx.example.org; dkim=pass\r\nTo: c\r\n\r\n" AR " mx.example.org; in the body\r\n";
	static const char after[] =
		"Received: x\r\nSubject: a\r\n b\r\n" AR " other.example; spf=pass\r\nTo: c\r\n\r\n";
	struct buf b = BUF_INIT(0);
	size_t length;
	(void)state;
	assert_int_equal(authres_remove_ours(str_from_c(before), STR("mx.example.org"), &b, &length), 2);
	assert_true(str_eq(buf_str(&b), str_from_c(after)));
	assert_true(str_eq(str_from(str_from_c(before), length), STR(AR " mx.example.org; in the body\r\n")));
	buf_reset(&b);
	assert_int_equal(authres_remove_ours(str_from_c(after), STR("mx.example.org"), &b, &length), 0);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields), cmocka_unit_test(test_other_spellings), cmocka_unit_test(test_the_rest_stays) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
