/* Group commit: the leader runs the closures of all who wait in one transaction and syncs once.
 *
 * A closure may refuse, and then nothing of it may stay. Nested transactions give that, but cost a copy of bookkeeping
 * each; refusals after a write are rare. So a group first runs plainly; only when a closure refuses that has written
 * already is the whole group thrown away and run again, each closure in a nested transaction of its own.
 */
#include "base/bytes.h"
#include "base/clock.h"
#include "store/engine_lmdb/bell.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/pulse.h"
#include "store/engine_lmdb/sums.h"
#include "store/trouble.h"

#include <errno.h>
#include <sys/statvfs.h>

struct commit_item {
	struct combine_item item;
	struct store_op *op;              /* a caller's closure, or: */
	lmdb_raw_fn *raw;
	void *raw_arg;
	int result;
	bool changed;
};

enum { RUN_AGAIN_NESTED = 1 };

/* What the watchers are to hear once the group is durable. */
struct group_news {
	size_t n;
	struct watch_news list[];
};

static struct commit_item *item_of(struct combine_item *it) { return (struct commit_item *)it; }

/* Runs one closure in txn. Its own result is left in the item; returned is what LMDB could not do, which ends the
 * group. */
static int run_closure(struct lmdb_store *s, MDB_txn *txn, struct commit_item *it)
{
	struct lmdb_write w = { .base.store = &s->base, .txn = txn };
	int rc;
	if (it->op) {
		w.scope = it->op->scope;
		rc = it->op->fn(&w.base, it->op->arg);
	} else {
		rc = it->raw(&w, it->raw_arg);
	}
	if (rc >= 0 && w.refused)
		rc = w.refused;
	if (rc >= 0 && !w.failed)
		lmdb_write_settle(&w);
	if (w.cursor)
		mdb_cursor_close(w.cursor);
	it->result = rc < 0 ? rc : 0;
	it->changed = w.changed;
	return w.failed;
}

static int run_plain(struct lmdb_store *s, MDB_txn *txn, struct combine_item *batch)
{
	for (struct combine_item *at = batch; at; at = at->next) {
		struct commit_item *it = item_of(at);
		int failed = run_closure(s, txn, it);
		if (failed)
			return failed;
		if (it->result && it->changed)
			return RUN_AGAIN_NESTED;
	}
	return 0;
}

static int run_nested(struct lmdb_store *s, MDB_txn *txn, struct combine_item *batch)
{
	for (struct combine_item *at = batch; at; at = at->next) {
		struct commit_item *it = item_of(at);
		MDB_txn *child;
		int rc = mdb_txn_begin(s->env, txn, 0, &child);
		if (rc)
			return lmdb_code(rc);
		int failed = run_closure(s, child, it);
		if (failed || it->result) {
			mdb_txn_abort(child);
			it->changed = false;
		} else {
			failed = lmdb_code(mdb_txn_commit(child));
		}
		if (failed)
			return failed;
	}
	return 0;
}

static int news_order(const void *a, const void *b)
{
	const struct watch_news *x = a, *y = b;
	if (x->scope.kind != y->scope.kind)
		return x->scope.kind < y->scope.kind ? -1 : 1;
	return x->scope.id < y->scope.id ? -1 : x->scope.id > y->scope.id;
}

/* The scopes that the group changed, each once; `version` is by how much it grows. */
static struct group_news *collect_changes(struct combine_item *batch)
{
	size_t n = 0;
	for (struct combine_item *at = batch; at; at = at->next)
		n += item_of(at)->op && item_of(at)->changed;
	struct group_news *news = malloc(sizeof *news + n * sizeof news->list[0]);
	if (!news)
		return NULL;
	n = 0;
	for (struct combine_item *at = batch; at; at = at->next) {
		if (item_of(at)->op && item_of(at)->changed)
			news->list[n++] = (struct watch_news){ .scope = item_of(at)->op->scope, .version = 1 };
	}
	qsort(news->list, n, sizeof news->list[0], news_order);
	news->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (news->n > 0 && scope_eq(news->list[news->n - 1].scope, news->list[i].scope))
			news->list[news->n - 1].version++;
		else
			news->list[news->n++] = news->list[i];
	}
	return news;
}

/* Raises the stored versions; afterwards the news say what each became. Caches and backups take the same version for the same content, so one that has rotted
 * is followed by one that there never was. */
static int bump_versions(struct lmdb_store *s, MDB_txn *txn, struct group_news *news)
{
	for (size_t i = 0; i < news->n; i++) {
		uint64_t was;
		int rc = version_get(s, txn, news->list[i].scope, &was);
		if (rc == MDB_CORRUPTED)
			was = version_anew();
		else if (rc && rc != MDB_NOTFOUND)
			return lmdb_code(rc);
		news->list[i].version += was;
		rc = version_put(s, txn, news->list[i].scope, news->list[i].version);
		if (rc)
			return lmdb_code(rc);
	}
	return 0;
}

static bool batch_changed(struct combine_item *batch)
{
	for (struct combine_item *at = batch; at; at = at->next) {
		if (item_of(at)->changed)
			return true;
	}
	return false;
}

