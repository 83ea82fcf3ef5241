#include "codec/imap/needle.h"

#include "base/ascii.h"
#include "base/err.h"
#include "base/utf8.h"
#include "codec/imap/casemap.h"

#include <unicode/uchar.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Folds eight ASCII bytes at once; false when one is not ASCII. No byte is over 127, so no sum carries into the next. */
static bool fold_eight(const char *from, char *to)
{
	uint64_t w;
	memcpy(&w, from, sizeof(w));
	if (w & EACH(0x80))
		return false;
	uint64_t from_a = w + EACH(0x80 - 'A'), over_z = w + EACH(0x80 - 'Z' - 1);
	w |= (from_a & ~over_z & EACH(0x80)) >> 2;
	memcpy(to, &w, sizeof(w));
	return true;
}

/* How many bytes were folded: up to the first one that is not ASCII. */
static size_t fold_ascii(const char *from, size_t n, char *to)
{
	size_t i = 0;
	while (n - i >= sizeof(uint64_t) && fold_eight(from + i, to + i))
		i += sizeof(uint64_t);
	for (; i < n && (unsigned char)from[i] < 0x80; i++)
		to[i] = (char)ascii_lower(from[i]);
	return i;
}

static void fold_point(uint32_t c, struct buf *out)
{
	uint32_t points[IMAP_CASEMAP_POINTS];
	unsigned n = imap_casemap_point(c, points);
	for (unsigned k = 0; k < n; k++)
		utf8_add(out, (uint32_t)u_foldCase((UChar32)points[k], U_FOLD_CASE_DEFAULT));
}

void imap_fold(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.n;) {
		char *to = buf_reserve(out, text.n - i);
		if (!to)
			return;
		size_t run = fold_ascii(text.p + i, text.n - i, to);
		out->n += run;
		i += run;
		while (i < text.n && (unsigned char)text.p[i] >= 0x80)
			fold_point(utf8_next(text, &i), out);
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
