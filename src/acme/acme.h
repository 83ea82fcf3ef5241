/* Getting certificates from an authority by ACME (RFC 8555): one call makes an account where there is none, orders, proves, and fetches.
 * Blocks for up to the time limit. Any thread, one call at a time for one account key. */
#ifndef ACME_ACME_H
#define ACME_ACME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum acme_challenge { ACME_HTTP_01, ACME_TLS_ALPN_01, ACME_DNS_01 };
/* "http-01" ...; NULL beyond the last. */
const char *acme_challenge_name(enum acme_challenge c);

/* Who shows the proof. value: http-01: the body at /.well-known/acme-challenge/TOKEN; tls-alpn-01: the key authorization, whose SHA-256 goes into the
 * certificate (acme_alpn_certificate); dns-01: the TXT record at _acme-challenge.NAME. present returns 0 when the authority can see it. */
struct acme_solver {
	int (*present)(void *ctx, enum acme_challenge kind, struct str name, struct str token, struct str value, struct err *e);
	void (*remove)(void *ctx, enum acme_challenge kind, struct str name, struct str token, struct str value);
	void *ctx;
};

struct acme_request {
	const char *directory;               /* the authority's directory URL */
	const char *ca_file;                 /* for its HTTPS; NULL: the system's */
	struct str account_key;              /* PEM; made by acme_key_generate */
	struct str contact;                  /* an address, or empty */
	struct str eab_kid, eab_key;         /* external account binding, RFC 8555 7.3.4: id and base64url HMAC key; empty: none */
	const struct str *names;             /* at least one; "*.example.org" needs dns-01 */
	size_t n_names;
	struct str key;                      /* PEM that holds the private key to use once more; empty: a new one */
	enum acme_challenge challenge;
	struct acme_solver solver;
	uint64_t limit_ms;                   /* the whole; 0: 5 minutes */
	const _Atomic bool *cancel;          /* looked at between requests: ERR_CLOSED; may be NULL */
};
#define ACME_NAMES_MAX 100
/* certificate_out: the chain as PEM, leaf first; key_out: its private key (PKCS#8 PEM; wipe it). ERR_DENIED: the authority refused, and
 * the error says why in its words; ERR_TIMEOUT; ERR_IO; ERR_INVALID (not an ACME server). */
int acme_obtain(const struct acme_request *r, struct buf *certificate_out, struct buf *key_out, struct err *e);

/* A P-256 key as PKCS#8 PEM. */
int acme_key_generate(struct buf *pem_out);
/* RFC 8737 3: a self-signed certificate for the name with the digest of the key authorization. */
int acme_alpn_certificate(struct str name, struct str key_authorization, struct buf *certificate_pem_out, struct buf *key_pem_out);
/* Unix second at which the first certificate of the PEM ends and begins; ERR_INVALID. */
int acme_certificate_times(struct str pem, int64_t *begins_out, int64_t *ends_out);
/* Does it hold all these names? */
int acme_certificate_names(struct str pem, const struct str *names, size_t n, bool *all_out);

#endif
