/* The pairs of one scope, taken at one moment, as runs in the repository, and the bodies that they name. One thread. */
#ifndef BACKUP_DUMP_H
#define BACKUP_DUMP_H

#include "backup/chunk_list.h"
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
/* 0, also when some values cannot be read (unread); ERR_NOT_FOUND: the scope is empty; the store's and the repository's codes. fini in any case. dump_read takes what a read looks at, of that kind, and answers
 * ERR_RETRY when the read did; dump_scope begins a read, again if need be. Both give way to whoever commits (pace). */
int dump_read(struct store_read *read, enum store_scope_kind kind, struct repository *r, struct pace *pace, struct dump *out);
int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct pace *pace, struct dump *out);
void dump_fini(struct dump *d);

#endif
