/* RFC 8461 3.1, 3.2, 4.1. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/smtp/sts.h"

static void test_records(void **state)
{
	(void)state;
	static const struct { const char *text, *id; bool is_sts; } cases[] = {
		{ "v=STSv1; id=20160831085700Z;", "20160831085700Z", true },
		{ "v=STSv1;id=1", "1", true },
		{ "v=STSv1 ; id=1 ; ", "1", true },
		{ "v=STSv1; ext-1=a:b; id=1", "1", true },
		{ "v=STSv1; id=1; id=2", "1", true },
		{ "v=STSv1; id=12345678901234567890123456789012", "12345678901234567890123456789012", true },
		{ "v=STSv1; id=123456789012345678901234567890123", NULL, true },
		{ "v=STSv1; id=a-b", NULL, true },
		{ "v=STSv1; id=", NULL, true },
		{ "v=STSv1;", NULL, true },
		{ "v=STSv1", NULL, true },
		{ "v=STSv1; id=1; nonsense", NULL, true },
		{ "v=STSv1; id=1;; x=y", NULL, true },
		{ "v=STSv1; id=1; x=a b", NULL, true },
		{ "id=1; v=STSv1", NULL, false },
		{ " v=STSv1; id=1", NULL, false },
		{ "v=stsv1; id=1", NULL, false },
		{ "v=STSv10; id=1", NULL, false },
		{ "v=spf1 -all", NULL, false },
		{ "", NULL, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str id;
		bool is_sts, good = sts_record_parse(str_from_c(cases[i].text), &id, &is_sts);
		if (good != (cases[i].id != NULL) || is_sts != cases[i].is_sts || (good && !str_eq(id, str_from_c(cases[i].id))))
			fail_msg("'%s': %d %d '%.*s'", cases[i].text, good, is_sts, STR_ARG(id));
	}
}

static void test_policies(void **state)
{
	(void)state;
	static const struct { const char *text; bool good; enum sts_mode mode; uint32_t max_age; size_t n_mx; } cases[] = {
		{ "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
		  true, STS_ENFORCE, 604800, 3 },
		{ "version: STSv1\nmode: testing\nmx: a\nmax_age: 1", true, STS_TESTING, 1, 1 },
		{ "mx:a.b\nmax_age:0\nmode:enforce \nversion:STSv1", true, STS_ENFORCE, 0, 1 },
		{ "version: STSv1\nmode: none\nmax_age: 86400\n", true, STS_NONE, 86400, 0 },
		{ "version: STSv1\nmode: none\nmode: enforce\nmax_age: 1\nmax_age: 2\n", true, STS_NONE, 1, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 4000000000\n", true, STS_NONE, STS_MAX_AGE_MAX, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 1\nx-new.field: gr\303\274n thing\n", true, STS_NONE, 1, 0 },
		{ "version: STSv1\nmode: enforce\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv2\nmode: none\nmax_age: 1\n", false, 0, 0, 0 },
		{ "mode: none\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: none\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: none\nmax_age: -1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: none\nmax_age: 12345678901\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 1\n", false, 0, 0, 0 },
		{ "version: STSv1\nmode: enforce\nmx: a.\nmax_age: 1\n", false, 0, 0, 0 },
		{ "<html><body>not found</body></html>", false, 0, 0, 0 },
		{ "", false, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct sts_policy p;
		const char *wrong = sts_policy_parse(str_from_c(cases[i].text), &a, &p);
		if (!wrong != cases[i].good)
			fail_msg("case %zu: %s", i, wrong ? wrong : "taken");
		if (!wrong) {
			assert_int_equal(p.mode, cases[i].mode);
			assert_int_equal(p.max_age, cases[i].max_age);
			assert_int_equal(p.n_mx, cases[i].n_mx);
		}
		arena_fini(&a);
	}
}

static void test_matching(void **state)
{
	(void)state;
	static const struct str mx[] = { STR_INIT("mail.example.com"), STR_INIT("*.Example.NET") };
	const struct sts_policy p = { .mode = STS_ENFORCE, .mx = mx, .n_mx = 2 };
	static const struct { const char *host; bool matches; } cases[] = {
		{ "mail.example.com", true }, { "MAIL.example.com", true }, { "a.mail.example.com", false }, { "example.com", false },
		{ "a.example.net", true }, { "a.b.example.net", false }, { "example.net", false }, { ".example.net", false }, { "xexample.net", false }, { "", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (sts_policy_matches(&p, str_from_c(cases[i].host)) != cases[i].matches)
			fail_msg("%s", cases[i].host);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_records), cmocka_unit_test(test_policies), cmocka_unit_test(test_matching) };
	return cmocka_run_group_tests_name("smtp/sts", tests, NULL, NULL);
}
