#include "codec/mime/encode.h"

#include "base/ascii.h"
#include "base/base64.h"

#define LINE_MAX_CHARS ((size_t)76)     /* RFC 2045 6.7 (5) and 6.8 */

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