/* Runs the batch in a transaction and leaves that open, ready to be committed. */
static int run_batch(struct lmdb_store *s, struct combine_item *batch, bool nested, MDB_txn **txn_out)
{
	MDB_txn *txn;
	int rc = s->env ? mdb_txn_begin(s->env, NULL, 0, &txn) : MDB_PANIC;
	if (rc == MDB_PANIC && index_is_broken(s)) {
		rc = index_reopen(s);
		if (rc == 0)
			rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	}
	if (rc)
		return lmdb_code(rc);
	version_cache_txn_begin(s->cache, mdb_txn_id(txn));
	rc = nested ? run_nested(s, txn, batch) : run_plain(s, txn, batch);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	*txn_out = txn;
	return 0;
}

/* LMDB takes a write that was cut short for want of space for an I/O error. */
static int code_of_failed_commit(struct lmdb_store *s, int mdb_code)
{
	struct statvfs fs;
	if (mdb_code == EIO && fstatvfs(s->blobs->dir_fd, &fs) == 0 && fs.f_bavail * fs.f_frsize < STORE_FULL_BYTES)
		return ERR_NO_SPACE;
	return lmdb_code(mdb_code);
}

static int commit_batch(struct lmdb_store *s, struct combine_item *batch, struct group_news **news_out)
{
	*news_out = NULL;
	MDB_txn *txn = NULL;
	int rc = run_batch(s, batch, false, &txn);
	if (rc == RUN_AGAIN_NESTED) {
		/* A lone closure that refused needs no second run: all that there was is gone. */
		if (!batch->next)
			return 0;
		rc = run_batch(s, batch, true, &txn);
	}
	if (rc)
		return rc;
	if (!batch_changed(batch)) {
		mdb_txn_abort(txn);
		return 0;
	}
	struct group_news *news = collect_changes(batch);
	rc = news ? bump_versions(s, txn, news) : ERR_NO_MEMORY;
	if (rc) {
		mdb_txn_abort(txn);
		free(news);
		return rc;
	}
	uint64_t id = mdb_txn_id(txn);
	version_cache_txn_commit(s->cache, id);
	uint64_t began = pulse_begin(s->pulse, PULSE_INDEX);
	rc = code_of_failed_commit(s, mdb_txn_commit(txn));
	pulse_end(s->pulse, PULSE_INDEX, began);
	store_synced(STORE_SYNC_INDEX, began);
	if (rc) {
		version_cache_txn_failed(s->cache);
		free(news);
		/* Where the root was being written it may or may not have reached the disk. */
		return index_is_broken(s) ? ERR_UNKNOWN : rc;
	}
	for (size_t i = 0; i < news->n; i++)
		version_cache_put(s->cache, news->list[i].scope, news->list[i].version, id);
	version_cache_txn_published(s->cache, id);
	bell_ring(s->bell);
	*news_out = news;
	return 0;
}

static void *run(void *arg, struct combine_item *batch)
{
	struct lmdb_store *s = arg;
	struct group_news *news;
	int rc = commit_batch(s, batch, &news);
	size_t n = 0;
	for (struct combine_item *at = batch; at; at = at->next) {
		struct commit_item *it = item_of(at);
		if (rc)
			it->result = rc;
		if (it->op)
			it->op->result = it->result;
		n += it->result == 0;
	}
	atomic_fetch_add_explicit(&s->n_commits, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->n_groups, 1, memory_order_relaxed);
	return news;
}

static void tell_watchers(void *arg, void *from_run)
{
	struct lmdb_store *s = arg;
	struct group_news *news = from_run;
	if (news && !watch_table_empty(&s->watches)) {
		for (size_t i = 0; i < news->n; i++)
			watch_table_fire(&s->watches, &news->list[i]);
	}
	free(news);
	if (atomic_load_explicit(&s->n_groups, memory_order_relaxed) % STORE_TRIM_GROUPS == 0)
		resident_trim(s);
}

const struct combine_ops lmdb_commit_ops = { .run = run, .after = tell_watchers };

void lmdb_commit_all(struct store *store, struct store_op *ops, size_t n)
{
	struct lmdb_store *s = lmdb_of(store);
	if (n == 1) {
		struct commit_item it = { .op = ops };
		combine(&s->commits, &it.item, &it.item);
		return;
	}
	struct commit_item *items = calloc(n, sizeof *items);
	for (size_t i = 0; i < n; i++) {
		ops[i].result = ERR_NO_MEMORY;
		if (items) {
			items[i].op = &ops[i];
			items[i].item.next = i + 1 < n ? &items[i + 1].item : NULL;
		}
	}
	if (items)
		combine(&s->commits, &items[0].item, &items[n - 1].item);
	free(items);
}

int lmdb_commit_raw(struct lmdb_store *s, lmdb_raw_fn *fn, void *arg)
{
	struct commit_item it = { .raw = fn, .raw_arg = arg };
	combine(&s->commits, &it.item, &it.item);
	return it.result;
}
