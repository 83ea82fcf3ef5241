#include "codec/imap/mutf7.h"

#include "base/ascii.h"
#include "base/err.h"
#include "base/utf8.h"

/* RFC 3501 5.1.3: base64 with "," in the place of "/", of UTF-16 in big-endian order. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int value_of(char c)
{
	if (ascii_is_upper(c))
		return c - 'A';
	if (ascii_is_lower(c))
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* Takes one unit of UTF-16. 0, or ERR_INVALID. *high holds a high surrogate that waits for its low one, or 0. */
static int add_unit(uint32_t unit, uint32_t *high, struct buf *out)
{
	if (*high) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return ERR_INVALID;
		utf8_add(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return 0;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	if ((unit >= 0xdc00 && unit <= 0xdfff) || ascii_is_print((int)unit))
		return ERR_INVALID;
	utf8_add(out, unit);
	return 0;
}

/* The run between "&" and "-": at *at on entry, behind the "-" on return. */
static int decode_run(struct str name, size_t *at, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned count = 0;
	for (; *at < name.n && name.p[*at] != '-'; ++*at) {
		int v = value_of(name.p[*at]);
		if (v < 0)
			return ERR_INVALID;
		bits = bits << 6 | (uint32_t)v;
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		if (add_unit(bits >> count & 0xffff, &high, out))
			return ERR_INVALID;
		bits &= (1u << count) - 1;
	}
	/* The end must be there, with no unit cut and no bit set in the padding. */
	if (*at == name.n || high || count >= 6 || bits)
		return ERR_INVALID;
	++*at;
	return 0;
}

static int decode(struct str name, struct buf *out)
{
	size_t run_end = STR_NPOS;
	for (size_t i = 0; i < name.n;) {
		char c = name.p[i++];
		if (!ascii_is_print((unsigned char)c))
			return ERR_INVALID;
		if (c != '&') {
			buf_add_char(out, c);
		} else if (i < name.n && name.p[i] == '-') {
			buf_add_char(out, '&');
			i++;
		} else {
			/* Two runs that touch would be one name written in two ways. */
			if (run_end == i - 1 || decode_run(name, &i, out))
				return ERR_INVALID;
			run_end = i;
		}
	}
	return 0;
}

int imap_mutf7_decode(struct str name, struct buf *out)
{
	size_t before = out->n;
	int err = decode(name, out);
	if (err && out->n > before)
		out->n = before;
	return err;
}

struct run {
	uint32_t bits;
	unsigned count;
};

static void encode_unit(struct run *r, uint32_t unit, struct buf *out)
{
	r->bits = r->bits << 16 | unit;
	for (r->count += 16; r->count >= 6; r->count -= 6)
		buf_add_char(out, alphabet[r->bits >> (r->count - 6) & 63]);
	r->bits &= (1u << r->count) - 1;
}

static void encode_run_end(struct run *r, struct buf *out)
{
	if (r->count)
		buf_add_char(out, alphabet[r->bits << (6 - r->count) & 63]);
	buf_add_char(out, '-');
	*r = (struct run){ 0 };
}

void imap_mutf7_encode(struct str name, struct buf *out)
{
	struct run run = { 0 };
	bool in_run = false;
	for (size_t i = 0; i < name.n;) {
		uint32_t c = utf8_next(name, &i);
		bool plain = c < 0x80 && ascii_is_print((int)c);
		if (plain && in_run)
			encode_run_end(&run, out);
		else if (!plain && !in_run)
			buf_add_char(out, '&');
		in_run = !plain;
		if (plain) {
			buf_add_char(out, (char)c);
			if (c == '&')
				buf_add_char(out, '-');
		} else if (c < 0x10000) {
			encode_unit(&run, c, out);
		} else {
			encode_unit(&run, 0xd800 + ((c - 0x10000) >> 10), out);
			encode_unit(&run, 0xdc00 + ((c - 0x10000) & 0x3ff), out);
		}
	}
	if (in_run)
		encode_run_end(&run, out);
}
