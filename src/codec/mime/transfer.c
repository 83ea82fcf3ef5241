#include "codec/mime/transfer.h"

#include "base/ascii.h"

/* The value of a base64 digit; what is no digit has the high bit set. */
#define NO 0x80
#define NO8 NO, NO, NO, NO, NO, NO, NO, NO
static const uint8_t base64_value[256] = {
	NO8, NO8, NO8, NO8, NO8, NO, NO, NO, 62, NO, NO, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	NO, NO, NO, NO, NO, NO,
	26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
	NO, NO, NO, NO, NO,
	NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8, NO8,
};

enum mime_encoding mime_encoding_from_name(struct str name)
{
	static const struct str names[] = { STR_INIT("7bit"), STR_INIT("8bit"), STR_INIT("binary"), STR_INIT("base64"),
		                            STR_INIT("quoted-printable") };
	if (!name.n)
		return MIME_7BIT;
	for (int i = 0; i < MIME_ENCODING_UNKNOWN; i++)
		if (str_ieq(name, names[i]))
			return (enum mime_encoding)i;
	return MIME_ENCODING_UNKNOWN;
}

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding)
{
	*d = (struct mime_decoder){ .encoding = encoding };
}

/* ---- base64, RFC 2045 6.8 ---- */

/* Writes the whole bytes that the held digits make. */
static char *base64_flush(struct mime_decoder *d, char *to)
{
	uint32_t bits = (uint32_t)d->held[0] << 18 | (uint32_t)d->held[1] << 12 | (uint32_t)d->held[2] << 6 | d->held[3];
	if (d->held_count == 1)
		d->damaged = true;
	if (d->held_count >= 2)
		*to++ = (char)(bits >> 16);
	if (d->held_count >= 3)
		*to++ = (char)(bits >> 8);
	if (d->held_count == 4)
		*to++ = (char)bits;
	memset(d->held, 0, sizeof(d->held));
	d->held_count = 0;
	return to;
}

static void base64_feed(struct mime_decoder *d, struct str in, struct buf *out)
{
	char *start = buf_reserve(out, in.n / 4 * 3 + 6), *to = start;
	if (!start)
		return;
	const uint8_t *p = (const uint8_t *)in.p, *end = p + in.n;
	while (p < end) {
		while (d->held_count == 0 && end - p >= 4) {
			uint32_t a = base64_value[p[0]], b = base64_value[p[1]], c = base64_value[p[2]], e = base64_value[p[3]];
			if ((a | b | c | e) & NO)
				break;
			uint32_t bits = a << 18 | b << 12 | c << 6 | e;
			*to++ = (char)(bits >> 16);
			*to++ = (char)(bits >> 8);
			*to++ = (char)bits;
			p += 4;
		}
		if (p == end)
			break;
		uint8_t value = base64_value[*p];
		if (!(value & NO)) {
			d->held[d->held_count++] = value;
			if (d->held_count == 4)
				to = base64_flush(d, to);
		} else if (*p == '=') {
			/* Padding ends a group of four; more may follow, as when encoded pieces were put together. */
			to = base64_flush(d, to);
		} else if (!ascii_is_space(*p)) {
			d->damaged = true;
		}
		p++;
	}
	out->n += (size_t)(to - start);
}

/* ---- quoted-printable, RFC 2045 6.7 ----
 *
 * held is one of: nothing; "="; "=X"; CR. Blanks after text or after "=" are kept in blank[] until it is known whether
 * the line ends behind them: then they go (RFC 2045 6.7 rule 3). */

static void qp_release_blanks(struct mime_decoder *d, struct buf *out)
{
	buf_add(out, d->blank, d->blank_count);
	d->blank_count = 0;
}

static void qp_line_end(struct mime_decoder *d, bool with_cr, struct buf *out)
{
	d->blank_count = 0;
	if (d->held_count && d->held[0] == '=') {    /* soft line break */
		d->held_count = 0;
		return;
	}
	if (with_cr)
		buf_add_lit(out, "\r\n");
	else
		buf_add_char(out, '\n');
	d->held_count = 0;
}

