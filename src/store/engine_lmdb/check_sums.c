/* What becomes of values that fail their checksum. */
#include "base/bytes.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/check.h"
#include "store/engine_lmdb/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

const char check_sum_wrong[] = "a value that fails its checksum", check_no_version[] = "a key in a scope without a version";

static bool write_whole(int fd, const void *p, size_t n) { return write(fd, p, n) == (ssize_t)n; }

int check_keep_value(struct lmdb_store *s, MDB_val key, MDB_val value)
{
	char name[64];
	uint8_t head[2] = { (uint8_t)key.mv_size, (uint8_t)(key.mv_size >> 8) };
	snprintf(name, sizeof name, "../quarantine/value-%08x-%08x", (unsigned)sum_of(key, (MDB_val){ 0 }), (unsigned)sum_of(key, value));
	if (mkdirat(s->blobs->dir_fd, "../quarantine", 0700) < 0 && errno != EEXIST)
		return err_from_errno(NULL, errno, "quarantine");
	int to = openat(s->blobs->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int dir = openat(s->blobs->dir_fd, "../quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;
	if (to < 0 || dir < 0 || !write_whole(to, head, sizeof head) || !write_whole(to, key.mv_data, key.mv_size) ||
		!write_whole(to, value.mv_data, value.mv_size) || fsync(to) < 0 || fsync(dir) < 0)
		rc = err_from_errno(NULL, errno, "quarantine");
	if (to >= 0)
		close(to);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* A commit of the scope, so that its version rises and caches look again. */
static int drop(struct store_write *write, void *arg)
{
	struct lmdb_write *w = (struct lmdb_write *)write;
	struct lmdb_store *s = lmdb_of(write->store);
	struct str key = *(const struct str *)arg;
	MDB_val at = val_of_str(key), value;
	int rc = mdb_get(w->txn, s->kv, &at, &value);
	if (rc == 0)
		rc = sums_judge(s, w->txn, at, value);
	/* Gone or written anew meanwhile. */
	if (rc != MDB_CORRUPTED)
		return write_fail(w, rc) == ERR_NOT_FOUND ? 0 : lmdb_code(rc);
	rc = lmdb_del(write, str_from(key, SCOPE_PREFIX));
	return rc ? rc : lmdb_note_wound(w, key);
}

static struct store_scope scope_of(struct str key)
{
	return (struct store_scope){ (enum store_scope_kind)(uint8_t)key.p[0], load_be64(key.p + 1) };
}

static int put_version(struct lmdb_write *w, void *arg)
{
	struct lmdb_store *s = lmdb_of(w->base.store);
	const struct store_scope scope = *(const struct store_scope *)arg;
	uint64_t version;
	int rc = version_get(s, w->txn, scope, &version);
	if (rc != MDB_NOTFOUND)
		return write_fail(w, rc);
	w->changed = true;
	return write_fail(w, version_put(s, w->txn, scope, version_anew()));
}

int check_mend_version(struct lmdb_store *s, struct str key)
{
	struct store_scope scope = scope_of(key);
	return lmdb_commit_raw(s, put_version, &scope);
}

int check_drop_value(struct lmdb_store *s, struct str key)
{
	return store_commit(&s->base, scope_of(key), drop, &key);
}
