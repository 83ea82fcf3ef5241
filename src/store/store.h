/* Durable bytes: transactions on ordered keys inside a scope, immutable blobs beside them, and hints when something
 * changed. What keys mean is known only above (model, directory, queue). Engines: mem (defines correct behaviour),
 * lmdb.
 *
 * Threads: every function may be called from any thread, except that one store_read or store_write belongs to the
 * thread that began it. Other processes may hold the same directory open at the same time (the command line beside the
 * server).
 *
 * Scopes: a transaction lives in one scope; there is no atomicity across scopes, nor between a scope and a blob. Order
 * the steps so that a crash in between leaves garbage, never loss: put or tag the blob, then commit what refers to it;
 * commit what forgets it, then untag. Reading can be of one moment of all scopes: store_begin_all.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_read;
struct store_write;
struct store_iter;
struct store_watch;

#define STORE_KEY_MAX 400                         /* bytes of a key within its scope, at least 1 */
#define STORE_VALUE_MAX ((size_t)1 << 20)         /* bytes of a value; over 2,000 costs whole pages */
#define STORE_BLOB_MAX ((size_t)64 << 20)         /* bytes of one blob */
#define STORE_TAGS_MAX 4096                       /* owner tags named in one call */

enum store_scope_kind { STORE_SYSTEM = 1, STORE_ACCOUNT = 2, STORE_QUEUE = 3 };
struct store_scope {
	enum store_scope_kind kind;
	uint64_t id;                                  /* 0 for STORE_SYSTEM; an account's id; a queue shard */
};

enum store_engine { STORE_ENGINE_MEM, STORE_ENGINE_LMDB };
/* The level of a store says which records may be in it. A program reads all levels up to its newest one and writes those of the store's own level, so
 * an older program can go on with the store until the operator has raised it (troika upgrade confirm); from then on it refuses. New stores have the newest. */
#define STORE_LEVEL_NEWEST 3u                     /* 1: up to Troika's third stop; 2: deleted mail is kept (model/bin.h); 3: versions have checksums, deleted mailboxes keep their lists */

struct store_config {
	enum store_engine engine;
	const char *dir;                              /* LMDB: must exist; holds everything the store owns */
	bool create;                                  /* make a new store where there is none (otherwise ERR_NOT_FOUND) */
	bool read_only;                               /* commits and puts answer ERR_DENIED */
	bool no_sync;                                 /* benchmarks of something else: promises nothing after a crash */
	uint64_t map_size;                            /* LMDB: address space reserved, bytes; 0: a default (256 GB) */
	uint64_t segment_size;                        /* blobs: a segment is closed beyond this, bytes; 0: 256 MB */
	unsigned level;                               /* of a store that is made, for tests; 0: the newest */
	uint64_t inspect_bytes;                       /* LMDB: an index up to this size is looked through before it is opened; 0: 1 GB */
};

/* Opens; on failure *out is NULL and the error names cause and cure. ERR_VERSION: written by a newer program. */
int store_open(const struct store_config *c, struct store **out, struct err *e);
/* Waits for running commits; no reads, watches or blob views may be left. Accepts NULL. */
void store_close(struct store **s);

/* The level now: it may rise while the store is open, by another process too, and never falls. Cheap. Within a closure of a commit the answer holds for
 * that commit. */
unsigned store_level(struct store *s);
unsigned store_write_level(struct store_write *w);
/* Durable when it returns; ERR_INVALID: above the newest, or below the present one. */
int store_raise_level(struct store *s, unsigned level);

/* ---- reading ---- */

/* Begins at the newest committed version of the scope. All bytes that the read returns stay valid until store_end; keep
 * it short (it pins old pages), never across socket I/O. 0, ERR_NO_MEMORY, ERR_IO, ERR_BUSY (too many readers). */
int store_begin(struct store *s, struct store_scope scope, struct store_read **out);
void store_end(struct store_read **r);            /* accepts NULL */
/* The same at one moment of all scopes. When a commit is in it, so is every commit, of whatever scope and process, that had returned before that one was begun;
 * of those that ran at the same time any may be in it. It looks at STORE_SYSTEM; store_turn has it look at another scope, and ends its iterators. The bytes
 * that it returned stay. It pins old pages like any other, so whoever has much to read watches how the index grows (store_stats, map_used). */
int store_begin_all(struct store *s, struct store_read **out);
void store_turn(struct store_read *r, struct store_scope scope);
/* How often the scope was committed; grows by at least one with each commit that changed it; 0 when never written. */
uint64_t store_version(struct store_read *r);
/* 0, ERR_NOT_FOUND, ERR_RETRY (begin again), ERR_IO, ERR_CORRUPT. */
int store_get(struct store_read *r, struct str key, struct str *value_out);

