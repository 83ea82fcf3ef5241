/* A snapshot read back: what is in it, the pairs of a scope, bodies. One thread. */
#ifndef BACKUP_PAST_H
#define BACKUP_PAST_H

#include "backup/bodies.h"
#include "backup/moment.h"
#include "backup/pairs.h"

struct past {
	struct repository *repository;
	struct arena arena;
	struct moment moment;
	char skipped[SNAPSHOT_ID_MAX];        /* a newer snapshot, which cannot be read; empty: none */
};
/* at: a snapshot's id, or NULL: the newest of everything; with user, the newest that has a set with that name in it counts too, but for those that were made before a restore: so
 * a restore that was killed and is done again goes on towards the same moment. ERR_NOT_FOUND. Close in any case. */
int past_open(struct repository *r, const char *at, struct str user, struct past *out, struct err *e);
void past_close(struct past *p);

/* In order of keys; fn's value, if not 0, ends it and is returned. */
int past_pairs(struct past *p, const struct moment_scope *s, pairs_fn *fn, void *arg);

/* The same without those that are lost in the repository: *lost_out of *runs_out runs. When nobody knows any more which runs there were, that is one, and lost. */
int past_pairs_left(struct past *p, const struct moment_scope *s, pairs_fn *fn, void *arg, uint64_t *lost_out, uint64_t *runs_out);
bool past_is_lost(int code);              /* as opposed to: the disk or memory failed just now */

/* Bodies of one scope. Read in order of their ids each chunk is read once. */
struct past_chunk {
	struct buf bytes;
	uint64_t used;
	uint32_t chunk;
};
struct past_bodies {
	struct repository *repository;
	struct bodies bodies;
	struct past_chunk *cached;            /* private */
	uint64_t uses;
};
int past_bodies_open(struct past *p, const struct moment_scope *s, struct past_bodies *out);
void past_bodies_close(struct past_bodies *b);
/* Appends. ERR_NOT_FOUND: it is not in the backup. */
int past_body(struct past_bodies *b, store_blob_id blob, struct buf *out);

#endif
