/* A signature held to its key and to the message: RFC 6376 6.1.2 and 6.1.3. Blocks for DNS. One thread at a time; everything lies in the arena. */
#ifndef MAILAUTH_DKIM_CHECK_H
#define MAILAUTH_DKIM_CHECK_H

#include "mailauth/dkim_signature.h"
#include "mailauth/limits.h"

/* Answers about keys, each name asked for once in a message. */
struct dkim_lookup;
struct dkim_keys {
	const struct dns_source *dns;
	struct arena *arena;
	struct dkim_lookup *asked;
};

struct dkim_checked {
	enum dkim_result result;
	const char *problem;             /* static; NULL when pass */
	bool testing;
	unsigned bits;
};
/* digest: of what is signed. body: the hash that bh= is held to; NULL: a seal has none. 0 or ERR_NO_MEMORY. */
int dkim_check(struct dkim_keys *keys, const struct dkim_signature *s, const uint8_t digest[CRYPTO_SHA256_SIZE],
			   const struct dkim_body_hash *body, struct dkim_checked *out);

/* Header and body of a DKIM-Signature or an ARC-Message-Signature together. */
int dkim_check_message(struct dkim_keys *keys, const struct dkim_message *m, const struct dkim_signature *s, const struct dkim_body_hash *body,
					   struct dkim_checked *out);

/* The body hashes that several signatures ask for, each once. Wanted: at most DKIM_BODY_HASHES_MAX different ones. */
struct dkim_bodies {
	struct dkim_body_hash v[DKIM_BODY_HASHES_MAX];
	size_t n;
};
/* False when there is no room for another one. */
bool dkim_bodies_want(struct dkim_bodies *b, const struct dkim_body_hash *h);
const struct dkim_body_hash *dkim_bodies_find(const struct dkim_bodies *b, const struct dkim_body_hash *h);

#endif
