/* A key record: RFC 6376 3.6.1 and 6.1.2, RFC 8463 4.2. Pure; any thread. */
#ifndef MAILAUTH_DKIM_RECORD_H
#define MAILAUTH_DKIM_RECORD_H

#include "base/buf.h"
#include "mailauth/dkim.h"

struct dkim_record {
	bool testing;                 /* t=y */
	bool strict;                  /* t=s: i= must be of the domain itself */
};
/* Appends the public key's bytes to p_out. NULL, or what hinders this record's use with the algorithm: static. The flags are set as far as they
 * could be read. */
const char *dkim_record_parse(struct str text, enum dkim_algorithm algorithm, struct dkim_record *out, struct buf *p_out);

/* Base64 with white space anywhere in it, as all tags of DKIM may have. 0 or ERR_INVALID. */
int dkim_base64(struct str text, struct buf *out);

#endif
