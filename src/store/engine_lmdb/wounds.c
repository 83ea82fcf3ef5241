/* What repairs note. wounds: stretches of keys of kv that a salvage could not read whole. aside: damaged bytes of segments whose copy is in quarantine. */
#include "base/bytes.h"
#include "base/clock.h"
#include "store/engine_lmdb/lmdb_store.h"

#define WOUND_HEAD 2u                             /* le16: length of the first key */
#define ASIDE_SIZE 24u                            /* le64 size, le64 unix second, le64 0 */

/* ---- wounds ---- */

/* Whether [from, to) of the row touches [low, high). */
static bool touches(struct str row, const struct full_key *low, const struct full_key *high)
{
	size_t n = row.n >= WOUND_HEAD ? (uint8_t)row.p[0] | (size_t)(uint8_t)row.p[1] << 8 : 0;
	if (row.n < WOUND_HEAD || n > row.n - WOUND_HEAD)
		return true;
	struct str from = str_make(row.p + WOUND_HEAD, n), to = str_from(row, WOUND_HEAD + n);
	return str_cmp(from, str_make(high->bytes, high->n)) < 0 && (to.n == 0 || str_cmp(str_make(low->bytes, low->n), to) < 0);
}

bool lmdb_wounded(struct store *store, struct store_scope scope)
{
	struct lmdb_store *s = lmdb_of(store);
	struct store_read *r;
	MDB_txn *txn;
	MDB_cursor *c;
	if (!s->wounds)
		return false;
	if (lmdb_begin_raw(s, &r, &txn))
		return true;
	struct full_key low, high;
	full_key_make(&low, scope, STR_NONE);
	full_key_scope_end(&high, scope);
	bool found = false;
	int rc = mdb_cursor_open(txn, s->wounds, &c);
	if (rc == 0) {
		MDB_val k, v;
		for (rc = mdb_cursor_get(c, &k, &v, MDB_FIRST); rc == 0 && !found; rc = mdb_cursor_get(c, &k, &v, MDB_NEXT))
			found = touches(str_of_val(v), &low, &high);
		mdb_cursor_close(c);
	}
	lmdb_end(r);
	return found || (rc && rc != MDB_NOTFOUND);
}

uint64_t lmdb_count_wounds(struct lmdb_store *s)
{
	struct store_read *r;
	MDB_txn *txn;
	MDB_stat st = { .ms_entries = 0 };
	if (!s->wounds || lmdb_begin_raw(s, &r, &txn))
		return 0;
	mdb_stat(txn, s->wounds, &st);
	lmdb_end(r);
	return st.ms_entries;
}

static int drop_wounds(struct lmdb_write *w, void *arg)
{
	(void)arg;
	w->changed = true;
	return write_fail(w, mdb_drop(w->txn, lmdb_of(w->base.store)->wounds, 0));
}

int lmdb_heal(struct store *store)
{
	struct lmdb_store *s = lmdb_of(store);
	return lmdb_count_wounds(s) ? lmdb_commit_raw(s, drop_wounds, NULL) : 0;
}

int lmdb_note_wound(struct lmdb_write *w, struct str key)
{
	struct lmdb_store *s = lmdb_of(w->base.store);
	uint8_t number[4], value[WOUND_HEAD + 2 * FULL_KEY_MAX];
	uint32_t next = 1;
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(w->txn, s->wounds, &c);
	if (rc)
		return write_fail(w, rc);
	rc = mdb_cursor_get(c, &k, &v, MDB_LAST);
	if (rc == 0 && k.mv_size == sizeof number)
		next = load_be32(k.mv_data) + 1;
	mdb_cursor_close(c);
	if (rc && rc != MDB_NOTFOUND)
		return write_fail(w, rc);
	/* From the key to the one behind it. */
	store_be32(number, next);
	value[0] = (uint8_t)key.n;
	value[1] = (uint8_t)(key.n >> 8);
	memcpy(value + WOUND_HEAD, key.p, key.n);
	memcpy(value + WOUND_HEAD + key.n, key.p, key.n);
	value[WOUND_HEAD + 2 * key.n] = 0;
	k = (MDB_val){ .mv_size = sizeof number, .mv_data = number };
	v = (MDB_val){ .mv_size = WOUND_HEAD + 2 * key.n + 1, .mv_data = value };
	return write_fail(w, mdb_put(w->txn, s->wounds, &k, &v, 0));
}

/* ---- aside ---- */

bool lmdb_is_aside(struct lmdb_store *s, uint64_t at, uint64_t size)
{
	struct store_read *r;
	MDB_txn *txn;
	uint8_t key[8];
	if (!s->aside || lmdb_begin_raw(s, &r, &txn))
		return false;
	store_be64(key, at);
	MDB_val k = { .mv_size = sizeof key, .mv_data = key }, v;
	bool known = mdb_get(txn, s->aside, &k, &v) == 0 && v.mv_size == ASIDE_SIZE && load_le64(v.mv_data) == size;
	lmdb_end(r);
	return known;
}

struct aside {
	uint64_t at, size;
};

static int put_aside(struct lmdb_write *w, void *arg)
{
	const struct aside *a = arg;
	uint8_t key[8], value[ASIDE_SIZE] = { 0 };
	store_be64(key, a->at);
	store_le64(value, a->size);
	store_le64(value + 8, (uint64_t)clock_now());
	MDB_val k = { .mv_size = sizeof key, .mv_data = key }, v = { .mv_size = sizeof value, .mv_data = value };
	w->changed = true;
	return write_fail(w, mdb_put(w->txn, lmdb_of(w->base.store)->aside, &k, &v, 0));
}

int lmdb_note_aside(struct lmdb_store *s, uint64_t at, uint64_t size)
{
	struct aside a = { at, size };
	return lmdb_commit_raw(s, put_aside, &a);
}
