/* Putting blobs: the leader lays the records of all who wait one behind the other, writes them together, syncs once. */
#include "base/clock.h"
#include "base/hash.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/pulse.h"

#include <unistd.h>

static struct blob_append *append_of(struct combine_item *it) { return (struct blob_append *)it; }

/* ---- which file ---- */

struct allot {
	uint32_t number;
	uint64_t size;                    /* of the segment to be continued */
};

static int allot_new(struct lmdb_write *w, void *arg)
{
	struct allot *a = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row = { .state = SEGMENT_OPEN };
	w->changed = true;
	int rc = index_segment_number(s, w->txn, 1, &a->number);
	if (rc == 0)
		rc = index_segment_put(s, w->txn, a->number, &row);
	return rc ? write_fail(w, rc) : 0;
}

/* The file is locked by us; the row may have changed before that. */
static int allot_continue(struct lmdb_write *w, void *arg)
{
	const struct allot *a = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, a->number, &row);
	if (rc)
		return write_fail(w, rc);
	if (row.state != SEGMENT_CLOSED || row.size != a->size)
		return ERR_CONFLICT;
	row.state = SEGMENT_OPEN;
	w->changed = true;
	return write_fail(w, index_segment_put(s, w->txn, a->number, &row));
}

/* A segment that an earlier run closed with room left. False: none. */
static bool continue_segment(struct lmdb_store *s, struct segment_file *out)
{
	uint32_t number = 0;
	struct segment_row row;
	for (;;) {
		struct store_read *r;
		MDB_txn *txn;
		if (lmdb_begin_raw(s, &r, &txn))
			return false;
		int rc = index_segment_next(s, txn, number, &number, &row);
		lmdb_end(r);
		if (rc)
			return false;
		if (row.state != SEGMENT_CLOSED || segment_file_reopen(s->blobs->dir_fd, number, row.size, out))
			continue;
		struct allot a = { .number = number, .size = row.size };
		if (lmdb_commit_raw(s, allot_continue, &a) == 0)
			return true;
		segment_file_drop(out);
	}
}

static int open_segment(struct blob_appender *a)
{
	struct lmdb_store *s = a->store;
	if (continue_segment(s, &a->file))
		return 0;
	for (;;) {
		/* Where no file can be made, for want of descriptors or of room in the directory, each put would leave a number and its row behind. */
		struct allot allot = { .number = a->spare };
		int rc = allot.number ? 0 : lmdb_commit_raw(s, allot_new, &allot);
		if (rc)
			return rc;
		/* A name that exists is a segment that the index forgot (an older index was put back): leave it alone. */
		rc = segment_file_create(s->blobs->dir_fd, allot.number, &a->file);
		a->spare = rc && rc != ERR_EXISTS ? allot.number : 0;
		if (rc != ERR_EXISTS)
			return rc;
	}
}

struct close_row {
	uint32_t number;
	uint64_t size;
	enum segment_state state;
};

static int note_closed(struct lmdb_write *w, void *arg)
{
	const struct close_row *c = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, c->number, &row);
	if (rc)
		return write_fail(w, rc);
	row.state = c->state;
	row.size = c->size;
	w->changed = true;
	return write_fail(w, index_segment_put(s, w->txn, c->number, &row));
}

/* When this fails the segment is left as by a crash, and maintenance ends it later. */
static void close_segment(struct blob_appender *a)
{
	struct segment_file *f = &a->file;
	if (f->fd < 0)
		return;
	bool full = f->end >= a->store->blobs->segment_size / 2;
	struct close_row c = { .number = f->number, .size = f->end, .state = full ? SEGMENT_SEALED : SEGMENT_CLOSED };
	if (segment_file_finish(f) == 0)
		lmdb_commit_raw(a->store, note_closed, &c);
	segment_file_drop(f);
}

/* ---- appending ---- */

static void lay_out(struct segment_batch *b, struct blob_append *p)
{
	p->place = place_make(b->file->number, b->at);
	if (p->record.id == 0)
		p->record.id = p->place;
	p->record.synced = b->file->synced;
	record_encode(&p->record, p->tags, p->head);
	segment_batch_add(b, p->head, record_head_size(p->record.n_tags));
	for (size_t i = 0; i < p->n_pieces; i++)
		segment_batch_add(b, p->pieces[i].p, p->pieces[i].n);
	segment_batch_pad(b);
}

static int append_batch(struct blob_appender *a, struct combine_item *batch)
{
	struct blob_area *area = a->store->blobs;
	if (a->file.fd >= 0 && a->file.end >= area->segment_size)
		close_segment(a);
	int rc = a->file.fd >= 0 ? 0 : open_segment(a);
	if (rc)
		return rc;
	struct segment_batch b;
	segment_batch_begin(&b, &a->file);
	for (struct combine_item *at = batch; at; at = at->next)
		lay_out(&b, append_of(at));
	bool broken;
	rc = segment_batch_end(&b, a->store->no_sync, &broken);
	if (broken)
		segment_file_drop(&a->file);
	return rc;
}

