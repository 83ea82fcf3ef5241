/* How a message is named in what the server says unasked or in answer: the head of a FETCH response, and the removal of messages. Every FETCH
 * response and every EXPUNGE is written through here, because UIDONLY (RFC 9586) turns the first into UIDFETCH, and that and QRESYNC
 * (RFC 7162 3.2.10) turn the second into VANISHED. Threads: as session.h. */
#ifndef PROTO_IMAP_FETCH_HEAD_H
#define PROTO_IMAP_FETCH_HEAD_H

#include "base/buf.h"
#include "base/rangeset.h"
#include "proto/imap/session.h"

#include <stdbool.h>
#include <stdint.h>

/* "* 12 FETCH ", or with uidonly "* 4711 UIDFETCH ": what the items come behind. Each begins with *separator: "(" for the first one, then
 * a space. */
void imap_fetch_head(struct buf *out, bool uidonly, uint32_t number, uint32_t uid, char *separator);

/* Tells that these messages of v, which the client knows, are gone: VANISHED, or an EXPUNGE for each. The UIDs must be exactly those of
 * messages in v (RFC 7162 3.2.10.2). 0 or ERR_NO_MEMORY. */
int imap_write_removed(struct imap_session *s, const struct view *v, const struct rangeset *uids);
/* "* VANISHED 3,5:7", or "* VANISHED (EARLIER) 3,5:7" about messages the client may or may not know of; nothing for the empty set. In more
 * than one response when there are many ranges. */
void imap_write_vanished(struct imap_session *s, bool earlier, const struct rangeset *uids);

#endif
