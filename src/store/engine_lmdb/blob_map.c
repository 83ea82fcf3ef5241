/* Finding and reading blobs. */
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"

static int moved_place(struct lmdb_store *s, MDB_txn *txn, store_blob_id id, uint64_t *place_out)
{
	if (txn)
		return lmdb_code(index_place(s, txn, id, place_out));
	struct store_read *r;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(index_place(s, txn, id, place_out));
	lmdb_end(r);
	return rc;
}

/* The record at a place, if that is the blob's. */
static int find_at(struct lmdb_store *s, uint64_t place, store_blob_id id, struct blob_ref *out)
{
	struct segment_maps *maps = s->blobs->maps;
	int rc;
	do {
		rc = segment_map_get(maps, place_segment(place), &out->map);
		if (rc)
			return rc;
		rc = segment_map_record(maps, out->map, place_offset(place), &out->record);
		if (rc)
			segment_map_unref(maps, out->map);
	} while (rc == ERR_RETRY);
	if (rc)
		return rc;
	out->place = place;
	if (out->record.kind == RECORD_BLOB && out->record.id == id)
		return 0;
	segment_map_unref(maps, out->map);
	return ERR_NOT_FOUND;
}

int blob_find(struct lmdb_store *s, MDB_txn *txn, store_blob_id id, struct blob_ref *out)
{
	/* As long as its first segment exists a blob is still there too, moved or not: the index is asked only when the
	 * file is gone, which happens after the commit that tells where the blob went. */
	int rc = find_at(s, id, id, out);
	for (int tries = 0; rc == ERR_NOT_FOUND && tries < 3; tries++) {
		uint64_t place;
		rc = moved_place(s, txn, id, &place);
		if (rc)
			return rc;
		if (place == id)
			return ERR_NOT_FOUND;
		/* It may be moved once more between the two steps. */
		rc = find_at(s, place, id, out);
	}
	return rc;
}

void blob_ref_end(struct lmdb_store *s, struct blob_ref *ref) { segment_map_unref(s->blobs->maps, ref->map); }

int lmdb_blob_map(struct store *store, store_blob_id id, struct store_blob_view *out)
{
	struct lmdb_store *s = lmdb_of(store);
	struct blob_ref ref;
	int rc;
	do {
		rc = blob_find(s, NULL, id, &ref);
		if (rc)
			return rc;
		rc = segment_map_payload(s->blobs->maps, ref.map, place_offset(ref.place), &ref.record, &out->bytes);
		if (rc)
			blob_ref_end(s, &ref);
	} while (rc == ERR_RETRY);
	if (rc == 0)
		out->handle = ref.map;
	return rc;
}

bool lmdb_blob_intact(struct store *s, const struct store_blob_view *v)
{
	(void)s;
	return segment_map_intact(v->handle);
}

void lmdb_blob_unmap(struct store *s, struct store_blob_view *v)
{
	segment_map_unref(lmdb_of(s)->blobs->maps, v->handle);
}
