/* Growable bytes with a ceiling. Not for two threads at once. Adding never fails visibly: on overflow of `max` or
 * out of memory the buffer remembers it (`failed`), further adds are ignored, and the caller asks once at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;     /* bytes; 0 means BUF_MAX_DEFAULT */
	bool failed;
	bool starved;   /* ... for want of memory; else the ceiling was too low */
	bool wipe;      /* set it for secrets: what was in it is overwritten before the memory is given back */
};

#define BUF_MAX_DEFAULT ((size_t)1 << 30)
#define BUF_INIT(max_bytes) { NULL, 0, 0, (max_bytes), false, false, false }

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);                     /* frees, and leaves an empty usable buffer */
void buf_reset(struct buf *b);                    /* n = 0, failed = false; keeps the memory */
/* 0, or why it failed: ERR_NO_MEMORY or ERR_TOO_BIG. */
static inline int buf_error(const struct buf *b) { return !b->failed ? 0 : b->starved ? ERR_NO_MEMORY : ERR_TOO_BIG; }
/* Makes room for `more` bytes and returns where they go (then add to b->n), or NULL (b->failed is set). */
char *buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_char(struct buf *b, char c);
void buf_add_str(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *c);
#define buf_add_lit(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)
void buf_add_u64(struct buf *b, uint64_t v);      /* decimal */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
/* Removes the first n bytes. */
void buf_consume(struct buf *b, size_t n);
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p, b->n }; }
/* Hands the memory over: the caller frees *p_out. The buffer is empty afterwards. */
void buf_take(struct buf *b, char **p_out, size_t *n_out);

/* Fixed-width little-endian and varint (LEB128, at most 10 bytes) for stored records. */
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_le32(struct buf *b, uint32_t v);
void buf_add_le64(struct buf *b, uint64_t v);
void buf_add_varint(struct buf *b, uint64_t v);

#endif
