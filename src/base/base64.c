#include "base/base64.h"

#include "base/ascii.h"
#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a character with VALID set, so that four can be checked by one AND. */
#define VALID 0x40
static const uint8_t values[256] = {
	['A'] = 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
		0x4f, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
	['a'] = 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
		0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73,
	['0'] = 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d,
	['+'] = 0x7e,
	['/'] = 0x7f,
};

void base64_encode(struct buf *b, struct str s)
{
	if (s.n > SIZE_MAX / 4) {
		b->failed = true;
		return;
	}
	size_t n = (s.n + 2) / 3 * 4;
	char *to = buf_reserve(b, n);
	if (!to)
		return;
	const uint8_t *from = (const uint8_t *)s.p;
	size_t left = s.n;
	for (; left >= 3; left -= 3, from += 3, to += 4) {
		uint32_t v = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
		to[0] = alphabet[v >> 18];
		to[1] = alphabet[v >> 12 & 63];
		to[2] = alphabet[v >> 6 & 63];
		to[3] = alphabet[v & 63];
	}
	if (left) {
		uint32_t v = (uint32_t)from[0] << 16 | (left == 2 ? (uint32_t)from[1] << 8 : 0);
		to[0] = alphabet[v >> 18];
		to[1] = alphabet[v >> 12 & 63];
		to[2] = left == 2 ? alphabet[v >> 6 & 63] : '=';
		to[3] = '=';
	}
	b->n += n;
}

/* Four characters to three bytes. False when one is not of the alphabet. */
static bool decode_four(const uint8_t *from, uint8_t *to)
{
	uint8_t a = values[from[0]], b = values[from[1]], c = values[from[2]], d = values[from[3]];
	if (!(a & b & c & d & VALID))
		return false;
	to[0] = (uint8_t)(a << 2 | (b & 63) >> 4);
	to[1] = (uint8_t)(b << 4 | (c & 63) >> 2);
	to[2] = (uint8_t)(c << 6 | (d & 63));
	return true;
}

int base64_decode(struct buf *b, struct str s)
{
	if (s.n % 4)
		return ERR_INVALID;
	if (s.n == 0)
		return 0;
	unsigned padding = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
	size_t n = s.n / 4 * 3 - padding;
	uint8_t *to = (uint8_t *)buf_reserve(b, n);
	if (!to)
		return 0;
	const uint8_t *from = (const uint8_t *)s.p, *last = from + s.n - 4;
	for (; from < last; from += 4, to += 3)
		if (!decode_four(from, to))
			return ERR_INVALID;
	/* Padding decodes as zero bits. RFC 4648 section 3.5: the bytes it stands for must be zero altogether, stray bits
	 * are refused, so that a text has one encoding only. */
	uint8_t four[4] = { last[0], last[1], padding < 2 ? last[2] : 'A', padding < 1 ? last[3] : 'A' }, three[3];
	if (!decode_four(four, three) || (padding > 0 && three[2]) || (padding > 1 && three[1]))
		return ERR_INVALID;
	memcpy(to, three, 3 - padding);
	b->n += n;
	return 0;
}

void hex_encode(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	if (s.n > SIZE_MAX / 2) {
		b->failed = true;
		return;
	}
	char *to = buf_reserve(b, s.n * 2);
	if (!to)
		return;
	for (size_t i = 0; i < s.n; i++) {
		*to++ = digits[(uint8_t)s.p[i] >> 4];
		*to++ = digits[(uint8_t)s.p[i] & 15];
	}
	b->n += s.n * 2;
}

int hex_decode(struct buf *b, struct str s)
{
	if (s.n % 2)
		return ERR_INVALID;
	char *to = buf_reserve(b, s.n / 2);
	if (!to)
		return 0;
	for (size_t i = 0; i < s.n; i += 2) {
		int high = ascii_hex_value((uint8_t)s.p[i]), low = ascii_hex_value((uint8_t)s.p[i + 1]);
		if (high < 0 || low < 0)
			return ERR_INVALID;
		*to++ = (char)(high << 4 | low);
	}
	b->n += s.n / 2;
	return 0;
}

void base64url_encode(struct buf *b, struct str s)
{
	size_t from = b->n;

	base64_encode(b, s);
	if (b->failed)
		return;
	while (b->n > from && b->p[b->n - 1] == '=')
		b->n--;
	for (size_t i = from; i < b->n; i++)
		b->p[i] = b->p[i] == '+' ? '-' : b->p[i] == '/' ? '_' : b->p[i];
}

int base64url_decode(struct buf *b, struct str s)
{
	struct buf plain = BUF_INIT(s.n + 4);

	for (size_t i = 0; i < s.n; i++)
		buf_add_char(&plain, s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i]);
	while (plain.n % 4)
		buf_add_char(&plain, '=');
	int r = plain.failed ? ERR_NO_MEMORY : base64_decode(b, buf_str(&plain));
	buf_fini(&plain);
	return r;
}
