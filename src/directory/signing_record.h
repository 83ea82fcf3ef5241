/* A signing key as stored: doc/format/directory.md. Pure; any thread. Parsed records are slices of the value. */
#ifndef DIRECTORY_SIGNING_RECORD_H
#define DIRECTORY_SIGNING_RECORD_H

#include "directory/inside.h"
#include "directory/signing.h"

/* "k" domain 0 selector */
struct key signing_key_key(const struct name *domain, struct str selector);
/* All but domain and selector, which stand in the key. 0, ERR_CORRUPT, ERR_VERSION. */
int signing_record_parse(struct str value, struct signing_key *out);
void signing_record_format(const struct signing_key *k, struct buf *b);

/* In a commit: deletes the keys of a domain. */
int signing_forget_domain(struct store_write *w, const struct name *domain);

#endif
