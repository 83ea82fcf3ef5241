/* Owners of blobs, after the put. */
#include "base/clock.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"

struct tag_change {
	const store_blob_id *ids;
	size_t n;
	store_tag tag;
	bool add;
	bool missing;                     /* out: one of them is not there */
	int failed;                       /* out: one of them could not be read */
};

/* The segment where the record lies gets or loses dead bytes. */
static int account(struct lmdb_store *s, MDB_txn *txn, uint64_t place, int64_t by, bool revived)
{
	struct segment_row row;
	int rc = index_segment_get(s, txn, place_segment(place), &row);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
	row.dead = by < 0 && row.dead < (uint64_t)-by ? 0 : row.dead + (uint64_t)by;
	row.revived += revived;
	return index_segment_put(s, txn, place_segment(place), &row);
}

static int revive(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t place)
{
	int64_t since;
	uint64_t size;
	int rc = index_dead_get(s, txn, id, &since, &size);
	if (rc)
		return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
	rc = account(s, txn, place, -(int64_t)size, true);
	return rc ? rc : index_dead_del(s, txn, id);
}

/* If no tag is left. */
static int bury(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t place, const struct record *r)
{
	store_tag *tags;
	size_t n;
	int rc = index_tags(s, txn, id, r, &tags, &n);
	free(tags);
	if (rc || n > 0)
		return rc;
	uint64_t size = record_size(r->n_tags, r->payload_size);
	rc = account(s, txn, place, (int64_t)size, false);
	return rc ? rc : index_dead_put(s, txn, id, clock_now(), size);
}

/* `place` is where the index says the record is. */
static int change_one(struct lmdb_write *w, const struct tag_change *c, uint64_t id, uint64_t place,
					  const struct record *r)
{
	struct lmdb_store *s = lmdb_of(w->base.store);
	bool has, in_table;
	int rc = index_tag_get(s, w->txn, id, r, c->tag, &has, &in_table);
	if (rc || has == c->add)
		return rc;
	w->changed = true;
	if (record_has_tag(r, c->tag) == c->add)
		rc = index_tag_del(s, w->txn, id, c->tag);
	else
		rc = index_tag_put(s, w->txn, id, c->tag, c->add);
	if (rc)
		return rc;
	return c->add ? revive(s, w->txn, id, place) : bury(s, w->txn, id, place, r);
}

/* MDB_NOTFOUND: there is no such blob, or it is dropped. */
static int place_of_living(struct lmdb_store *s, MDB_txn *txn, uint64_t id, uint64_t *place_out)
{
	struct segment_row row;
	int rc = index_place(s, txn, id, place_out);
	if (rc == 0)
		rc = index_segment_get(s, txn, place_segment(*place_out), &row);
	if (rc == 0 && row.state == SEGMENT_GONE)
		rc = MDB_NOTFOUND;
	return rc;
}

static int change_tags(struct lmdb_write *w, void *arg)
{
	struct tag_change *c = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	c->missing = false;
	c->failed = 0;
	for (size_t i = 0; i < c->n; i++) {
		uint64_t place;
		int rc = place_of_living(s, w->txn, c->ids[i], &place);
		if (rc && rc != MDB_NOTFOUND)
			return write_fail(w, rc);
		struct blob_ref ref;
		rc = rc ? ERR_NOT_FOUND : blob_find(s, w->txn, c->ids[i], &ref);
		if (rc == ERR_NOT_FOUND) {
			c->missing = true;
			continue;
		}
		if (rc) {
			c->failed = rc;
			continue;
		}
		rc = change_one(w, c, c->ids[i], place, &ref.record);
		blob_ref_end(s, &ref);
		if (rc)
			return write_fail(w, rc);
	}
	return 0;
}

/* The records are read before the transaction, so that it does not wait for the disk. */
static void warm_up(struct lmdb_store *s, const store_blob_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct blob_ref ref;
		if (blob_find(s, NULL, ids[i], &ref) == 0)
			blob_ref_end(s, &ref);
	}
}

int lmdb_blob_tag(struct store *store, const store_blob_id *ids, size_t n, store_tag tag, bool add)
{
	struct lmdb_store *s = lmdb_of(store);
	int result = 0;
	for (size_t at = 0; at < n; at += STORE_TAG_BATCH) {
		struct tag_change c = { .ids = ids + at, .n = n - at, .tag = tag, .add = add };
		if (c.n > STORE_TAG_BATCH)
			c.n = STORE_TAG_BATCH;
		warm_up(s, c.ids, c.n);
		int rc = lmdb_commit_raw(s, change_tags, &c);
		if (rc)
			return rc;
		if (c.failed)
			result = c.failed;
		else if (c.missing && add && result == 0)
			result = ERR_NOT_FOUND;
	}
	return result;
}

int blob_is_tagged(struct lmdb_store *s, MDB_txn *txn, store_blob_id id, store_tag tag, bool *has_out)
{
	struct blob_ref ref;
	uint64_t place;
	bool in_table;
	*has_out = false;
	int rc = lmdb_code(place_of_living(s, txn, id, &place));
	/* Wherever the record is by now: the place that the snapshot tells may have been emptied since. */
	if (rc == 0)
		rc = blob_find(s, NULL, id, &ref);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = lmdb_code(index_tag_get(s, txn, id, &ref.record, tag, has_out, &in_table));
	blob_ref_end(s, &ref);
	return rc;
}

/* A snapshot for each batch, so that none is held for long. */
static int find_tagged(struct lmdb_store *s, MDB_txn *txn, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = blob_is_tagged(s, txn, ids[i], tag, &has_out[i]);
	return rc;
}

int lmdb_blob_tagged(struct store *store, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out)
{
	struct lmdb_store *s = lmdb_of(store);
	int rc = 0;
	for (size_t at = 0; at < n && rc == 0; at += STORE_TAG_BATCH) {
		size_t count = n - at > STORE_TAG_BATCH ? STORE_TAG_BATCH : n - at;
		struct store_read *r;
		MDB_txn *txn;
		warm_up(s, ids + at, count);
		rc = lmdb_begin_raw(s, &r, &txn);
		if (rc)
			return rc;
		rc = find_tagged(s, txn, ids + at, count, tag, has_out + at);
		lmdb_end(r);
	}
	return rc;
}
