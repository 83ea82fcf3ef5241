/* RFC 8463 appendix A.1 and A.2, RFC 6376 3.6.1 and appendix C, RFC 8301 3.2. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/dkim_public.h"
#include "mailauth/dkim_record.h"

/* RFC 8032 7.1 test 1 as PKCS#8. */
static const struct str ed25519_pem = STR_INIT("-----BEGIN PRIVATE KEY-----\n"
											   "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
											   "-----END PRIVATE KEY-----\n");

static void test_generate(void **state)
{
	(void)state;
	for (enum dkim_algorithm i = DKIM_RSA_SHA256; i <= DKIM_ED25519_SHA256; i++) {
		struct buf pem = BUF_INIT(0), record = BUF_INIT(0), signature = BUF_INIT(0), bytes = BUF_INIT(0);
		struct dkim_key *k;
		struct dkim_public *p;
		struct dkim_record r;
		uint8_t digest[CRYPTO_SHA256_SIZE] = { 1, 2, 3 };
		assert_int_equal(dkim_key_generate(i, 0, &pem, NULL), 0);
		assert_true(str_starts(buf_str(&pem), STR("-----BEGIN PRIVATE KEY-----\n")));
		assert_int_equal(dkim_key_parse(buf_str(&pem), &k, NULL), 0);
		assert_int_equal(dkim_key_algorithm(k), i);
		assert_int_equal(dkim_key_record(k, &record), 0);
		assert_true(str_starts(buf_str(&record), i == DKIM_RSA_SHA256 ? STR("v=DKIM1; k=rsa; p=") : STR("v=DKIM1; k=ed25519; p=")));
		assert_null(dkim_record_parse(buf_str(&record), i, &r, &bytes));
		assert_int_equal(dkim_public_parse(i, buf_str(&bytes), &p), 0);
		assert_int_equal(dkim_public_bits(p), i == DKIM_RSA_SHA256 ? 2048 : 256);
		assert_int_equal(dkim_key_sign(k, digest, &signature), 0);
		assert_true(dkim_public_verify(p, digest, buf_str(&signature)));
		digest[31] ^= 1;
		assert_false(dkim_public_verify(p, digest, buf_str(&signature)));
		assert_false(dkim_public_verify(p, digest, STR_NONE));
		dkim_public_destroy(&p);
		struct dkim_key *again = dkim_key_ref(k);
		dkim_key_unref(&k);
		assert_null(k);
		assert_int_equal(dkim_key_algorithm(again), i);
		dkim_key_unref(&again);
		dkim_key_unref(&again);
		buf_fini(&pem);
		buf_fini(&record);
		buf_fini(&signature);
		buf_fini(&bytes);
	}
}

static void test_refused(void **state)
{
	(void)state;
	struct dkim_key *k;
	struct err e = { 0 };
	struct buf pem = BUF_INIT(0);
	assert_int_equal(dkim_key_generate(DKIM_RSA_SHA256, 1024, &pem, &e), ERR_INVALID);
	assert_int_equal(dkim_key_generate(DKIM_RSA_SHA256, 8192, &pem, &e), ERR_INVALID);
	assert_int_equal(dkim_key_parse(STR_NONE, &k, &e), ERR_INVALID);
	assert_int_equal(dkim_key_parse(STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &k, &e), ERR_INVALID);
	assert_null(k);
	/* RFC 8463 A.1: 1024 bits are enough to verify, not for us to sign */
	static const struct str rsa_1024 = STR_INIT("-----BEGIN RSA PRIVATE KEY-----\n"
		"MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
		"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
		"KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
		"AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
		"6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
		"zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
		"6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
		"uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
		"WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
		"WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
		"licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
		"o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
		"uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
		"-----END RSA PRIVATE KEY-----\n");
	assert_int_equal(dkim_key_parse(rsa_1024, &k, &e), ERR_INVALID);
	assert_non_null(strstr(e.log, "2048"));
	buf_fini(&pem);
}

