#include "codec/mime/encode.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"

#define LINE_MAX_CHARS ((size_t)76)     /* RFC 2045 6.7 (5) and 6.8; RFC 2047 2 */
#define WORD_BYTES_MAX 45               /* base64 of so many and "=?UTF-8?B??=" are 72 */

void mime_encode_base64(struct str in, struct buf *out)
{
	const size_t step = LINE_MAX_CHARS / 4 * 3;

	for (size_t at = 0; at < in.n; at += step) {
		if (at)
			buf_add_lit(out, "\r\n");
		base64_encode(out, str_sub(in, at, step));
	}
}

/* Does a line (or the text) end at `at`? */
static bool ends_at(struct str in, size_t at)
{
	return at >= in.n || (in.p[at] == '\r' && at + 1 < in.n && in.p[at + 1] == '\n');
}

void mime_encode_quoted_printable(struct str in, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;
	bool soft = false;                /* this line began with a soft break */

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (ends_at(in, i)) {
			buf_add_lit(out, "\r\n");
			column = 0;
			soft = false;
			i++;
			continue;
		}
		bool last = ends_at(in, i + 1);
		bool plain = (ascii_is_print(c) && c != '=' && !(c == ' ' && last)) || (c == '\t' && !last);
		size_t width = plain ? 1 : 3;
		/* One character is kept free for the "=" of a soft break, unless the line ends here. */
		if (column + width > LINE_MAX_CHARS - (last ? 0 : 1)) {
			buf_add_lit(out, "=\r\n");
			column = 0;
			soft = true;
		}
		/* What was in the middle of a line must not become a boundary. */
		if (soft && column == 0 && c == '-') {
			plain = false;
			width = 3;
		}
		if (plain)
			buf_add_char(out, (char)c);
		else
			buf_add(out, (char[]){ '=', digits[c >> 4], digits[c & 15] }, 3);
		column += width;
	}
}

/* Valid UTF-8 without control characters. */
static void clean(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.n;) {
		uint32_t c = utf8_next(text, &i);
		utf8_add(out, c < 0x20 || (c >= 0x7f && c < 0xa0) ? ' ' : c);
	}
}

static void add_quoted_string(struct str s, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

static void add_encoded_words(struct str s, struct buf *out)
{
	for (bool first = true; s.n; first = false) {
		struct str part = utf8_clip(s, WORD_BYTES_MAX);
		buf_add_c(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		base64_encode(out, part);
		buf_add_lit(out, "?=");
		s = str_from(s, part.n);
	}
}

static bool is_plain_phrase(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != ' ' && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0;
}

void mime_encode_phrase(struct str text, struct buf *out)
{
	struct buf cleaned = BUF_INIT(0);

	clean(text, &cleaned);
	struct str s = str_trim(buf_str(&cleaned));
	if (is_plain_phrase(s) && s.n < LINE_MAX_CHARS)
		buf_add_str(out, s);
	else if (utf8_is_ascii(s) && s.n < LINE_MAX_CHARS && str_find(s, STR("=?")) == STR_NPOS)
		add_quoted_string(s, out);
	else
		add_encoded_words(s, out);
	out->failed |= cleaned.failed;
	buf_fini(&cleaned);
}
