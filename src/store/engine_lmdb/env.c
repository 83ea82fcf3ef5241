/* The environment of LMDB: opening, closing, and opening again after a failure that LMDB does not get over. */
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/lmdb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define TABLES_OLD 7u

static int open_tables(struct lmdb_store *s)
{
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} tables[] = {
		{ "kv", &s->kv }, { "versions", &s->versions }, { "counters", &s->counters }, { "segments", &s->segments },
		{ "tags", &s->tags }, { "dead", &s->dead }, { "moved", &s->moved }, { "aside", &s->aside }, { "wounds", &s->wounds },
		{ "sums", &s->sums },
	};
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, s->base.read_only ? MDB_RDONLY : 0, &txn);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof tables / sizeof tables[0] && rc == 0; i++)
	{
		*tables[i].dbi = 0;
		rc = mdb_dbi_open(txn, tables[i].name, s->base.read_only ? 0 : MDB_CREATE, tables[i].dbi);
		/* The youngest are missing in an older store. */
		if (rc == MDB_NOTFOUND && i >= TABLES_OLD)
			rc = 0;
	}
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* What is read now may not be on the disk: a process that was killed left it in the kernel's memory; and of a root whose sync failed nobody knows whether it
 * is there, though LMDB put back the number of the old one, which is not synced. Were pages of that root written over while it is there, a power cut
 * then would be the end of the index. So both roots are written once more as they are read, and synced, before anything is built on them. The kernel takes pages
 * for written after a sync that failed, so a sync alone would not do. */
static int settle_roots(struct lmdb_store *s)
{
	MDB_txn *txn;
	MDB_stat stat;
	int fd, rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc)
		return rc;
	/* Within a transaction, so no other process writes one of its own meanwhile. */
	rc = mdb_env_get_fd(s->env, &fd);
	if (rc == 0)
		rc = mdb_env_stat(s->env, &stat);
	size_t n = rc == 0 ? 2 * (size_t)stat.ms_psize : 0;
	char *roots = malloc(n);
	if (rc == 0 && !roots)
		rc = ENOMEM;
	ssize_t got = rc == 0 ? pread(fd, roots, n, 0) : 0;
	/* LMDB begins its file by writing both, and opens it also when a power cut has left only the beginning of the second. */
	if (rc == 0 && got >= 0 && (size_t)got < n)
		rc = MDB_INVALID;
	if (rc == 0 && (got < 0 || pwrite(fd, roots, n, 0) != (ssize_t)n))
		rc = EIO;
	if (rc == 0)
		rc = mdb_env_sync(s->env, 1);
	free(roots);
	mdb_txn_abort(txn);
	return rc;
}

/* *step_out: what could not be done. LMDB's codes; on failure there is no environment. */
static int open_env(struct lmdb_store *s, const char **step_out)
{
	unsigned flags = MDB_NOTLS | (s->base.read_only ? MDB_RDONLY : 0) | (s->no_sync ? MDB_NOSYNC : 0);
	const char *step = "make it";
	int rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, s->map_size), step = "set its map size";
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, STORE_READERS_MAX), step = "set its readers";
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, 16), step = "set its tables";
	if (rc == 0)
		rc = mdb_env_open(s->env, s->index_path, flags, 0600),
		step = "open (address space enough for map_size? permissions?)";
	if (rc == 0 && !s->base.read_only && !s->no_sync)
		rc = settle_roots(s), step = "sync";
	if (rc == 0)
		rc = open_tables(s), step = "open its tables";
	*step_out = step;
	if (rc) {
		if (s->env)
			mdb_env_close(s->env);
		s->env = NULL;
	} else {
		resident_find_index(s);
	}
	return rc;
}

/* LMDB begins its file with two roots that it does not sync before the first commit. Without one of them it is no index and never was one. */
static int set_unfinished_aside(const char *index_path)
{
	char from[DIR_PATH_MAX + 32], to[DIR_PATH_MAX + 32];
	snprintf(from, sizeof from, "%s/data.mdb", index_path);
	snprintf(to, sizeof to, "%s/data.mdb.unfinished", index_path);
	return rename(from, to) < 0 ? errno : 0;
}

/* Makes it anew, one process at a time: whoever had to wait finds what the one before it has made, and perhaps committed to. LMDB's codes. */
static int make_again(struct lmdb_store *s, const char **step_out)
{
	int fd = open(s->index_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || flock(fd, LOCK_EX) < 0 ? errno : open_env(s, step_out);
	if (rc == MDB_INVALID) {
		rc = set_unfinished_aside(s->index_path);
		if (rc == 0)
			rc = open_env(s, step_out);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int index_open(struct lmdb_store *s, const struct store_config *c, bool fresh, struct err *e)
{
	char path[DIR_PATH_MAX];
	int rc = dir_path(c->dir, "index", path, e);
	if (rc)
		return rc;
	s->index_path = str_dup_c(str_from_c(path));
	if (!s->index_path)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a store");
	s->map_size = c->map_size ? c->map_size : STORE_MAP_SIZE_DEFAULT;
	const char *step;
	rc = open_env(s, &step);
	if (rc == MDB_INVALID && fresh)
		rc = make_again(s, &step);
	if (rc)
		return err_set(e, lmdb_code(rc), NULL, "the index %s: cannot %s: %s", path, step, mdb_strerror(rc));
	/* LMDB syncs its file, not the name it has. Who opens it cannot know whether the one who made it came so far as this. */
	if (!c->read_only && !c->no_sync) {
		rc = dir_sync(path, e);
		if (rc)
			return rc;
	}
	/* Readers that were killed would hold old pages for ever. */
	int dead;
	mdb_reader_check(s->env, &dead);
	/* What is committed by now is nobody's news. */
	uint64_t newest = index_newest(s);
	version_cache_txn_commit(s->cache, newest);
	version_cache_txn_published(s->cache, newest);
	return 0;
}

void index_close(struct lmdb_store *s)
{
	lmdb_reads_fini(s);
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
	free(s->index_path);
}

uint64_t index_newest(struct lmdb_store *s)
{
	MDB_envinfo info = { .me_last_txnid = 0 };
	pthread_mutex_lock(&s->reads_lock);
	if (s->env)
		mdb_env_info(s->env, &info);
	pthread_mutex_unlock(&s->reads_lock);
	return info.me_last_txnid;
}

int index_reopen(struct lmdb_store *s)
{
	const char *step;
	pthread_mutex_lock(&s->reads_lock);
	int rc = s->active_reads > 0 ? MDB_PANIC : 0;
	if (rc == 0) {
		lmdb_reads_fini(s);
		if (s->env)
			mdb_env_close(s->env);
		s->env = NULL;
		rc = open_env(s, &step);
		s->broken = rc != 0;
	}
	pthread_mutex_unlock(&s->reads_lock);
	return rc;
}

bool index_is_broken(struct lmdb_store *s)
{
	pthread_mutex_lock(&s->reads_lock);
	/* LMDB tells by refusing everything, here a transaction that costs nothing. */
	MDB_txn *probe;
	if (!s->broken && s->env) {
		int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &probe);
		s->broken = rc == MDB_PANIC;
		if (rc == 0)
			mdb_txn_abort(probe);
	}
	bool broken = s->broken;
	pthread_mutex_unlock(&s->reads_lock);
	return broken;
}
