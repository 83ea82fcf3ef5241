/* Reading stored records: a cursor that never overruns, and fixed-width loads. Any thread. After a failed read the
 * cursor is `bad`, everything later reads as zero, and the caller asks once at the end. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

struct cursor cursor_make(struct str s);
static inline size_t cursor_left(const struct cursor *c) { return (size_t)(c->end - c->p); }
uint8_t cursor_u8(struct cursor *c);
uint32_t cursor_le32(struct cursor *c);
uint64_t cursor_le64(struct cursor *c);
uint64_t cursor_varint(struct cursor *c);
struct str cursor_bytes(struct cursor *c, size_t n);        /* a slice of the record itself */

static inline uint32_t load_le32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t load_le64(const void *p) { return load_le32(p) | (uint64_t)load_le32((const uint8_t *)p + 4) << 32; }
static inline void store_le32(void *p, uint32_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)v, b[1] = (uint8_t)(v >> 8), b[2] = (uint8_t)(v >> 16), b[3] = (uint8_t)(v >> 24);
}
static inline void store_le64(void *p, uint64_t v)
{
	store_le32(p, (uint32_t)v);
	store_le32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}
/* Big-endian, for keys whose byte order must be the numeric order. */
static inline uint32_t load_be32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}
static inline uint64_t load_be64(const void *p) { return (uint64_t)load_be32(p) << 32 | load_be32((const uint8_t *)p + 4); }
static inline void store_be32(void *p, uint32_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)(v >> 24), b[1] = (uint8_t)(v >> 16), b[2] = (uint8_t)(v >> 8), b[3] = (uint8_t)v;
}
static inline void store_be64(void *p, uint64_t v)
{
	store_be32(p, (uint32_t)(v >> 32));
	store_be32((uint8_t *)p + 4, (uint32_t)v);
}

#endif
