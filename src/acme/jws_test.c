/* Signatures of requests, checked with the key's public half as an authority would. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/acme.h"
#include "acme/jws.h"

#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* RFC 7515 appendix A.3: the key, as PKCS#8, and its coordinates. */
static const char rfc_key[] = "-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
	"H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
	"7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
	"-----END PRIVATE KEY-----\n";

static void test_base64url(void **state)
{
	(void)state;
	static const struct { struct str plain, coded; } cases[] = {
		{ STR_INIT(""), STR_INIT("") }, { STR_INIT("f"), STR_INIT("Zg") }, { STR_INIT("fo"), STR_INIT("Zm8") }, { STR_INIT("foo"), STR_INIT("Zm9v") },
		{ STR_INIT("\xff\xef\xbe"), STR_INIT("_---") } };      /* RFC 4648 10 and 5 */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT(100), back = BUF_INIT(100);
		base64url_encode(&b, cases[i].plain);
		assert_true(str_eq(buf_str(&b), cases[i].coded));
		assert_int_equal(base64url_decode(&back, cases[i].coded), 0);
		assert_true(str_eq(buf_str(&back), cases[i].plain));
		buf_fini(&b);
		buf_fini(&back);
	}
}

static void test_jwk(void **state)
{
	(void)state;
	struct jws_key *k;
	struct buf b = BUF_INIT(1000);
	assert_int_equal(jws_key_parse(str_from_c(rfc_key), &k, NULL), 0);
	jws_jwk(k, &b);
	buf_add_char(&b, 0);
	assert_string_equal(b.p, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
	jws_key_free(&k);
	buf_fini(&b);
}

static void part(const json_t *j, const char *name, struct buf *out)
{
	const char *text = json_string_value(json_object_get(j, name));
	assert_non_null(text);
	assert_int_equal(base64url_decode(out, str_from_c(text)), 0);
}

static bool verifies(struct str pem, const json_t *j)
{
	struct buf input = BUF_INIT(10000), raw = BUF_INIT(100);
	buf_printf(&input, "%s.%s", json_string_value(json_object_get(j, "protected")), json_string_value(json_object_get(j, "payload")));
	part(j, "signature", &raw);
	assert_int_equal(raw.n, 64);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	ECDSA_SIG_set0(sig, BN_bin2bn((unsigned char *)raw.p, 32, NULL), BN_bin2bn((unsigned char *)raw.p + 32, 32, NULL));
	unsigned char *der = NULL;
	int n = i2d_ECDSA_SIG(sig, &der);
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 && EVP_DigestVerify(md, der, (size_t)n, (unsigned char *)input.p, input.n) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	BIO_free(bio);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	buf_fini(&input);
	buf_fini(&raw);
	return ok;
}

/* RFC 8555 6.2: alg, nonce, url and exactly one of jwk and kid. */
static void test_sign(void **state)
{
	(void)state;
	struct buf pem = BUF_INIT(10000);
	struct jws_key *k;
	assert_int_equal(acme_key_generate(&pem), 0);
	assert_int_equal(jws_key_parse(buf_str(&pem), &k, NULL), 0);
	for (int with_kid = 0; with_kid < 2; with_kid++) {
		struct buf out = BUF_INIT(100000), header = BUF_INIT(10000), payload = BUF_INIT(1000);
		assert_int_equal(jws_sign(k, with_kid ? STR("https://a.example/acct/1") : STR_NONE, STR("n0nce"), STR("https://a.example/new"), STR("{\"a\":1}"), &out), 0);
		json_t *j = json_loadb(out.p, out.n, 0, NULL);
		part(j, "protected", &header);
		part(j, "payload", &payload);
		assert_true(str_eq(buf_str(&payload), STR("{\"a\":1}")));
		json_t *h = json_loadb(header.p, header.n, 0, NULL);
		assert_string_equal(json_string_value(json_object_get(h, "alg")), "ES256");
		assert_string_equal(json_string_value(json_object_get(h, "nonce")), "n0nce");
		assert_string_equal(json_string_value(json_object_get(h, "url")), "https://a.example/new");
		assert_true((json_object_get(h, "kid") != NULL) == (with_kid == 1));
		assert_true((json_object_get(h, "jwk") != NULL) == (with_kid == 0));
		assert_true(verifies(buf_str(&pem), j));
		json_object_set_new(j, "payload", json_string("e30"));
		assert_false(verifies(buf_str(&pem), j));
		json_decref(h);
		json_decref(j);
		buf_fini(&out);
		buf_fini(&header);
		buf_fini(&payload);
	}
	jws_key_free(&k);
	buf_fini(&pem);
}

static void test_refuses(void **state)
{
	(void)state;
	struct jws_key *k;
	struct buf out = BUF_INIT(1000);
	assert_int_equal(jws_key_parse(STR("no key"), &k, NULL), ERR_INVALID);
	assert_null(k);
	assert_int_equal(jws_key_parse(str_from_c(rfc_key), &k, NULL), 0);
	assert_int_equal(jws_bind(k, STR("a\"b"), STR("AAAA"), STR("u"), &out), ERR_INVALID);
	assert_int_equal(jws_bind(k, STR("a"), STR("!!!"), STR("u"), &out), ERR_INVALID);
	assert_int_equal(out.n, 0);
	jws_key_free(&k);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_base64url), cmocka_unit_test(test_jwk), cmocka_unit_test(test_sign), cmocka_unit_test(test_refuses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
