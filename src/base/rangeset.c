#include "base/rangeset.h"

#include "base/err.h"

#define RANGESET_FIRST_CAP ((size_t)4)

void rangeset_fini(struct rangeset *s)
{
	free(s->v);
	*s = (struct rangeset)RANGESET_INIT;
}

void rangeset_clear(struct rangeset *s) { s->n = 0; }

static int reserve(struct rangeset *s, size_t n)
{
	if (n <= s->cap)
		return 0;
	size_t cap = s->cap ? s->cap * 2 : RANGESET_FIRST_CAP;
	if (cap < n)
		cap = n;
	struct range *grown = reallocarray(s->v, cap, sizeof(*grown));
	if (!grown)
		return ERR_NO_MEMORY;
	s->v = grown;
	s->cap = cap;
	return 0;
}

/* Index of the first range that ends at v or later; s->n when none does. */
static size_t first_reaching(const struct rangeset *s, uint32_t v)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->v[middle].hi < v)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts `with` ranges (already reserved) in the place of those from..to-1. */
static void replace(struct rangeset *s, size_t from, size_t to, const struct range *with, size_t n)
{
	if (to < s->n && to != from + n)
		memmove(s->v + from + n, s->v + to, (s->n - to) * sizeof(*s->v));
	for (size_t i = 0; i < n; i++)
		s->v[from + i] = with[i];
	s->n = s->n - (to - from) + n;
}

int rangeset_add(struct rangeset *s, uint32_t lo, uint32_t hi)
{
	if (lo > hi) {
		uint32_t swap = lo;
		lo = hi;
		hi = swap;
	}
	/* Neighbours merge, so the search begins one below. */
	uint32_t reach = lo ? lo - 1 : 0;
	size_t from = s->n && s->v[s->n - 1].hi < reach ? s->n : first_reaching(s, reach);
	size_t to = from;
	while (to < s->n && (hi == UINT32_MAX || s->v[to].lo <= hi + 1))
		to++;
	if (to == from) {
		if (reserve(s, s->n + 1))
			return ERR_NO_MEMORY;
	} else {
		if (s->v[from].lo < lo)
			lo = s->v[from].lo;
		if (s->v[to - 1].hi > hi)
			hi = s->v[to - 1].hi;
	}
	replace(s, from, to, &(struct range){ lo, hi }, 1);
	return 0;
}

int rangeset_copy(struct rangeset *dst, const struct rangeset *src)
{
	if (dst == src)
		return 0;
	if (reserve(dst, src->n))
		return ERR_NO_MEMORY;
	if (src->n)
		memcpy(dst->v, src->v, src->n * sizeof(*src->v));
	dst->n = src->n;
	return 0;
}

void rangeset_remove(struct rangeset *s, uint32_t lo, uint32_t hi)
{
	if (lo > hi) {
		uint32_t swap = lo;
		lo = hi;
		hi = swap;
	}
	size_t from = first_reaching(s, lo), to = from;
	while (to < s->n && s->v[to].lo <= hi)
		to++;
	if (to == from)
		return;
	struct range rest[2];
	size_t n = 0;
	if (s->v[from].lo < lo)
		rest[n++] = (struct range){ s->v[from].lo, lo - 1 };
	if (s->v[to - 1].hi > hi)
		rest[n++] = (struct range){ hi + 1, s->v[to - 1].hi };
	if (n > to - from && reserve(s, s->n + 1)) {
		/* No memory for the split: what must go is gone, and the larger part stays. */
		if (rest[1].hi - rest[1].lo > rest[0].hi - rest[0].lo)
			rest[0] = rest[1];
		n = 1;
	}
	replace(s, from, to, rest, n);
}

bool rangeset_has(const struct rangeset *s, uint32_t v)
{
	size_t i = first_reaching(s, v);
	return i < s->n && s->v[i].lo <= v;
}

uint64_t rangeset_count(const struct rangeset *s)
{
	uint64_t count = 0;
	for (size_t i = 0; i < s->n; i++)
		count += (uint64_t)s->v[i].hi - s->v[i].lo + 1;
	return count;
}

void rangeset_format(const struct rangeset *s, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i)
			buf_add_char(b, ',');
		buf_add_u64(b, s->v[i].lo);
		if (s->v[i].hi == s->v[i].lo)
			continue;
		buf_add_char(b, ':');
		buf_add_u64(b, s->v[i].hi);
	}
}
