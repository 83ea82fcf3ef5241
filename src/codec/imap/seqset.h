/* Sequence sets: RFC 3501 9, RFC 9051 4.1.1. For one thread. */
#ifndef CODEC_IMAP_SEQSET_H
#define CODEC_IMAP_SEQSET_H

#include "base/rangeset.h"
#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAP_SEQ_STAR 0              /* stands for "*" in a range: no number of a set is 0 */

struct imap_seqset {
	struct range *range;         /* as written, in the arena: lo may be over hi, either may be IMAP_SEQ_STAR */
	size_t count;
	bool saved;                  /* "$", the saved result of RFC 5182: then count is 0 */
};

bool imap_seqset(struct imap_cursor *c, struct imap_seqset *out);

/* Both resolve "*" to the largest number there is and add to *out. */

/* As sequence numbers of a mailbox with that many messages. 0, ERR_INVALID (a number over count, also "*" when there are
 * none: RFC 9051 6.4.9 wants BAD), ERR_UNSUPPORTED (a saved set) or ERR_NO_MEMORY. */
int imap_seqset_numbers(const struct imap_seqset *s, uint32_t count, struct rangeset *out);
/* As UIDs, of which largest is the greatest that exists (0: none exist, and nothing is added for "*"). UIDs that do not
 * exist are no error. 0, ERR_UNSUPPORTED or ERR_NO_MEMORY. */
int imap_seqset_uids(const struct imap_seqset *s, uint32_t largest, struct rangeset *out);

#endif
