/* How many messages one command may process (RFC 9738). What is over the limit is left undone, from the lowest UIDs up, and the tagged OK says so:
 * the client goes on with the rest. COPY, APPEND, SORT and THREAD do all or nothing, and are refused. Threads: as session.h. */
#ifndef PROTO_IMAP_MESSAGE_LIMIT_H
#define PROTO_IMAP_MESSAGE_LIMIT_H

#include "base/rangeset.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

/* Leaves the highest `limit` of these message numbers of the view (0: all of them). The UID of the lowest that is left when some went, or 0. */
uint32_t imap_message_limit_numbers(const struct view *v, struct rangeset *numbers, uint32_t limit);
/* Leaves the highest of these messages of the selected mailbox, as many as are permitted, and notes in r where they begin. numbers: message numbers
 * (message_set.h). */
void imap_message_limit_cut(struct imap_request *r, struct rangeset *numbers);
/* May so many be added to a mailbox at once? False: NO [MESSAGELIMIT] is set. numbers (may be NULL): which they are, in the selected mailbox. */
bool imap_message_limit_allows(struct imap_request *r, uint64_t count, const struct rangeset *numbers);
/* Puts [MESSAGELIMIT n uid] into the reply if it is OK, or before it, when it has a code already (3.1). */
void imap_message_limit_tell(struct imap_request *r);

#endif
