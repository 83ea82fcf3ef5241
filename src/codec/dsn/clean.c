#include "codec/dsn/clean.h"

#include "base/ascii.h"
#include "base/utf8.h"

#define FOLD_AT 76
#define LINE_HARD_MAX 900            /* of 998: room for what stands before */

void dsn_clean(struct str s, bool utf8, size_t max, struct buf *out)
{
	size_t start = out->n;
	bool space = false;

	for (size_t i = 0; i < s.n;) {
		size_t at = i;
		uint32_t c = utf8_next(s, &i);
		if (c <= 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
			space = out->n > start;
			continue;
		}
		if (out->n - start + 4 + (i - at) > max) {
			buf_add_lit(out, "...");
			return;
		}
		if (space)
			buf_add_char(out, ' ');
		space = false;
		/* U+FFFD from one byte is damage; the direction marks of bidirectional text would let a reply rewrite our lines */
		bool bad = (c == 0xfffd && i == at + 1) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
		if (bad || (c > 0x7f && !utf8))
			buf_add_char(out, '?');
		else
			buf_add_str(out, str_sub(s, at, i - at));
	}
}

/* How much of text goes on a line of so many columns: up to the last blank that fits, or the first one; at most LINE_HARD_MAX octets. */
static size_t line_length(struct str text, size_t columns)
{
	size_t width = 0, fits = 0;

	if (text.n <= columns)
		return text.n;
	for (size_t i = 0; i < text.n;) {
		if (text.p[i] == ' ') {
			if (width > columns && fits)
				return fits;
			fits = i;
			if (width > columns)
				return fits;
		}
		if (i >= LINE_HARD_MAX)
			return fits ? fits : utf8_clip(text, LINE_HARD_MAX).n;
		utf8_next(text, &i);
		width++;
	}
	return width > columns && fits ? fits : text.n;
}

static struct str take_line(struct str *text, size_t columns)
{
	struct str line = str_sub(*text, 0, line_length(*text, columns));

	*text = str_trim(str_from(*text, line.n));
	return line;
}

void dsn_add_field(struct buf *out, const char *name, struct str value)
{
	size_t columns = FOLD_AT - strlen(name) - 2;

	buf_add_c(out, name);
	buf_add_char(out, ':');
	do {
		buf_add_char(out, ' ');
		buf_add_str(out, take_line(&value, columns));
		buf_add_lit(out, "\r\n");
		columns = FOLD_AT - 1;
	} while (value.n);
}

void dsn_add_wrapped(struct buf *out, unsigned indent, struct str text)
{
	while (text.n) {
		for (unsigned i = 0; i < indent; i++)
			buf_add_char(out, ' ');
		buf_add_str(out, take_line(&text, FOLD_AT - indent));
		buf_add_lit(out, "\r\n");
	}
}

/* "\x{HEX}" at *i: 2 to 6 digits. */
static bool take_escape(struct str s, size_t *i, uint32_t *out)
{
	size_t at = *i + 3, digits = 0;
	uint32_t c = 0;

	if (!str_starts(str_from(s, *i), STR("\\x{")))
		return false;
	for (; at < s.n && digits < 7 && ascii_hex_value((unsigned char)s.p[at]) >= 0; at++, digits++)
		c = c << 4 | (uint32_t)ascii_hex_value((unsigned char)s.p[at]);
	if (digits < 2 || digits > 6 || at >= s.n || s.p[at] != '}' || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	*i = at + 1;
	*out = c;
	return true;
}

bool dsn_unitext_decode(struct str s, struct buf *out)
{
	size_t start = out->n;
	uint32_t c = 0;

	for (size_t i = 0; i < s.n;) {
		bool escape = s.p[i] == '\\';
		size_t at = i;
		if (escape && !take_escape(s, &i, &c)) {
			out->n = start;
			return false;
		}
		if (escape) {
			utf8_add(out, c);
		} else {
			utf8_next(s, &i);
			buf_add_str(out, str_sub(s, at, i - at));
		}
	}
	if (utf8_is_valid(str_from(buf_str(out), start)))
		return true;
	out->n = start;
	return false;
}
