/* JSON Web Signatures as ACME wants them: flattened, ES256 (RFC 8555 6.2, RFC 7515, RFC 7518 3.4), or HS256 for external account binding. Private. */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "base/base64.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct jws_key;

int jws_key_parse(struct str pem, struct jws_key **out, struct err *e);      /* P-256 */
void jws_key_free(struct jws_key **k);
/* RFC 7638: base64url of SHA-256 of the key's canonical JWK. */
int jws_thumbprint(const struct jws_key *k, struct buf *out);
/* The public key as JWK. */
void jws_jwk(const struct jws_key *k, struct buf *out);

/* kid empty: the header carries the key itself. payload: bytes, not encoded yet; POST-as-GET has the empty string. 0 or ERR_NO_MEMORY. */
int jws_sign(const struct jws_key *k, struct str kid, struct str nonce, struct str url, struct str payload, struct buf *out);
/* The binding of an account: our JWK signed with the authority's MAC key (base64url). ERR_INVALID. */
int jws_bind(const struct jws_key *k, struct str eab_kid, struct str eab_key, struct str url, struct buf *out);


#endif
