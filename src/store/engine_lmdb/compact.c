/* Maintenance: gives back the room of dropped blobs. A segment that is mostly dead is emptied: what lives is appended
 * to the present segment and the index told where it went; when nothing in it lives any more, it is marked gone in one
 * commit, what the index says about its dead is deleted, and the file is unlinked. A crash between any two steps leaves
 * copies that nobody refers to, or a marked segment that the next pass removes.
 *
 * While a segment is worked on its file is locked, so that no other process continues or empties it too.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/pulse.h"
#include "store/engine_lmdb/segment_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct found {
	uint64_t id, offset, size;        /* of a record */
	bool bad;                         /* its payload fails its checksum, where those are verified */
};

/* The records of a segment that must move, and those that may go. */
struct survey {
	struct lmdb_store *s;
	int64_t dead_before;
	struct found *keep, *drop;
	size_t n_keep, n_drop, cap_keep, cap_drop;
	uint64_t keep_bytes;
	uint64_t damage, synced;          /* where the first bytes are that are no record; what the writer promised */
};

static void survey_fini(struct survey *v)
{
	free(v->keep);
	free(v->drop);
}

static int found_add(struct found **list, size_t *n, size_t *cap, struct found f)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 256;
		struct found *grown = realloc(*list, more * sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		*list = grown;
		*cap = more;
	}
	(*list)[(*n)++] = f;
	return 0;
}

static int survey_item(void *arg, uint32_t number, const struct scan_item *item)
{
	struct survey *v = arg;
	if (item->event == SCAN_DAMAGE && v->damage == 0)
		v->damage = item->offset;
	if (item->event != SCAN_DAMAGE && item->record.synced > v->synced)
		v->synced = item->record.synced;
	if (item->event != SCAN_BLOB && item->event != SCAN_BAD_PAYLOAD)
		return 0;
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(v->s, &r, &txn);
	if (rc)
		return rc;
	uint64_t place, size;
	int64_t since = INT64_MAX;
	rc = index_place(v->s, txn, item->record.id, &place);
	bool here = rc == 0 && place == place_make(number, item->offset);
	if (here)
		rc = index_dead_get(v->s, txn, item->record.id, &since, &size);
	bool drop = here && rc == 0 && since <= v->dead_before;
	lmdb_end(r);
	if (rc && rc != MDB_NOTFOUND)
		return lmdb_code(rc);
	if (!here)
		return 0;
	struct found f = { .id = item->record.id, .offset = item->offset, .size = item->size, .bad = item->event == SCAN_BAD_PAYLOAD };
	if (drop)
		return found_add(&v->drop, &v->n_drop, &v->cap_drop, f);
	v->keep_bytes += f.size;
	return found_add(&v->keep, &v->n_keep, &v->cap_keep, f);
}

/* What stands behind the bytes that its writer had promised may be torn: nobody was told that it is there. Such records go with their segment; a copy would
 * stand among what is promised. Bad ones that were promised are moved as they are, for whoever can read them. */
static void leave_torn(struct survey *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->n_keep; i++) {
		if (v->keep[i].bad && v->keep[i].offset >= v->synced)
			v->keep_bytes -= v->keep[i].size;
		else
			v->keep[n++] = v->keep[i];
	}
	v->n_keep = n;
}

/* ---- moving ---- */

struct move {
	uint32_t from;
	const struct found *list;
	struct blob_append **copies;
	size_t n;
};

static int add_dead(struct lmdb_store *s, MDB_txn *txn, uint32_t number, uint64_t size)
{
	struct segment_row row;
	int rc = index_segment_get(s, txn, number, &row);
	row.dead += size;
	return rc ? rc : index_segment_put(s, txn, number, &row);
}

static int note_moves(struct lmdb_write *w, void *arg)
{
	const struct move *m = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	int rc = 0;
	w->changed = true;
	for (size_t i = 0; i < m->n && rc == 0; i++) {
		uint64_t id = m->list[i].id, place = m->copies[i]->place, size;
		int64_t since;
		rc = index_place_put(s, w->txn, id, place);
		if (rc)
			break;
		/* One of two copies is dead now. A blob that is dead itself, but not for long enough, was counted already. */
		rc = index_dead_get(s, w->txn, id, &since, &size);
		if (rc == 0 || rc == MDB_NOTFOUND)
			rc = add_dead(s, w->txn, rc == 0 ? place_segment(place) : m->from, m->list[i].size);
	}
	return rc ? write_fail(w, rc) : 0;
}

