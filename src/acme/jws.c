#include "acme/jws.h"

#include "base/base64.h"
#include "rt/crypto.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define COORDINATE 32       /* octets of a P-256 coordinate, and of r and s */

struct jws_key {
	EVP_PKEY *pkey;
	uint8_t x[COORDINATE], y[COORDINATE];
};

static bool get_coordinate(EVP_PKEY *pkey, const char *name, uint8_t out[COORDINATE])
{
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_bn2binpad(n, out, COORDINATE) == COORDINATE;

	BN_free(n);
	return ok;
}

int jws_key_parse(struct str pem, struct jws_key **out, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	struct jws_key *k = calloc(1, sizeof *k);

	*out = NULL;
	if (!bio || !k) {
		BIO_free(bio);
		free(k);
		return err_set(e, ERR_NO_MEMORY, NULL, "ACME account key");
	}
	k->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!k->pkey || EVP_PKEY_get_base_id(k->pkey) != EVP_PKEY_EC || !get_coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, k->x) ||
		!get_coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, k->y)) {
		jws_key_free(&k);
		return err_set(e, ERR_INVALID, NULL, "the ACME account key is no P-256 key");
	}
	*out = k;
	return 0;
}

void jws_key_free(struct jws_key **k)
{
	if (*k)
		EVP_PKEY_free((*k)->pkey);
	free(*k);
	*k = NULL;
}

/* RFC 7638 3.2: the required members in lexical order, without blanks. */
void jws_jwk(const struct jws_key *k, struct buf *out)
{
	buf_add_lit(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	base64url_encode(out, str_make(k->x, COORDINATE));
	buf_add_lit(out, "\",\"y\":\"");
	base64url_encode(out, str_make(k->y, COORDINATE));
	buf_add_lit(out, "\"}");
}

int jws_thumbprint(const struct jws_key *k, struct buf *out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct buf jwk = BUF_INIT(1024);

	jws_jwk(k, &jwk);
	int r = jwk.failed ? ERR_NO_MEMORY : crypto_sha256(buf_str(&jwk), digest);
	buf_fini(&jwk);
	if (r == 0)
		base64url_encode(out, str_make(digest, sizeof digest));
	return r;
}

/* ES256 wants r and s side by side (RFC 7518 3.4), the library gives DER. */
static bool sign_es256(const struct jws_key *k, struct str what, uint8_t out[2 * COORDINATE])
{
	unsigned char der[256];
	size_t n = sizeof der;
	const unsigned char *p = der;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k->pkey) == 1 && EVP_DigestSign(md, der, &n, (const unsigned char *)what.p, what.n) == 1;
	ECDSA_SIG *sig = ok ? d2i_ECDSA_SIG(NULL, &p, (long)n) : NULL;

	ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, COORDINATE) == COORDINATE &&
		 BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + COORDINATE, COORDINATE) == COORDINATE;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	return ok;
}

/* "protected.payload", both encoded: what is signed. */
static void signing_input(struct str header, struct str payload, struct buf *out)
{
	base64url_encode(out, header);
	buf_add_char(out, '.');
	base64url_encode(out, payload);
}

static void flatten(struct str input, struct str signature, struct buf *out)
{
	struct str header, payload;

	str_cut(input, '.', &header, &payload);
	buf_printf(out, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"", STR_ARG(header), STR_ARG(payload));
	base64url_encode(out, signature);
	buf_add_lit(out, "\"}");
}

int jws_sign(const struct jws_key *k, struct str kid, struct str nonce, struct str url, struct str payload, struct buf *out)
{
	struct buf header = BUF_INIT(8192), input = BUF_INIT(1 << 20);
	uint8_t signature[2 * COORDINATE];

	/* URLs and nonces were checked to hold no quotes when they were received */
	buf_printf(&header, "{\"alg\":\"ES256\",\"nonce\":\"%.*s\",\"url\":\"%.*s\",", STR_ARG(nonce), STR_ARG(url));
	if (kid.n) {
		buf_printf(&header, "\"kid\":\"%.*s\"}", STR_ARG(kid));
	} else {
		buf_add_lit(&header, "\"jwk\":");
		jws_jwk(k, &header);
		buf_add_char(&header, '}');
	}
	signing_input(buf_str(&header), payload, &input);
	bool ok = !header.failed && !input.failed && sign_es256(k, buf_str(&input), signature);
	if (ok)
		flatten(buf_str(&input), str_make(signature, sizeof signature), out);
	buf_fini(&header);
	buf_fini(&input);
	return ok && !out->failed ? 0 : ERR_NO_MEMORY;
}

/* RFC 8555 7.3.4: the MAC is over our public key, for the newAccount URL. */
int jws_bind(const struct jws_key *k, struct str eab_kid, struct str eab_key, struct str url, struct buf *out)
{
	struct buf header = BUF_INIT(8192), input = BUF_INIT(16384), secret = BUF_INIT(4096), jwk = BUF_INIT(1024);
	uint8_t mac[CRYPTO_SHA256_SIZE];

	int r = str_chr(eab_kid, '"') == STR_NPOS && str_chr(eab_kid, '\\') == STR_NPOS ? base64url_decode(&secret, eab_key) : ERR_INVALID;
	if (r == 0) {
		buf_printf(&header, "{\"alg\":\"HS256\",\"kid\":\"%.*s\",\"url\":\"%.*s\"}", STR_ARG(eab_kid), STR_ARG(url));
		jws_jwk(k, &jwk);
		signing_input(buf_str(&header), buf_str(&jwk), &input);
		r = header.failed || input.failed || jwk.failed ? ERR_NO_MEMORY : crypto_hmac_sha256(buf_str(&secret), buf_str(&input), mac);
	}
	if (r == 0)
		flatten(buf_str(&input), str_make(mac, sizeof mac), out);
	if (secret.n)
		crypto_wipe(secret.p, secret.n);
	buf_fini(&header);
	buf_fini(&input);
	buf_fini(&secret);
	buf_fini(&jwk);
	return r;
}
