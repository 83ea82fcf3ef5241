/* The engine's table, opening and closing, watches and numbers. */
#include "store/engine_lmdb/bell.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/index_inspect.h"
#include "store/engine_lmdb/pulse.h"

#include <unistd.h>

#define LEVEL_NOTED 3u                            /* from this level on a new store has its level in the index too */

/* ---- watches ---- */

static uint64_t version_now(void *arg, struct store_scope scope) { return lmdb_scope_version(arg, scope); }

/* In the bell's thread, which also hears our own rings: those are told by the committer itself. */
static void bell_heard(void *arg)
{
	struct lmdb_store *s = arg;
	uint64_t foreign = version_cache_foreign(s->cache, index_newest(s));
	if (foreign == s->heard_txn)
		return;
	s->heard_txn = foreign;
	watch_table_poll(&s->watches, version_now, &s->base);
}

static int lmdb_watch(struct store *store, struct store_scope scope, store_watch_fn *fn, void *arg,
					  struct store_watch **out)
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
	pulse_count(s->pulse, out);
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

/* ---- what processes tell each other ---- */

struct lmdb_hold {
	struct store_hold base;
	int fd;
};

static int lmdb_hold(struct store *s, struct store_hold **out)
{
	struct lmdb_hold *h = calloc(1, sizeof *h);
	int rc = h ? pulse_hold(lmdb_of(s)->pulse, &h->fd) : ERR_NO_MEMORY;
	if (rc) {
		free(h);
		return rc;
	}
	h->base.store = s;
	*out = &h->base;
	return 0;
}

static void lmdb_release(struct store_hold *hold)
{
	struct lmdb_hold *h = (struct lmdb_hold *)hold;
	pulse_release(h->fd);
	free(h);
}

static void lmdb_pulse(struct store *s, struct store_pulse *out) { pulse_read(lmdb_of(s)->pulse, out); }
static void lmdb_gave_way(struct store *s, uint64_t us) { pulse_gave_way(lmdb_of(s)->pulse, us); }

/* ---- open and close ---- */

static void lmdb_close(struct store *store)
{
	struct lmdb_store *s = lmdb_of(store);
	blob_area_close(s);           /* commits what it closes, and so rings the bell */
	bell_destroy(&s->bell);
	index_close(s);
	pulse_close(&s->pulse);
	combiner_fini(&s->commits);
	version_cache_destroy(&s->cache);
	watch_table_fini(&s->watches);
	pthread_mutex_destroy(&s->reads_lock);
	free(s->dir);
	free(s);
}

static const struct engine engine_lmdb = {
	.name = "lmdb",
	.close = lmdb_close,
	.begin = lmdb_begin,
	.begin_all = lmdb_begin_all,
	.turn = lmdb_turn,
	.end = lmdb_end,
	.version = lmdb_version,
	.get = lmdb_get,
	.range = lmdb_range,
	.next = lmdb_next,
	.iter_end = lmdb_iter_end,
	.scope_version = lmdb_scope_version,
	.level = lmdb_level,
	.write_level = lmdb_write_level,
	.raise_level = lmdb_raise_level,
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
	.blob_intact = lmdb_blob_intact,
	.blob_tag = lmdb_blob_tag,
	.blob_tagged = lmdb_blob_tagged,
	.blob_visit = lmdb_blob_visit,
	.hold = lmdb_hold,
	.release = lmdb_release,
	.pulse = lmdb_pulse,
	.gave_way = lmdb_gave_way,
	.patrol = lmdb_patrol,
	.maintain = lmdb_maintain,
	.check = lmdb_check,
	.wounded = lmdb_wounded,
	.heal = lmdb_heal,
	.stats = lmdb_stats,
};

static int open_parts(struct lmdb_store *s, const struct store_config *c, struct err *e)
{
	int blobs_fd;
	unsigned level;
	bool fresh;
	int rc = dir_prepare(c, &blobs_fd, &level, &fresh, e);
	if (rc)
		return rc;
	atomic_init(&s->level, level);
	s->dir = str_dup_c(str_from_c(c->dir));
	/* What the making of a store was about to be is no damage. */
	rc = fresh ? 0 : index_guard(c, e);
	if (rc) {
		close(blobs_fd);
		return rc;
	}
	rc = s->dir ? blob_area_open(s, c, blobs_fd) : ERR_NO_MEMORY;
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
	rc = dir_path(c->dir, "pulse", path, e);
	if (rc)
		return rc;
	if (!c->read_only)
		pulse_open(path, &s->pulse);
	rc = index_open(s, c, fresh, e);
	if (rc == 0 && fresh && level >= LEVEL_NOTED) {
		rc = level_note(s, level);
		if (rc)
			err_set(e, rc, NULL, "cannot write to the index in %s: %s", c->dir, err_text(rc));
	}
	return rc == 0 && fresh ? dir_write_format(c->dir, level, e) : rc;
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
