/* Keys, requests and challenge certificates, read back by the library's own parser. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/certificate.h"
#include "base/clock.h"
#include "rt/crypto.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void test_request(void **state)
{
	(void)state;
	struct str names[] = { STR("mail.example.org"), STR("*.example.org"), STR("bad,name") };
	struct buf key = BUF_INIT(10000), der = BUF_INIT(10000);
	assert_int_equal(certificate_request(names, 2, STR_NONE, &key, &der), 0);
	const unsigned char *p = (unsigned char *)der.p;
	X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)der.n);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
	GENERAL_NAMES *alt = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(alt), 2);
	GENERAL_NAMES_free(alt);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(request);
	assert_int_equal(certificate_request(names, 3, STR_NONE, &key, &der), ERR_INVALID);
	buf_fini(&key);
	buf_fini(&der);
}

/* RFC 7672 3.1.1: a TLSA record "3 1 1" outlives a renewal only with the key. */
static void test_same_key(void **state)
{
	(void)state;
	struct str name = STR("mail.example.org");
	struct buf key = BUF_INIT(10000), again = BUF_INIT(10000), der = BUF_INIT(10000), file = BUF_INIT(20000);
	assert_int_equal(certificate_request(&name, 1, STR_NONE, &key, &der), 0);
	buf_add_lit(&file, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
	buf_add_str(&file, buf_str(&key));
	buf_reset(&der);
	assert_int_equal(certificate_request(&name, 1, buf_str(&file), &again, &der), 0);
	assert_true(key.n > 0 && str_eq(buf_str(&key), buf_str(&again)));
	buf_reset(&again);
	assert_int_equal(certificate_request(&name, 1, STR_NONE, &again, &der), 0);
	assert_false(str_eq(buf_str(&key), buf_str(&again)));
	assert_int_equal(certificate_request(&name, 1, STR("no key"), &again, &der), ERR_INVALID);
	buf_fini(&key);
	buf_fini(&again);
	buf_fini(&der);
	buf_fini(&file);
}

/* RFC 8737 3 */
static void test_alpn(void **state)
{
	(void)state;
	struct buf cert = BUF_INIT(10000), key = BUF_INIT(10000);
	uint8_t digest[CRYPTO_SHA256_SIZE];
	int64_t begins, ends;
	bool all;
	assert_int_equal(acme_alpn_certificate(STR("mail.example.org"), STR("token.thumb"), &cert, &key), 0);
	assert_int_equal(acme_certificate_times(buf_str(&cert), &begins, &ends), 0);
	assert_true(begins <= clock_now() && ends > clock_now());
	struct str names[] = { STR("mail.example.org"), STR("other.example.org") };
	assert_int_equal(acme_certificate_names(buf_str(&cert), names, 1, &all), 0);
	assert_true(all);
	assert_int_equal(acme_certificate_names(buf_str(&cert), names, 2, &all), 0);
	assert_false(all);
	BIO *bio = BIO_new_mem_buf(cert.p, (int)cert.n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	int at = X509_get_ext_by_OBJ(x, id, -1);
	assert_true(at >= 0);
	X509_EXTENSION *extension = X509_get_ext(x, at);
	assert_int_equal(X509_EXTENSION_get_critical(extension), 1);
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
	assert_int_equal(value->length, 34);
	crypto_sha256(STR("token.thumb"), digest);
	assert_memory_equal(value->data + 2, digest, sizeof digest);
	ASN1_OBJECT_free(id);
	X509_free(x);
	BIO_free(bio);
	buf_fini(&cert);
	buf_fini(&key);
	assert_int_equal(acme_certificate_times(STR("nothing"), &begins, &ends), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_request), cmocka_unit_test(test_same_key), cmocka_unit_test(test_alpn) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