/* A copy of the record as it is, good or bad: its checksum goes with it. */
static int prepare_copy(struct lmdb_store *s, struct segment_map *map, const struct found *f, struct arena *a,
						struct blob_append **out)
{
	struct blob_append *p = arena_new(a, struct blob_append);
	struct str *payload = arena_new(a, struct str);
	if (!p || !payload)
		return ERR_NO_MEMORY;
	int rc = segment_map_record(s->blobs->maps, map, f->offset, &p->record);
	if (rc)
		return rc;
	const uint8_t *bytes;
	size_t head = record_head_size(p->record.n_tags);
	rc = segment_map_bytes(s->blobs->maps, map, f->offset + head, p->record.payload_size, &bytes);
	store_tag *tags = arena_array(a, p->record.n_tags + 1, sizeof *tags);
	p->head = arena_alloc(a, head);
	if (rc || !tags || !p->head)
		return rc ? rc : ERR_NO_MEMORY;
	for (uint32_t i = 0; i < p->record.n_tags; i++)
		tags[i] = record_tag(&p->record, i);
	p->tags = tags;
	*payload = str_make(bytes, p->record.payload_size);
	p->pieces = payload;
	p->n_pieces = 1;
	*out = p;
	return 0;
}

/* Copies list[0..n) and tells the index. */
static int move_batch(struct lmdb_store *s, uint32_t number, struct segment_map *map, const struct found *list,
					  size_t n, bool bulk)
{
	struct arena a = ARENA_INIT(0);
	struct blob_append **copies = arena_array(&a, n, sizeof(*copies));   // NOLINT(bugprone-sizeof-expression): pointers
	int rc = copies ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = prepare_copy(s, map, &list[i], &a, &copies[i]);
		if (rc == 0 && i > 0)
			copies[i - 1]->item.next = &copies[i]->item;
	}
	if (rc == 0)
		blob_append(s, bulk, copies[0], copies[n - 1]);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = copies[i]->result;
	struct move m = { .from = number, .list = list, .copies = copies, .n = n };
	if (rc == 0)
		rc = lmdb_commit_raw(s, note_moves, &m);
	arena_fini(&a);
	return rc;
}

static int move_all(struct survey *v, uint32_t number)
{
	struct lmdb_store *s = v->s;
	struct segment_map *map;
	int rc = segment_map_get(s->blobs->maps, number, &map);
	if (rc)
		return rc;
	for (size_t at = 0; at < v->n_keep && rc == 0;) {
		bool bulk = v->keep[at].size >= STORE_BULK_BYTES;
		uint64_t bytes = 0;
		size_t n = 0;
		while (at + n < v->n_keep && n < STORE_TAG_BATCH && (n == 0 || bytes + v->keep[at + n].size <= STORE_MOVE_BYTES)
			   && (v->keep[at + n].size >= STORE_BULK_BYTES) == bulk)
			bytes += v->keep[at + n++].size;
		rc = move_batch(s, number, map, v->keep + at, n, bulk);
		at += n;
	}
	segment_map_unref(s->blobs->maps, map);
	return rc;
}

/* ---- removing ---- */

struct forget {
	uint32_t number;
	const struct found *list;
	size_t n;
};

static int forget_dead(struct lmdb_write *w, void *arg)
{
	const struct forget *f = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	int rc = 0;
	w->changed = true;
	for (size_t i = 0; i < f->n && rc == 0; i++) {
		uint64_t place;
		rc = index_place(s, w->txn, f->list[i].id, &place);
		if (rc == 0 && place == place_make(f->number, f->list[i].offset))
			rc = index_blob_forget(s, w->txn, f->list[i].id);
	}
	return rc ? write_fail(w, rc) : 0;
}

static int forget_segment(struct lmdb_write *w, void *arg)
{
	w->changed = true;
	return write_fail(w, index_segment_del(lmdb_of(w->base.store), w->txn, *(const uint32_t *)arg));
}

