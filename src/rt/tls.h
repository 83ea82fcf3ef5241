/* Certificates and TLS policy (TLS 1.2 and 1.3, server side). Any thread; reference counted. */
#ifndef RT_TLS_H
#define RT_TLS_H

#include "base/err.h"
#include "base/str.h"

struct tls_context;

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
};
/* Session tickets are on; their keys live as long as the process (shared by all contexts, so that a reload keeps them). */
int tls_context_create(const struct tls_options *o, struct tls_context **out, struct err *e);
void tls_context_ref(struct tls_context *t);
void tls_context_unref(struct tls_context **t);    /* nulls; accepts NULL */

/* Writes a self-signed EC P-256 certificate for the names, valid for `days`; key file mode 0600. Existing files are kept: ERR_EXISTS. */
int tls_self_signed(const struct str *names, size_t n_names, unsigned days, const char *cert_file, const char *key_file, struct err *e);
/* SHA-256 fingerprint "AA:BB:..." of a PEM certificate file into out (96 bytes at least). */
int tls_fingerprint(const char *cert_file, char *out, size_t size, struct err *e);

#endif
