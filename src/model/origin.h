/* Where each message of the bin was before: its mailbox and its UID there. Pages of entries (key 'k') under the first UID of the bin that they hold; entries are
 * added behind all others, as UIDs are, and go with their messages. A message without an entry comes from nobody knows where. For this room only. */
#ifndef MODEL_ORIGIN_H
#define MODEL_ORIGIN_H

#include "base/rangeset.h"
#include "model/change.h"
#include "model/limits.h"

struct origin {
	uint32_t at;                                  /* UID in the bin */
	uint32_t mailbox, uid;                        /* where it was */
};
#define ORIGIN_BYTES 12u
#define ORIGIN_VALUE_MAX (RECORD_HEADER + ORIGIN_PAGE_MAX * ORIGIN_BYTES)

struct origin_page {
	uint32_t count;
	struct origin v[ORIGIN_PAGE_MAX];
};
/* Ascending by `at`, at least one, none below start. 0, ERR_CORRUPT, ERR_VERSION. */
int origin_page_decode(struct str value, uint32_t start, struct origin_page *out);
size_t origin_page_encode(const struct origin_page *page, char p[ORIGIN_VALUE_MAX]);

/* Within a commit. v ascends, and is behind all that is there. */
int origin_append(struct change *c, const struct origin *v, size_t n);
int origin_remove(struct change *c, const struct rangeset *uids);
/* The first page that begins at `from` or later, read: 1, 0 at the end, or an error (ERR_CORRUPT: *start_out is the damaged one's). */
int origin_next(struct source s, uint32_t from, uint32_t *start_out, struct origin_page *out);

#endif
