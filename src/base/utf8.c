#include "base/utf8.h"

#define REPLACEMENT 0xfffd

/* How many of the first bytes are ASCII, counted in whole words (the rest is for the caller). */
static size_t skip_ascii(const uint8_t *p, size_t n)
{
	size_t i = 0;
	for (; n - i >= 8; i += 8) {
		uint64_t word;
		memcpy(&word, p + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return i;
}

/* Length 1..4 of the sequence at p (n > 0), or 0 when it is invalid or cut off. By the table of RFC 3629 section 4:
 * only the second byte's range depends on the first. */
static unsigned sequence_length(const uint8_t *p, size_t n)
{
	uint8_t first = p[0];
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	uint8_t low = 0x80, high = 0xbf;
	unsigned length;
	if (first < 0xe0) {
		length = 2;
	} else if (first < 0xf0) {
		length = 3;
		if (first == 0xe0)
			low = 0xa0;     /* below: overlong */
		else if (first == 0xed)
			high = 0x9f;    /* above: surrogates */
	} else {
		length = 4;
		if (first == 0xf0)
			low = 0x90;     /* below: overlong */
		else if (first == 0xf4)
			high = 0x8f;    /* above: over U+10FFFF */
	}
	if (n < length || p[1] < low || p[1] > high)
		return 0;
	for (unsigned i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* How many bytes are valid from the beginning. */
static size_t valid_prefix(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t i = 0;
	while (i < s.n) {
		if (p[i] < 0x80) {
			size_t skipped = skip_ascii(p + i, s.n - i);
			i += skipped ? skipped : 1;
			continue;
		}
		unsigned length = sequence_length(p + i, s.n - i);
		if (!length)
			break;
		i += length;
	}
	return i;
}

bool utf8_is_valid(struct str s) { return valid_prefix(s) == s.n; }

bool utf8_is_ascii(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	for (size_t i = skip_ascii(p, s.n); i < s.n; i++)
		if (p[i] & 0x80)
			return false;
	return true;
}

uint32_t utf8_next(struct str s, size_t *pos)
{
	const uint8_t *p = (const uint8_t *)s.p + *pos;
	unsigned length = sequence_length(p, s.n - *pos);
	*pos += length ? length : 1;
	switch (length) {
	case 1: return p[0];
	case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	case 3: return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	case 4:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
		       (p[3] & 0x3f);
	default: return REPLACEMENT;
	}
}

void utf8_add(struct buf *b, uint32_t codepoint)
{
	uint32_t c = codepoint;
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = REPLACEMENT;
	char to[4];
	size_t n = 0;
	if (c < 0x80) {
		to[n++] = (char)c;
	} else if (c < 0x800) {
		to[n++] = (char)(0xc0 | c >> 6);
		to[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		to[n++] = (char)(0xe0 | c >> 12);
		to[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		to[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		to[n++] = (char)(0xf0 | c >> 18);
		to[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		to[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		to[n++] = (char)(0x80 | (c & 0x3f));
	}
	buf_add(b, to, n);
}

struct str utf8_clip(struct str s, size_t max)
{
	s = str_sub(s, 0, max);
	s.n = valid_prefix(s);
	return s;
}
