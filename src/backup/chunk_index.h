/* Which chunk lies where, in memory: 32 bytes for each and 5 to 11 for finding it, so 37 to 43. Of an id the first 24 bytes are kept: two chunks
 * that share those are taken for one (2^96 steps to make such a pair). One thread. */
#ifndef BACKUP_CHUNK_INDEX_H
#define BACKUP_CHUNK_INDEX_H

#include "backup/repository.h"

#define CHUNK_KEY_SIZE 24
#define CHUNK_NONE UINT32_MAX

struct chunk_entry {
	uint8_t key[CHUNK_KEY_SIZE];
	uint32_t pack;                                /* a number that only the caller knows */
	uint32_t offset;
};

struct chunk_index {
	struct chunk_entry **blocks;                  /* of INDEX_BLOCK entries each, so that growing copies nothing */
	uint32_t n, n_blocks;
	uint32_t *slots;                              /* 1 + the number of an entry; 0: empty */
	uint32_t n_slots;                             /* a power of two, or 0 */
};

void chunk_index_fini(struct chunk_index *ix);    /* leaves an empty usable one; zero-initialise */
/* The number of its entry, which it keeps, or CHUNK_NONE. */
uint32_t chunk_index_find(const struct chunk_index *ix, const struct chunk_id *id);
struct chunk_entry *chunk_index_at(const struct chunk_index *ix, uint32_t i);     /* stays there until chunk_index_fini */
/* Adds one that is not there (that is the caller's word). ERR_NO_MEMORY, ERR_TOO_BIG (2^31 chunks). */
int chunk_index_add(struct chunk_index *ix, const struct chunk_id *id, uint32_t pack, uint32_t offset);

#endif
