#include "store/engine_lmdb/blob_index.h"

#include "base/bytes.h"
#include "base/hash.h"

#include <errno.h>

#define SEGMENT_ROW_SIZE 24

static MDB_val val(const void *p, size_t n) { return val_of_str(str_make(p, n)); }

/* From level 2 on a row ends with the CRC of its key and value, so that a bit that flips in either is noticed. */
static uint32_t row_crc(MDB_val key, const void *value, size_t value_n)
{
	return hash_crc32c(hash_crc32c(0, key.mv_data, key.mv_size), value, value_n);
}

bool index_row_ok(MDB_val key, MDB_val value, size_t value_n)
{
	if (value.mv_size == value_n)
		return true;          /* of level 1 */
	return value.mv_size == value_n + INDEX_ROW_CRC && load_le32((const uint8_t *)value.mv_data + value_n) == row_crc(key, value.mv_data, value_n);
}

static int get(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n, size_t value_n, const uint8_t **out)
{
	MDB_val k = val(key, key_n), v;
	int rc = mdb_get(txn, dbi, &k, &v);
	if (rc)
		return rc;
	*out = v.mv_data;
	return index_row_ok(k, v, value_n) ? MDB_SUCCESS : MDB_CORRUPTED;
}

static int put(struct lmdb_store *s, MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n, const void *value, size_t value_n)
{
	uint8_t row[SEGMENT_ROW_SIZE + INDEX_ROW_CRC];
	MDB_val k = val(key, key_n), v = val(row, value_n);
	memcpy(row, value, value_n);
	if (atomic_load_explicit(&s->level, memory_order_relaxed) >= 2) {
		store_le32(row + value_n, row_crc(k, value, value_n));
		v.mv_size += INDEX_ROW_CRC;
	}
	return mdb_put(txn, dbi, &k, &v, 0);
}

/* Absent is fine. */
static int del(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n)
{
	MDB_val k = val(key, key_n);
	int rc = mdb_del(txn, dbi, &k, NULL);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* ---- segments ---- */

static struct segment_row row_decode(const uint8_t *p)
{
	return (struct segment_row){
		.state = (enum segment_state)load_le32(p),
		.revived = load_le32(p + 4),
		.size = load_le64(p + 8),
		.dead = load_le64(p + 16),
	};
}

int index_segment_get(struct lmdb_store *s, MDB_txn *txn, uint32_t number, struct segment_row *out)
{
	uint8_t key[4];
	const uint8_t *p;
	store_be32(key, number);
	int rc = get(txn, s->segments, key, sizeof key, SEGMENT_ROW_SIZE, &p);
	if (rc == 0)
		*out = row_decode(p);
	return rc;
}

int index_segment_put(struct lmdb_store *s, MDB_txn *txn, uint32_t number, const struct segment_row *row)
{
	uint8_t key[4], p[SEGMENT_ROW_SIZE];
	store_be32(key, number);
	store_le32(p, row->state);
	store_le32(p + 4, row->revived);
	store_le64(p + 8, row->size);
	store_le64(p + 16, row->dead);
	return put(s, txn, s->segments, key, sizeof key, p, sizeof p);
}

int index_segment_del(struct lmdb_store *s, MDB_txn *txn, uint32_t number)
{
	uint8_t key[4];
	store_be32(key, number);
	return del(txn, s->segments, key, sizeof key);
}

int index_segment_next(struct lmdb_store *s, MDB_txn *txn, uint32_t after, uint32_t *number_out,
					   struct segment_row *row_out)
{
	if (after == UINT32_MAX)
		return MDB_NOTFOUND;
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, s->segments, &c);
	if (rc)
		return rc;
	uint8_t from[4];
	store_be32(from, after + 1);
	MDB_val k = val(from, sizeof from), v;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	mdb_cursor_close(c);
	if (rc)
		return rc;
	if (k.mv_size != 4 || !index_row_ok(k, v, SEGMENT_ROW_SIZE))
		return MDB_CORRUPTED;
	*number_out = load_be32(k.mv_data);
	*row_out = row_decode(v.mv_data);
	return MDB_SUCCESS;
}

int index_segment_number(struct lmdb_store *s, MDB_txn *txn, uint32_t least, uint32_t *number_out)
{
	static const char name[] = "next_segment";
	const uint8_t *p;
	uint32_t number = 1;
	int rc = get(txn, s->counters, name, sizeof name - 1, 4, &p);
	if (rc == 0)
		number = load_le32(p);
	else if (rc != MDB_NOTFOUND)
		return rc;
	if (number < least)
		number = least;
	if (number == UINT32_MAX)
		return ENOSPC;
	uint8_t next[4];
	store_le32(next, number + 1);
	*number_out = number;
	return put(s, txn, s->counters, name, sizeof name - 1, next, sizeof next);
}

/* ---- places ---- */

int index_place(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t *place_out)
{
	uint8_t key[8];
	const uint8_t *p;
	store_be64(key, id);
	int rc = get(txn, s->moved, key, sizeof key, 8, &p);
	if (rc == MDB_NOTFOUND)
		*place_out = id;
	else if (rc == 0)
		*place_out = load_le64(p);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int index_place_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t place)
{
	uint8_t key[8], p[8];
	store_be64(key, id);
	store_le64(p, place);
	return put(s, txn, s->moved, key, sizeof key, p, sizeof p);
}

int index_moved_next(struct lmdb_store *s, MDB_txn *txn, uint64_t from, uint64_t *id_out)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, s->moved, &c);
	if (rc)
		return rc;
	uint8_t key[8];
	store_be64(key, from);
	MDB_val k = val(key, sizeof key), v;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
	mdb_cursor_close(c);
	if (rc)
		return rc;
	if (k.mv_size != 8 || !index_row_ok(k, v, 8))
		return MDB_CORRUPTED;
	*id_out = load_be64(k.mv_data);
	return MDB_SUCCESS;
}

