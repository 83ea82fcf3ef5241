/* Both halves of a key at work, on digests. Any thread. dkim_key.c is the only file of the room that includes OpenSSL. */
#ifndef MAILAUTH_DKIM_PUBLIC_H
#define MAILAUTH_DKIM_PUBLIC_H

#include "base/buf.h"
#include "mailauth/dkim.h"
#include "rt/crypto.h"

struct dkim_public;
/* bytes: p= of a key record, decoded: for RSA a SubjectPublicKeyInfo or an RSAPublicKey, for Ed25519 the 32 octets (RFC 8463 4.2). 0,
 * ERR_INVALID. */
int dkim_public_parse(enum dkim_algorithm algorithm, struct str bytes, struct dkim_public **out);
void dkim_public_destroy(struct dkim_public **p);     /* accepts NULL */
unsigned dkim_public_bits(const struct dkim_public *p);
bool dkim_public_verify(const struct dkim_public *p, const uint8_t digest[CRYPTO_SHA256_SIZE], struct str signature);

/* Appends the signature. 0, ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int dkim_key_sign(const struct dkim_key *k, const uint8_t digest[CRYPTO_SHA256_SIZE], struct buf *out);
/* "rsa-sha256" */
struct str dkim_algorithm_text(enum dkim_algorithm algorithm);

#endif
