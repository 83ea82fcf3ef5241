#include "deliver/deliver.h"

/* RFC 5322 2.3: CR and LF stand only together. A lone CR is no line end in any file that has others: it stays what it
 * is. */
void deliver_normalise(struct str raw, struct buf *out)
{
	for (size_t at = 0; at < raw.n;) {
		const char *p = raw.p + at, *lf = memchr(p, '\n', raw.n - at);
		size_t n = lf ? (size_t)(lf - p) : raw.n - at;
		buf_add(out, p, n);
		at += n;
		if (!lf)
			break;
		if (at == 0 || raw.p[at - 1] != '\r')
			buf_add_char(out, '\r');
		buf_add_char(out, '\n');
		at++;
	}
}
