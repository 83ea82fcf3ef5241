/* RFC 5321 4.1.2, 4.1.3, 4.1.1.3, appendix C; RFC 6531 3.3; RFC 3461 section 4 (xtext). */
#include "codec/smtp/path.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_good(void **state)
{
	(void)state;
	static const struct { const char *in, *address, *wire; size_t used; bool utf8, literal; } t[] = {
		{ "<a@b.example> SIZE=1", "a@b.example", "a@b.example", 13, false, false },
		{ "<\"a b\"@x>", "a b@x", "\"a b\"@x", 9, false, false },
		{ "<\"a\\\"b\"@x>", "a\"b@x", "\"a\\\"b\"@x", 10, false, false },
		{ "<@one.dev,@two:joe@three>", "joe@three", "joe@three", 25, false, false },
		{ "<u@[192.0.2.1]>", "u@[192.0.2.1]", "u@[192.0.2.1]", 15, false, true },
		{ "<u@[IPv6:2001:db8::1]>", "u@[IPv6:2001:db8::1]", "u@[IPv6:2001:db8::1]", 22, false, true },
		{ "<Postmaster>", "Postmaster", "Postmaster", 12, false, false },
		{ "<\xd0\xb8@\xd0\xbf\xd1\x80.example>", "\xd0\xb8@\xd0\xbf\xd1\x80.example", "\xd0\xb8@\xd0\xbf\xd1\x80.example", 17, true, false },
		{ "<a+b=c/d{e}~@x.y-z>", "a+b=c/d{e}~@x.y-z", "a+b=c/d{e}~@x.y-z", 19, false, false },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct smtp_path p;
		struct buf b = BUF_INIT(0);
		size_t used;
		assert_null(smtp_path_parse(str_from_c(t[i].in), &p, &used));
		smtp_path_address(&p, &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].address)));
		assert_true(str_eq(p.wire, str_from_c(t[i].wire)));
		assert_int_equal(used, t[i].used);
		assert_true(p.utf8 == t[i].utf8 && p.literal == t[i].literal && !p.null);
		buf_fini(&b);
	}
	struct smtp_path p;
	size_t used;
	assert_null(smtp_path_parse(STR("<> X"), &p, &used));
	assert_true(p.null && used == 2);
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const t[] = {
		"", "<", "a@b", "<a>", "<a@>", "<@b>", "<a@b", "<a b@c>", "<.a@b>", "<a.@b>", "<a..b@c>", "<a@b..c>", "<a@.b>", "<a@-b>",
		"<a@b->", "<\"a@b>", "<\"a\"b@c>", "<a@[1.2.3]>", "<a@[IPv6:1.2.3.4]>", "<a@[>", "<a@b\xff>", "<a\x01@b>", "<a@b c>", "<\"a\nb\"@c>",
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct smtp_path p;
		size_t used;
		assert_non_null(smtp_path_parse(str_from_c(t[i]), &p, &used));
		assert_int_equal(used, 0);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct smtp_path p;
	struct buf b = BUF_INIT(0);
	size_t used;

	for (size_t n = SMTP_LOCAL_MAX; n <= SMTP_LOCAL_MAX + 1; n++) {
		buf_reset(&b);
		buf_add_char(&b, '<');
		for (size_t i = 0; i < n; i++)
			buf_add_char(&b, 'x');
		buf_add_lit(&b, "@y>");
		assert_true((smtp_path_parse(buf_str(&b), &p, &used) == NULL) == (n == SMTP_LOCAL_MAX));
	}
	buf_fini(&b);
}

static void test_params(void **state)
{
	(void)state;
	struct str rest = STR("  SIZE=10 BODY=8BITMIME SMTPUTF8 "), key, value;
	bool bad;

	assert_true(smtp_param_next(&rest, &key, &value, &bad) && str_eq(key, STR("SIZE")) && str_eq(value, STR("10")));
	assert_true(smtp_param_next(&rest, &key, &value, &bad) && str_eq(key, STR("BODY")) && str_eq(value, STR("8BITMIME")));
	assert_true(smtp_param_next(&rest, &key, &value, &bad) && str_eq(key, STR("SMTPUTF8")) && value.n == 0);
	assert_false(smtp_param_next(&rest, &key, &value, &bad));
	assert_false(bad);
	static const char *const wrong[] = { " =1", " A=", " A=b=c", " A:", " -A=1", " A=\x7f" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		rest = str_from_c(wrong[i]);
		assert_false(smtp_param_next(&rest, &key, &value, &bad));
		assert_true(bad);
	}
}

static void test_helo(void **state)
{
	(void)state;
	static const char *const good[] = { "a", "mail.example.org", "a_b.c", "[127.0.0.1]", "[IPv6:::1]", "x." };
	static const char *const bad[] = { "", "a b", "a..b", ".", "[127.0.0]", "a;b", "-a", "<a>", "a\xff" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(smtp_helo_is_valid(str_from_c(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(smtp_helo_is_valid(str_from_c(bad[i])));
}

static void test_xtext(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);

	assert_true(smtp_xtext_decode(STR("e+3Dmc2@example.com"), &b));
	assert_true(str_eq(buf_str(&b), STR("e=mc2@example.com")));
	assert_false(smtp_xtext_decode(STR("a=b"), &b));
	assert_false(smtp_xtext_decode(STR("a+4"), &b));
	assert_false(smtp_xtext_decode(STR("a+xy"), &b));
	assert_false(smtp_xtext_decode(STR("a+3d"), &b));
	assert_int_equal(b.n, 17);
	buf_reset(&b);
	smtp_xtext_encode(STR("e=mc2 +\303@example.com"), &b);
	assert_true(str_eq(buf_str(&b), STR("e+3Dmc2+20+2B+C3@example.com")));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_params), cmocka_unit_test(test_helo), cmocka_unit_test(test_xtext),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
