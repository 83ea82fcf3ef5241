/* The few cryptographic primitives that the mail protocols name, by OpenSSL. Any thread. */
#ifndef RT_CRYPTO_H
#define RT_CRYPTO_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_MD5_SIZE 16
#define CRYPTO_SHA1_SIZE 20
#define CRYPTO_SHA256_SIZE 32

/* All return 0 or ERR_NO_MEMORY/ERR_UNSUPPORTED. */
int crypto_md5(struct str s, uint8_t out[CRYPTO_MD5_SIZE]);                         /* APOP only */
int crypto_sha256(struct str s, uint8_t out[CRYPTO_SHA256_SIZE]);
int crypto_sha1(struct str s, uint8_t out[CRYPTO_SHA1_SIZE]);
int crypto_hmac_md5(struct str key, struct str s, uint8_t out[CRYPTO_MD5_SIZE]);    /* CRAM-MD5 only */
int crypto_hmac_sha1(struct str key, struct str s, uint8_t out[CRYPTO_SHA1_SIZE]);
int crypto_hmac_sha256(struct str key, struct str s, uint8_t out[CRYPTO_SHA256_SIZE]);
/* SHA-256 of what comes in pieces. end gives the digest (out == NULL: given up) and may follow a failed begin, or another end. */
struct crypto_sha256 {
	struct evp_md_ctx_st *context;
};
int crypto_sha256_begin(struct crypto_sha256 *h);
void crypto_sha256_add(struct crypto_sha256 *h, const void *p, size_t n);
int crypto_sha256_end(struct crypto_sha256 *h, uint8_t out[CRYPTO_SHA256_SIZE]);
/* PBKDF2 with HMAC-SHA-256 or -SHA-1 (SCRAM's Hi()). */
int crypto_pbkdf2_sha256(struct str password, struct str salt, unsigned iterations, uint8_t *out, size_t n);
int crypto_pbkdf2_sha1(struct str password, struct str salt, unsigned iterations, uint8_t *out, size_t n);
/* Random bytes from the kernel; never fails once the system is up (ends the process otherwise). */
void crypto_random(void *out, size_t n);
/* The same octets? Takes as long whichever differ. */
bool crypto_equal(const void *a, const void *b, size_t n);
/* Overwrites a secret so that the compiler cannot leave it out. */
void crypto_wipe(void *p, size_t n);

#endif
