/* RFC 7208 4.5, 4.6.1, 5, 6, 12. What the published suite asks (tests/mailauth/spf_vectors.py) is not repeated here. */
#include "mailauth/spf_record.h"

#include "base/buf.h"
#include "base/err.h"
#include "mailauth/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_is_ours(void **state)
{
	(void)state;
	assert_true(spf_record_is_ours(STR("v=spf1")));
	assert_true(spf_record_is_ours(STR("V=SPF1 -all")));
	assert_false(spf_record_is_ours(STR("v=spf10 -all")));
	assert_false(spf_record_is_ours(STR("v=spf1\t-all")));
	assert_false(spf_record_is_ours(STR(" v=spf1 -all")));
	assert_false(spf_record_is_ours(STR("v=spf")));
	assert_false(spf_record_is_ours(STR("spf2.0/pra -all")));
}

static void test_terms(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct spf_record r;
	const char *problem = NULL;
	(void)state;
	assert_int_equal(spf_record_parse(STR("v=spf1   ip4:192.0.2.0/24 ?IP6:2001:db8::/32 ~a:a.example/30//64 -mx//0 ptr other=%{t}:/x redirect=_spf.%{d} "), &a, &r, &problem), 0);
	assert_int_equal(r.n, 5);
	assert_int_equal(r.directives[0].mechanism, SPF_IP4);
	assert_int_equal(r.directives[0].bits4, 24);
	assert_int_equal(r.directives[1].mechanism, SPF_IP6);
	assert_int_equal(r.directives[1].bits6, 32);
	assert_int_equal(r.directives[1].qualifier, SPF_NEUTRAL);
	assert_true(str_eq(r.directives[2].domain_spec, STR("a.example")));
	assert_int_equal(r.directives[2].bits4, 30);
	assert_int_equal(r.directives[2].bits6, 64);
	assert_int_equal(r.directives[2].qualifier, SPF_SOFTFAIL);
	assert_int_equal(r.directives[3].bits4, 32);
	assert_int_equal(r.directives[3].bits6, 0);
	assert_int_equal(r.directives[3].qualifier, SPF_FAIL);
	assert_true(str_eq(r.directives[3].text, STR("-mx//0")));
	assert_int_equal(r.directives[4].domain_spec.n, 0);
	assert_true(str_eq(r.redirect, STR("_spf.%{d}")));
	assert_int_equal(r.exp.n, 0);
	arena_fini(&a);
}

static void test_syntax_errors(void **state)
{
	static const char *const terms[] = {
		"-", "--all", "+redirect=a.example", "?exp=a.example", "a:a.example/", "a/", "a//", "a/24/", "a/024", "a//064", "a/24/64", "mx/33",
		"a//129", "a/99999999999", "ip4:192.0.2.1/", "ip4:192.0.2.256", "ip4:192.0.02.1", "ip4:2001:db8::1", "ip4:192.0.2.0/-1", "ip6:192.0.2.1",
		"ip6:2001:db8::1/129", "ip6:2001:db8::/032", "ip6:fe80::1%eth0", "ip4:", "ip6", "include", "include/24", "exists/24", "ptr/24", "all:", "all/",
		"mx:example", "include:", "a\t-all", "a\xc2\xa0-all", "redirect=", "redirect=a", "x=%", "_x=1", "foo", "exp=%{c}.a.example", "a:%{d}/",
		"exp=a.example exp=a.example", "redirect=a.example REDIRECT=a.example", "all ip4:1", "aa:b.example", "a.b",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct spf_record r;
		const char *problem = NULL;
		struct str text = arena_printf(&a, "v=spf1 %s", terms[i]);
		if (spf_record_parse(text, &a, &r, &problem) != ERR_INVALID || !problem)
			fail_msg("%s", terms[i]);
		arena_fini(&a);
	}
}

static void test_too_many_terms(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct spf_record r;
	const char *problem = NULL;
	(void)state;
	buf_add_lit(&b, "v=spf1");
	for (unsigned i = 0; i < SPF_TERMS_MAX; i++)
		buf_add_lit(&b, " ip4:192.0.2.1");
	assert_int_equal(spf_record_parse(buf_str(&b), &a, &r, &problem), 0);
	assert_int_equal(r.n, SPF_TERMS_MAX);
	buf_add_lit(&b, " -all");
	assert_int_equal(spf_record_parse(buf_str(&b), &a, &r, &problem), ERR_INVALID);
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_ours), cmocka_unit_test(test_terms), cmocka_unit_test(test_syntax_errors), cmocka_unit_test(test_too_many_terms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
