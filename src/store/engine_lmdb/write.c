/* What a closure may do inside its transaction. */
#include "store/engine_lmdb/lmdb_store.h"

static struct lmdb_write *write_of(struct store_write *w) { return (struct lmdb_write *)w; }
static MDB_dbi kv_of(struct lmdb_write *w) { return lmdb_of(w->base.store)->kv; }

int write_fail(struct lmdb_write *w, int mdb_code)
{
	int rc = lmdb_code(mdb_code);
	if (rc && rc != ERR_NOT_FOUND)
		w->failed = rc;
	return rc;
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
	int rc = mdb_get(w->txn, kv_of(w), &at, &value);
	if (rc)
		return write_fail(w, rc);
	*value_out = str_of_val(value);
	return 0;
}

int lmdb_put_reserve(struct store_write *write, struct str key, size_t n, char **place_out)
{
	struct lmdb_write *w = write_of(write);
	struct full_key k;
	full_key_make(&k, w->scope, key);
	MDB_val at = full_key_val(&k), value = { .mv_size = n };
	int rc = mdb_put(w->txn, kv_of(w), &at, &value, MDB_RESERVE);
	if (rc)
		return write_fail(w, rc);
	w->changed = true;
	*place_out = value.mv_data;
	return 0;
}

int lmdb_del(struct store_write *write, struct str key)
{
	struct lmdb_write *w = write_of(write);
	struct full_key k;
	full_key_make(&k, w->scope, key);
	MDB_val at = full_key_val(&k);
	int rc = mdb_del(w->txn, kv_of(w), &at, NULL);
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
	bounds_make(w, from, to, &first, &last);
	int rc = cursor_get(w);
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
	int rc = cursor_get(w);
	if (rc)
		return rc;
	MDB_val key, value;
	rc = cursor_find(w->cursor, &first, &last, reverse, &key, &value);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return write_fail(w, rc);
	*key_out = str_from(str_of_val(key), SCOPE_PREFIX);
	*value_out = str_of_val(value);
	return 1;
}