/* Of a segment that is marked gone. *freed_out: the size of its file. */
static int remove_segment(struct lmdb_store *s, uint32_t number, uint64_t *freed_out)
{
	/* Nothing is kept here: whatever still has its place in the segment is dead. */
	struct survey v = { .s = s, .dead_before = INT64_MAX };
	char name[SEGMENT_NAME_SIZE];
	struct stat st;
	segment_name(number, name);
	*freed_out = fstatat(s->blobs->dir_fd, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
	int rc = segment_walk(s, number, false, survey_item, &v);
	for (size_t at = 0; at < v.n_drop && rc == 0; at += STORE_TAG_BATCH) {
		struct forget f = { .number = number, .list = v.drop + at, .n = v.n_drop - at };
		if (f.n > STORE_TAG_BATCH)
			f.n = STORE_TAG_BATCH;
		rc = lmdb_commit_raw(s, forget_dead, &f);
	}
	survey_fini(&v);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	segment_map_forget(s->blobs->maps, number);
	if (rc == 0 && unlinkat(s->blobs->dir_fd, name, 0) < 0)
		return ERR_IO;
	/* Also when it is gone already: who unlinked it may have been killed before the sync. */
	if (fsync(s->blobs->dir_fd) < 0)
		return ERR_IO;
	return lmdb_commit_raw(s, forget_segment, &number);
}

struct mark {
	uint32_t number, revived;
};

/* Unless one of its dead got a tag again meanwhile. */
static int mark_gone(struct lmdb_write *w, void *arg)
{
	const struct mark *m = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, m->number, &row);
	if (rc)
		return write_fail(w, rc);
	if (row.revived != m->revived)
		return ERR_CONFLICT;
	row.state = SEGMENT_GONE;
	w->changed = true;
	return write_fail(w, index_segment_put(s, w->txn, m->number, &row));
}

static int compact(struct lmdb_store *s, uint32_t number, const struct segment_row *row, uint64_t *moved_out,
				   uint64_t *freed_out)
{
	*moved_out = *freed_out = 0;
	int64_t graced = clock_now() - STORE_GRACE_SECONDS, held_from = pulse_held_from(s->pulse);
	struct survey v = { .s = s, .dead_before = graced < held_from ? graced : held_from - 1 };
	int rc = segment_walk(s, number, true, survey_item, &v);
	leave_torn(&v);
	/* The dead may be too fresh to go. And where promised bytes are damaged, nobody throws them away. */
	bool worth = rc == 0 && v.keep_bytes * 2 <= row->size && (v.damage == 0 || v.damage >= v.synced);
	if (worth) {
		rc = move_all(&v, number);
		*moved_out = v.keep_bytes;
	}
	struct mark m = { .number = number, .revived = row->revived };
	if (worth && rc == 0)
		rc = lmdb_commit_raw(s, mark_gone, &m);
	if (worth && rc == 0) {
		uint64_t size;
		rc = remove_segment(s, number, &size);
		*freed_out = rc == 0 && size > v.keep_bytes ? size - v.keep_bytes : 0;
	}
	survey_fini(&v);
	return rc == ERR_CONFLICT ? 0 : rc;
}

/* ---- segments whose writer died ---- */

struct seal {
	uint32_t number;
	uint64_t size;
};

static int note_sealed(struct lmdb_write *w, void *arg)
{
	const struct seal *seal = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, seal->number, &row);
	row.state = SEGMENT_SEALED;
	row.size = seal->size;
	w->changed = true;
	return write_fail(w, rc ? rc : index_segment_put(s, w->txn, seal->number, &row));
}

