/* Is this string in that text, whatever the case? By i;unicode-casemap (casemap.h), and what case folding takes for equal
 * besides: small letters come out, so that the same text is fit for an index of words. For one thread at a time; text and needle are UTF-8. */
#ifndef CODEC_IMAP_NEEDLE_H
#define CODEC_IMAP_NEEDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

struct imap_needle {
	struct str folded;       /* in the arena */
};

/* 0 or ERR_NO_MEMORY. */
int imap_needle_init(struct imap_needle *n, struct arena *a, struct str text);
/* An empty needle is in every text. scratch is overwritten; it is the caller's so that a loop allocates once. When memory
 * runs out, scratch->failed is set and the answer is false. */
bool imap_needle_in(const struct imap_needle *n, struct str text, struct buf *scratch);
/* Appends text folded, for a text that several needles are looked for in: then memmem is all there is to do. */
void imap_fold(struct str text, struct buf *out);
static inline bool imap_needle_in_folded(const struct imap_needle *n, struct str folded)
{
	return n->folded.n == 0 || (folded.n >= n->folded.n && memmem(folded.p, folded.n, n->folded.p, n->folded.n) != NULL);
}

#endif
