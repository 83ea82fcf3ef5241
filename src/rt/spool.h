/* Where a message gathers while it arrives: in memory at first, in an unlinked temporary file beyond that. One thread at a time. */
#ifndef RT_SPOOL_H
#define RT_SPOOL_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct spool;

#define SPOOL_MEMORY_MAX ((size_t)256 << 10)      /* bytes kept in memory before a file is made */

/* dir: where the temporary file goes. max: bytes at most. 0 or ERR_NO_MEMORY. */
int spool_create(const char *dir, size_t max, struct spool **out);
void spool_destroy(struct spool **s);             /* accepts NULL */
/* 0, ERR_TOO_BIG, ERR_NO_SPACE, ERR_IO, ERR_NO_MEMORY; after an error the spool is only good for destroy. */
int spool_write(struct spool *s, const void *p, size_t n);
size_t spool_size(const struct spool *s);
/* All bytes in one piece (a map of the file where there is one); valid until destroy or the next write. */
int spool_bytes(struct spool *s, struct str *out);

#endif
