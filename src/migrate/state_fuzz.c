/* Any bytes as the records of a state file, and again with their checksums made right. What is read keeps the promises of state.h. */
#include "base/bytes.h"
#include "base/hash.h"
#include "migrate/state_priv.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(struct str file)
{
	struct state s = { .fd = -1 };
	int r;
	MUST(map_create(&s.by_wire) == 0);
	MUST(state_file_replay(&s, file, &r) <= file.n);
	for (size_t i = 0; i < s.n; i++) {
		const struct state_folder *f = s.v[i];
		MUST(f->index == i && f->n_keywords <= KEYWORDS_MAX && state_find(&s, str_from_c(f->wire)) == f);
		for (size_t k = 0; k < f->n; k++) {
			MUST(f->v[k].uid && (k == 0 || f->v[k - 1].uid < f->v[k].uid));
			MUST(state_get(f, f->v[k].uid) == &f->v[k]);
		}
	}
	state_free_folders(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	replay(str_make(data, size));
	uint8_t *copy = malloc(size + 1);
	memcpy(copy, data, size);
	for (size_t at = 0; size - at >= STATE_HEADER;) {
		uint32_t n = load_le32(copy + at);
		if (n == 0 || n > size - at - STATE_HEADER)
			break;
		store_le32(copy + at + 4, hash_crc32c(0, copy + at + STATE_HEADER, n));
		at += STATE_HEADER + n;
	}
	replay(str_make(copy, size));
	free(copy);
	return 0;
}
