/* The pairs of one scope, taken at one moment, as runs in the repository, and the bodies that they name. One thread. */
#ifndef BACKUP_DUMP_H
#define BACKUP_DUMP_H

#include "backup/chunk_list.h"
#include "backup/growth.h"
#include "backup/pace.h"
#include "store/store.h"

struct blob_ids {
	store_blob_id *v;
	size_t n, cap;
};

struct dump {
	struct chunk_list runs;
	struct blob_ids blobs;                /* ascending, each once */
	uint64_t version, messages, damaged, bytes;      /* bytes: of the pairs */
	uint64_t unread;                      /* values that fail their checksums in the store, and are not in the runs */
	struct buf unread_keys;               /* the first of their keys, to be shown */
};
#define DUMP_OVER 1                       /* the index grew too much meanwhile: nothing of it counts */
/* 0, also when some values cannot be read (unread); ERR_NOT_FOUND: the scope is empty; the store's and the repository's codes. fini in any case. dump_read takes what a read
 * looks at, of that kind, and answers ERR_RETRY when the read did, DUMP_OVER when the growth went beyond its bound. dump_scope begins a read, again if need be; when the
 * index grows by more than that under one, another goes on from there if the scope has not changed, and the last of DUMP_TRIES has no bound. Both give way to
 * whoever commits (pace). */
int dump_read(struct store_read *read, enum store_scope_kind kind, struct repository *r, struct pace *pace, struct growth *growth, struct dump *out);
int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct pace *pace, uint64_t growth_max, struct dump *out);
void dump_fini(struct dump *d);

#endif
