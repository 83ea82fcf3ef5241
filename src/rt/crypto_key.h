/* Public keys as numbers (RFC 7517, RFC 7518 6, RFC 8037), and signatures of JSON Web Tokens by them. Any thread; a key never changes. */
#ifndef RT_CRYPTO_KEY_H
#define RT_CRYPTO_KEY_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum crypto_signature { CRYPTO_RS256, CRYPTO_ES256, CRYPTO_EDDSA };      /* RFC 7518 3.3, 3.4; RFC 8037 3.1 with Ed25519 */

struct crypto_key;
/* RS256: a is the modulus, b the exponent; ES256: a is x, b is y, of P-256; EdDSA: a is x. Big-endian octets (EdDSA: as RFC 8032 has them).
 * ERR_INVALID (no such key, or RSA under 2048 bits), ERR_NO_MEMORY. */
int crypto_key_create(enum crypto_signature kind, struct str a, struct str b, struct crypto_key **out);
void crypto_key_destroy(struct crypto_key **k);          /* accepts NULL */
bool crypto_key_verifies(const struct crypto_key *k, struct str message, struct str signature);

#endif
