#include "store/engine_lmdb/sums.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/trouble.h"

#define VERSION_SIZE 8u
#define VERSION_SUMS_LEVEL 3u

static bool has_sum(struct lmdb_store *s, MDB_val key)
{
	return s->sums && key.mv_size > SCOPE_PREFIX && *(const uint8_t *)key.mv_data == STORE_SYSTEM;
}

uint32_t sum_of(MDB_val key, MDB_val value)
{
	return hash_crc32c(hash_crc32c(0, key.mv_data, key.mv_size), value.mv_data, value.mv_size);
}

/* Names of users stand in keys, secrets do not. */
static void tell_damaged(MDB_val key)
{
	char text[64];
	size_t n = 0;
	const uint8_t *p = key.mv_data;
	for (size_t i = SCOPE_PREFIX; i < key.mv_size && n + 1 < sizeof text; i++)
		text[n++] = p[i] > ' ' && p[i] < 0x7f ? (char)p[i] : '.';
	text[n] = '\0';
	store_damaged(text, sum_of(key, (MDB_val){ 0 }));
}

int sums_judge(struct lmdb_store *s, MDB_txn *txn, MDB_val key, MDB_val value)
{
	MDB_val row;
	if (!has_sum(s, key))
		return MDB_SUCCESS;
	int rc = mdb_get(txn, s->sums, &key, &row);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
	if (row.mv_size == SUM_SIZE && load_le32(row.mv_data) == sum_of(key, value))
		return MDB_SUCCESS;
	tell_damaged(key);
	return MDB_CORRUPTED;
}

int sums_put(struct lmdb_store *s, MDB_txn *txn, MDB_val key, MDB_val value)
{
	uint8_t le[SUM_SIZE];
	/* First: where the value lies may belong to something else after a put. */
	store_le32(le, sum_of(key, value));
	MDB_val row = { .mv_size = sizeof le, .mv_data = le };
	return mdb_put(txn, s->sums, &key, &row, 0);
}

int sums_del(struct lmdb_store *s, MDB_txn *txn, MDB_val key, bool *had_out)
{
	int rc = has_sum(s, key) ? mdb_del(txn, s->sums, &key, NULL) : MDB_NOTFOUND;
	*had_out = rc == MDB_SUCCESS;
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int sums_del_range(struct lmdb_store *s, MDB_txn *txn, const struct full_key *first, const struct full_key *last, bool *had_out)
{
	MDB_cursor *c;
	*had_out = false;
	if (!s->sums)
		return MDB_SUCCESS;
	int rc = mdb_cursor_open(txn, s->sums, &c);
	if (rc)
		return rc;
	do {
		MDB_val key, row;
		rc = cursor_find(c, first, last, false, &key, &row);
		if (rc == MDB_SUCCESS)
			rc = mdb_cursor_del(c, 0);
		*had_out |= rc == MDB_SUCCESS;
	} while (rc == MDB_SUCCESS);
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* ---- versions ---- */

int version_get(struct lmdb_store *s, MDB_txn *txn, struct store_scope scope, uint64_t *out)
{
	struct full_key k;
	full_key_make(&k, scope, STR_NONE);
	MDB_val key = full_key_val(&k), value;
	*out = 0;
	int rc = mdb_get(txn, s->versions, &key, &value);
	if (rc)
		return rc;
	if (!index_row_ok(key, value, VERSION_SIZE))
		return MDB_CORRUPTED;
	*out = load_le64(value.mv_data);
	return MDB_SUCCESS;
}

int version_put(struct lmdb_store *s, MDB_txn *txn, struct store_scope scope, uint64_t version)
{
	struct lmdb_write w = { .base.store = &s->base, .txn = txn };
	uint8_t bytes[VERSION_SIZE + SUM_SIZE];
	struct full_key k;
	full_key_make(&k, scope, STR_NONE);
	MDB_val key = full_key_val(&k), value = { .mv_size = VERSION_SIZE, .mv_data = bytes };
	store_le64(bytes, version);
	if (lmdb_write_level(&w.base) >= VERSION_SUMS_LEVEL) {
		store_le32(bytes + VERSION_SIZE, sum_of(key, value));
		value.mv_size += SUM_SIZE;
	}
	return mdb_put(txn, s->versions, &key, &value, 0);
}

/* No scope has four million commits within a millisecond. */
uint64_t version_anew(void) { return (uint64_t)clock_now_ms() << 22; }
