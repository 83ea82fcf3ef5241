/* Read transactions. A finished one is reset and kept with its cursor, so that beginning costs no allocation and no
 * system call; LMDB gives it the newest version when it is renewed. */
#include "base/bytes.h"
#include "store/engine_lmdb/sums.h"

#include <errno.h>

/* Guesses at the machine, for speed alone. */
#define CACHE_LINE 64u
#define LEAF_BYTES 4096u

struct lmdb_iter {
	struct store_iter base;
	struct lmdb_iter *next_open;
	struct lmdb_read *read;
	MDB_cursor *cursor;
	bool reverse, started, ended;
	struct full_key from, to;         /* to.n is 0: to the end of the table */
};

struct lmdb_read {
	struct store_read base;
	struct lmdb_read *next_idle;
	MDB_txn *txn;
	struct store_scope scope;
	struct lmdb_iter *open_iters;
	struct lmdb_iter *spare_iter;     /* with its cursor, for the next use */

	bool has_got;                     /* lmdb_get has been called in this transaction: */
	MDB_cursor *getter;               /* the later calls go by this cursor, */
	bool getter_ready;                /* once it is in the transaction; */
	MDB_val getter_at;                /* the key where it is, or was before it looked ahead; in the map; or empty */
	MDB_val ahead, ahead_value;       /* what comes behind that, if it has looked; or empty */
};

static struct lmdb_read *read_of(struct store_read *r) { return (struct lmdb_read *)r; }

static void iter_free(struct lmdb_iter *it)
{
	if (it && it->cursor)
		mdb_cursor_close(it->cursor);
	free(it);
}

static void read_free(struct lmdb_read *r)
{
	iter_free(r->spare_iter);
	if (r->getter)
		mdb_cursor_close(r->getter);
	mdb_txn_abort(r->txn);
	free(r);
}

/* A new reader slot; when all are taken, those of processes that died are freed first. LMDB's codes. */
static int read_create(struct lmdb_store *s, struct lmdb_read **out)
{
	struct lmdb_read *r = calloc(1, sizeof *r);
	if (!r)
		return ENOMEM;
	r->base.store = &s->base;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn);
	if (rc == MDB_READERS_FULL) {
		int freed = 0;
		mdb_reader_check(s->env, &freed);
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn);
	}
	if (rc) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

/* LMDB notes the newest transaction's number, then copies the root that belongs to it; a thread that sleeps between the
 * two for two commits gets the root of number + 2 under the name of number, perhaps before that commit is durable. */
static bool read_is_torn(struct lmdb_store *s, const struct lmdb_read *r)
{
	MDB_envinfo info;
	mdb_env_info(s->env, &info);
	return info.me_last_txnid > mdb_txn_id(r->txn) + 1;
}

static void read_put(struct lmdb_store *s, struct lmdb_read *r)
{
	pthread_mutex_lock(&s->reads_lock);
	s->active_reads--;
	if (r) {
		r->next_idle = s->idle_reads;
		s->idle_reads = r;
	}
	pthread_mutex_unlock(&s->reads_lock);
}

/* A read at the newest version, counted as active. MDB_PANIC: the environment must be opened again. */
static int read_try(struct lmdb_store *s, struct lmdb_read **out)
{
	*out = NULL;
	pthread_mutex_lock(&s->reads_lock);
	if (s->broken) {
		pthread_mutex_unlock(&s->reads_lock);
		return MDB_PANIC;
	}
	struct lmdb_read *r = s->idle_reads;
	if (r)
		s->idle_reads = r->next_idle;
	s->active_reads++;
	pthread_mutex_unlock(&s->reads_lock);
	int rc = r ? mdb_txn_renew(r->txn) : read_create(s, &r);
	while (rc == 0 && read_is_torn(s, r)) {
		mdb_txn_reset(r->txn);
		rc = mdb_txn_renew(r->txn);
	}
	if (rc == 0) {
		*out = r;
		return 0;
	}
	if (r)
		read_free(r);
	read_put(s, NULL);
	return rc;
}

static int do_nothing(struct lmdb_write *w, void *arg)
{
	(void)w, (void)arg;
	return 0;
}

static int read_get(struct lmdb_store *s, struct lmdb_read **out)
{
	int rc = read_try(s, out);
	/* The leader of a commit opens it again. */
	if (rc == MDB_PANIC && index_is_broken(s) && lmdb_commit_raw(s, do_nothing, NULL) == 0)
		rc = read_try(s, out);
	return lmdb_code(rc);
}

int lmdb_begin(struct store *s, struct store_scope scope, struct store_read **out)
{
	struct lmdb_read *r;
	int rc = read_get(lmdb_of(s), &r);
	if (rc)
		return rc;
	r->scope = scope;
	*out = &r->base;
	return 0;
}

