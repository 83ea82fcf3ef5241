/* What an engine must do. store.c checks arguments and dispatches here, so an engine sees only sane input: keys of 1 to
 * STORE_KEY_MAX bytes, bounds of at most STORE_KEY_MAX + 1, values and blobs within their limits, known scope kinds, no
 * writes on a read-only store. Every slot must be filled; none may be NULL. Return values are those of store.h.
 *
 * The structs below are the first member of what an engine allocates; the engine fills them.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

struct store {
	const struct engine *engine;
	bool read_only;
};
struct store_read {
	struct store *store;
};
struct store_iter {
	struct store *store;
};
struct store_hold {
	struct store *store;
};
struct store_write {
	struct store *store;
};

struct engine {
	const char *name;

	/* Frees the store; cannot fail. No other call is running or follows. */
	void (*close)(struct store *s);

	/* May fail; then *out is NULL. */
	int (*begin)(struct store *s, struct store_scope scope, struct store_read **out);
	int (*begin_all)(struct store *s, struct store_read **out);
	/* Cannot fail. Only of a read that begin_all made. */
	void (*turn)(struct store_read *r, struct store_scope scope);
	/* Cannot fail. Iterators of the read may still be open: they die here. */
	void (*end)(struct store_read *r);
	/* Cannot fail. */
	uint64_t (*version)(struct store_read *r);
	/* May fail; then *value_out is empty. */
	int (*get)(struct store_read *r, struct str key, struct str *value_out);
	/* May fail; then *out is NULL. Copies the bounds. */
	int (*range)(struct store_read *r, struct str from, struct str to, bool reverse, struct store_iter **out);
	/* 1, 0 or an error; after 0 or an error it may be called again and answers the same. */
	int (*next)(struct store_iter *it, struct str *key_out, struct str *value_out);
	void (*iter_end)(struct store_iter *it);
	/* Never older than a commit that has returned in this process. Answers 0 where it cannot know. */
	uint64_t (*scope_version)(struct store *s, struct store_scope scope);
	/* Cannot fail: at worst an older level. Inside a closure: the same until the closure ends. */
	unsigned (*level)(struct store *s);
	unsigned (*write_level)(struct store_write *w);
	int (*raise_level)(struct store *s, unsigned level);

	/* Fills every ops[i].result. All closures have run for the last time when it returns. */
	void (*commit_all)(struct store *s, struct store_op *ops, size_t n);

	/* Inside a closure. After an error other than ERR_NOT_FOUND the engine lets the whole transaction fail, whatever
	 * the closure returns. */
	int (*wget)(struct store_write *w, struct str key, struct str *value_out);
	int (*put_reserve)(struct store_write *w, struct str key, size_t n, char **place_out);
	int (*del)(struct store_write *w, struct str key);
	int (*del_range)(struct store_write *w, struct str from, struct str to, uint64_t *n_out);   /* n_out is not NULL */
	int (*wfind)(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
				 struct str *value_out);

	int (*watch)(struct store *s, struct store_scope scope, store_watch_fn *fn, void *arg, struct store_watch **out);
	/* Cannot fail; waits for a running callback. */
	void (*unwatch)(struct store *s, struct store_watch *w);

	/* May fail; then *out is 0. */
	int (*blob_put)(struct store *s, const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
					size_t n_tags, store_blob_id *out);
	/* May fail; then *out is an empty view. */
	int (*blob_map)(struct store *s, store_blob_id id, struct store_blob_view *out);
	/* Cannot fail. */
	void (*blob_unmap)(struct store *s, struct store_blob_view *v);
	/* Cannot fail. */
	bool (*blob_intact)(struct store *s, const struct store_blob_view *v);
	/* May fail part of the way: what was done stays done, and it may be repeated. */
	int (*blob_tag)(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool add);
	int (*blob_tagged)(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out);
	int (*blob_visit)(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg);

	/* May fail; then *out is NULL. */
	int (*hold)(struct store *s, struct store_hold **out);
	/* Cannot fail. */
	void (*release)(struct store_hold *h);
	/* Cannot fail; *out is zeroed before. */
	void (*pulse)(struct store *s, struct store_pulse *out);
	void (*gave_way)(struct store *s, uint64_t us);

	int (*patrol)(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out);
	int (*maintain)(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out);
	int (*check)(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);
	/* Cannot fail: what it cannot know is a wound. */
	bool (*wounded)(struct store *s, struct store_scope scope);
	int (*heal)(struct store *s);
	/* Cannot fail; *out is zeroed before. */
	void (*stats)(struct store *s, struct store_stats *out);
};

int engine_mem_open(const struct store_config *c, struct store **out, struct err *e);
int engine_lmdb_inspect(const struct store_config *c, store_report_fn *fn, void *arg, uint64_t *faults_out);
int engine_lmdb_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e);
int engine_lmdb_open(const struct store_config *c, struct store **out, struct err *e);

static inline bool scope_eq(struct store_scope a, struct store_scope b) { return a.kind == b.kind && a.id == b.id; }
/* A cheap spread of scopes over the slots of a table; not secret. */
static inline uint64_t scope_hash(struct store_scope s)
{
	uint64_t h = (s.id ^ (uint64_t)s.kind << 56) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

#endif
