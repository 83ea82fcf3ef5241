#include "codec/imap/needle.h"

#include "base/err.h"
#include "base/utf8.h"

#include <unicode/uchar.h>

/* Written so that compilers make vector instructions of it. */
static void fold_ascii(const char *from, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)from[i];
		to[i] = (char)(c + ((unsigned char)(c - 'A') < 26 ? 32 : 0));
	}
}

static size_t ascii_run(struct str s, size_t from)
{
	size_t i = from;
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i - from;
}

void imap_fold(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.n;) {
		size_t run = ascii_run(text, i);
		char *to = buf_reserve(out, run);
		if (!to)
			return;
		fold_ascii(text.p + i, run, to);
		out->n += run;
		i += run;
		while (i < text.n && (unsigned char)text.p[i] >= 0x80)
			utf8_add(out, (uint32_t)u_foldCase((UChar32)utf8_next(text, &i), U_FOLD_CASE_DEFAULT));
	}
}

int imap_needle_init(struct imap_needle *n, struct arena *a, struct str text)
{
	struct buf folded = BUF_INIT(0);
	imap_fold(text, &folded);
	n->folded = arena_dup(a, buf_str(&folded));
	bool ok = !folded.failed && (n->folded.p || folded.n == 0);
	buf_fini(&folded);
	return ok ? 0 : ERR_NO_MEMORY;
}

bool imap_needle_in(const struct imap_needle *n, struct str text, struct buf *scratch)
{
	buf_reset(scratch);
	imap_fold(text, scratch);
	return !scratch->failed && imap_needle_in_folded(n, buf_str(scratch));
}
