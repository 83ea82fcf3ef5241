#include "acme/certificate.h"

#include "rt/crypto.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define ALPN_DAYS 7
#define NAME_MAX_C 254
/* RFC 8737 6.1: id-pe-acmeIdentifier */
#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31"

/* A secret in an OpenSSL buffer goes to ours; the other is wiped by the library. */
static int key_to_pem(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p = NULL;
	int r = ERR_NO_MEMORY;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long n = BIO_get_mem_data(bio, &p);
		buf_add(out, p, (size_t)n);
		r = out->failed ? ERR_NO_MEMORY : 0;
	}
	BIO_free(bio);
	return r;
}

int acme_key_generate(struct buf *pem_out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	int r = key ? key_to_pem(key, pem_out) : ERR_NO_MEMORY;

	EVP_PKEY_free(key);
	return r;
}

/* "DNS:a,DNS:b" as the library wants it; a name that would end the list early is none. */
static X509_EXTENSION *alternative_names(const struct str *names, size_t n)
{
	struct buf list = BUF_INIT((size_t)ACME_NAMES_MAX * 260);
	bool ok = n > 0;

	for (size_t i = 0; i < n; i++) {
		ok = ok && names[i].n && names[i].n < NAME_MAX_C && str_chr(names[i], ',') == STR_NPOS && str_chr(names[i], 0) == STR_NPOS;
		buf_printf(&list, "%sDNS:%.*s", i ? "," : "", STR_ARG(names[i]));
	}
	buf_add_char(&list, 0);
	X509_EXTENSION *x = ok && !list.failed ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, list.p) : NULL;
	buf_fini(&list);
	return x;
}

static EVP_PKEY *read_key(struct str pem)
{
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

int certificate_request(const struct str *names, size_t n, struct str key_pem, struct buf *key_pem_out, struct buf *der_out)
{
	EVP_PKEY *key = key_pem.n ? read_key(key_pem) : EVP_EC_gen("P-256");
	X509_REQ *request = X509_REQ_new();
	X509_EXTENSION *extension = alternative_names(names, n);
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	int size = -1;

	if (key && request && extension && list && sk_X509_EXTENSION_push(list, extension) && X509_REQ_set_version(request, 0) == 1 &&
		X509_REQ_set_pubkey(request, key) == 1 && X509_REQ_add_extensions(request, list) == 1 && X509_REQ_sign(request, key, EVP_sha256()) > 0)
		size = i2d_X509_REQ(request, &der);
	int r = size > 0 ? key_to_pem(key, key_pem_out) : ERR_INVALID;
	if (r == 0)
		buf_add(der_out, der, (size_t)size);
	OPENSSL_free(der);
	sk_X509_EXTENSION_free(list);
	X509_EXTENSION_free(extension);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
	return r ? r : der_out->failed ? ERR_NO_MEMORY : 0;
}

/* RFC 8737 3: critical acmeIdentifier, an OCTET STRING of 32 octets. */
static bool add_identifier(X509 *cert, const uint8_t digest[CRYPTO_SHA256_SIZE])
{
	unsigned char der[2 + CRYPTO_SHA256_SIZE] = { 0x04, CRYPTO_SHA256_SIZE };
	ASN1_OBJECT *id = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	memcpy(der + 2, digest, CRYPTO_SHA256_SIZE);
	X509_EXTENSION *x = id && value && ASN1_OCTET_STRING_set(value, der, sizeof der) == 1 ? X509_EXTENSION_create_by_OBJ(NULL, id, 1, value) : NULL;
	bool ok = x && X509_add_ext(cert, x, -1) == 1;
	X509_EXTENSION_free(x);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(id);
	return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key, struct str name, const uint8_t digest[CRYPTO_SHA256_SIZE])
{
	X509_EXTENSION *names = alternative_names(&name, 1);
	X509_NAME *subject = X509_get_subject_name(cert);
	bool ok = names && X509_set_version(cert, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
			  X509_gmtime_adj(X509_getm_notBefore(cert), -86400) && X509_time_adj_ex(X509_getm_notAfter(cert), ALPN_DAYS, 0, NULL) &&
			  X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)"ACME challenge", -1, -1, 0) == 1 &&
			  X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 && X509_add_ext(cert, names, -1) == 1 &&
			  add_identifier(cert, digest) && X509_sign(cert, key, EVP_sha256()) > 0;

	X509_EXTENSION_free(names);
	return ok;
}

int acme_alpn_certificate(struct str name, struct str key_authorization, struct buf *certificate_pem_out, struct buf *key_pem_out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	int r = ERR_NO_MEMORY;

	if (key && cert && bio && crypto_sha256(key_authorization, digest) == 0 && fill(cert, key, name, digest) && PEM_write_bio_X509(bio, cert) == 1) {
		long n = BIO_get_mem_data(bio, &p);
		buf_add(certificate_pem_out, p, (size_t)n);
		r = key_to_pem(key, key_pem_out);
	}
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

static X509 *read_leaf(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static bool to_unix(const ASN1_TIME *t, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;

	ASN1_TIME_free(epoch);
	*out = (int64_t)days * 86400 + seconds;
	return ok;
}

int acme_certificate_times(struct str pem, int64_t *begins_out, int64_t *ends_out)
{
	X509 *cert = read_leaf(pem);
	int r = cert && to_unix(X509_get0_notBefore(cert), begins_out) && to_unix(X509_get0_notAfter(cert), ends_out) ? 0 : ERR_INVALID;

	X509_free(cert);
	return r;
}

int acme_certificate_names(struct str pem, const struct str *names, size_t n, bool *all_out)
{
	X509 *cert = read_leaf(pem);

	*all_out = true;
	for (size_t i = 0; cert && i < n; i++) {
		/* a wildcard is asked for by an example of itself */
		char name[NAME_MAX_C + 1];
		bool wild = str_starts(names[i], STR("*."));
		int len = snprintf(name, sizeof name, "%s%.*s", wild ? "x." : "", STR_ARG(wild ? str_from(names[i], 2) : names[i]));
		*all_out = *all_out && len > 0 && (size_t)len < sizeof name && X509_check_host(cert, name, (size_t)len, 0, NULL) == 1;
	}
	X509_free(cert);
	return cert ? 0 : ERR_INVALID;
}
