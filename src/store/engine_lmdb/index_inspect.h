/* Whether index/data.mdb is as LMDB writes it, told before LMDB opens it, for it crashes on a damaged page. Any thread, but never while this process has
 * the store open: closing a file drops the locks that LMDB has on it.
 */
#ifndef STORE_ENGINE_LMDB_INDEX_INSPECT_H
#define STORE_ENGINE_LMDB_INDEX_INSPECT_H

#include "store/engine_lmdb/index_walk.h"
#include "store/store.h"

#define INDEX_TABLES 10u
extern const char *const index_table_names[INDEX_TABLES];        /* in the order of their names, as they lie in the main tree */

/* data.mdb as it begins. */
struct index_picture {
	struct index_file file;
	struct index_meta meta[2];
	const char *fault[2];                         /* of the metas; NULL: it is one */
	const char *disagree;                         /* both are sound, and yet one must be wrong; NULL: they agree */
	unsigned newest;                              /* which of them LMDB would take; meaningless when both are bad */
};
/* 0; ERR_NOT_FOUND (no file), ERR_IO. The file stays open until index_picture_close, also after a failure. */
int index_picture_open(const char *dir, struct index_picture *out);
void index_picture_close(struct index_picture *p);

/* Every page that the newest commit uses, and its list of free ones: LMDB will not stumble. With a server beside it looks at the newest commit, held by a
 * reader of LMDB while that is needed. 0 when it ran to its end; ERR_NOT_FOUND: there is no data.mdb. fn may be NULL. */
int index_inspect(const char *dir, store_report_fn *fn, void *arg, uint64_t *faults_out);

/* Before LMDB opens it: 0, or ERR_CORRUPT with what is wrong and what to do. */
int index_guard(const struct store_config *c, struct err *e);

/* True when another process has the index open. */
bool index_in_use(const char *dir);

#endif
