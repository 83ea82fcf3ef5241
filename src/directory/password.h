/* Passwords: what may be one, its prepared form, its hash, its SCRAM keys. Any thread. Everything secret is wiped. */
#ifndef DIRECTORY_PASSWORD_H
#define DIRECTORY_PASSWORD_H

#include "base/err.h"
#include "base/str.h"
#include "directory/directory.h"
#include "directory/limits.h"

#include <stdbool.h>

/* 0, or ERR_INVALID with a text that says what is wrong with it. */
int password_check(struct str password, struct err *e);
/* The same for the clear secret of APOP and CRAM-MD5: printable ASCII, so that no preparation can change it. */
int password_check_secret(struct str secret, struct err *e);

/* The form that is hashed: SASLprep (RFC 4013, which PLAIN and SCRAM demand, so that é is é from every keyboard), or
 * the bytes themselves where SASLprep refuses them. */
struct password {
	char bytes[PASSWORD_PREPARED_MAX + 1];       /* terminated */
	size_t n;
};
/* 0, ERR_INVALID (no password could ever look like this), ERR_NO_MEMORY. On 0 the caller wipes. */
int password_prepare(struct str raw, struct password *out);
void password_wipe(struct password *p);

/* A new salt, the number of iterations, and the keys that follow. 0 or ERR_NO_MEMORY. */
int password_scram(const struct password *p, struct directory_scram *out);
/* The keys of RFC 5802 section 3 with SHA-256 and with SHA-1, for the salt and iterations that are in *s. */
int password_scram_keys(const struct password *p, struct directory_scram *s);

#endif
