/* Where the bodies of a scope lie in the repository. Small bodies are gathered, many in a chunk; large ones are cut into pieces. One thread. */
#ifndef BACKUP_BODIES_H
#define BACKUP_BODIES_H

#include "backup/chunk_list.h"
#include "store/store.h"

/* A piece of a body. Those of one body stand together, in order. */
struct body {
	store_blob_id blob;
	uint32_t chunk;                       /* in bodies.chunks */
	uint32_t at, size;                    /* octets in it */
};
struct bodies {
	struct body *v;                       /* ascending by blob */
	size_t n, cap;
	struct chunk_list chunks;
};
void bodies_fini(struct bodies *b);
/* 0 or ERR_NO_MEMORY. The blob is not less than the last one's. */
int bodies_add(struct bodies *b, struct body body);
/* The first piece, b->n when there is none; the others follow it. */
size_t bodies_find(const struct bodies *b, store_blob_id blob);

/* As chunks, cut where the blobs choose. */
int bodies_put(const struct bodies *b, struct repository *r, struct chunk_list *tables);
/* Adds what a table says. ERR_CORRUPT. */
int bodies_decode(struct str table, struct bodies *b);
/* All of a holding's tables. */
int bodies_load(struct repository *r, const struct chunk_list *tables, struct bodies *b);

/* Gathering: bodies come in, ascending, are put, and stand in `out` (with those that the caller adds in between). */
struct gather {
	struct repository *repository;
	struct bodies *out;
	struct buf bytes;                     /* of the chunk that is not put yet; fini when done */
	uint32_t chunk;                       /* its place */
};
int gather_add(struct gather *g, store_blob_id blob, struct str body);
int gather_end(struct gather *g);

#endif
