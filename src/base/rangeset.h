/* A sorted set of 32-bit numbers kept as disjoint, non-adjacent ranges: UIDs and sequence numbers. Not for two threads
 * at once. Ownership: the ranges are malloc'ed; rangeset_fini frees. */
#ifndef BASE_RANGESET_H
#define BASE_RANGESET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint32_t lo;
	uint32_t hi;    /* inclusive */
};
struct rangeset {
	struct range *v;
	size_t n;
	size_t cap;
};
#define RANGESET_INIT { NULL, 0, 0 }

void rangeset_fini(struct rangeset *s);           /* empty and usable afterwards */
void rangeset_clear(struct rangeset *s);
/* Adds lo..hi (swapped when lo > hi), merging; amortised O(1) when numbers ascend. 0 or ERR_NO_MEMORY. */
int rangeset_add(struct rangeset *s, uint32_t lo, uint32_t hi);
int rangeset_copy(struct rangeset *dst, const struct rangeset *src);
void rangeset_remove(struct rangeset *s, uint32_t lo, uint32_t hi);   /* may split; out of memory keeps the larger set's rest */
bool rangeset_has(const struct rangeset *s, uint32_t v);
uint64_t rangeset_count(const struct rangeset *s);
/* "1:3,7" appended to b; nothing for the empty set. */
void rangeset_format(const struct rangeset *s, struct buf *b);

#endif
