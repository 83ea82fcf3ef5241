/* DomainKeys Identified Mail: RFC 6376, 8301 (no SHA-1 accepted, RSA 1024 bits at least), 8463 (Ed25519). Pure but for the DNS source and OpenSSL.
 * Any thread. Messages are whole, with CRLF line ends, beginning with their header; fields of ours in front are not passed. */
#ifndef MAILAUTH_DKIM_H
#define MAILAUTH_DKIM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "rt/dns.h"

#include <stdbool.h>
#include <stdint.h>

enum dkim_result { DKIM_NONE, DKIM_PASS, DKIM_FAIL, DKIM_POLICY, DKIM_NEUTRAL, DKIM_TEMPERROR, DKIM_PERMERROR };
const char *dkim_result_text(enum dkim_result r);    /* RFC 8601 2.7.1 */

struct dkim_verdict {
	enum dkim_result result;
	struct str domain;                               /* d=: in lower case and A-labels, unless it is no domain name */
	struct str selector, identity;                   /* s=; i= decoded, with its default */
	struct str algorithm;                            /* "rsa-sha256" */
	struct str signature;                            /* first 8 characters of b=: header.b, RFC 6008 */
	const char *problem;                             /* static; NULL when pass */
	bool testing;                                    /* t=y in the key */
	bool partial;                                    /* l= left the end of the body unsigned: anybody may have written it (RFC 6376 8.2) */
	unsigned bits;
};
#define DKIM_SIGNATURES_MAX 8                        /* of one message; more are ignored */
/* All signatures, in the order of the header. 0 or ERR_NO_MEMORY. */
int dkim_verify(const struct dns_source *dns, struct arena *a, struct str message, int64_t now, struct dkim_verdict **out, size_t *n_out);

/* ---- signing ---- */

struct dkim_key;                                     /* parsed; immutable; reference counted; any thread */
enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256 };
/* pem: an unencrypted PKCS#8 private key; the algorithm follows from it. ERR_INVALID. */
int dkim_key_parse(struct str pem, struct dkim_key **out, struct err *e);
/* Makes one: rsa bits 2048 by default (0). pem_out: PKCS#8; wipe it. */
int dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct buf *pem_out, struct err *e);
struct dkim_key *dkim_key_ref(struct dkim_key *k);
void dkim_key_unref(struct dkim_key **k);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k);
/* "v=DKIM1; k=rsa; p=..." : what to publish at SELECTOR._domainkey.DOMAIN. */
int dkim_key_record(const struct dkim_key *k, struct buf *out);

struct dkim_signer {
	struct str domain, selector;
	const struct dkim_key *key;
	struct str identity;                             /* i=; empty: none */
	int64_t expires;                                 /* x=; 0: none */
};
/* Appends a whole DKIM-Signature field with its CRLF, relaxed/relaxed; oversigns From and what replay abuses (RFC 6376 5.4, 8.15). The fields go
 * in front of the message, in the order of the signers. 0; ERR_INVALID (no From), ERR_TOO_BIG (too many fields), ERR_NO_MEMORY: nothing is
 * appended. */
int dkim_sign(struct str message, const struct dkim_signer *s, size_t n, int64_t now, struct buf *out, struct err *e);

/* The keys of a domain, as app/ hands them down (directory keeps them). Refs to keys are the caller's to drop. */
struct dkim_keyring {
	/* Up to max active signers for the domain of an author (its own, or a parent's that is ours); strings in the arena. Count, or an error. */
	int (*signers)(void *ctx, struct arena *a, struct str domain, struct dkim_signer *out, size_t max);
	void *ctx;
};
#define DKIM_SIGNERS_MAX 4
/* Drops the refs of what a keyring gave. */
void dkim_signers_drop(struct dkim_signer *s, size_t n);
/* As dkim_sign with the keys that the ring (may be NULL) has for the domain. Appends nothing when there are none or signing fails: for messages of our
 * own making, which are better unsigned than unsent. */
void dkim_ring_sign(const struct dkim_keyring *ring, struct arena *a, struct str domain, struct str message, int64_t now, struct buf *out);
/* Drops the refs that signers() gave. */
void dkim_ring_drop(struct dkim_signer *signers, int n);

#endif
