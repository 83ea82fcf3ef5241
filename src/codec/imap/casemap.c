#include "codec/imap/casemap.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

/* Code units of UTF-16: every point may take two. */
#define UNITS_MAX (2 * IMAP_CASEMAP_POINTS)

unsigned imap_casemap_point(uint32_t c, uint32_t out[IMAP_CASEMAP_POINTS])
{
	UChar32 title = u_totitle((UChar32)c);
	UChar units[UNITS_MAX];
	UErrorCode status = U_ZERO_ERROR;
	out[0] = (uint32_t)title;
	/* One look into a table tells most letters. */
	if (u_getIntPropertyValue(title, UCHAR_NFKD_QUICK_CHECK) == UNORM_YES)
		return 1;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&status);
	int32_t n = U_SUCCESS(status) ? unorm2_getDecomposition(nfkd, title, units, UNITS_MAX, &status) : -1;
	if (n <= 0 || U_FAILURE(status))
		return 1;
	unsigned count = 0;
	for (int32_t i = 0; i < n && count < IMAP_CASEMAP_POINTS;) {
		UChar32 point;
		U16_NEXT(units, i, n, point);
		out[count++] = (uint32_t)point;
	}
	return count;
}

void imap_casemap(struct str text, struct buf *out)
{
	if (!utf8_is_valid(text)) {
		buf_add_str(out, text);
		return;
	}
	uint32_t points[IMAP_CASEMAP_POINTS];
	for (size_t i = 0; i < text.n;) {
		if ((unsigned char)text.p[i] < 0x80) {
			buf_add_char(out, (char)ascii_upper(text.p[i++]));
			continue;
		}
		unsigned n = imap_casemap_point(utf8_next(text, &i), points);
		for (unsigned k = 0; k < n; k++)
			utf8_add(out, points[k]);
	}
}
