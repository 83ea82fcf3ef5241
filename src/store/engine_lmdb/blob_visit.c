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

struct visit {
	struct lmdb_store *s;
	store_tag tag;
	store_blob_visit_fn *fn;
	void *arg;
	int stop;                         /* what fn returned */
};

static int visit_item(void *arg, uint32_t number, const struct scan_item *item)
{
	struct visit *v = arg;
	if (item->event != SCAN_BLOB)
		return 0;
	bool here;
	store_tag *tags;
	size_t n;
	int rc = segment_item_tags(v->s, number, item, &here, &tags, &n);
	if (rc == 0 && here) {
		for (size_t i = 0; i < n && v->stop == 0; i++) {
			if (v->tag == 0 || v->tag == tags[i])
				v->stop = v->fn(v->arg, item->record.id, item->record.payload_size, tags[i]);
		}
		if (v->tag == 0 && n == 0)
			v->stop = v->fn(v->arg, item->record.id, item->record.payload_size, 0);
	}
	free(tags);
	return rc ? rc : v->stop;
}

int lmdb_blob_visit(struct store *store, store_tag tag, store_blob_visit_fn *fn, void *arg)
{
	struct visit v = { .s = lmdb_of(store), .tag = tag, .fn = fn, .arg = arg };
	uint32_t number = 0;
	struct segment_row row;
	for (;;) {
		int rc = segment_next(v.s, number, &number, &row);
		if (rc)
			return rc == ERR_NOT_FOUND ? 0 : rc;
		if (row.state == SEGMENT_GONE)
			continue;
		/* A file may be missing when its writer died before making it, or when it was dropped just now. */
		rc = segment_walk(v.s, number, false, visit_item, &v);
		if (v.stop || (rc && rc != ERR_NOT_FOUND))
			return v.stop ? v.stop : rc;
	}
}
