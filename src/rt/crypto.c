#include "rt/crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <sys/random.h>

/* OpenSSL takes NULL for "none given", a slice may have it for "empty". */
static const void *bytes_of(struct str s) { return s.p ? s.p : ""; }

static int digest(const EVP_MD *type, struct str s, uint8_t *out)
{
	return EVP_Digest(bytes_of(s), s.n, out, NULL, type, NULL) == 1 ? 0 : ERR_UNSUPPORTED;
}

static int hmac(const EVP_MD *type, struct str key, struct str s, uint8_t *out)
{
	if (key.n > INT32_MAX)
		return ERR_UNSUPPORTED;
	return HMAC(type, bytes_of(key), (int)key.n, bytes_of(s), s.n, out, NULL) ? 0 : ERR_UNSUPPORTED;
}

static int pbkdf2(const EVP_MD *type, struct str password, struct str salt, unsigned iterations, uint8_t *out, size_t n)
{
	if (password.n > INT32_MAX || salt.n > INT32_MAX || iterations > INT32_MAX || n > INT32_MAX)
		return ERR_UNSUPPORTED;
	int ok = PKCS5_PBKDF2_HMAC(bytes_of(password), (int)password.n, bytes_of(salt), (int)salt.n, (int)iterations, type, (int)n, out);
	return ok == 1 ? 0 : ERR_UNSUPPORTED;
}

int crypto_md5(struct str s, uint8_t out[CRYPTO_MD5_SIZE]) { return digest(EVP_md5(), s, out); }
int crypto_sha1(struct str s, uint8_t out[CRYPTO_SHA1_SIZE]) { return digest(EVP_sha1(), s, out); }
int crypto_sha256(struct str s, uint8_t out[CRYPTO_SHA256_SIZE]) { return digest(EVP_sha256(), s, out); }

int crypto_sha256_begin(struct crypto_sha256 *h)
{
	h->context = EVP_MD_CTX_new();
	if (h->context && EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1)
		return 0;
	crypto_sha256_end(h, NULL);
	return ERR_NO_MEMORY;
}

/* A failure here shows at the end: the library refuses to finish then. */
void crypto_sha256_add(struct crypto_sha256 *h, const void *p, size_t n) { (void)EVP_DigestUpdate(h->context, p, n); }

int crypto_sha256_end(struct crypto_sha256 *h, uint8_t out[CRYPTO_SHA256_SIZE])
{
	bool ok = !out || (h->context && EVP_DigestFinal_ex(h->context, out, NULL) == 1);
	EVP_MD_CTX_free(h->context);
	h->context = NULL;
	return ok ? 0 : ERR_UNSUPPORTED;
}

int crypto_hmac_md5(struct str key, struct str s, uint8_t out[CRYPTO_MD5_SIZE]) { return hmac(EVP_md5(), key, s, out); }
int crypto_hmac_sha1(struct str key, struct str s, uint8_t out[CRYPTO_SHA1_SIZE]) { return hmac(EVP_sha1(), key, s, out); }
int crypto_hmac_sha256(struct str key, struct str s, uint8_t out[CRYPTO_SHA256_SIZE]) { return hmac(EVP_sha256(), key, s, out); }

int crypto_pbkdf2_sha256(struct str password, struct str salt, unsigned iterations, uint8_t *out, size_t n)
{
	return pbkdf2(EVP_sha256(), password, salt, iterations, out, n);
}

int crypto_pbkdf2_sha1(struct str password, struct str salt, unsigned iterations, uint8_t *out, size_t n)
{
	return pbkdf2(EVP_sha1(), password, salt, iterations, out, n);
}

void crypto_random(void *out, size_t n)
{
	char *to = out;
	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();        /* no secret of this process could be trusted any more */
		to += got;
		n -= (size_t)got;
	}
}

void crypto_wipe(void *p, size_t n) { OPENSSL_cleanse(p, n); }

bool crypto_equal(const void *a, const void *b, size_t n) { return CRYPTO_memcmp(a, b, n) == 0; }
