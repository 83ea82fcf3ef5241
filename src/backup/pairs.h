/* A scope's pairs as chunks: runs of them, cut at places that the keys choose, so that of a scope that changed a little most runs are the same bytes
 * again, and cost nothing. One thread. */
#ifndef BACKUP_PAIRS_H
#define BACKUP_PAIRS_H

#include "backup/chunk_list.h"

struct pairs_out {
	struct repository *repository;
	struct chunk_list *runs;              /* out: added to */
	struct buf run;                       /* fini when done */
};
/* In order of keys. 0 or an error of the repository. */
int pairs_add(struct pairs_out *o, struct str key, struct str value);
int pairs_end(struct pairs_out *o);

/* Visits the pairs of one run; fn's value, if not 0, ends it and is returned. ERR_CORRUPT. */
typedef int pairs_fn(void *arg, struct str key, struct str value);
int pairs_each(struct str run, pairs_fn *fn, void *arg);

#endif
