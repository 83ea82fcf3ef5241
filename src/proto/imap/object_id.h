/* Object identifiers (RFC 8474): a letter for the kind, the account, "-", and the id within the account; so no two objects that one
 * user can see, in whatever account, have the same one. Any thread. */
#ifndef PROTO_IMAP_OBJECT_ID_H
#define PROTO_IMAP_OBJECT_ID_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

enum imap_object {
	IMAP_OBJECT_EMAIL = 'M',
	IMAP_OBJECT_MAILBOX = 'F',
	IMAP_OBJECT_THREAD = 'T',
};

/* "NAME (F7-12)": as it stands in responses and response codes. */
void imap_object_id_write(struct buf *out, const char *name, enum imap_object kind, uint64_t account, uint64_t id);
/* The id within the account; 0 when it is another kind's or account's, or was never given out. */
uint64_t imap_object_id_read(struct str text, enum imap_object kind, uint64_t account);

#endif
