#include "codec/imap/partial.h"

bool imap_partial(struct imap_cursor *c, struct imap_partial *out)
{
	*out = (struct imap_partial){ .from_end = imap_take(c, '-') };
	return imap_nz_number(c, &out->first) && imap_expect(c, ':', "PARTIAL wants a range") &&
	       (!out->from_end || imap_expect(c, '-', "Both ends of a PARTIAL range count from the same side")) &&
	       imap_nz_number(c, &out->last);
}

void imap_format_partial(struct buf *out, const struct imap_partial *p)
{
	const char *sign = p->from_end ? "-" : "";
	buf_printf(out, "%s%u:%s%u", sign, p->first, sign, p->last);
}

void imap_partial_of(const struct imap_partial *p, size_t n, size_t *at_out, size_t *count_out)
{
	size_t lo = p->first < p->last ? p->first : p->last, hi = p->first < p->last ? p->last : p->first;
	*at_out = *count_out = 0;
	if (lo > n)
		return;
	if (hi > n)
		hi = n;
	*at_out = p->from_end ? n - hi : lo - 1;
	*count_out = hi - lo + 1;
}
