#include "rt/crypto_seal.h"

#include "rt/crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define SEAL_MAX ((size_t)1 << 30)                /* OpenSSL counts in int */
#define SCRYPT_MEMORY_MAX ((uint64_t)1 << 30)

/* One context each way, keyed once: only the nonce changes from piece to piece. */
struct crypto_seal {
	EVP_CIPHER_CTX *closing, *opening;
};

static EVP_CIPHER_CTX *context_create(const uint8_t *key, int closing)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	if (c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, NULL, closing) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

int crypto_seal_create(const uint8_t key[CRYPTO_SEAL_KEY], struct crypto_seal **out)
{
	struct crypto_seal *s = *out = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NO_MEMORY;
	s->closing = context_create(key, 1);
	s->opening = context_create(key, 0);
	if (s->closing && s->opening)
		return 0;
	crypto_seal_destroy(out);
	return ERR_UNSUPPORTED;
}

void crypto_seal_destroy(struct crypto_seal **s)
{
	if (!*s)
		return;
	EVP_CIPHER_CTX_free((*s)->closing);           /* wipes */
	EVP_CIPHER_CTX_free((*s)->opening);
	free(*s);
	*s = NULL;
}

/* What both ways share: the nonce, what lies beside, the bytes. */
static bool pass(EVP_CIPHER_CTX *c, const uint8_t *nonce, struct str beside, struct str in, uint8_t *out)
{
	int n = 0;
	return EVP_CipherInit_ex(c, NULL, NULL, NULL, nonce, -1) == 1 &&
		(beside.n == 0 || EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)beside.p, (int)beside.n) == 1) &&
		(in.n == 0 || EVP_CipherUpdate(c, out, &n, (const uint8_t *)in.p, (int)in.n) == 1);
}

int crypto_seal_close(struct crypto_seal *s, const uint8_t nonce[CRYPTO_SEAL_NONCE], struct str beside, struct str plain, uint8_t *out)
{
	int n = 0;
	if (plain.n > SEAL_MAX || beside.n > SEAL_MAX)
		return ERR_TOO_BIG;
	bool done = pass(s->closing, nonce, beside, plain, out) && EVP_CipherFinal_ex(s->closing, out + plain.n, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(s->closing, EVP_CTRL_AEAD_GET_TAG, CRYPTO_SEAL_TAG, out + plain.n) == 1;
	return done ? 0 : ERR_UNSUPPORTED;
}

int crypto_seal_open(struct crypto_seal *s, const uint8_t nonce[CRYPTO_SEAL_NONCE], struct str beside, struct str sealed, uint8_t *out)
{
	int n = 0;
	uint8_t tag[CRYPTO_SEAL_TAG];
	if (sealed.n > SEAL_MAX || beside.n > SEAL_MAX)
		return ERR_TOO_BIG;
	if (sealed.n < sizeof(tag))
		return ERR_CORRUPT;
	struct str body = str_sub(sealed, 0, sealed.n - sizeof(tag));
	memcpy(tag, sealed.p + body.n, sizeof(tag));
	bool intact = pass(s->opening, nonce, beside, body, out) &&
		EVP_CIPHER_CTX_ctrl(s->opening, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
		EVP_CipherFinal_ex(s->opening, out + body.n, &n) == 1;
	if (!intact)
		crypto_wipe(out, body.n);
	return intact ? 0 : ERR_CORRUPT;
}

int crypto_scrypt(struct str passphrase, struct str salt, unsigned log2_n, unsigned r, uint8_t *out, size_t n)
{
	if (log2_n < 1 || log2_n > 30 || r < 1 || r > 1024 || ((uint64_t)128 * r << log2_n) > SCRYPT_MEMORY_MAX)
		return ERR_TOO_BIG;
	/* the library's own ceiling counts a little more than the table */
	int ok = EVP_PBE_scrypt(passphrase.p ? passphrase.p : "", passphrase.n, (const uint8_t *)salt.p, salt.n, (uint64_t)1 << log2_n, r, 1,
		SCRYPT_MEMORY_MAX + (1 << 20), out, n);
	return ok == 1 ? 0 : ERR_UNSUPPORTED;
}
