/* gzip and zip, as reports travel in (RFC 7489 7.2.1.1, RFC 8460 5.2). Any thread. */
#ifndef REPORT_PACK_H
#define REPORT_PACK_H

#include "base/buf.h"
#include "base/str.h"

int pack_gzip(struct str in, struct buf *out);           /* 0 or ERR_NO_MEMORY */
/* gzip (RFC 1952), a zip's first file, or bytes that are neither: copied. 0, ERR_INVALID, ERR_TOO_BIG (over max, or a bomb), ERR_NO_MEMORY. */
int pack_open(struct str in, size_t max, struct buf *out);

#endif
