#include "rt/crypto_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#define RSA_BITS_MIN 2048
#define RSA_OCTETS_MAX 1024
#define P256_OCTETS 32

struct crypto_key {
	enum crypto_signature kind;
	EVP_PKEY *pkey;
};

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!params || !c || EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *read_rsa(struct str modulus, struct str exponent)
{
	if (!modulus.n || modulus.n > RSA_OCTETS_MAX || !exponent.n || exponent.n > 8)
		return NULL;
	BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.p, (int)modulus.n, NULL);
	BIGNUM *e = BN_bin2bn((const unsigned char *)exponent.p, (int)exponent.n, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (n && e && build && BN_num_bits(n) >= RSA_BITS_MIN && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *read_p256(struct str x, struct str y)
{
	unsigned char point[1 + 2 * P256_OCTETS] = { POINT_CONVERSION_UNCOMPRESSED };
	if (x.n != P256_OCTETS || y.n != P256_OCTETS)
		return NULL;
	memcpy(point + 1, x.p, x.n);
	memcpy(point + 1 + P256_OCTETS, y.p, y.n);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	/* fromdata checks that the point is on the curve */
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		pkey = from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

int crypto_key_create(enum crypto_signature kind, struct str a, struct str b, struct crypto_key **out)
{
	*out = NULL;
	EVP_PKEY *pkey = kind == CRYPTO_RS256   ? read_rsa(a, b)
					 : kind == CRYPTO_ES256 ? read_p256(a, b)
											: EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)a.p, a.n);
	/* what is left in the thread's error queue would be taken for TLS's */
	ERR_clear_error();
	if (!pkey)
		return ERR_INVALID;
	struct crypto_key *k = malloc(sizeof(*k));
	if (!k) {
		EVP_PKEY_free(pkey);
		return ERR_NO_MEMORY;
	}
	*k = (struct crypto_key){ kind, pkey };
	*out = k;
	return 0;
}

void crypto_key_destroy(struct crypto_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->pkey);
	free(*k);
	*k = NULL;
}

static bool verify(EVP_PKEY *pkey, const EVP_MD *digest, struct str message, const unsigned char *signature, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestVerifyInit(c, NULL, digest, NULL, pkey) == 1 &&
			  EVP_DigestVerify(c, signature, n, (const unsigned char *)message.p, message.n) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok;
}

/* RFC 7518 3.4: R and S of 32 octets each; the library wants them in DER. */
static bool verify_es256(EVP_PKEY *pkey, struct str message, struct str signature)
{
	if (signature.n != 2 * P256_OCTETS)
		return false;
	const unsigned char *p = (const unsigned char *)signature.p;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(p, P256_OCTETS, NULL), *s = BN_bin2bn(p + P256_OCTETS, P256_OCTETS, NULL);
	unsigned char *der = NULL;
	bool ok = false;
	if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL;
		int n = i2d_ECDSA_SIG(pair, &der);
		ok = n > 0 && verify(pkey, EVP_sha256(), message, der, (size_t)n);
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return ok;
}

bool crypto_key_verifies(const struct crypto_key *k, struct str message, struct str signature)
{
	if (k->kind == CRYPTO_ES256)
		return verify_es256(k->pkey, message, signature);
	return verify(k->pkey, k->kind == CRYPTO_RS256 ? EVP_sha256() : NULL, message, (const unsigned char *)signature.p, signature.n);
}
