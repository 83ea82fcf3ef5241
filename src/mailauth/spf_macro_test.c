/* RFC 7208 7.4 (the examples) and 7.1, 7.3 (the grammar). */
#include "mailauth/spf_macro.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct spf_macro_values values(const char *ip)
{
	struct spf_macro_values v = {
		.sender = STR("strong-bad@email.example.com"), .local = STR("strong-bad"), .sender_domain = STR("email.example.com"),
		.domain = STR("email.example.com"), .helo = STR("he lo"), .receiver = STR("rx.example.net"), .validated = STR("mx.example.org"), .now = 1234567890,
	};
	assert_true(net_addr_parse(str_from_c(ip), 0, &v.ip));
	return v;
}

static void assert_expands(const char *text, const char *ip, const char *wanted)
{
	struct spf_macro_values v = values(ip);
	struct buf b = BUF_INIT(0);
	spf_macro_expand(str_from_c(text), &v, &b);
	if (!str_ieq(buf_str(&b), str_from_c(wanted)))
		fail_msg("%s became %.*s, not %s", text, STR_ARG(buf_str(&b)), wanted);
	buf_fini(&b);
}

static void test_expand(void **state)
{
	static const char *const rows[][2] = {
		{ "%{s}", "strong-bad@email.example.com" }, { "%{o}", "email.example.com" }, { "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" }, { "%{d3}", "email.example.com" }, { "%{d2}", "example.com" }, { "%{d1}", "com" },
		{ "%{dr}", "com.example.email" }, { "%{d2r}", "example.email" }, { "%{l}", "strong-bad" }, { "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" }, { "%{lr-}", "bad.strong" }, { "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
		/* not among the examples */
		{ "%{p}", "mx.example.org" }, { "%{c} %{r} %{t}", "192.0.2.3 rx.example.net 1234567890" },
		{ "%%%_%-%{H}", "% %20he%20lo" }, { "%{s-.}", "strong.bad@email.example.com" },
		{ "%{S}", "strong-bad%40email.example.com" }, { "%{D127}", "email.example.com" }, { "%{i2}", "2.3" }, { "%{i1r}", "192" },
		{ "%{d99999999999999999999}", "email.example.com" }, { "", "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_expands(rows[i][0], "192.0.2.3", rows[i][1]);
	assert_expands("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01",
	               "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
	assert_expands("%{c}", "2001:db8::cb01", "2001:db8::cb01");
	assert_expands("%{i}/%{v}", "::ffff:192.0.2.3", "192.0.2.3/in-addr");
}

/* 7.3: "no special treatment is given to leading, trailing, or consecutive delimiters" */
static void test_empty_parts(void **state)
{
	struct spf_macro_values v = values("192.0.2.3");
	struct buf b = BUF_INIT(0);
	(void)state;
	v.local = STR("-a--b-");
	spf_macro_expand(STR("%{l-}|%{l2-}|%{lr-}|%{l2r-}"), &v, &b);
	assert_true(str_eq(buf_str(&b), STR(".a..b.|b.|.b..a.|a.")));
	buf_fini(&b);
}

static void test_check(void **state)
{
	static const struct { const char *text; bool domain, string, explanation; } rows[] = {
		{ "example.com", true, true, true }, { "example.com.", true, true, true }, { "a b.example.com", false, false, true },
		{ "%{d}", true, true, true }, { "%{d}.", false, true, true }, { "%{d}com", false, true, true }, { "%{d}.com", true, true, true },
		{ "%%", true, true, true }, { "%", false, false, false }, { "%(d}", false, false, false }, { "%{d", false, false, false },
		{ "%{}", false, false, false }, { "%{x}", false, false, false }, { "%{d0}", false, false, false }, { "%{d00r}", false, false, false },
		{ "%{d10R.-+,/_=}", true, true, true }, { "%{dr2}", false, false, false }, { "%{d:}", false, false, false },
		{ "%{c}", false, true, true }, { "%{R}", false, true, true }, { "%{t}.example.com", false, true, true },
		{ "museum", false, true, true }, { "museum.", false, true, true }, { "abc.123", false, true, true }, { "abc.1-3", true, true, true },
		{ "abc.-com", false, true, true }, { "abc.com-", false, true, true }, { "foo:bar/baz.example.com", true, true, true },
		{ "example.com:8080", false, true, true }, { "example.com..", false, true, true }, { "a...b", true, true, true },
		{ "caf\xc3\xa9.example.com", false, false, false }, { "a\tb.example.com", false, false, false }, { "", false, true, true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = str_from_c(rows[i].text);
		if (spf_macro_check(s, SPF_MACRO_DOMAIN) != rows[i].domain || spf_macro_check(s, SPF_MACRO_STRING) != rows[i].string ||
		    spf_macro_check(s, SPF_MACRO_EXPLANATION) != rows[i].explanation)
			fail_msg("%s", rows[i].text);
	}
	assert_false(spf_macro_check(STR("a.com\0"), SPF_MACRO_DOMAIN));
	assert_true(spf_macro_has(STR("x%%p.%{P2r}"), "p"));
	assert_false(spf_macro_has(STR("p%%{p}%{s}"), "p"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_expand), cmocka_unit_test(test_empty_parts), cmocka_unit_test(test_check) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
