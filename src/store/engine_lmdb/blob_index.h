/* The tables about blobs. A blob's bytes and first owners are in its record; here stands what changed since.
 *
 *   counters  name -> le32                 "next_segment"
 *   segments  be32 number -> segment_row   every segment file there is
 *   tags      be64 id, be64 tag -> byte    1: has the tag, 0: has it not; stands over the record's own tags
 *   dead      be64 id -> le64 since, le64 record size    has no tags since that second
 *   moved     be64 id -> le64 place        the record is no longer where the id says
 *
 * All functions work in a transaction that the caller holds, and return LMDB's codes unless they say otherwise.
 */
#ifndef STORE_ENGINE_LMDB_BLOB_INDEX_H
#define STORE_ENGINE_LMDB_BLOB_INDEX_H

#include "store/blob_segment/record.h"
#include "store/engine_lmdb/lmdb_store.h"

enum segment_state {
	SEGMENT_OPEN = 1,                 /* being appended to, or its writer died */
	SEGMENT_CLOSED = 2,               /* ended in good order, has room for more */
	SEGMENT_SEALED = 3,               /* full, or not to be appended to any more */
	SEGMENT_GONE = 4,                 /* nothing in it lives: the file is about to go */
};
struct segment_row {
	enum segment_state state;
	uint32_t revived;                 /* how often a dead blob in it got a tag again */
	uint64_t size;                    /* bytes up to the end mark; of closed and sealed ones */
	uint64_t dead;                    /* bytes of records in it that nobody needs */
};

int index_segment_get(struct lmdb_store *s, MDB_txn *txn, uint32_t number, struct segment_row *out);
int index_segment_put(struct lmdb_store *s, MDB_txn *txn, uint32_t number, const struct segment_row *row);
int index_segment_del(struct lmdb_store *s, MDB_txn *txn, uint32_t number);
/* The first segment with a number > after: MDB_NOTFOUND when none. */
int index_segment_next(struct lmdb_store *s, MDB_txn *txn, uint32_t after, uint32_t *number_out,
					   struct segment_row *row_out);
/* A number that was never used, and is at least `least`. */
int index_segment_number(struct lmdb_store *s, MDB_txn *txn, uint32_t least, uint32_t *number_out);

/* Where the record is now. */
int index_place(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t *place_out);
int index_place_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t place);
/* The first blob with an id >= from that was moved: MDB_NOTFOUND when none. */
int index_moved_next(struct lmdb_store *s, MDB_txn *txn, uint64_t from, uint64_t *id_out);

int index_dead_get(struct lmdb_store *s, MDB_txn *txn, uint64_t id, int64_t *since_out, uint64_t *size_out);
int index_dead_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, int64_t since, uint64_t size);
int index_dead_del(struct lmdb_store *s, MDB_txn *txn, uint64_t id);

/* Whether the blob has the tag, its record being r; *row_out tells whether the table says so. */
int index_tag_get(struct lmdb_store *s, MDB_txn *txn, uint64_t id, const struct record *r, store_tag tag, bool *has_out,
				  bool *row_out);
int index_tag_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, store_tag tag, bool has);
int index_tag_del(struct lmdb_store *s, MDB_txn *txn, uint64_t id, store_tag tag);
/* All tags of a blob. *tags_out is from malloc (NULL when there are none). */
int index_tags(struct lmdb_store *s, MDB_txn *txn, uint64_t id, const struct record *r, store_tag **tags_out,
			   size_t *n_out);
/* Whether a row whose value has value_n bytes is one: of level 1 it is that long, of level 2 a CRC of key and value follows. */
#define INDEX_ROW_CRC 4u
bool index_row_ok(MDB_val key, MDB_val value, size_t value_n);
/* Forgets all that the tables say about a blob. */
int index_blob_forget(struct lmdb_store *s, MDB_txn *txn, uint64_t id);

#endif