/* One environment holds all scopes, so every transaction is a moment of them all. */
int lmdb_begin_all(struct store *s, struct store_read **out) { return lmdb_begin(s, (struct store_scope){ STORE_SYSTEM, 0 }, out); }

void lmdb_turn(struct store_read *read, struct store_scope scope)
{
	struct lmdb_read *r = read_of(read);
	while (r->open_iters)
		lmdb_iter_end(&r->open_iters->base);
	r->scope = scope;
}

int lmdb_begin_raw(struct lmdb_store *s, struct store_read **out, MDB_txn **txn_out)
{
	struct lmdb_read *r;
	int rc = read_get(s, &r);
	if (rc)
		return rc;
	*out = &r->base;
	*txn_out = r->txn;
	return 0;
}

void lmdb_end(struct store_read *read)
{
	struct lmdb_read *r = read_of(read);
	struct lmdb_store *s = lmdb_of(read->store);
	while (r->open_iters)
		lmdb_iter_end(&r->open_iters->base);
	r->has_got = r->getter_ready = false;
	r->getter_at = r->ahead = (MDB_val){ 0 };
	mdb_txn_reset(r->txn);
	read_put(s, r);
}

void lmdb_reads_fini(struct lmdb_store *s)
{
	for (struct lmdb_read *r = s->idle_reads, *next; r; r = next) {
		next = r->next_idle;
		read_free(r);
	}
	s->idle_reads = NULL;
}

/* 0: there is none, or it is not known (the next commit makes a new one). */
static uint64_t version_in(struct lmdb_store *s, MDB_txn *txn, struct store_scope scope)
{
	uint64_t version;
	version_get(s, txn, scope, &version);
	return version;
}

uint64_t lmdb_version(struct store_read *read)
{
	return version_in(lmdb_of(read->store), read_of(read)->txn, read_of(read)->scope);
}

uint64_t lmdb_scope_version(struct store *store, struct store_scope scope)
{
	struct lmdb_store *s = lmdb_of(store);
	uint64_t version;
	if (version_cache_get(s->cache, scope, index_newest(s), &version))
		return version;
	/* Watchers ask from their callbacks, which must not wait for a commit: so no read_get. */
	struct lmdb_read *r;
	if (read_try(s, &r))
		return 0;
	version = version_in(s, r->txn, scope);
	version_cache_put(s->cache, scope, version, mdb_txn_id(r->txn));
	lmdb_end(&r->base);
	return version;
}

static int bound_cmp(const MDB_val *key, const struct full_key *k)
{
	return str_cmp(str_of_val(*key), str_make(k->bytes, k->n));
}

static void prefetch(const char *p, size_t n)
{
	for (size_t at = 0; at < n; at += CACHE_LINE)
		__builtin_prefetch(p + at);
}

/* Steps on, and lets memory begin to fetch what will be read there while the caller works on what it has: the record, and
 * the one that probably follows. Those that were put in order lie in a leaf from its end down, and the next leaf behind. */
static void look_ahead(struct lmdb_read *r)
{
	if (mdb_cursor_get(r->getter, &r->ahead, &r->ahead_value, MDB_NEXT)) {
		r->ahead = (MDB_val){ 0 };
		return;
	}
	const char *p = r->ahead_value.mv_data;
	size_t n = r->ahead_value.mv_size < LEAF_BYTES ? r->ahead_value.mv_size : LEAF_BYTES, at = (uintptr_t)p % LEAF_BYTES;
	prefetch(p, n);
	if (at > n + LEAF_BYTES / 8) {
		prefetch(p - n - CACHE_LINE, n + CACHE_LINE);
	} else {
		__builtin_prefetch(p - at + LEAF_BYTES);
		prefetch(p - at + 2 * LEAF_BYTES - n, n);
	}
}

/* Is k what comes next? True when the answer is known; LMDB's codes. */
static bool get_next(struct lmdb_read *r, const struct full_key *k, MDB_val *value, int *rc_out)
{
	if (r->getter_at.mv_size == 0 || bound_cmp(&r->getter_at, k) >= 0)
		return false;
	*rc_out = r->ahead.mv_size ? 0 : mdb_cursor_get(r->getter, &r->ahead, &r->ahead_value, MDB_NEXT);
	if (*rc_out && *rc_out != MDB_NOTFOUND)
		return true;                  /* a page that cannot be read is not one without the key */
	int order = *rc_out ? 1 : bound_cmp(&r->ahead, k);
	if (order > 0)
		*rc_out = MDB_NOTFOUND;       /* nothing lies between */
	if (order != 0)
		return order > 0;
	r->getter_at = r->ahead;
	*value = r->ahead_value;
	look_ahead(r);
	return true;
}

