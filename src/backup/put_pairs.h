/* Pairs into a store, many in a commit. One thread. */
#ifndef BACKUP_PUT_PAIRS_H
#define BACKUP_PUT_PAIRS_H

#include "base/buf.h"
#include "store/store.h"

struct put_pairs {
	struct store *store;
	struct store_scope scope;
	struct buf run;                       /* pairs as in pairs.h; fini when done */
	size_t n;
};
int put_pairs_add(struct put_pairs *p, struct str key, struct str value);
int put_pairs_end(struct put_pairs *p);   /* what is left */

#endif
