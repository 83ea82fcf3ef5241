/* The engine over LMDB (ordered keys) and segment files (blobs). Private to this folder. The layout on disk is
 * described in doc/format/store.md. Lock ranks, outermost first: maintenance, the lead of a blob appender, the
 * lead of commits, LMDB's writer lock, then the leaf mutexes, none of which is held while another is taken.
 */
#ifndef STORE_ENGINE_LMDB_LMDB_STORE_H
#define STORE_ENGINE_LMDB_LMDB_STORE_H

#include "store/combine.h"
#include "store/engine.h"
#include "store/engine_lmdb/version_cache.h"
#include "store/limits.h"
#include "store/watch_table.h"

#include <lmdb.h>

#define SCOPE_PREFIX 9                            /* kind, id big-endian: stands before each key */
#define FULL_KEY_MAX (SCOPE_PREFIX + STORE_KEY_MAX + 1)

struct lmdb_read;
struct bell;
struct pulse;
struct blob_area;

struct lmdb_store {
	struct store base;
	bool no_sync;
	char *dir;                                    /* where FORMAT is */
	atomic_uint level;                            /* known; it may have risen since */
	MDB_env *env;
	MDB_dbi kv, versions;                         /* scope + key -> value; scope -> le64 */
	MDB_dbi counters, segments, tags, dead, moved;   /* of blobs: blob_index.h */
	MDB_dbi aside, wounds;                        /* of repairs: wounds.c; 0 when opened read-only and there are none */
	MDB_dbi sums;                                 /* of the values of the system scope: sums.h; 0 likewise */

	struct combiner commits;
	struct version_cache *cache;
	struct watch_table watches;
	struct bell *bell;                            /* news from other processes */
	uint64_t heard_txn;                           /* what of it was looked at; the bell's thread alone */
	struct pulse *pulse;                          /* what processes share; NULL: nothing */
	struct blob_area *blobs;

	char *index_path;
	void *index_map;                              /* where LMDB mapped it; NULL: not known */
	size_t index_mapped;
	uint64_t map_size;
	pthread_mutex_t reads_lock;                   /* guards what follows, and env against being opened again */
	struct lmdb_read *idle_reads;                 /* reset transactions, kept for reuse */
	size_t active_reads;
	bool broken;                                  /* LMDB has given up: env must be opened again */

	unsigned patrol_table;                        /* how far index_patrol.c came: the table, and the key in it (none: its first) */
	size_t patrol_key_n;
	uint8_t patrol_key[512];

	atomic_uint_fast64_t n_commits, n_groups;
};

static inline struct lmdb_store *lmdb_of(struct store *s) { return (struct lmdb_store *)s; }
static inline struct str str_of_val(MDB_val v) { return str_make(v.mv_data, v.mv_size); }
/* LMDB takes keys and values by pointers that are not const, and leaves them alone. */
static inline MDB_val val_of_str(struct str s)
{
	return (MDB_val){ .mv_size = s.n, .mv_data = (void *)(uintptr_t)s.p };
}

/* A key with its scope before it. */
struct full_key {
	size_t n;
	uint8_t bytes[FULL_KEY_MAX];
};
void full_key_make(struct full_key *k, struct store_scope scope, struct str key);
/* The first key beyond the scope; n is 0 when there is none. */
void full_key_scope_end(struct full_key *k, struct store_scope scope);
static inline MDB_val full_key_val(struct full_key *k) { return (MDB_val){ .mv_size = k->n, .mv_data = k->bytes }; }

/* LMDB's and errno's codes in ours. */
int lmdb_code(int mdb_code);

/* Moves the cursor to the first pair of from <= key < to, or the last when reverse. MDB_SUCCESS or MDB_NOTFOUND or an
 * error. */
int cursor_find(MDB_cursor *c, const struct full_key *from, const struct full_key *to, bool reverse, MDB_val *key,
				MDB_val *value);

/* env.c */
/* fresh: the store is only being made, so an index that was never begun right may be in the way: it is set aside. */
int index_open(struct lmdb_store *s, const struct store_config *c, bool fresh, struct err *e);
void index_close(struct lmdb_store *s);           /* nothing when not opened */
/* The number of the newest transaction; 0 when it cannot be known. */
uint64_t index_newest(struct lmdb_store *s);
/* When the disk refuses a root page LMDB cannot know what is on it and refuses all further work. */
bool index_is_broken(struct lmdb_store *s);
/* Opens it again, for the leader of commits alone, and only while no read is active. LMDB's codes. */
int index_reopen(struct lmdb_store *s);