/* What is held turned out to be no code: it is text. */
static void qp_release_held(struct mime_decoder *d, struct buf *out)
{
	if (!d->held_count)
		return;
	bool cr = d->held[0] == '\r';
	if (cr)
		qp_release_blanks(d, out);
	buf_add(out, d->held, d->held_count);
	if (!cr)
		qp_release_blanks(d, out);
	d->held_count = 0;
	d->damaged = true;
}

static void qp_byte(struct mime_decoder *d, char c, struct buf *out)
{
	if (c == '\n') {
		bool with_cr = d->held_count && d->held[d->held_count - 1] == '\r';
		if (d->held_count == 2 && !with_cr)
			qp_release_held(d, out);
		qp_line_end(d, with_cr, out);
		return;
	}
	if (d->held_count && d->held[0] == '=') {
		bool after_hex = d->held_count == 2 && d->held[1] != '\r';
		int value = ascii_hex_value((unsigned char)c);
		if (after_hex && value >= 0) {
			buf_add_char(out, (char)(ascii_hex_value(d->held[1]) * 16 + value));
			d->held_count = 0;
			return;
		}
		if (d->held_count == 1 && ((value >= 0 && !d->blank_count) || c == '\r')) {
			d->held[d->held_count++] = (uint8_t)c;
			return;
		}
		if (d->held_count == 1 && ascii_is_blank(c) && d->blank_count < sizeof(d->blank)) {
			d->blank[d->blank_count++] = c;
			return;
		}
	}
	qp_release_held(d, out);
	if (c == '\r' || c == '=') {
		if (c == '=')
			qp_release_blanks(d, out);
		d->held[d->held_count++] = (uint8_t)c;
	} else if (ascii_is_blank(c)) {
		if (d->blank_count == sizeof(d->blank))
			qp_release_blanks(d, out);
		d->blank[d->blank_count++] = c;
	} else {
		qp_release_blanks(d, out);
		buf_add_char(out, c);
	}
}

/* Takes what has no code and no line end, at once. Only the blanks at its end may yet go. */
static size_t qp_take_text(struct mime_decoder *d, struct str in, size_t i, struct buf *out)
{
	size_t end = i;
	while (end < in.n && in.p[end] != '=' && in.p[end] != '\r' && in.p[end] != '\n')
		end++;
	size_t text_end = end;
	if (end == in.n || in.p[end] != '=')
		while (text_end > i && ascii_is_blank((unsigned char)in.p[text_end - 1]))
			text_end--;
	if (text_end > i) {
		qp_release_blanks(d, out);
		buf_add(out, in.p + i, text_end - i);
	}
	for (; text_end < end; text_end++)
		qp_byte(d, in.p[text_end], out);
	return end;
}

static void qp_feed(struct mime_decoder *d, struct str in, struct buf *out)
{
	if (!buf_reserve(out, in.n))
		return;
	for (size_t i = 0; i < in.n;) {
		size_t end = d->held_count ? i : qp_take_text(d, in, i, out);
		if (end == i)
			qp_byte(d, in.p[end++], out);
		i = end;
	}
}

/* ---- both ---- */

void mime_decoder_feed(struct mime_decoder *d, struct str in, struct buf *out)
{
	if (d->encoding == MIME_BASE64)
		base64_feed(d, in, out);
	else if (d->encoding == MIME_QUOTED_PRINTABLE)
		qp_feed(d, in, out);
	else
		buf_add_str(out, in);
}

void mime_decoder_finish(struct mime_decoder *d, struct buf *out)
{
	if (d->encoding == MIME_BASE64 && d->held_count) {
		char *to = buf_reserve(out, 3);
		d->damaged = true;
		if (to)
			out->n += (size_t)(base64_flush(d, to) - to);
	} else if (d->encoding == MIME_QUOTED_PRINTABLE) {
		bool soft = d->held_count && d->held[0] == '=' && (d->held_count == 1 || d->held[1] == '\r');
		if (soft)
			d->held_count = 0;
		d->blank_count = 0;
		qp_release_held(d, out);
	}
}

bool mime_transfer_decode(enum mime_encoding encoding, struct str in, struct buf *out)
{
	struct mime_decoder d;
	mime_decoder_init(&d, encoding);
	mime_decoder_feed(&d, in, out);
	mime_decoder_finish(&d, out);
	return !d.damaged;
}
