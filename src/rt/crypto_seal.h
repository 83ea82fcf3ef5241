/* Sealed bytes: AES-256-GCM (NIST SP 800-38D), and keys from passphrases by scrypt (RFC 7914). A key is used by one thread at a time. */
#ifndef RT_CRYPTO_SEAL_H
#define RT_CRYPTO_SEAL_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SEAL_KEY 32
#define CRYPTO_SEAL_NONCE 12
#define CRYPTO_SEAL_TAG 16

struct crypto_seal;

/* ERR_NO_MEMORY, ERR_UNSUPPORTED. The key is copied, and wiped when destroyed. */
int crypto_seal_create(const uint8_t key[CRYPTO_SEAL_KEY], struct crypto_seal **out);
void crypto_seal_destroy(struct crypto_seal **s);        /* accepts NULL */

/* Never twice the same nonce under one key. `beside` is authenticated, not hidden. out: plain.n + CRYPTO_SEAL_TAG bytes, the tag last; may
 * not overlap. ERR_TOO_BIG (1 GB), ERR_UNSUPPORTED. */
int crypto_seal_close(struct crypto_seal *s, const uint8_t nonce[CRYPTO_SEAL_NONCE], struct str beside, struct str plain, uint8_t *out);
/* out: sealed.n - CRYPTO_SEAL_TAG bytes. ERR_CORRUPT: not what was sealed under this key, nonce and `beside`; what is in out then is nothing. */
int crypto_seal_open(struct crypto_seal *s, const uint8_t nonce[CRYPTO_SEAL_NONCE], struct str beside, struct str sealed, uint8_t *out);

/* scrypt with N = 2^log2_n, r, p = 1: takes 128 * r * N bytes of memory meanwhile, 1 GB at most (ERR_TOO_BIG). ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int crypto_scrypt(struct str passphrase, struct str salt, unsigned log2_n, unsigned r, uint8_t *out, size_t n);

#endif
