#include "store/engine_lmdb/sums.h"

#include "base/bytes.h"
#include "base/hash.h"

static bool has_sum(struct lmdb_store *s, MDB_val key)
{
	return s->sums && key.mv_size > SCOPE_PREFIX && *(const uint8_t *)key.mv_data == STORE_SYSTEM;
}

uint32_t sum_of(MDB_val key, MDB_val value)
{
	return hash_crc32c(hash_crc32c(0, key.mv_data, key.mv_size), value.mv_data, value.mv_size);
}

int sums_judge(struct lmdb_store *s, MDB_txn *txn, MDB_val key, MDB_val value)
{
	MDB_val row;
	if (!has_sum(s, key))
		return MDB_SUCCESS;
	int rc = mdb_get(txn, s->sums, &key, &row);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
	return row.mv_size == SUM_SIZE && load_le32(row.mv_data) == sum_of(key, value) ? MDB_SUCCESS : MDB_CORRUPTED;
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
