/* The pairs of one scope, taken at one moment, as runs in the repository, and the bodies that they name. One thread. */
#ifndef BACKUP_DUMP_H
#define BACKUP_DUMP_H

#include "backup/chunk_list.h"
#include "store/store.h"

struct blob_ids {
	store_blob_id *v;
	size_t n, cap;
};

struct dump {
	struct chunk_list runs;
	struct blob_ids blobs;                /* ascending, each once */
	uint64_t version, messages, damaged, bytes;      /* bytes: of the pairs */
};
/* 0; ERR_NOT_FOUND: the scope is empty; the store's and the repository's codes. fini in any case. */
int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct dump *out);
void dump_fini(struct dump *d);

#endif
