/* News of the selected mailbox: the difference between what the client knows and what is there, as untagged responses
 * (RFC 3501 7.3 and 7.4: EXISTS, RECENT, EXPUNGE, FETCH, FLAGS). Threads: as session.h. */
#ifndef PROTO_IMAP_SYNC_H
#define PROTO_IMAP_SYNC_H

#include "proto/imap/session.h"

#include <stdbool.h>

/* Brings s->selected.view to the newest version and writes what changed. Without may_expunge, expunged messages stay as ghosts
 * (view_overlay). Claims \Recent for new messages (read-write sessions only). When the mailbox was deleted: with may_expunge, writes an EXPUNGE for each
 * message and sets selected.gone; else waits. Does nothing when nothing is selected or it is gone. 0, or the error
 * of the model (nothing is lost then: the next call tries again). */
int imap_sync(struct imap_session *s, bool may_expunge);

#endif
