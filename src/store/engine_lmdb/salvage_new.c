/* The new index, written by LMDB into a directory of its own. */
#include "base/bytes.h"
#include "store/blob_segment/segment_file.h"
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/lmdb_store.h"
#include "store/engine_lmdb/salvage.h"
#include "store/engine_lmdb/sums.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* In one transaction of the new index, which is worth nothing until it is whole. Pages that it changed lie in memory: a value of 1 MB takes 257 of them. */
#define PUTS_AT_ONCE 50000u
#define BYTES_AT_ONCE ((size_t)16 << 20)
#define SEGMENT_MARGIN 0x10000u                   /* numbers skipped that may have been given out */

/* Through a path: LMDB wants one. */
int salvage_new_begin(struct salvage *s, struct err *e)
{
	char path[DIR_PATH_MAX];
	int rc = dir_path(s->dir, "index.new/data.mdb", path, e);
	if (rc)
		return rc;
	/* What a run that was killed left. */
	unlink(path);
	dir_path(s->dir, "index.new/lock.mdb", path, NULL);
	unlink(path);
	dir_path(s->dir, "index.new", path, NULL);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make %s", path);
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, STORE_MAP_SIZE_DEFAULT);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, 16);
	if (rc == 0)
		rc = mdb_env_open(s->env, path, MDB_NOTLS | MDB_NOSYNC, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	for (unsigned i = 0; rc == 0 && i < INDEX_TABLES; i++)
		rc = mdb_dbi_open(s->txn, index_table_names[i], MDB_CREATE, &s->table[i]);
	return rc ? err_set(e, lmdb_code(rc), NULL, "cannot make %s: %s", path, mdb_strerror(rc)) : 0;
}

/* One more row, of so many bytes: what was done so far is written when it is much. */
static int changed(struct salvage *s, size_t bytes)
{
	s->bytes += bytes;
	if (++s->puts < PUTS_AT_ONCE && s->bytes < BYTES_AT_ONCE)
		return 0;
	s->puts = 0;
	s->bytes = 0;
	int rc = mdb_txn_commit(s->txn);
	s->txn = NULL;
	if (rc == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	return lmdb_code(rc);
}

int salvage_put(struct salvage *s, enum salvage_table t, struct str key, struct str value)
{
	MDB_val k = val_of_str(key), v = val_of_str(value);
	int rc = mdb_put(s->txn, s->table[t], &k, &v, MDB_NOOVERWRITE);
	if (rc)
		return rc == MDB_KEYEXIST ? 0 : lmdb_code(rc);
	rc = changed(s, key.n + value.n);
	return rc ? rc : 1;
}

/* ---- what can be derived ---- */

/* Each scope that has keys has a version. */
static int complete_versions(struct salvage *s)
{
	uint8_t scope[SCOPE_PREFIX + 1], lost[8];
	size_t n = 1;
	int rc;
	scope[0] = 0;
	store_le64(lost, VERSION_LOST);
	for (;;) {
		MDB_cursor *c;
		MDB_val k = { .mv_size = n, .mv_data = scope }, v;
		rc = mdb_cursor_open(s->txn, s->table[SALVAGE_KV], &c);
		if (rc)
			return lmdb_code(rc);
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
		if (rc == 0)
			memcpy(scope, k.mv_data, SCOPE_PREFIX);
		mdb_cursor_close(c);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
		rc = salvage_put(s, SALVAGE_VERSIONS, str_make(scope, SCOPE_PREFIX), str_make(lost, sizeof lost));
		if (rc < 0)
			return rc;
		/* beyond this scope */
		for (n = SCOPE_PREFIX; n > 0 && ++scope[n - 1] == 0;)
			n--;
		n = SCOPE_PREFIX;
	}
}

static uint32_t greatest_file(const struct salvage *s)
{
	char path[DIR_PATH_MAX];
	uint32_t most = 0;
	DIR *dir = dir_path(s->dir, "blobs", path, NULL) ? NULL : opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		uint32_t number = segment_name_parse(d->d_name);
		if (number > most)
			most = number;
	}
	if (dir)
		closedir(dir);
	return most;
}

/* A number of a segment is never used twice: beyond all that are known of, and further when some may not be. */
static int complete_segments(struct salvage *s)
{
	static const char name[] = "next_segment";
	MDB_val k = val_of_str(str_make(name, sizeof name - 1)), v;
	uint32_t next = 1, most = greatest_file(s);
	uint8_t le[4];
	if (mdb_get(s->txn, s->table[SALVAGE_COUNTERS], &k, &v) == 0 && v.mv_size >= 4)
		next = load_le32(v.mv_data);
	MDB_cursor *c;
	int rc = mdb_cursor_open(s->txn, s->table[SALVAGE_SEGMENTS], &c);
	if (rc)
		return lmdb_code(rc);
	MDB_val last;
	if (mdb_cursor_get(c, &last, &v, MDB_LAST) == 0 && last.mv_size == 4 && load_be32(last.mv_data) > most)
		most = load_be32(last.mv_data);
	mdb_cursor_close(c);
	if (next <= most && most < UINT32_MAX)
		next = most + 1;
	if ((s->holes[SALVAGE_COUNTERS].n || s->holes[SALVAGE_SEGMENTS].n) && next < UINT32_MAX - SEGMENT_MARGIN)
		next += SEGMENT_MARGIN;
	store_le32(le, next);
	v = val_of_str(str_make(le, sizeof le));
	return lmdb_code(mdb_put(s->txn, s->table[SALVAGE_COUNTERS], &k, &v, 0));
}