static void *run(void *arg, struct combine_item *batch)
{
	struct blob_appender *a = arg;
	struct blob_area *area = a->store->blobs;
	enum pulse_lane lane = a == &area->bulk ? PULSE_BULK : PULSE_SMALL;
	uint64_t began = pulse_begin(a->store->pulse, lane);
	int rc = append_batch(a, batch);
	pulse_end(a->store->pulse, lane, began);
	uint64_t n = 0, bytes = 0;
	for (struct combine_item *at = batch; at; at = at->next) {
		append_of(at)->result = rc;
		n++;
		bytes += append_of(at)->record.payload_size;
	}
	if (rc == 0) {
		atomic_fetch_add_explicit(&area->puts, n, memory_order_relaxed);
		atomic_fetch_add_explicit(&area->bytes, bytes, memory_order_relaxed);
		atomic_fetch_add_explicit(&area->syncs, 1, memory_order_relaxed);
	}
	return NULL;
}

static const struct combine_ops append_ops = { .run = run };

void blob_append(struct lmdb_store *s, bool bulk, struct blob_append *first, struct blob_append *last)
{
	combine(&(bulk ? &s->blobs->bulk : &s->blobs->small)->combiner, &first->item, &last->item);
}

struct stillborn {
	uint64_t id, size;
};

/* A blob put without tags is dead from the start, until it gets one. */
static int note_stillborn(struct lmdb_write *w, void *arg)
{
	const struct stillborn *b = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	w->changed = true;
	int rc = index_segment_get(s, w->txn, place_segment(b->id), &row);
	row.dead += b->size;
	if (rc == 0)
		rc = index_segment_put(s, w->txn, place_segment(b->id), &row);
	if (rc == 0)
		rc = index_dead_put(s, w->txn, b->id, clock_now(), b->size);
	return rc ? write_fail(w, rc) : 0;
}

int lmdb_blob_put(struct store *store, const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
				  size_t n_tags, store_blob_id *out)
{
	struct lmdb_store *s = lmdb_of(store);
	uint8_t few[RECORD_FIXED_SIZE + 8 * 8];
	uint8_t *head = n_tags <= 8 ? few : malloc(record_head_size((uint32_t)n_tags));
	if (!head)
		return ERR_NO_MEMORY;
	struct blob_append p = {
		.pieces = pieces, .n_pieces = n_pieces, .tags = tags, .head = head,
		.record = { .kind = RECORD_BLOB, .payload_size = (uint32_t)size, .n_tags = (uint32_t)n_tags },
	};
	for (size_t i = 0; i < n_pieces; i++)
		p.record.payload_crc = hash_crc32c(p.record.payload_crc, pieces[i].p, pieces[i].n);
	blob_append(s, size >= STORE_BULK_BYTES, &p, &p);
	if (head != few)
		free(head);
	if (p.result == 0 && n_tags == 0) {
		struct stillborn b = { .id = p.place, .size = record_size(0, size) };
		p.result = lmdb_commit_raw(s, note_stillborn, &b);
	}
	if (p.result == 0)
		*out = p.place;
	return p.result;
}

/* ---- the area ---- */

static void appender_init(struct blob_appender *a, struct lmdb_store *s, size_t group_max)
{
	a->store = s;
	a->file = SEGMENT_FILE_NONE;
	combiner_init(&a->combiner, &append_ops, a, group_max);
}

static void appender_fini(struct blob_appender *a)
{
	close_segment(a);
	combiner_fini(&a->combiner);
}

int blob_area_open(struct lmdb_store *s, const struct store_config *c, int dir_fd)
{
	struct blob_area *area = calloc(1, sizeof *area);
	uint64_t segment_size = c->segment_size ? c->segment_size : STORE_SEGMENT_SIZE_DEFAULT;
	if (segment_size > STORE_SEGMENT_SIZE_MAX)
		segment_size = STORE_SEGMENT_SIZE_MAX;
	int rc = area ? segment_maps_create(dir_fd, segment_size + 3 * STORE_BLOB_MAX, &area->maps) : ERR_NO_MEMORY;
	if (rc) {
		free(area);
		return rc;
	}
	area->dir_fd = dir_fd;
	area->segment_size = segment_size;
	pthread_mutex_init(&area->maintain, NULL);
	appender_init(&area->small, s, STORE_PUT_GROUP_MAX);
	appender_init(&area->bulk, s, STORE_BULK_GROUP_MAX);
	s->blobs = area;
	return 0;
}

void blob_area_close(struct lmdb_store *s)
{
	struct blob_area *area = s->blobs;
	if (!area)
		return;
	appender_fini(&area->small);
	appender_fini(&area->bulk);
	segment_maps_destroy(&area->maps);
	pthread_mutex_destroy(&area->maintain);
	close(area->dir_fd);
	free(area);
	s->blobs = NULL;
}
