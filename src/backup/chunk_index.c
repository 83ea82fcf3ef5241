#include "backup/chunk_index.h"

#include "base/hash.h"

#include <stdlib.h>

#define INDEX_BLOCK ((uint32_t)1 << 16)
#define INDEX_MAX ((uint32_t)1 << 31)
#define SLOTS_MIN ((uint32_t)1 << 10)

void chunk_index_fini(struct chunk_index *ix)
{
	for (uint32_t i = 0; i < ix->n_blocks; i++)
		free(ix->blocks[i]);
	free(ix->blocks);
	free(ix->slots);
	*ix = (struct chunk_index){ 0 };
}

struct chunk_entry *chunk_index_at(const struct chunk_index *ix, uint32_t i) { return &ix->blocks[i / INDEX_BLOCK][i % INDEX_BLOCK]; }

/* Keyed: whoever sends mail could choose ids of a repository that is not encrypted. */
static uint32_t slot_first(const struct chunk_index *ix, const uint8_t *key)
{
	return (uint32_t)hash_siphash(str_make(key, CHUNK_KEY_SIZE)) & (ix->n_slots - 1);
}

uint32_t chunk_index_find(const struct chunk_index *ix, const struct chunk_id *id)
{
	if (ix->n_slots == 0)
		return CHUNK_NONE;
	for (uint32_t s = slot_first(ix, id->b); ix->slots[s]; s = (s + 1) & (ix->n_slots - 1))
		if (memcmp(chunk_index_at(ix, ix->slots[s] - 1)->key, id->b, CHUNK_KEY_SIZE) == 0)
			return ix->slots[s] - 1;
	return CHUNK_NONE;
}

static void slot_fill(struct chunk_index *ix, uint32_t i)
{
	uint32_t s = slot_first(ix, chunk_index_at(ix, i)->key);
	while (ix->slots[s])
		s = (s + 1) & (ix->n_slots - 1);
	ix->slots[s] = i + 1;
}

/* Room for one more: at most 3/4 of the slots are taken. */
static int slots_grow(struct chunk_index *ix)
{
	if (ix->n < ix->n_slots / 4 * 3)
		return 0;
	uint32_t n = ix->n_slots ? ix->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots = n > ix->n_slots ? calloc(n, sizeof(*slots)) : NULL;
	if (!slots)
		return ERR_NO_MEMORY;
	free(ix->slots);
	ix->slots = slots;
	ix->n_slots = n;
	for (uint32_t i = 0; i < ix->n; i++)
		slot_fill(ix, i);
	return 0;
}

static int blocks_grow(struct chunk_index *ix)
{
	if (ix->n < ix->n_blocks * INDEX_BLOCK)
		return 0;
	struct chunk_entry **blocks = realloc(ix->blocks, (ix->n_blocks + 1) * sizeof(struct chunk_entry *));
	if (!blocks)
		return ERR_NO_MEMORY;
	ix->blocks = blocks;
	blocks[ix->n_blocks] = malloc(INDEX_BLOCK * sizeof(struct chunk_entry));
	if (!blocks[ix->n_blocks])
		return ERR_NO_MEMORY;
	ix->n_blocks++;
	return 0;
}

int chunk_index_add(struct chunk_index *ix, const struct chunk_id *id, uint32_t pack, uint32_t offset)
{
	int r = ix->n >= INDEX_MAX ? ERR_TOO_BIG : slots_grow(ix);
	if (r == 0)
		r = blocks_grow(ix);
	if (r)
		return r;
	struct chunk_entry *e = chunk_index_at(ix, ix->n);
	memcpy(e->key, id->b, CHUNK_KEY_SIZE);
	e->pack = pack;
	e->offset = offset;
	slot_fill(ix, ix->n++);
	return 0;
}
