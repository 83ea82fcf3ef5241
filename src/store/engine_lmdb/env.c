/* Opening and closing: the directory, LMDB's environment, the tables. */
#include "store/engine_lmdb/bell.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/dir.h"

#include <unistd.h>

/* ---- watches ---- */

static uint64_t version_now(void *arg, struct store_scope scope) { return lmdb_scope_version(arg, scope); }

/* In the bell's thread, which also hears our own rings: those are told by the committer itself. */
static void bell_heard(void *arg)
{
	struct lmdb_store *s = arg;
	MDB_envinfo info;
	mdb_env_info(s->env, &info);
	uint64_t foreign = version_cache_foreign(s->cache, info.me_last_txnid);
	if (foreign == s->heard_txn)
		return;
	s->heard_txn = foreign;
	watch_table_poll(&s->watches, version_now, &s->base);
}

static int lmdb_watch(struct store *store, struct store_scope scope, store_watch_fn *fn, void *arg, struct store_watch **out)
{
	struct lmdb_store *s = lmdb_of(store);
	/* Without a bell the news of this process still come; those of others are missing, as they may. */
	bell_listen(s->bell);
	return watch_table_add(&s->watches, scope, lmdb_scope_version(store, scope), fn, arg, out);
}

static void lmdb_unwatch(struct store *s, struct store_watch *w) { watch_table_remove(&lmdb_of(s)->watches, w); }

/* ---- numbers ---- */

static void lmdb_stats(struct store *store, struct store_stats *out)
{
	struct lmdb_store *s = lmdb_of(store);
	out->commits = atomic_load(&s->n_commits);
	out->groups = atomic_load(&s->n_groups);
	out->blob_puts = atomic_load(&s->blobs->puts);
	out->blob_syncs = atomic_load(&s->blobs->syncs);
	out->blob_bytes = atomic_load(&s->blobs->bytes);
	struct store_read *r;
	MDB_txn *txn;
	if (lmdb_begin_raw(s, &r, &txn))
		return;
	MDB_stat st;
	MDB_envinfo info;
	if (mdb_stat(txn, s->kv, &st) == 0)
		out->keys = st.ms_entries;
	if (mdb_env_info(s->env, &info) == 0)
		out->map_used = (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
	uint32_t number = 0;
	struct segment_row row;
	while (index_segment_next(s, txn, number, &number, &row) == 0) {
		out->segments++;
		out->dead_bytes += row.dead;
	}
	lmdb_end(r);
}

/* ---- open and close ---- */

static void lmdb_close(struct store *store)
{
	struct lmdb_store *s = lmdb_of(store);
	blob_area_close(s);           /* commits what it closes, and so rings the bell */
	bell_destroy(&s->bell);
	if (s->env) {
		lmdb_reads_fini(s);
		mdb_env_close(s->env);
	}
	combiner_fini(&s->commits);
	version_cache_destroy(&s->cache);
	watch_table_fini(&s->watches);
	pthread_mutex_destroy(&s->reads_lock);
	free(s);
}

static const struct engine engine_lmdb = {
	.name = "lmdb",
	.close = lmdb_close,
	.begin = lmdb_begin,
	.end = lmdb_end,
	.version = lmdb_version,
	.get = lmdb_get,
	.range = lmdb_range,
	.next = lmdb_next,
	.iter_end = lmdb_iter_end,
	.scope_version = lmdb_scope_version,
	.commit_all = lmdb_commit_all,
	.wget = lmdb_wget,
	.put_reserve = lmdb_put_reserve,
	.del = lmdb_del,
	.del_range = lmdb_del_range,
	.wfind = lmdb_wfind,
	.watch = lmdb_watch,
	.unwatch = lmdb_unwatch,
	.blob_put = lmdb_blob_put,
	.blob_map = lmdb_blob_map,
	.blob_unmap = lmdb_blob_unmap,
	.blob_tag = lmdb_blob_tag,
	.blob_visit = lmdb_blob_visit,
	.maintain = lmdb_maintain,
	.check = lmdb_check,
	.stats = lmdb_stats,
};

static int open_tables(struct lmdb_store *s)
{
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} tables[] = {
		{ "kv", &s->kv }, { "versions", &s->versions }, { "counters", &s->counters }, { "segments", &s->segments },
		{ "tags", &s->tags }, { "dead", &s->dead }, { "moved", &s->moved },
	};
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, s->base.read_only ? MDB_RDONLY : 0, &txn);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == 0; i++)
		rc = mdb_dbi_open(txn, tables[i].name, s->base.read_only ? 0 : MDB_CREATE, tables[i].dbi);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static int open_env(struct lmdb_store *s, const struct store_config *c, struct err *e)
{
	char path[DIR_PATH_MAX];
	int rc = dir_path(c->dir, "index", path, e);
	if (rc)
		return rc;
	uint64_t map_size = c->map_size ? c->map_size : STORE_MAP_SIZE_DEFAULT;
	unsigned flags = MDB_NOTLS | (c->read_only ? MDB_RDONLY : 0) | (c->no_sync ? MDB_NOSYNC : 0);
	const char *step = "mdb_env_create";
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, map_size), step = "set its map size";
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, STORE_READERS_MAX), step = "set its readers";
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, 16), step = "set its tables";
	if (rc == 0)
		rc = mdb_env_open(s->env, path, flags, 0600), step = "open (address space enough for map_size? permissions?)";
	if (rc == 0)
		rc = open_tables(s), step = "open its tables";
	if (rc)
		return err_set(e, lmdb_code(rc), NULL, "the index %s: cannot %s: %s", path, step, mdb_strerror(rc));
	/* Readers that were killed would hold old pages for ever. */
	int dead;
	mdb_reader_check(s->env, &dead);
	/* What is committed by now is nobody's news. */
	MDB_envinfo info;
	mdb_env_info(s->env, &info);
	version_cache_txn_commit(s->cache, info.me_last_txnid);
	version_cache_txn_published(s->cache, info.me_last_txnid);
	return 0;
}

static int open_parts(struct lmdb_store *s, const struct store_config *c, struct err *e)
{
	int blobs_fd;
	int rc = dir_prepare(c, &blobs_fd, e);
	if (rc)
		return rc;
	rc = blob_area_open(s, c, blobs_fd);
	if (rc) {
		close(blobs_fd);
		return err_set(e, rc, NULL, "no memory for a store");
	}
	char path[DIR_PATH_MAX];
	rc = dir_path(c->dir, "bell", path, e);
	if (rc)
		return rc;
	rc = bell_create(path, !c->read_only, bell_heard, s, &s->bell);
	if (rc)
		return err_set(e, rc, NULL, "cannot open %s: %s", path, err_text(rc));
	return open_env(s, c, e);
}

int engine_lmdb_open(const struct store_config *c, struct store **out, struct err *e)
{
	struct lmdb_store *s = calloc(1, sizeof *s);
	if (!s || version_cache_create(&s->cache)) {
		free(s);
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a store");
	}
	s->base.engine = &engine_lmdb;
	s->base.read_only = c->read_only;
	s->no_sync = c->no_sync;
	combiner_init(&s->commits, &lmdb_commit_ops, s, STORE_COMMIT_GROUP_MAX);
	watch_table_init(&s->watches);
	pthread_mutex_init(&s->reads_lock, NULL);
	int rc = open_parts(s, c, e);
	if (rc) {
		lmdb_close(&s->base);
		return rc;
	}
	*out = &s->base;
	return 0;
}
