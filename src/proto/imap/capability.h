/* What is advertised. One table says what and when; what depends on the connection (STARTTLS, AUTH=) is added to it. */
#ifndef PROTO_IMAP_CAPABILITY_H
#define PROTO_IMAP_CAPABILITY_H

#include "base/buf.h"
#include "proto/imap/session.h"

struct imap_capability {
	const char *name;
	unsigned states;              /* enum imap_state bits in which it is advertised */
	const char *rfc;
	const char *note;             /* for doc/protocol/imap.md */
};
/* Sorted by name, but IMAP4rev1 and IMAP4rev2 first. */
const struct imap_capability *imap_capability_table(size_t *n_out);

/* "IMAP4rev1 IDLE ..." as it is for this session now. */
void imap_capability_write(const struct imap_session *s, struct buf *out);

#endif
