#include "codec/imap/order.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define DIGIT_MASK (DIGITS - 1)

struct entry {
	uint64_t key;                        /* minus the smallest */
	uint32_t index;
};

/* Returns false when all have the same digit, and nothing was moved. */
static bool pass(const struct entry *from, struct entry *to, uint32_t n, unsigned shift)
{
	uint32_t at[DIGITS] = { 0 }, sum = 0;
	for (uint32_t i = 0; i < n; i++)
		at[(from[i].key >> shift) & DIGIT_MASK]++;
	if (at[(from[0].key >> shift) & DIGIT_MASK] == n)
		return false;
	for (uint32_t d = 0; d < DIGITS; d++) {
		uint32_t count = at[d];
		at[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[at[(from[i].key >> shift) & DIGIT_MASK]++] = from[i];
	return true;
}

int imap_order(const uint64_t *key, uint32_t *order, uint32_t n)
{
	if (n < 2)
		return 0;
	struct entry *from = reallocarray(NULL, 2 * (size_t)n, sizeof(*from)), *to = from ? from + n : NULL, *memory = from;
	if (!from)
		return ERR_NO_MEMORY;
	uint64_t min = UINT64_MAX, max = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t k = key[order[i]];
		min = k < min ? k : min;
		max = k > max ? k : max;
	}
	for (uint32_t i = 0; i < n; i++)
		from[i] = (struct entry){ key[order[i]] - min, order[i] };
	for (unsigned shift = 0; shift < 64 && (max - min) >> shift; shift += DIGIT_BITS) {
		if (!pass(from, to, n, shift))
			continue;
		struct entry *swap = from;
		from = to;
		to = swap;
	}
	for (uint32_t i = 0; i < n; i++)
		order[i] = from[i].index;
	free(memory);
	return 0;
}
