/* Telling a client how far its long command is: RFC 9585. Threads: as session.h. */
#ifndef PROTO_IMAP_PROGRESS_H
#define PROTO_IMAP_PROGRESS_H

#include "proto/imap/command.h"

/* In a loop that may be long, now and then: `done` of `goal` steps are. Sends an untagged OK [INPROGRESS ...] when the configured time has passed since the
 * first call of this request, or since the last one sent; so it may be called only where an untagged response may stand. */
void imap_progress(struct imap_request *r, uint64_t done, uint64_t goal);

#endif
