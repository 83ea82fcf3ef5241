/* Vectors of RFC 1321 A.5, RFC 2104, RFC 2202, RFC 4231, RFC 6070, RFC 7677. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "rt/crypto.h"

static void expect_hex(const uint8_t *p, size_t n, const char *hex)
{
	struct buf b = BUF_INIT(0);
	hex_encode(&b, str_make(p, n));
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, hex);
	buf_fini(&b);
}

static void test_digests(void **state)
{
	(void)state;
	uint8_t out[32];
	assert_int_equal(crypto_md5(STR_NONE, out), 0);
	expect_hex(out, 16, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(crypto_md5(STR("message digest"), out), 0);
	expect_hex(out, 16, "f96b697d7cb7938d525a2f31aaf161d0");
	/* RFC 1939 7: the APOP example */
	assert_int_equal(crypto_md5(STR("<1896.697170952@dbc.mtview.ca.us>tanstaaf"), out), 0);
	expect_hex(out, 16, "c4c9334bac560ecc979e58001b3e22fb");
	assert_int_equal(crypto_sha1(STR("abc"), out), 0);
	expect_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(crypto_sha256(STR("abc"), out), 0);
	expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_pieces(void **state)
{
	(void)state;
	uint8_t out[32];
	struct crypto_sha256 h;
	assert_int_equal(crypto_sha256_begin(&h), 0);
	crypto_sha256_add(&h, "a", 1);
	crypto_sha256_add(&h, "", 0);
	crypto_sha256_add(&h, "bc", 2);
	assert_int_equal(crypto_sha256_end(&h, out), 0);
	expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha256_end(&h, NULL), 0);
	assert_int_equal(crypto_sha256_end(&h, out), ERR_UNSUPPORTED);
}

static void test_hmac(void **state)
{
	(void)state;
	uint8_t out[32];
	assert_int_equal(crypto_hmac_md5(STR("Jefe"), STR("what do ya want for nothing?"), out), 0);
	expect_hex(out, 16, "750c783e6ab0b503eaa86e310a5db738");
	/* RFC 2195 2: the CRAM-MD5 example */
	assert_int_equal(crypto_hmac_md5(STR("tanstaaftanstaaf"), STR("<1896.697170952@postoffice.reston.mci.net>"), out), 0);
	expect_hex(out, 16, "b913a602c7eda7a495b4e6e7334d3890");
	assert_int_equal(crypto_hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), out), 0);
	expect_hex(out, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_int_equal(crypto_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out), 0);
	expect_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(crypto_hmac_sha256(STR_NONE, STR_NONE, out), 0);
	expect_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_pbkdf2(void **state)
{
	(void)state;
	uint8_t out[40];
	assert_int_equal(crypto_pbkdf2_sha1(STR("password"), STR("salt"), 4096, out, 20), 0);
	expect_hex(out, 20, "4b007901b765489abead49d926f721d065a429c1");
	assert_int_equal(crypto_pbkdf2_sha1(STR("pass\0word"), STR("sa\0lt"), 4096, out, 16), 0);
	expect_hex(out, 16, "56fa6aa75548099dcc37d7f03425e0c3");
	/* RFC 7677 3: SaltedPassword of the example exchange */
	struct buf salt = BUF_INIT(0);
	assert_int_equal(base64_decode(&salt, STR("W22ZaJ0SNY7soEsUEjb6gQ==")), 0);
	assert_int_equal(crypto_pbkdf2_sha256(STR("pencil"), buf_str(&salt), 4096, out, 32), 0);
	expect_hex(out, 32, "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d");
	buf_fini(&salt);
}

static void test_random_and_wipe(void **state)
{
	(void)state;
	uint8_t a[64] = { 0 }, b[64] = { 0 }, zero[64] = { 0 };
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zero, sizeof(a));
	crypto_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests), cmocka_unit_test(test_pieces), cmocka_unit_test(test_hmac), cmocka_unit_test(test_pbkdf2), cmocka_unit_test(test_random_and_wipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
