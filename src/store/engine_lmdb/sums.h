/* Checksums of the values of the system scope, in a table of their own, so that the values keep their shape: whole key -> le32 CRC-32C of key and value.
 * A value has a row when it was written to a store of level 2; without one it is taken as it is. Whoever writes a value keeps its row in step, whatever the
 * level, so a row that does not fit is damage. Beside them the versions of all scopes. In transactions of the caller. LMDB's codes.
 */
#ifndef STORE_ENGINE_LMDB_SUMS_H
#define STORE_ENGINE_LMDB_SUMS_H

#include "store/engine_lmdb/lmdb_store.h"

#define SUM_SIZE 4u

uint32_t sum_of(MDB_val key, MDB_val value);
/* 0, or MDB_CORRUPTED: there is a row, and it is not the one of this value. Keys of other scopes have none. */
int sums_judge(struct lmdb_store *s, MDB_txn *txn, MDB_val key, MDB_val value);
int sums_put(struct lmdb_store *s, MDB_txn *txn, MDB_val key, MDB_val value);
/* *had_out: there was one. */
int sums_del(struct lmdb_store *s, MDB_txn *txn, MDB_val key, bool *had_out);
/* Of all keys first <= k < last. */
int sums_del_range(struct lmdb_store *s, MDB_txn *txn, const struct full_key *first, const struct full_key *last, bool *had_out);

/* ---- versions: scope -> le64, from level 3 on with le32 CRC of both behind it ---- */

/* 0, MDB_NOTFOUND, or MDB_CORRUPTED: it is not known. */
int version_get(struct lmdb_store *s, MDB_txn *txn, struct store_scope scope, uint64_t *out);
int version_put(struct lmdb_store *s, MDB_txn *txn, struct store_scope scope, uint64_t version);
/* For a scope whose own is not known: none that it ever had, and greater than all that it can have had. */
uint64_t version_anew(void);

#endif
