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
/* Right after create: keeps room for `room` more bytes in front of all that will be written, which do not count against max. 0 or ERR_NO_MEMORY. */
int spool_reserve_front(struct spool *s, size_t room);
/* Puts n bytes in place of the first `drop` ones, without moving the rest. ERR_TOO_BIG: no room for so many (nothing changed); else as spool_write. */
int spool_front(struct spool *s, size_t drop, const void *p, size_t n);
void spool_destroy(struct spool **s);             /* accepts NULL */
/* 0, ERR_TOO_BIG, ERR_NO_SPACE, ERR_IO, ERR_NO_MEMORY; after an error the spool is only good for destroy. */
int spool_write(struct spool *s, const void *p, size_t n);
size_t spool_size(const struct spool *s);
/* All bytes in one piece (a map of the file where there is one); valid until destroy or the next write or front. */
int spool_bytes(struct spool *s, struct str *out);

#endif