/* Who reads many records mostly reads them in order: then the next one is a step, not a search from the root. LMDB's
 * codes. */
static int get_by_cursor(struct lmdb_read *r, struct full_key *k, MDB_val *value)
{
	int rc = 0;
	if (!r->getter_ready)
		rc = r->getter ? mdb_cursor_renew(r->txn, r->getter)
					   : mdb_cursor_open(r->txn, lmdb_of(r->base.store)->kv, &r->getter);
	r->getter_ready = rc == MDB_SUCCESS;
	if (rc || get_next(r, k, value, &rc))
		return rc;
	r->getter_at = r->ahead = (MDB_val){ 0 };
	MDB_val at = full_key_val(k);
	rc = mdb_cursor_get(r->getter, &at, value, MDB_SET_KEY);
	if (rc == MDB_SUCCESS)
		r->getter_at = at;
	return rc;
}

int lmdb_get(struct store_read *read, struct str key, struct str *value_out)
{
	struct lmdb_read *r = read_of(read);
	struct full_key k;
	full_key_make(&k, r->scope, key);
	MDB_val at = full_key_val(&k), value;
	/* The first one is often the only one. */
	int rc = r->has_got ? get_by_cursor(r, &k, &value) : mdb_get(r->txn, lmdb_of(read->store)->kv, &at, &value);
	r->has_got = true;
	if (rc == 0 && r->scope.kind == STORE_SYSTEM)
		rc = sums_judge(lmdb_of(read->store), r->txn, full_key_val(&k), value);
	if (rc)
		return lmdb_code(rc);
	*value_out = str_of_val(value);
	return 0;
}

/* LMDB's codes. */
static int iter_get(struct lmdb_read *r, struct lmdb_iter **out)
{
	struct lmdb_iter *it = r->spare_iter;
	int rc;
	if (it) {
		r->spare_iter = NULL;
		rc = mdb_cursor_renew(r->txn, it->cursor);
	} else {
		it = calloc(1, sizeof *it);
		if (!it)
			return ENOMEM;
		rc = mdb_cursor_open(r->txn, lmdb_of(r->base.store)->kv, &it->cursor);
	}
	if (rc)
		iter_free(it);
	*out = rc ? NULL : it;
	return rc;
}

int lmdb_range(struct store_read *read, struct str from, struct str to, bool reverse, struct store_iter **out)
{
	struct lmdb_read *r = read_of(read);
	struct lmdb_iter *it = NULL;
	int rc = iter_get(r, &it);
	if (rc)
		return lmdb_code(rc);
	it->base.store = read->store;
	it->read = r;
	it->reverse = reverse;
	it->started = it->ended = false;
	full_key_make(&it->from, r->scope, from);
	if (to.n)
		full_key_make(&it->to, r->scope, to);
	else
		full_key_scope_end(&it->to, r->scope);
	it->next_open = r->open_iters;
	r->open_iters = it;
	*out = &it->base;
	return 0;
}

/* One step on from where the cursor is. */
static int iter_step(struct lmdb_iter *it, MDB_val *key, MDB_val *value)
{
	int rc = mdb_cursor_get(it->cursor, key, value, it->reverse ? MDB_PREV : MDB_NEXT);
	if (rc)
		return rc;
	if (it->reverse)
		return bound_cmp(key, &it->from) < 0 ? MDB_NOTFOUND : MDB_SUCCESS;
	return it->to.n > 0 && bound_cmp(key, &it->to) >= 0 ? MDB_NOTFOUND : MDB_SUCCESS;
}

int lmdb_next(struct store_iter *iter, struct str *key_out, struct str *value_out)
{
	struct lmdb_iter *it = (struct lmdb_iter *)iter;
	if (it->ended)
		return 0;
	MDB_val key, value;
	int rc = it->started ? iter_step(it, &key, &value)
						 : cursor_find(it->cursor, &it->from, &it->to, it->reverse, &key, &value);
	it->started = true;
	if (rc == MDB_NOTFOUND) {
		it->ended = true;
		return 0;
	}
	if (rc)
		return lmdb_code(rc);
	*key_out = str_from(str_of_val(key), SCOPE_PREFIX);
	if (it->read->scope.kind == STORE_SYSTEM)
		rc = sums_judge(lmdb_of(iter->store), it->read->txn, key, value);
	if (rc)
		return lmdb_code(rc);
	*value_out = str_of_val(value);
	return 1;
}

void lmdb_iter_end(struct store_iter *iter)
{
	struct lmdb_iter *it = (struct lmdb_iter *)iter;
	struct lmdb_iter **at = &it->read->open_iters;
	while (*at != it)
		at = &(*at)->next_open;
	*at = it->next_open;
	if (it->read->spare_iter)
		iter_free(it);
	else
		it->read->spare_iter = it;
}
