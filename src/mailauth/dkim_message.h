/* A message as DKIM sees it: fields that are found by name from the bottom up (RFC 6376 5.4.2), and the body with its hashes. Any thread; everything
 * lies in the arena or points into the message. */
#ifndef MAILAUTH_DKIM_MESSAGE_H
#define MAILAUTH_DKIM_MESSAGE_H

#include "base/arena.h"
#include "base/str.h"
#include "mailauth/dkim_canon.h"
#include "rt/crypto.h"

#include <stdbool.h>
#include <stdint.h>

struct dkim_field {
	struct str raw;               /* with its CRLF */
	struct str name;              /* as written, without blanks before the colon */
	struct str value;             /* behind the colon, without the final CRLF */
};
struct dkim_message {
	struct dkim_field *fields;    /* from the top */
	size_t n_fields;
	bool cut;                     /* there were more than DKIM_FIELDS_MAX */
	struct str body;
	const struct dkim_field **by_name;     /* names in order without case, of one name from the bottom up */
};
/* Lines that are no field are left out. 0 or ERR_NO_MEMORY. */
int dkim_message_read(struct arena *a, struct str message, struct dkim_message *out);
/* Where in by_name this name begins, or would; and how many fields have it. */
size_t dkim_message_find(const struct dkim_message *m, struct str name);
size_t dkim_message_count(const struct dkim_message *m, struct str name);

/* One walk along an h= tag. */
struct dkim_picker {
	const struct dkim_message *message;
	uint32_t *taken;              /* of each name, at the place of its first field in by_name */
};
int dkim_picker_begin(struct arena *a, const struct dkim_message *m, struct dkim_picker *out);
/* The next field of that name, from the bottom; NULL when there are no more. */
const struct dkim_field *dkim_picker_next(struct dkim_picker *p, struct str name);

/* A body hash that is wanted. */
struct dkim_body_hash {
	enum dkim_canon how;
	uint64_t limit;               /* l=; UINT64_MAX: all of it */
	uint64_t length;              /* out: octets of the whole canonical body */
	uint8_t digest[CRYPTO_SHA256_SIZE];    /* out */
};
/* Fills in all of them; the body is read once for each canonicalization. 0, ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int dkim_message_hash_body(const struct dkim_message *m, struct dkim_body_hash *hashes, size_t n);

#endif
