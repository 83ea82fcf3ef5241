/* What changed while the client was away (RFC 7162 3.2.5 and 3.2.6): expunged messages as VANISHED (EARLIER), flags as FETCH. Reads the
 * selected view and the change log; writes straight into the output. Threads: as session.h. */
#ifndef PROTO_IMAP_RESYNC_H
#define PROTO_IMAP_RESYNC_H

#include "base/rangeset.h"
#include "codec/imap/select_args.h"
#include "proto/imap/session.h"

#include <stdint.h>

/* Tells which UIDs of `known` (NULL: all there ever were) over `above` were expunged after modseq `since`. What is in the view is never
 * among them, though it may be gone since the view was made: that is for imap_sync to tell. When the change log does not reach
 * back, all that are not in the view are told (RFC 7162 3.2.6, the note on minmodseq). 0, or an error of the model: then nothing was told. */
int imap_tell_earlier(struct imap_session *s, const struct rangeset *known, uint64_t since, uint32_t above);

/* The QRESYNC parameter of SELECT, once the mailbox is open and told. Does nothing when the UIDVALIDITY is another. 0 or an error of the
 * model. */
int imap_resync(struct imap_session *s, const struct imap_qresync *q);

#endif
