/* A new index of what can still be read of a damaged one. Reads data.mdb by index_page.h, writes a fresh one beside it, keeps the damaged file in
 * quarantine/, and swaps by rename: killed at any moment, it can be run again. One thread; nobody else may have the store open.
 */
#ifndef STORE_ENGINE_LMDB_SALVAGE_H
#define STORE_ENGINE_LMDB_SALVAGE_H

#include "store/engine_lmdb/index_inspect.h"

#include <lmdb.h>

enum salvage_table { SALVAGE_ASIDE, SALVAGE_COUNTERS, SALVAGE_DEAD, SALVAGE_KV, SALVAGE_MOVED, SALVAGE_SEGMENTS, SALVAGE_SUMS, SALVAGE_TAGS, SALVAGE_VERSIONS, SALVAGE_WOUNDS };

/* The whole of it. 0; ERR_BUSY: a process has the store open; otherwise nothing has changed. Tells through fn what was kept, what came from older pages, and
 * what is lost. */
int index_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e);

/* ---- parts ---- */

#define VERSION_LOST ((uint64_t)1 << 32)          /* for a scope whose own is lost: more commits than it can have had; beyond an old one, likewise */

struct salvage_hole {
	struct str from, to;                          /* from malloc */
	bool leaf;                                    /* the records are damaged; otherwise the way to them, and they lie somewhere else in the file */
};
struct salvage {
	const char *dir;
	store_report_fn *fn;
	void *arg;
	struct index_picture picture;
	bool no_file;                                 /* there was none to read */

	MDB_env *env;                                 /* the new one */
	MDB_txn *txn;
	MDB_dbi table[INDEX_TABLES];
	unsigned puts;                                /* in the transaction */
	size_t bytes;                                 /* of keys and values in it */

	struct index_walk walk;
	enum salvage_table now;                       /* which table is being read */
	bool tables_known[INDEX_TABLES];
	struct index_table tables[INDEX_TABLES];
	struct {
		struct salvage_hole *v;
		size_t n, cap;
	} holes[INDEX_TABLES];
	bool main_hole;
	uint64_t kept[INDEX_TABLES], old[INDEX_TABLES], refused;
	int failed;
};

/* salvage_new.c: the new index. */
int salvage_new_begin(struct salvage *s, struct err *e);
/* A pair that is not there yet: 1 put, 0 was there, or an error. */
int salvage_put(struct salvage *s, enum salvage_table t, struct str key, struct str value);
/* Rows that can be derived, and the notes of what was lost. */
int salvage_complete(struct salvage *s);
int salvage_new_commit(struct salvage *s, struct err *e);
void salvage_new_abort(struct salvage *s);

/* salvage_old.c: pages that no tree reaches. */
bool salvage_plausible(enum salvage_table t, struct str key, struct str value);
/* The table tree of the newest commit when the meta pages cannot tell: false when none is found. */
int salvage_find_main(struct salvage *s, struct index_table *out, bool *found_out);
/* Fills holes from pages that were in use before, the newest first. */
int salvage_old_pages(struct salvage *s);
/* Whether the key lies in a hole of the table that pages of this age may fill. */
bool salvage_in_hole(const struct salvage *s, enum salvage_table t, struct str key, bool given_back);

#endif
