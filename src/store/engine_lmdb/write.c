/* What a closure may do inside its transaction. */
#include "store/engine_lmdb/sums.h"

static struct lmdb_write *write_of(struct store_write *w) { return (struct lmdb_write *)w; }
static MDB_dbi kv_of(struct lmdb_write *w) { return lmdb_of(w->base.store)->kv; }

int write_fail(struct lmdb_write *w, int mdb_code)
{
	int rc = lmdb_code(mdb_code);
	if (rc && rc != ERR_NOT_FOUND)
		w->failed = rc;
	return rc;
}

static bool has_sums(const struct lmdb_write *w) { return w->scope.kind == STORE_SYSTEM && lmdb_of(w->base.store)->sums; }

int lmdb_write_settle(struct lmdb_write *w)
{
	if (!w->waiting)
		return 0;
	MDB_val key = full_key_val(&w->waiting_key), value = { .mv_size = w->waiting_n, .mv_data = w->waiting };
	w->waiting = NULL;
	return write_fail(w, sums_put(lmdb_of(w->base.store), w->txn, key, value));
}

/* A value that rots spoils its own closure, not those of others in the group. */
static int judge(struct lmdb_write *w, MDB_val key, MDB_val value)
{
	if (!has_sums(w))
		return 0;
	int rc = sums_judge(lmdb_of(w->base.store), w->txn, key, value);
	if (rc != MDB_CORRUPTED)
		return write_fail(w, rc);
	w->refused = ERR_CORRUPT;
	return ERR_CORRUPT;
}

static int cursor_get(struct lmdb_write *w)
{
	return w->cursor ? 0 : write_fail(w, mdb_cursor_open(w->txn, kv_of(w), &w->cursor));
}

int lmdb_wget(struct store_write *write, struct str key, struct str *value_out)
{
	struct lmdb_write *w = write_of(write);
	struct full_key k;
	full_key_make(&k, w->scope, key);
	MDB_val at = full_key_val(&k), value;
	int rc = lmdb_write_settle(w);
	if (rc)
		return rc;
	rc = mdb_get(w->txn, kv_of(w), &at, &value);
	if (rc)
		return write_fail(w, rc);
	rc = judge(w, at, value);
	if (rc)
		return rc;
	*value_out = str_of_val(value);
	return 0;
}

int lmdb_put_reserve(struct store_write *write, struct str key, size_t n, char **place_out)
{
	struct lmdb_write *w = write_of(write);
	struct full_key k;
	full_key_make(&k, w->scope, key);
	MDB_val at = full_key_val(&k), value = { .mv_size = n };
	int rc = lmdb_write_settle(w);
	if (rc)
		return rc;
	bool sums = has_sums(w), sum = sums && lmdb_write_level(write) >= 2, had;
	/* Below that no program makes rows, but a process may have known of a higher level first. */
	if (sums && !sum)
		rc = write_fail(w, sums_del(lmdb_of(write->store), w->txn, at, &had));
	if (rc)
		return rc;
	rc = mdb_put(w->txn, kv_of(w), &at, &value, MDB_RESERVE);
	if (rc)
		return write_fail(w, rc);
	w->changed = true;
	*place_out = value.mv_data;
	if (sum) {
		w->waiting_key = k;
		w->waiting = value.mv_data;
		w->waiting_n = n;
	}
	return 0;
}

int lmdb_del(struct store_write *write, struct str key)
{
	struct lmdb_write *w = write_of(write);
	struct full_key k;
	full_key_make(&k, w->scope, key);
	MDB_val at = full_key_val(&k);
	bool had = false;
	int rc = lmdb_write_settle(w);
	if (rc)
		return rc;
	rc = has_sums(w) ? sums_del(lmdb_of(write->store), w->txn, at, &had) : 0;
	w->changed |= had;
	if (rc == 0)
		rc = mdb_del(w->txn, kv_of(w), &at, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return write_fail(w, rc);
	w->changed = true;
	return 0;
}

static void bounds_make(struct lmdb_write *w, struct str from, struct str to, struct full_key *from_out,
						struct full_key *to_out)
{
	full_key_make(from_out, w->scope, from);
	if (to.n)
		full_key_make(to_out, w->scope, to);
	else
		full_key_scope_end(to_out, w->scope);
}

int lmdb_del_range(struct store_write *write, struct str from, struct str to, uint64_t *n_out)
{
	struct lmdb_write *w = write_of(write);
	struct full_key first, last;
	bool had = false;
	bounds_make(w, from, to, &first, &last);
	int rc = lmdb_write_settle(w);
	if (rc == 0 && has_sums(w))
		rc = write_fail(w, sums_del_range(lmdb_of(write->store), w->txn, &first, &last, &had));
	w->changed |= had;
	if (rc == 0)
		rc = cursor_get(w);
	if (rc)
		return rc;
	for (;;) {
		MDB_val key, value;
		rc = cursor_find(w->cursor, &first, &last, false, &key, &value);
		if (rc == MDB_NOTFOUND)
			return 0;
		if (rc == MDB_SUCCESS)
			rc = mdb_cursor_del(w->cursor, 0);
		if (rc)
			return write_fail(w, rc);
		w->changed = true;
		++*n_out;
	}
}

int lmdb_wfind(struct store_write *write, struct str from, struct str to, bool reverse, struct str *key_out,
			   struct str *value_out)
{
	struct lmdb_write *w = write_of(write);
	struct full_key first, last;
	bounds_make(w, from, to, &first, &last);
	int rc = lmdb_write_settle(w);
	if (rc == 0)
		rc = cursor_get(w);
	if (rc)
		return rc;
	MDB_val key, value;
	rc = cursor_find(w->cursor, &first, &last, reverse, &key, &value);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return write_fail(w, rc);
	rc = judge(w, key, value);
	if (rc)
		return rc;
	*key_out = str_from(str_of_val(key), SCOPE_PREFIX);
	*value_out = str_of_val(value);
	return 1;
}
