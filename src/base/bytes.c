#include "base/bytes.h"

struct cursor cursor_make(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	return (struct cursor){ p, s.n ? p + s.n : p, false };
}

/* n bytes of the record, or NULL (and bad) when there are fewer. */
static const uint8_t *take(struct cursor *c, size_t n)
{
	if (c->bad || n > cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	const uint8_t *p = c->p;
	if (n)
		c->p += n;
	return p;
}

uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = take(c, 1);
	return p ? *p : 0;
}

uint32_t cursor_le32(struct cursor *c)
{
	const uint8_t *p = take(c, 4);
	return p ? load_le32(p) : 0;
}

uint64_t cursor_le64(struct cursor *c)
{
	const uint8_t *p = take(c, 8);
	return p ? load_le64(p) : 0;
}

uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *p = take(c, 1);
		if (!p)
			return 0;
		/* Only bit 63 is left for the tenth byte: more would not fit, and a further byte cannot follow. */
		if (shift == 63 && *p > 1)
			break;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

struct str cursor_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = take(c, n);
	return p ? str_make(p, n) : STR_NONE;
}
