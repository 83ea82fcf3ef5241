/* Walking over all blobs: the segments one after the other, each record against the tables. */
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/segment_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int segment_walk(struct lmdb_store *s, uint32_t number, bool verify, segment_walk_fn *fn, void *arg)
{
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	int fd = openat(s->blobs->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(NULL, errno, "segment");
	struct segment_scan *scan;
	int rc = segment_scan_begin(fd, number, verify, &scan);
	struct scan_item item;
	while (rc == 0 && (rc = segment_scan_next(scan, &item)) == 1)
		rc = fn(arg, number, &item);
	/* A writer that died before its header was durable leaves a file that is empty, or holds anything; nothing can have been promised of it. */
	struct stat st;
	if (!scan && (rc == ERR_CORRUPT || rc == ERR_INVALID) && fstat(fd, &st) == 0 && st.st_size <= SEGMENT_HEADER_SIZE)
		rc = ERR_NOT_FOUND;
	segment_scan_end(&scan);
	close(fd);
	return rc;
}

int segment_next(struct lmdb_store *s, uint32_t after, uint32_t *number_out, struct segment_row *row_out)
{
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(index_segment_next(s, txn, after, number_out, row_out));
	lmdb_end(r);
	return rc;
}

/* The tags of the record's blob; *here_out: this record is the blob's present place. */
int segment_item_tags(struct lmdb_store *s, uint32_t number, const struct scan_item *item, bool *here_out,
					  store_tag **tags_out, size_t *n_out)
{
	*here_out = false;
	*tags_out = NULL;
	*n_out = 0;
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	uint64_t place;
	rc = index_place(s, txn, item->record.id, &place);
	*here_out = rc == 0 && place == place_make(number, item->offset);
	if (*here_out)
		rc = index_tags(s, txn, item->record.id, &item->record, tags_out, n_out);
	lmdb_end(r);
	return lmdb_code(rc);
}

/* ---- visiting ----
 * By ids, segment after segment, wherever the records are by now: maintenance moves them also to segments that were passed already (a closed one with a
 * lower number may be continued). The ids of a segment are in its file for as long as that is there, and afterwards, those that live, in the table of moved
 * ones: the commit that says where they went comes before the one that marks the segment gone.
 */
struct visit {
	struct lmdb_store *s;
	store_tag tag;
	store_blob_visit_fn *fn;
	void *arg;
	int stop;                         /* what fn returned */
};

/* The tags of a blob, its record being r; *lives_out is false when it has been dropped. LMDB's codes. */
static int tags_of_living(struct lmdb_store *s, MDB_txn *txn, const struct record *r, bool *lives_out, store_tag **tags_out, size_t *n_out)
{
	uint64_t place;
	struct segment_row row = { .state = SEGMENT_GONE };
	int rc = index_place(s, txn, r->id, &place);
	if (rc == 0)
		rc = index_segment_get(s, txn, place_segment(place), &row);
	*lives_out = rc == 0 && row.state != SEGMENT_GONE;
	if (*lives_out)
		rc = index_tags(s, txn, r->id, r, tags_out, n_out);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static int visit_record(struct visit *v, const struct record *record)
{
	struct store_read *r;
	MDB_txn *txn;
	bool lives = false;
	store_tag *tags = NULL;
	size_t n = 0;
	int rc = lmdb_begin_raw(v->s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(tags_of_living(v->s, txn, record, &lives, &tags, &n));
	lmdb_end(r);
	for (size_t i = 0; rc == 0 && i < n && v->stop == 0; i++) {
		if (v->tag == 0 || v->tag == tags[i])
			v->stop = v->fn(v->arg, record->id, record->payload_size, tags[i]);
	}
	if (rc == 0 && lives && v->tag == 0 && n == 0)
		v->stop = v->fn(v->arg, record->id, record->payload_size, 0);
	free(tags);
	return rc ? rc : v->stop;
}

/* What was moved here is visited by its id. */
static int visit_item(void *arg, uint32_t number, const struct scan_item *item)
{
	return item->event == SCAN_BLOB && place_segment(item->record.id) == number ? visit_record(arg, &item->record) : 0;
}

/* The first blob that was moved with an id of at least `from`. ERR_NOT_FOUND: there is none. */
static int next_moved(struct lmdb_store *s, uint64_t from, uint64_t *id_out)
{
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(index_moved_next(s, txn, from, id_out));
	lmdb_end(r);
	return rc;
}

/* Those whose ids are of a segment that is gone. */
static int visit_moved(struct visit *v, uint32_t number)
{
	uint64_t id = place_make(number, 0);
	int rc;
	while ((rc = next_moved(v->s, id, &id)) == 0 && place_segment(id) == number) {
		struct blob_ref ref;
		int found = blob_find(v->s, NULL, id++, &ref);
		/* Dropped meanwhile; or damaged, as a record that a walk passes over. */
		if (found == ERR_NOT_FOUND || found == ERR_CORRUPT)
			continue;
		if (found)
			return found;
		rc = visit_record(v, &ref.record);
		blob_ref_end(v->s, &ref);
		if (rc)
			return rc;
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* The next number after `after` of which there are blobs: a segment, or one that was and whose blobs were moved. ERR_NOT_FOUND at the end. */
static int next_number(struct lmdb_store *s, uint32_t after, uint32_t *number_out, bool *file_out)
{
	struct segment_row row;
	uint64_t id;
	uint32_t number = 0;
	int rc = segment_next(s, after, &number, &row), moved = after == UINT32_MAX ? ERR_NOT_FOUND : next_moved(s, place_make(after + 1, 0), &id);
	if ((rc && rc != ERR_NOT_FOUND) || (moved && moved != ERR_NOT_FOUND))
		return rc && rc != ERR_NOT_FOUND ? rc : moved;
	if (rc && moved)
		return ERR_NOT_FOUND;
	bool first = rc == 0 && (moved || number <= place_segment(id));
	*number_out = first ? number : place_segment(id);
	*file_out = first && row.state != SEGMENT_GONE;
	return 0;
}

int lmdb_blob_visit(struct store *store, store_tag tag, store_blob_visit_fn *fn, void *arg)
{
	struct visit v = { .s = lmdb_of(store), .tag = tag, .fn = fn, .arg = arg };
	uint32_t number = 0;
	bool file;
	int rc;
	while ((rc = next_number(v.s, number, &number, &file)) == 0) {
		/* A file may be missing when its writer died before making it, or when it was dropped just now. */
		rc = file ? segment_walk(v.s, number, false, visit_item, &v) : ERR_NOT_FOUND;
		if (rc == ERR_NOT_FOUND && !v.stop)
			rc = visit_moved(&v, number);
		if (rc)
			return v.stop ? v.stop : rc;
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}