/* A wound: le16 length of the first key that may be missing, it, and the key before which the stretch ends (empty: none). */
static int note_wound(struct salvage *s, uint32_t *number, const struct salvage_hole *h)
{
	uint8_t key[4], value[2 + 2 * (INDEX_KEY_MAX + 1)];
	size_t from_n = h->from.n < INDEX_KEY_MAX ? h->from.n : INDEX_KEY_MAX, to_n = h->to.n <= INDEX_KEY_MAX ? h->to.n : INDEX_KEY_MAX;
	value[0] = (uint8_t)from_n;
	value[1] = (uint8_t)(from_n >> 8);
	if (from_n)
		memcpy(value + 2, h->from.p, from_n);
	if (to_n)
		memcpy(value + 2 + from_n, h->to.p, to_n);
	for (;;) {
		store_be32(key, (*number)++);
		int rc = salvage_put(s, SALVAGE_WOUNDS, str_make(key, sizeof key), str_make(value, 2 + from_n + to_n));
		if (rc)
			return rc < 0 ? rc : 0;
	}
}

/* One row of `sums`: it goes when its value is missing, or an older one in a stretch that is a wound anyway. Where no page was lost, a value that is missing
 * or fails is one whose bytes have changed; the latter stays, with its row, for the check to set aside. */
static int complete_sum(struct salvage *s, struct str key, struct str row, uint32_t *number)
{
	char behind[INDEX_KEY_MAX + 1];
	MDB_val k = val_of_str(key), v;
	int rc = mdb_get(s->txn, s->table[SALVAGE_KV], &k, &v);
	bool missing = rc == MDB_NOTFOUND, hole = salvage_in_hole(s, SALVAGE_KV, key, false);
	if (rc && !missing)
		return lmdb_code(rc);
	if (!missing && load_le32(row.p) == sum_of(k, v))
		return 0;
	if (missing || hole) {
		rc = mdb_del(s->txn, s->table[SALVAGE_SUMS], &k, NULL);
		rc = rc ? lmdb_code(rc) : changed(s, key.n + row.n);
	}
	if (rc || hole)
		return rc;
	memcpy(behind, key.p, key.n);
	behind[key.n] = '\0';
	const struct salvage_hole wound = { .from = key, .to = { behind, key.n + 1 } };
	return note_wound(s, number, &wound);
}

static int complete_sums(struct salvage *s, uint32_t *number)
{
	char key[INDEX_KEY_MAX + 1] = "", row[SUM_SIZE];
	size_t n = 1;
	for (;;) {
		MDB_cursor *c;
		MDB_val k = { .mv_size = n, .mv_data = key }, v;
		int rc = mdb_cursor_open(s->txn, s->table[SALVAGE_SUMS], &c);
		if (rc)
			return lmdb_code(rc);
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
		if (rc == 0) {
			n = k.mv_size;
			memcpy(key, k.mv_data, n);
			memcpy(row, v.mv_data, sizeof row);
		}
		mdb_cursor_close(c);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
		rc = complete_sum(s, str_make(key, n), str_make(row, sizeof row), number);
		if (rc)
			return rc;
		key[n++] = '\0';
	}
}

int salvage_complete(struct salvage *s)
{
	uint32_t number = 1;
	int rc = complete_versions(s);
	if (rc == 0)
		rc = complete_segments(s);
	if (rc == 0)
		rc = complete_sums(s, &number);
	/* What the last salvage noted and nobody has mended is lost with its table: then all may be wounded. */
	const struct salvage_hole all = { .leaf = false };
	if (rc == 0 && s->holes[SALVAGE_WOUNDS].n)
		rc = note_wound(s, &number, &all);
	/* Keys of no scope stand for the tables about blobs. */
	char end[2] = { 0, 1 };
	const struct salvage_hole blobs = { .from = { end, 1 }, .to = { end, 2 } };
	if (rc == 0 && (s->holes[SALVAGE_MOVED].n || s->holes[SALVAGE_TAGS].n || s->holes[SALVAGE_DEAD].n || s->holes[SALVAGE_SEGMENTS].n))
		rc = note_wound(s, &number, &blobs);
	for (size_t i = 0; rc == 0 && i < s->holes[SALVAGE_KV].n; i++)
		rc = note_wound(s, &number, &s->holes[SALVAGE_KV].v[i]);
	return rc;
}

int salvage_new_commit(struct salvage *s, struct err *e)
{
	int rc = mdb_txn_commit(s->txn);
	s->txn = NULL;
	if (rc == 0)
		rc = mdb_env_sync(s->env, 1);
	mdb_env_close(s->env);
	s->env = NULL;
	return rc ? err_set(e, lmdb_code(rc), NULL, "cannot write the new index: %s", mdb_strerror(rc)) : 0;
}

void salvage_new_abort(struct salvage *s)
{
	if (s->txn)
		mdb_txn_abort(s->txn);
	if (s->env)
		mdb_env_close(s->env);
	s->txn = NULL;
	s->env = NULL;
}
