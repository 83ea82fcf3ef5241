/* PARTIAL: a piece of a result, of SEARCH and SORT (RFC 5267 4.4, RFC 9394 3.1) and of UID FETCH (RFC 9394 3.3). For one thread. */
#ifndef CODEC_IMAP_PARTIAL_H
#define CODEC_IMAP_PARTIAL_H

#include "base/buf.h"
#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_partial {
	bool from_end;               /* "-1:-100": 1 is the last */
	uint32_t first, last;        /* as written: first may be over last */
};

/* partial-range: "1:500" or "-1:-100". */
bool imap_partial(struct imap_cursor *c, struct imap_partial *out);
/* The range as it was asked for. */
void imap_format_partial(struct buf *out, const struct imap_partial *p);
/* Which of n results are meant: *count_out of them from index *at_out on (0 is the first). None: both are 0. */
void imap_partial_of(const struct imap_partial *p, size_t n, size_t *at_out, size_t *count_out);

#endif
