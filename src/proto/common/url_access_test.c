/* The token of INTERNAL: what it is made of. Who may use a URL is shown by tests/wire/imap/urlfetch.txt. */
#include "proto/common/url_access.h"

#include "rt/crypto.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void token(void **state)
{
	(void)state;
	static const uint8_t key[URL_KEY_SIZE] = { 0 };
	struct buf b = BUF_INIT(0), c = BUF_INIT(0);
	assert_int_equal(url_access_token(key, STR("imap://a@h/I/;uid=1;urlauth=anonymous"), &b), 0);
	assert_int_equal(b.n, 66);
	assert_true(str_starts(buf_str(&b), STR("01")));
	for (size_t i = 0; i < b.n; i++)
		assert_non_null(memchr("0123456789abcdef", b.p[i], 16));
	assert_int_equal(url_access_token(key, STR("imap://a@h/I/;uid=2;urlauth=anonymous"), &c), 0);
	assert_false(str_eq(buf_str(&b), buf_str(&c)));
	buf_reset(&c);
	/* HMAC-SHA-256 of nothing under 32 zeros: RFC 4231's construction, calculated elsewhere. */
	assert_int_equal(url_access_token(key, STR(""), &c), 0);
	assert_true(str_eq(buf_str(&c), STR("01b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")));
	buf_fini(&b);
	buf_fini(&c);
}

static void words(void **state)
{
	(void)state;
	assert_true(mail_config_lists(STR("a@b c@d"), STR("C@d")));
	assert_true(mail_config_lists(STR(" a@b  c@d "), STR("a@b")));
	assert_false(mail_config_lists(STR("a@b c@d"), STR("a@")));
	assert_false(mail_config_lists(STR(""), STR("")));
	assert_false(mail_config_lists(STR("a  b"), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(token), cmocka_unit_test(words) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
