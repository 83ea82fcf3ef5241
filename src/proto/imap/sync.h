/* News of the selected mailbox: the difference between what the client knows and what is there, as untagged responses
 * (RFC 3501 7.3 and 7.4: EXISTS, RECENT, EXPUNGE, FETCH, FLAGS). Threads: as session.h. */
#ifndef PROTO_IMAP_SYNC_H
#define PROTO_IMAP_SYNC_H

#include "proto/imap/session.h"

#include <stdbool.h>

/* Brings s->selected.view to the newest version and writes what changed. Without may_expunge, expunged messages stay as ghosts
 * (view_overlay). Claims \Recent for new messages (read-write sessions only). When the mailbox was deleted: with may_expunge,
 * writes an EXPUNGE for each message and sets selected.gone; else waits. Does nothing when nothing is selected or it is
 * gone. 0, or the error of the model (nothing is lost then: the next call tries again). */
int imap_sync(struct imap_session *s, bool may_expunge);

/* The same, without EXPUNGE, for a command that answers for some messages itself: flags of those in `own` (UIDs) that changed are not told but
 * added to *untold_out. With before_out: the view as it was, which the caller must view_unref; NULL after an error, and when
 * there is no mailbox (any more). */
int imap_sync_except(struct imap_session *s, const struct rangeset *own, struct rangeset *untold_out, struct view **before_out);

/* Untagged FLAGS and OK [PERMANENTFLAGS ...] (RFC 3501 7.2.6, 7.1): when a mailbox is selected, and when it gets new keywords. */
void imap_write_mailbox_flags(struct imap_session *s, const struct view *v);

/* Up to which modseq the client has been told all: what may be told as HIGHESTMODSEQ (RFC 7162 3.2). With a view. */
uint64_t imap_told_modseq(const struct imap_selected *selected);

/* How many messages the client knows of are \Recent to this session. */
uint32_t imap_recent_count(const struct imap_selected *selected);

#endif
