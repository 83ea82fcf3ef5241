/* Vectors of RFC 7914 12 (scrypt) and of the GCM specification (McGrew and Viega, test cases 14 and 16, 256-bit keys). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "rt/crypto_seal.h"

static void from_hex(struct buf *b, const char *hex)
{
	buf_init(b, 0);
	assert_int_equal(hex_decode(b, str_from_c(hex)), 0);
}

static void seal_vector(const char *key, const char *nonce, const char *beside, const char *plain, const char *sealed)
{
	struct buf k, n, b, p, s;
	uint8_t out[256], back[256];
	from_hex(&k, key), from_hex(&n, nonce), from_hex(&b, beside), from_hex(&p, plain), from_hex(&s, sealed);
	struct crypto_seal *seal;
	assert_int_equal(crypto_seal_create((const uint8_t *)k.p, &seal), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(crypto_seal_close(seal, (const uint8_t *)n.p, buf_str(&b), buf_str(&p), out), 0);
		assert_int_equal(s.n, p.n + CRYPTO_SEAL_TAG);
		assert_memory_equal(out, s.p, s.n);
		assert_int_equal(crypto_seal_open(seal, (const uint8_t *)n.p, buf_str(&b), buf_str(&s), back), 0);
		assert_true(p.n == 0 || memcmp(back, p.p, p.n) == 0);
	}
	/* each bit counts, of the bytes, of the tag, of what lies beside, of the nonce */
	for (size_t i = 0; i < s.n; i++) {
		s.p[i] ^= 1;
		assert_int_equal(crypto_seal_open(seal, (const uint8_t *)n.p, buf_str(&b), buf_str(&s), back), ERR_CORRUPT);
		s.p[i] ^= 1;
	}
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		assert_int_equal(crypto_seal_open(seal, (const uint8_t *)n.p, buf_str(&b), buf_str(&s), back), ERR_CORRUPT);
		b.p[i] ^= 1;
	}
	n.p[0] ^= 1;
	assert_int_equal(crypto_seal_open(seal, (const uint8_t *)n.p, buf_str(&b), buf_str(&s), back), ERR_CORRUPT);
	assert_int_equal(crypto_seal_open(seal, (const uint8_t *)n.p, buf_str(&b), str_sub(buf_str(&s), 0, 15), back), ERR_CORRUPT);
	crypto_seal_destroy(&seal);
	assert_null(seal);
	buf_fini(&k), buf_fini(&n), buf_fini(&b), buf_fini(&p), buf_fini(&s);
}

static void test_seal(void **state)
{
	(void)state;
	seal_vector("0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
		"00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
	seal_vector("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		"76fc6ece0f4e1768cddf8853bb2d551b");
}

static void test_scrypt(void **state)
{
	(void)state;
	uint8_t out[64];
	struct buf want;
	assert_int_equal(crypto_scrypt(STR("pleaseletmein"), STR("SodiumChloride"), 14, 8, out, 64), 0);
	from_hex(&want, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
		"d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
	assert_memory_equal(out, want.p, 64);
	buf_fini(&want);
	assert_int_equal(crypto_scrypt(STR("x"), STR("y"), 24, 8, out, 64), ERR_TOO_BIG);
	assert_int_equal(crypto_scrypt(STR("x"), STR("y"), 0, 8, out, 64), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_scrypt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
