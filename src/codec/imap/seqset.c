#include "codec/imap/seqset.h"

#include "base/err.h"

static bool seq_number(struct imap_cursor *c, uint32_t *out)
{
	if (!imap_take(c, '*'))
		return imap_nz_number(c, out);
	*out = IMAP_SEQ_STAR;
	return true;
}

/* How many ranges there can be at most: commas up to the end of the word, plus one. */
static size_t count_ranges(const struct imap_cursor *c)
{
	size_t n = 1;
	for (const char *p = c->p; p < c->end && *p != ' ' && *p != '\r' && *p != '\n' && *p != ')'; p++)
		n += *p == ',';
	return n;
}

bool imap_seqset(struct imap_cursor *c, struct imap_seqset *out)
{
	*out = (struct imap_seqset){ 0 };
	if (c->error)
		return false;
	out->saved = imap_take(c, '$');
	if (out->saved)
		return true;
	size_t max = count_ranges(c);
	if (max > IMAP_SEQSET_RANGES_MAX)
		return imap_fail(c, "Too many ranges in a sequence set");
	out->range = arena_array(c->arena, max, sizeof(*out->range));
	if (!out->range)
		return imap_fail(c, "Out of memory");
	do {
		struct range r;
		if (!seq_number(c, &r.lo))
			return false;
		r.hi = r.lo;
		if (imap_take(c, ':') && !seq_number(c, &r.hi))
			return false;
		out->range[out->count++] = r;
	} while (imap_take(c, ','));
	return true;
}

static int by_lo(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Sorted first: a rangeset takes ascending ranges fast, and the order in which a client lists them is its own. */
static int resolve(const struct imap_seqset *s, uint32_t largest, bool limited, struct rangeset *out)
{
	if (s->saved)
		return ERR_UNSUPPORTED;
	struct range *sorted = reallocarray(NULL, s->count ? s->count : 1, sizeof(*sorted));
	if (!sorted)
		return ERR_NO_MEMORY;
	int err = 0;
	size_t n = 0;
	for (size_t i = 0; i < s->count && !err; i++) {
		struct range r = s->range[i];
		if (r.lo == IMAP_SEQ_STAR)
			r.lo = largest;
		if (r.hi == IMAP_SEQ_STAR)
			r.hi = largest;
		if (r.lo > r.hi)
			r = (struct range){ r.hi, r.lo };
		if (limited && (r.hi > largest || largest == 0))
			err = ERR_INVALID;
		else if (r.hi != 0)
			sorted[n++] = (struct range){ r.lo ? r.lo : 1, r.hi };
	}
	if (!err)
		qsort(sorted, n, sizeof(*sorted), by_lo);
	for (size_t i = 0; i < n && !err; i++)
		err = rangeset_add(out, sorted[i].lo, sorted[i].hi);
	free(sorted);
	return err;
}

int imap_seqset_numbers(const struct imap_seqset *s, uint32_t count, struct rangeset *out)
{
	return resolve(s, count, true, out);
}

int imap_seqset_uids(const struct imap_seqset *s, uint32_t largest, struct rangeset *out)
{
	return resolve(s, largest, false, out);
}