int segment_seal(struct lmdb_store *s, uint32_t number, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return ERR_IO;
	if (st.st_size < SEGMENT_HEADER_SIZE)
		return 0;             /* its maker is about to write the header, or died before that */
	struct segment_scan *scan;
	int rc = segment_scan_begin(fd, number, true, &scan);
	if (!scan && (rc == ERR_CORRUPT || rc == ERR_INVALID) && st.st_size == SEGMENT_HEADER_SIZE)
		return 0;             /* likewise, and the power failed */
	struct scan_item item;
	bool whole = true;
	while (rc == 0 && (rc = segment_scan_next(scan, &item)) == 1) {
		whole = whole && item.event != SCAN_DAMAGE && item.event != SCAN_BAD_PAYLOAD;
		rc = 0;
	}
	if (rc == 0) {
		/* Whatever is not zero stays, so that nothing is lost should the judgement that it is no record be wrong. From
		 * here on all good records are promised; where some are bad, only as far as the writer itself had said so. */
		uint64_t end = segment_scan_used(scan), good = whole ? segment_scan_extent(scan) : segment_scan_synced(scan);
		struct segment_file f = { .fd = fd, .number = number, .end = end, .synced = good, .filled = end };
		/* The mark promises them; so they, and the file's name, are made durable before it. Where there is no record not even the header may be. */
		uint64_t durable = segment_scan_extent(scan) > SEGMENT_HEADER_SIZE ? segment_scan_synced(scan) : 0;
		rc = segment_file_settle(fd, durable, end);
		if (rc == 0 && fsync(s->blobs->dir_fd) < 0)
			rc = ERR_IO;
		if (rc == 0)
			rc = segment_file_finish(&f);
		/* Never to be continued: should the disk have lost records at the end, their ids would be used again. */
		struct seal seal = { .number = number, .size = end };
		if (rc == 0)
			rc = lmdb_commit_raw(s, note_sealed, &seal);
	}
	segment_scan_end(&scan);
	return rc;
}

/* ---- the pass ---- */

static bool worth_compacting(const struct segment_row *row)
{
	return (row->state == SEGMENT_CLOSED || row->state == SEGMENT_SEALED) && row->dead * 2 > row->size;
}

/* With the segment's file locked, or no file there. */
static int tend_locked(struct lmdb_store *s, uint32_t number, int fd, uint64_t *moved, uint64_t *freed)
{
	/* Before the lock another process may have changed it. */
	struct segment_row row;
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(index_segment_get(s, txn, number, &row));
	lmdb_end(r);
	if (rc)
		return rc;
	if (row.state == SEGMENT_GONE)
		return remove_segment(s, number, freed);
	if (fd < 0)
		return 0;
	if (row.state == SEGMENT_OPEN)
		return segment_seal(s, number, fd);
	return worth_compacting(&row) ? compact(s, number, &row, moved, freed) : 0;
}

static int tend(struct lmdb_store *s, uint32_t number, const struct segment_row *row, uint64_t *moved, uint64_t *freed)
{
	*moved = *freed = 0;
	if (row->state != SEGMENT_GONE && row->state != SEGMENT_OPEN && !worth_compacting(row))
		return 0;
	int fd = -1, rc = segment_file_lock(s->blobs->dir_fd, number, &fd);
	if (rc == ERR_BUSY)
		return 0;
	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = tend_locked(s, number, fd, moved, freed);
	if (fd >= 0)
		close(fd);
	/* Another process was faster. */
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Of processes that were killed: they would hold old pages for ever. */
static int free_dead_readers(struct lmdb_store *s)
{
	struct store_read *r;
	MDB_txn *txn;
	int dead, rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = lmdb_code(mdb_reader_check(s->env, &dead));
	lmdb_end(r);
	return rc;
}

int lmdb_maintain(struct store *store, uint64_t max_bytes, uint64_t *reclaimed_out)
{
	struct lmdb_store *s = lmdb_of(store);
	int result = free_dead_readers(s);
	resident_trim(s);
	pthread_mutex_lock(&s->blobs->maintain);
	segment_maps_sweep(s->blobs->maps);
	uint32_t number = 0;
	struct segment_row row;
	for (uint64_t done = 0; done < max_bytes;) {
		int rc = segment_next(s, number, &number, &row);
		if (rc) {
			if (rc != ERR_NOT_FOUND)
				result = rc;
			break;
		}
		uint64_t moved, freed;
		rc = tend(s, number, &row, &moved, &freed);
		/* A segment that cannot be read must not keep the others from being tended. */
		if (rc)
			result = rc;
		done += moved;
		*reclaimed_out += freed;
	}
	pthread_mutex_unlock(&s->blobs->maintain);
	return result;
}