/* ---- the dead ---- */

int index_dead_get(struct lmdb_store *s, MDB_txn *txn, uint64_t id, int64_t *since_out, uint64_t *size_out)
{
	uint8_t key[8];
	const uint8_t *p;
	store_be64(key, id);
	int rc = get(txn, s->dead, key, sizeof key, 16, &p);
	if (rc == 0) {
		*since_out = (int64_t)load_le64(p);
		*size_out = load_le64(p + 8);
	}
	return rc;
}

int index_dead_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, int64_t since, uint64_t size)
{
	uint8_t key[8], p[16];
	store_be64(key, id);
	store_le64(p, (uint64_t)since);
	store_le64(p + 8, size);
	return put(s, txn, s->dead, key, sizeof key, p, sizeof p);
}

int index_dead_del(struct lmdb_store *s, MDB_txn *txn, uint64_t id)
{
	uint8_t key[8];
	store_be64(key, id);
	return del(txn, s->dead, key, sizeof key);
}

/* ---- tags ---- */

static void tag_key(uint8_t key[16], uint64_t id, store_tag tag)
{
	store_be64(key, id);
	store_be64(key + 8, tag);
}

int index_tag_get(struct lmdb_store *s, MDB_txn *txn, uint64_t id, const struct record *r, store_tag tag, bool *has_out,
				  bool *row_out)
{
	uint8_t key[16];
	const uint8_t *p;
	tag_key(key, id, tag);
	int rc = get(txn, s->tags, key, sizeof key, 1, &p);
	*row_out = rc == 0;
	if (rc == 0)
		*has_out = *p != 0;
	else if (rc == MDB_NOTFOUND)
		*has_out = record_has_tag(r, tag);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int index_tag_put(struct lmdb_store *s, MDB_txn *txn, uint64_t id, store_tag tag, bool has)
{
	uint8_t key[16], value = has;
	tag_key(key, id, tag);
	return put(s, txn, s->tags, key, sizeof key, &value, 1);
}

int index_tag_del(struct lmdb_store *s, MDB_txn *txn, uint64_t id, store_tag tag)
{
	uint8_t key[16];
	tag_key(key, id, tag);
	return del(txn, s->tags, key, sizeof key);
}

struct tag_list {
	store_tag *tags;
	size_t n, cap;
};

static int tag_list_add(struct tag_list *l, store_tag tag)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		store_tag *grown = realloc(l->tags, cap * sizeof *grown);
		if (!grown)
			return ENOMEM;
		l->tags = grown;
		l->cap = cap;
	}
	l->tags[l->n++] = tag;
	return MDB_SUCCESS;
}

/* The record's tags that the table does not take away. */
static int tags_of_record(struct lmdb_store *s, MDB_txn *txn, uint64_t id, const struct record *r, struct tag_list *l)
{
	for (uint32_t i = 0; i < r->n_tags; i++) {
		uint8_t key[16];
		const uint8_t *p;
		tag_key(key, id, record_tag(r, i));
		int rc = get(txn, s->tags, key, sizeof key, 1, &p);
		if (rc == MDB_NOTFOUND)
			rc = tag_list_add(l, record_tag(r, i));
		if (rc)
			return rc;
	}
	return MDB_SUCCESS;
}

/* Those that the table adds. */
static int tags_of_table(struct lmdb_store *s, MDB_txn *txn, uint64_t id, struct tag_list *l)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, s->tags, &c);
	if (rc)
		return rc;
	uint8_t from[8];
	store_be64(from, id);
	MDB_val k = val(from, sizeof from), v;
	for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); rc == 0; rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		if (k.mv_size != 16 || !index_row_ok(k, v, 1))
			rc = MDB_CORRUPTED;
		else if (load_be64(k.mv_data) != id)
			rc = MDB_NOTFOUND;
		else if (*(const uint8_t *)v.mv_data)
			rc = tag_list_add(l, load_be64((const uint8_t *)k.mv_data + 8));
		if (rc)
			break;
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int index_tags(struct lmdb_store *s, MDB_txn *txn, uint64_t id, const struct record *r, store_tag **tags_out,
			   size_t *n_out)
{
	struct tag_list l = { .n = 0 };
	int rc = tags_of_record(s, txn, id, r, &l);
	if (rc == 0)
		rc = tags_of_table(s, txn, id, &l);
	if (rc) {
		free(l.tags);
		l = (struct tag_list){ .n = 0 };
	}
	*tags_out = l.tags;
	*n_out = l.n;
	return rc;
}

static int tags_forget(struct lmdb_store *s, MDB_txn *txn, uint64_t id)
{
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, s->tags, &c);
	while (rc == 0) {
		uint8_t from[8];
		store_be64(from, id);
		MDB_val k = val(from, sizeof from), v;
		rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE);
		if (rc == 0 && (k.mv_size < 8 || load_be64(k.mv_data) != id))
			rc = MDB_NOTFOUND;
		if (rc == 0)
			rc = mdb_cursor_del(c, 0);
		if (rc)
			mdb_cursor_close(c);
	}
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int index_blob_forget(struct lmdb_store *s, MDB_txn *txn, uint64_t id)
{
	uint8_t key[8];
	store_be64(key, id);
	int rc = tags_forget(s, txn, id);
	if (rc == 0)
		rc = del(txn, s->dead, key, sizeof key);
	if (rc == 0)
		rc = del(txn, s->moved, key, sizeof key);
	return rc;
}
