/* Any bytes as a block: it is refused, or walked over without an overrun. */
#include "search/chunk.h"
#include "search/limits.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint32_t places[256];
	static uint64_t bits[4];
	if (size < 3)
		return 0;
	uint32_t emails = 1u + data[0];
	struct str all = str_make(data + 3, size - 3);
	struct block b = { str_sub(all, 0, data[1]), str_sub(all, data[1], data[2]), str_from(all, (size_t)data[1] + data[2]), 0 };
	if (!block_is_sound(&b))
		return 0;
	struct block_walk w = block_walk(&b);
	struct str term;
	struct post_list list;
	while (block_walk_next(&w, &term, &list)) {
		MUST(term.n > 0);
		int n = post_list_places(list, emails, places);
		MUST(n <= (int)emails);
		MUST(post_list_mark(list, emails, bits) || n < 0);
		for (int i = 0; i < n; i++)
			MUST(places[i] < emails && (i == 0 || places[i] > places[i - 1]) && bits[places[i] >> 6] >> (places[i] & 63) & 1);
	}
	return 0;
}