/* wounds.c */
bool lmdb_wounded(struct store *s, struct store_scope scope);
int lmdb_heal(struct store *s);
/* In a closure: the record of this whole key may be missing. */
struct lmdb_write;
int lmdb_note_wound(struct lmdb_write *w, struct str key);
uint64_t lmdb_count_wounds(struct lmdb_store *s);
/* What of a segment is known to be damaged, and in quarantine: `at` is a place, or number << 32 for the file as a whole. */
bool lmdb_is_aside(struct lmdb_store *s, uint64_t at, uint64_t size);
int lmdb_note_aside(struct lmdb_store *s, uint64_t at, uint64_t size);

/* index_patrol.c */
int lmdb_patrol(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out);

/* resident.c */
void resident_find_index(struct lmdb_store *s);   /* after each open */
void resident_trim(struct lmdb_store *s);         /* lets go of pages that are mapped */

/* read.c */
int lmdb_begin(struct store *s, struct store_scope scope, struct store_read **out);
int lmdb_begin_all(struct store *s, struct store_read **out);
void lmdb_turn(struct store_read *r, struct store_scope scope);
void lmdb_end(struct store_read *r);
uint64_t lmdb_version(struct store_read *r);
int lmdb_get(struct store_read *r, struct str key, struct str *value_out);
int lmdb_range(struct store_read *r, struct str from, struct str to, bool reverse, struct store_iter **out);
int lmdb_next(struct store_iter *it, struct str *key_out, struct str *value_out);
void lmdb_iter_end(struct store_iter *it);
uint64_t lmdb_scope_version(struct store *s, struct store_scope scope);
/* A read transaction for the engine's own tables; give it back with lmdb_end. */
int lmdb_begin_raw(struct lmdb_store *s, struct store_read **out, MDB_txn **txn_out);
void lmdb_reads_fini(struct lmdb_store *s);

/* write.c: inside closures */
struct lmdb_write {
	struct store_write base;
	MDB_txn *txn;
	MDB_cursor *cursor;                           /* opened at first need */
	struct store_scope scope;
	bool changed;
	unsigned level;                               /* once it was asked for, else 0 */
	int failed;                                   /* an error of LMDB, which spoils the transaction */
	int refused;                                  /* a value that fails its sum, which spoils what this closure does */
	char *waiting;                                /* a place that was given out: its value has no sum yet. NULL: none */
	size_t waiting_n;
	struct full_key waiting_key;
};
/* The sum of what was put last, now that it is filled in: before anything else is done in the transaction. 0 or what spoils it. */
int lmdb_write_settle(struct lmdb_write *w);
int lmdb_wget(struct store_write *w, struct str key, struct str *value_out);
int lmdb_put_reserve(struct store_write *w, struct str key, size_t n, char **place_out);
int lmdb_del(struct store_write *w, struct str key);
int lmdb_del_range(struct store_write *w, struct str from, struct str to, uint64_t *n_out);
int lmdb_wfind(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
			   struct str *value_out);

/* level.c */
unsigned lmdb_level(struct store *s);
unsigned lmdb_write_level(struct store_write *w);
int lmdb_raise_level(struct store *s, unsigned level);
/* The row that tells other processes; a new store has it too (from level 3 on), so that a bit that flips in FORMAT is noticed. */
int level_note(struct lmdb_store *s, unsigned level);
unsigned level_noted(struct lmdb_store *s);       /* 0: there is none */

/* commit.c */
void lmdb_commit_all(struct store *s, struct store_op *ops, size_t n);
/* A closure over the engine's own tables; shares groups with everybody's. It runs under the rules of store_commit_fn,
 * sets w->changed when it wrote, and returns through raw_fail what LMDB could not do. Nothing but the result of fn
 * comes back. */
typedef int lmdb_raw_fn(struct lmdb_write *w, void *arg);
int lmdb_commit_raw(struct lmdb_store *s, lmdb_raw_fn *fn, void *arg);
/* Notes an LMDB error inside a closure; MDB_NOTFOUND is no failure. Returns our code. */
int write_fail(struct lmdb_write *w, int mdb_code);
extern const struct combine_ops lmdb_commit_ops;

#endif
