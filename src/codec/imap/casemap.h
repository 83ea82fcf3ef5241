/* The collation i;unicode-casemap: RFC 5051 (RFC 4790 is the frame). Two strings are equal, in order, or one part of the other, when
 * their mapped forms are so byte by byte. Any thread. */
#ifndef CODEC_IMAP_CASEMAP_H
#define CODEC_IMAP_CASEMAP_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* Code points that one becomes at most (NFKD of U+FDFA has 18). */
#define IMAP_CASEMAP_POINTS 18

/* One code point: its simple titlecase, decomposed for compatibility all the way down (RFC 5051 section 2, step 2). How many came out. */
unsigned imap_casemap_point(uint32_t c, uint32_t out[IMAP_CASEMAP_POINTS]);
/* Appends the mapped form. Text that is no UTF-8 is left as it is (step 1b). */
void imap_casemap(struct str text, struct buf *out);

#endif