/* Visits keys k with from <= k < to in order (reverse: descending). An empty `to` means to the end of the scope. The
 * iterator dies with its read at the latest. next: 1 and a pair, 0 at the end, or an error; ERR_CORRUPT with a key that is not empty: this one value fails its
 * checksum, and the next call goes on behind it. Not affected by writes. */
int store_range(struct store_read *r, struct str from, struct str to, bool reverse, struct store_iter **out);
int store_next(struct store_iter *it, struct str *key_out, struct str *value_out);
void store_iter_end(struct store_iter **it);

/* The newest committed version of a scope, without beginning a read (cheap: no transaction where the engine can). */
uint64_t store_scope_version(struct store *s, struct store_scope scope);

/* ---- writing ---- */

/* What a commit does. Runs inside the transaction, in any thread, perhaps more than once; it has no effect outside
 * `arg` and the transaction, sets all its results anew each time, and must not block or call the store otherwise.
 * Returns 0, or a negative code: then nothing of it remains, its neighbours in the group are untouched, and the code is
 * returned to the caller. */
typedef int store_commit_fn(struct store_write *w, void *arg);

struct store_op {
	struct store_scope scope;
	store_commit_fn *fn;
	void *arg;
	int result;                                   /* out: as store_commit's return */
};

/* Runs fn in one transaction and returns when it is durable. Commits that wait are merged: one sync for many. 0; what
 * fn returned; ERR_NO_SPACE, ERR_IO, ERR_NO_MEMORY (nothing happened); ERR_UNKNOWN (settle it by a commit that looks;
 * of the embedded engine only when the disk failed under the very last write of a commit). */
int store_commit(struct store *s, struct store_scope scope, store_commit_fn *fn, void *arg);
/* Submits many at once and waits for all: each stands alone (own result), but they share syncs. Returns the first
 * non-zero result, else 0. */
int store_commit_all(struct store *s, struct store_op *ops, size_t n);

/* Inside fn. Bytes returned stay valid until the next put or del of this write, or its end. */
int store_wget(struct store_write *w, struct str key, struct str *value_out);
/* The value must not be bytes that w has returned: copy them first. ERR_INVALID (key), ERR_TOO_BIG (value), or what
 * ends the transaction: then fn had better return it too. */
int store_put(struct store_write *w, struct str key, struct str value);
/* Puts a value of n bytes and gives the place to fill it in before the next call on w. */
int store_put_reserve(struct store_write *w, struct str key, size_t n, char **place_out);
int store_del(struct store_write *w, struct str key);                     /* 0 also when absent */
/* Deletes all keys from <= k < to; *n_out may be NULL. */
int store_del_range(struct store_write *w, struct str from, struct str to, uint64_t *n_out);
/* First pair with from <= key < to (or last, when reverse): 1, 0 when none, or an error. For walking: call again with
 * the key's successor (append a NUL byte); deleting and putting in between is allowed. */
int store_wfind(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
				struct str *value_out);

/* ---- watching ---- */

/* A hint that a scope may have changed by any thread or process: perhaps late, doubled or missing, so compare versions.
 * Called after the commit is durable, from any thread, with no store lock held; must be quick and must not block. */
typedef void store_watch_fn(void *arg, struct store_scope scope, uint64_t version);
int store_watch(struct store *s, struct store_scope scope, store_watch_fn *fn, void *arg, struct store_watch **out);
/* When it returns, the callback is not running and will not run again. Not from within the callback. */
void store_unwatch(struct store *s, struct store_watch **w);

/* ---- blobs ---- */

/* Immutable bytes with an id that is never used twice. 0 is no blob. */
typedef uint64_t store_blob_id;
/* Who needs the blob: a scope. A blob without tags may be dropped after a grace time. */
typedef uint64_t store_tag;
static inline store_tag store_tag_of(struct store_scope s)
{
	return (uint64_t)s.kind << 56 | (s.id & 0xffffffffffffffu);
}

/* Stores the concatenation of the pieces and returns when durable (puts that wait share a sync). 0, ERR_TOO_BIG,
 * ERR_NO_SPACE, ERR_IO. */
int store_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, const store_tag *tags, size_t n_tags,
				   store_blob_id *out);

/* The bytes in place (zero copy where the engine can). Valid until unmap, also if the blob is dropped meanwhile; may be
 * held across socket I/O. 0, ERR_NOT_FOUND, ERR_CORRUPT (its checksum fails), ERR_IO. */
struct store_blob_view {
	struct str bytes;
	void *handle;
};
int store_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out);
void store_blob_unmap(struct store *s, struct store_blob_view *v);       /* accepts an empty view */

