/* Certificates and TLS policy (TLS 1.2 and 1.3, server side). Any thread; reference counted. */
#ifndef RT_TLS_H
#define RT_TLS_H

#include "base/err.h"
#include "base/str.h"

struct tls_context;
struct tls_challenges;

/* One certificate for the names it holds (SNI picks; the first is the default). PEM files; the chain leaf first. */
struct tls_identity {
	const char *cert_file;
	const char *key_file;
};
struct tls_options {
	const struct tls_identity *identities;
	size_t n_identities;
	const char *min_version;      /* "1.2" (default, NULL) or "1.3" */
	const char *ciphers;          /* TLS 1.2 list; NULL: a modern default */
	const char *client_ca;        /* PEM file of authorities: clients are asked for a certificate, and may have none; NULL or "": nobody is asked */
	struct tls_challenges *challenges;        /* outlive the context; NULL: none */
};
/* Session tickets are on; their keys live as long as the process (shared by all contexts, so that a reload keeps them). */
int tls_context_create(const struct tls_options *o, struct tls_context **out, struct err *e);
void tls_context_ref(struct tls_context *t);
void tls_context_unref(struct tls_context **t);    /* nulls; accepts NULL */

/* Certificates that prove a name to an ACME authority by ALPN (RFC 8737): PEM; names in lower case. Any thread. */
int tls_challenges_create(struct tls_challenges **out);
void tls_challenges_destroy(struct tls_challenges **t);      /* accepts NULL */
int tls_challenges_set(struct tls_challenges *t, struct str name, struct str cert_pem, struct str key_pem);    /* ERR_INVALID, ERR_BUSY (TLS_CHALLENGES_MAX) */
void tls_challenges_remove(struct tls_challenges *t, struct str name);

/* When the first of its certificates ends, unix seconds; 0: unknown. */
int64_t tls_context_expires(const struct tls_context *t);

/* Writes a self-signed EC P-256 certificate for the names, valid for `days`; key file mode 0600. The certificate comes last, and whole: a kill at any
 * time leaves none, or both. ERR_EXISTS: there is one, which is kept; a key without one is replaced. */
int tls_self_signed(const struct str *names, size_t n_names, unsigned days, const char *cert_file, const char *key_file, struct err *e);
/* SHA-256 fingerprint "AA:BB:..." of a PEM certificate file into out (96 bytes at least). */
int tls_fingerprint(const char *cert_file, char *out, size_t size, struct err *e);

#endif