/* RFC 8032 7.1 test 1, which RFC 8463 A uses: the public half follows from the private one. */
static void test_ed25519_vector(void **state)
{
	(void)state;
	struct dkim_key *k;
	struct buf record = BUF_INIT(0);
	assert_int_equal(dkim_key_parse(ed25519_pem, &k, NULL), 0);
	assert_int_equal(dkim_key_record(k, &record), 0);
	assert_true(str_eq(buf_str(&record), STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")));
	dkim_key_unref(&k);
	buf_fini(&record);
}

#define P "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
static void test_records(void **state)
{
	static const struct { const char *text, *problem; bool testing, strict; } t[] = {
		{ "v=DKIM1; k=ed25519; " P, NULL, false, false },
		{ "k=ed25519;" P ";", NULL, false, false },
		{ "v = DKIM1 ; k = ed25519 ; t=y:s; s=email; h=sha256 : sha1; n=note=3B; " P, NULL, true, true },
		{ "v=DKIM1; k=ed25519; s=tlsrpt:*; t=x; unknown=1; p=11qYAYKxCrfVS/7TyWQHOg7 hcvPapiMlrwIaaPcH\r\n URo=", NULL, false, false },
		{ "k=ed25519; " P "; v=DKIM1", "key record of another version", false, false },
		{ "some text", "key record is no tag list", false, false },
		{ "v=DKIM1.0; k=ed25519; " P, "key record of another version", false, false },
		{ "v=spf1 -all", "key record of another version", false, false },
		{ "v=DKIM1; " P, "key of another type", false, false },
		{ "v=DKIM1; k=rsa; " P, "key of another type", false, false },
		{ "v=DKIM1; k=ED25519; " P, "key of another type", false, false },
		{ "v=DKIM1; k=ed25519; h=sha1; " P, "key is for another hash", false, false },
		{ "v=DKIM1; k=ed25519; s=tlsrpt; " P, "key is for another service", false, false },
		{ "v=DKIM1; k=ed25519; t=y; p=", "key revoked", true, false },
		{ "v=DKIM1; k=ed25519", "key record without p=", false, false },
		{ "v=DKIM1; k=ed25519; p=***", "key is no base64", false, false },
		{ "v=DKIM1; k=ed25519; p=a=b", "key is no base64", false, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct dkim_record r;
		struct buf bytes = BUF_INIT(0);
		const char *problem = dkim_record_parse(str_from_c(t[i].text), DKIM_ED25519_SHA256, &r, &bytes);
		if (!str_eq(str_from_c(problem), str_from_c(t[i].problem)) || r.testing != t[i].testing || r.strict != t[i].strict)
			fail_msg("\"%s\": %s", t[i].text, problem ? problem : "right");
		assert_int_equal(bytes.n, problem ? 0 : 32);
		buf_fini(&bytes);
	}
}

/* RFC 6376 3.6.1 names RSAPublicKey, appendix C publishes a SubjectPublicKeyInfo: both are read, and are the same key. */
static void test_rsa_forms(void **state)
{
	(void)state;
	struct buf spki = BUF_INIT(0);
	struct dkim_public *p;
	assert_int_equal(dkim_base64(STR("MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
									 "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
									 "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"), &spki), 0);
	struct str whole = buf_str(&spki), bare = str_from(whole, 22);
	assert_int_equal(dkim_public_parse(DKIM_RSA_SHA256, whole, &p), 0);
	assert_int_equal(dkim_public_bits(p), 1024);
	dkim_public_destroy(&p);
	assert_int_equal(dkim_public_parse(DKIM_RSA_SHA256, bare, &p), 0);
	assert_int_equal(dkim_public_bits(p), 1024);
	dkim_public_destroy(&p);
	/* nothing may stand behind, nothing may be missing, no other type may lie inside */
	buf_add_char(&spki, 0);
	assert_int_equal(dkim_public_parse(DKIM_RSA_SHA256, buf_str(&spki), &p), ERR_INVALID);
	assert_int_equal(dkim_public_parse(DKIM_RSA_SHA256, str_sub(buf_str(&spki), 0, spki.n - 2), &p), ERR_INVALID);
	assert_int_equal(dkim_public_parse(DKIM_ED25519_SHA256, str_sub(buf_str(&spki), 0, 31), &p), ERR_INVALID);
	assert_int_equal(dkim_public_parse(DKIM_RSA_SHA256, str_sub(buf_str(&spki), 0, 32), &p), ERR_INVALID);
	assert_null(p);
	buf_fini(&spki);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate), cmocka_unit_test(test_refused), cmocka_unit_test(test_ed25519_vector), cmocka_unit_test(test_records),
		cmocka_unit_test(test_rsa_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