/* store_blob_map has read and verified all bytes; yet the kernel may drop pages of a view that is held for long, and
 * the disk may fail when they are needed again. Then the page becomes zeros instead of a SIGBUS that ends the process,
 * if this was called once at the start of the program. 0 or ERR_UNSUPPORTED. */
int store_catch_bus_errors(void);
/* False when that happened to the view (or near it): ask after the last byte was used and before telling anybody that
 * it was right, and otherwise break the answer off. */
bool store_blob_intact(struct store *s, const struct store_blob_view *v);

/* Adds or removes one owner of many blobs; idempotent; durable on return. Unknown ids are ignored by untag,
 * ERR_NOT_FOUND by tag. */
int store_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag);
int store_blob_untag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag);
/* Which of them have it: has_out[i] of ids[i]; an unknown id has none. Cheap: no walk over other blobs. */
int store_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out);
/* Visits every blob that has the tag. When tag is 0 (for troika check) every blob is visited once for each of its tags,
 * and once with tag 0 when it has none. A blob that keeps its tag from before the visit to its end is told exactly once, also when maintenance, of whatever
 * process, moves it meanwhile. fn may call the store; what it returns, if not 0, ends the visit and is returned. */
typedef int store_blob_visit_fn(void *arg, store_blob_id id, uint64_t size, store_tag tag);
int store_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg);

/* Until it is released, or the process ends, blobs that lose their last tag from now on can be read, whoever maintains the store. Room of theirs is given
 * back afterwards. 0, ERR_UNSUPPORTED, ERR_IO, ERR_NO_MEMORY. Only while the clock does not jump back. */
struct store_hold;
int store_hold(struct store *s, struct store_hold **out);
void store_release(struct store_hold **h);        /* accepts NULL */

/* ---- giving way ---- */

/* How commits and puts fare in all processes that have the store open: for who works beside them. Zeros where the engine has no syncs. */
struct store_pulse {
	uint64_t syncs;                               /* so far */
	uint64_t recent_us;                           /* what the last ones took, about */
	uint64_t waiting_us;                          /* for so long one has been under way; 0: none is */
};
void store_pulse(struct store *s, struct store_pulse *out);
/* Somebody paused for so long because they waited: counted for all processes (store_stats). */
void store_gave_way(struct store *s, uint64_t us);

/* ---- care ---- */

/* Gives back the room of dropped blobs: rewrites segments that are mostly dead. Ids do not change. Call now and then
 * from a timer; does a bounded amount of work (about max_bytes rewritten), *reclaimed_out bytes freed. */
int store_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out);

/* Reads everything and reports each fault through fn (text of one line); repair mends what can be derived and sets the
 * rest aside, never deletes. Returns 0 when the pass ran to its end, *faults_out how many were found. */
typedef void store_report_fn(void *arg, const char *line);
int store_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);

/* Looks at the files of the index without opening the store, as damage to them may bring a program down that opens it; store_open does the same, up to a
 * limit (limits.h), and refuses. Not while this process has the store open. 0 when it ran to its end; ERR_NOT_FOUND: there is no index. */
int store_inspect(const struct store_config *c, store_report_fn *fn, void *arg, uint64_t *faults_out);
/* Makes a new index of what can be read of the old one; the old one goes to quarantine/. Works too when there is none any more. May be run again after a
 * kill. ERR_BUSY: a process has it open. Where records may be missing the store is wounded from then on: run store_check with repair and what else derives
 * records, then store_heal. */
int store_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e);
/* Records of the scope may be missing, or have come back in an older state. */
bool store_wounded(struct store *s, struct store_scope scope);
int store_heal(struct store *s);

struct store_stats {
	uint64_t commits, groups, blob_puts, blob_syncs, blob_bytes, dead_bytes, segments, keys, map_used, gave_way, gave_way_us;
};
void store_stats(struct store *s, struct store_stats *out);

/* Looks through the next part of the index, at most about so many bytes, for damage that an open of a large one does not see; each call goes on where the last
 * ended. One thread at a time. 0 when it could look: *faults_out in this part, told through fn (may be NULL); *done_out: that was the last part, the next call
 * begins a new round. ERR_RETRY: too much is written at the moment. */
int store_patrol(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out);

/* ---- faults, for tests ---- */

/* Wraps a store: every call may fail as the plan says. The wrapped store is owned by the wrapper. Codes are err.h's:
 * ERR_RETRY and ERR_IO at reads; ERR_IO, ERR_NO_SPACE and ERR_UNKNOWN at commits (UNKNOWN: half of the time it did
 * happen); `twice` makes commit closures run twice. */
struct store_fault_plan {
	unsigned read_retry_percent, read_io_percent, commit_io_percent, commit_nospace_percent, commit_unknown_percent,
		twice_percent;
	uint64_t seed;
};
int store_wrap_faults(struct store **s, const struct store_fault_plan *plan);

#endif
