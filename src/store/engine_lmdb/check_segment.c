/* The segment files read whole, against the tables. */
#include "base/clock.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/check.h"
#include "store/engine_lmdb/segment_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What looks bad is judged at the end of a segment, when it is known how much of the file was promised. */
struct suspect {
	uint64_t offset, size, id;        /* id: 0 when the bytes are no record */
};

struct segment_check {
	struct check *c;
	uint64_t dead;                    /* bytes of records in it that nobody needs */
	uint64_t end_mark;                /* where the last end mark stands; 0: none */
	uint64_t synced;                  /* the greatest that any record says */
	struct suspect *suspects;
	size_t n, cap;
};

static int suspect_add(struct segment_check *sc, struct suspect s)
{
	if (sc->n == sc->cap) {
		size_t cap = sc->cap ? sc->cap * 2 : 16;
		struct suspect *grown = realloc(sc->suspects, cap * sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		sc->suspects = grown;
		sc->cap = cap;
	}
	sc->suspects[sc->n++] = s;
	return 0;
}

/* ---- the dead ---- */

struct dead_fix {
	uint64_t id, size;
	uint32_t segment;                 /* where the record was found */
	const struct record *record;
	bool wrong, listed;               /* out, as seen in one transaction */
	bool mend;
};

/* A blob is listed as dead exactly when it has no tags. Looks only, unless told to mend. */
static int compare_dead(struct lmdb_write *w, void *arg)
{
	struct dead_fix *f = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	store_tag *tags;
	size_t n;
	int64_t since;
	uint64_t size;
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, f->segment, &row);
	f->wrong = false;
	/* Its segment has been emptied meanwhile, and the rows about what was dead in it are being deleted. */
	if (rc == MDB_NOTFOUND || (rc == 0 && row.state == SEGMENT_GONE))
		return 0;
	if (rc == 0)
		rc = index_tags(s, w->txn, f->id, f->record, &tags, &n);
	if (rc)
		return write_fail(w, rc);
	free(tags);
	rc = index_dead_get(s, w->txn, f->id, &since, &size);
	if (rc && rc != MDB_NOTFOUND)
		return write_fail(w, rc);
	f->listed = rc == 0;
	f->wrong = f->listed != (n == 0);
	if (!f->wrong || !f->mend)
		return 0;
	w->changed = true;
	rc = n > 0 ? index_dead_del(s, w->txn, f->id) : index_dead_put(s, w->txn, f->id, clock_now(), f->size);
	return write_fail(w, rc);
}

static int check_owners(struct segment_check *sc, uint32_t number, const struct scan_item *item)
{
	struct lmdb_store *s = sc->c->s;
	bool here;
	store_tag *tags;
	size_t n;
	int rc = segment_item_tags(s, number, item, &here, &tags, &n);
	free(tags);
	if (rc)
		return rc;
	if (!here || n == 0)
		sc->dead += item->size;
	if (!here)
		return 0;
	struct store_read *r;
	MDB_txn *txn;
	rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	int64_t since;
	uint64_t size;
	rc = index_dead_get(s, txn, item->record.id, &since, &size);
	lmdb_end(r);
	if ((rc == 0) == (n == 0) || s->base.read_only)
		return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
	/* The two answers are from two moments: only what is wrong in one transaction is a fault. */
	struct dead_fix f = { .id = item->record.id, .size = item->size, .segment = number, .record = &item->record, .mend = sc->c->repair };
	rc = lmdb_commit_raw(s, compare_dead, &f);
	if (rc == 0 && f.wrong)
		check_fault(sc->c, "blob %016llx %s%s", (unsigned long long)f.id,
					f.listed ? "is listed as dead but has an owner" : "has no owner but is not listed as dead",
					f.mend ? "; mended" : "");
	return rc;
}

static int check_item(void *arg, uint32_t number, const struct scan_item *item)
{
	struct segment_check *sc = arg;
	if (item->event != SCAN_DAMAGE && item->record.synced > sc->synced)
		sc->synced = item->record.synced;
	switch (item->event) {
	case SCAN_DAMAGE: return suspect_add(sc, (struct suspect){ .offset = item->offset, .size = item->size });
	case SCAN_END: sc->end_mark = item->offset; return 0;
	case SCAN_BAD_PAYLOAD: {
		int rc = suspect_add(sc, (struct suspect){ .offset = item->offset, .size = item->size, .id = item->record.id });
		return rc ? rc : check_owners(sc, number, item);
	}
	case SCAN_BLOB: {
		bool mended = false;
		int rc = sc->c->places_lost ? check_mend_place(sc->c, number, item, &mended) : 0;
		return rc ? rc : check_owners(sc, number, item);
	}
	}
	return ERR_BUG;
}

/* ---- looking again ---- */

static int collect_suspect(void *arg, uint32_t number, const struct scan_item *item)
{
	(void)number;
	if (item->event == SCAN_DAMAGE)
		return suspect_add(arg, (struct suspect){ .offset = item->offset, .size = item->size });
	if (item->event == SCAN_BAD_PAYLOAD)
		return suspect_add(arg, (struct suspect){ .offset = item->offset, .size = item->size, .id = item->record.id });
	return 0;
}

/* A file may grow while it is read: what was missing in one part may be written, and promised by what is read next. So what looks bad is looked at once more;
 * by then all that was promised at the first look is there. */
static int look_again(struct segment_check *sc, uint32_t number)
{
	bool promised = false;
	for (size_t i = 0; i < sc->n; i++)
		promised = promised || sc->suspects[i].offset < sc->synced;
	if (!promised)
		return 0;
	sc->n = 0;
	return segment_walk(sc->c->s, number, true, collect_suspect, sc);
}

/* Whether the segment is still what its row said when that was read. If not, another process has removed the file since, or goes on with it, and what was found
 * of it says nothing. */
static int row_stands(struct check *c, uint32_t number, const struct segment_row *seen, bool *stands_out)
{
	struct store_read *r;
	MDB_txn *txn;
	struct segment_row row;
	int rc = lmdb_begin_raw(c->s, &r, &txn);
	if (rc)
		return rc;
	rc = index_segment_get(c->s, txn, number, &row);
	lmdb_end(r);
	*stands_out = rc == 0 && row.state == seen->state && row.size == seen->size;
	return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
}

/* ---- setting aside ---- */

static int judge_suspects(struct segment_check *sc, uint32_t number)
{
	struct check *c = sc->c;
	for (size_t i = 0; i < sc->n; i++) {
		const struct suspect *bad = &sc->suspects[i];
		if (bad->offset >= sc->synced)
			continue;         /* the last writes before a crash: nobody was told that they succeeded */
		if (lmdb_is_aside(c->s, place_make(number, bad->offset), bad->size)) {
			check_note(c, "segment %08x, offset %llu: %llu bytes are damaged; a copy is in quarantine", number, (unsigned long long)bad->offset,
					   (unsigned long long)bad->size);
			continue;
		}
		const char *aside = c->repair ? "; a copy is in quarantine" : "";
		if (bad->id)
			check_fault(c, "segment %08x, offset %llu: blob %016llx fails its checksum%s", number,
						(unsigned long long)bad->offset, (unsigned long long)bad->id, aside);
		else
			check_fault(c, "segment %08x, offset %llu: %llu bytes are no record%s", number,
						(unsigned long long)bad->offset, (unsigned long long)bad->size, aside);
		int rc = c->repair ? check_set_aside(c->s, number, bad->offset, bad->size) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- rows ---- */

struct row_fix {
	uint32_t number;
	struct segment_row seen;
	uint64_t dead;
};

/* Counters are derived: set when nobody has changed them meanwhile. */
static int set_dead(struct lmdb_write *w, void *arg)
{
	const struct row_fix *f = arg;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row;
	int rc = index_segment_get(s, w->txn, f->number, &row);
	if (rc)
		return write_fail(w, rc);
	if (row.dead != f->seen.dead || row.revived != f->seen.revived || row.state != f->seen.state || row.dead == f->dead)
		return 0;
	row.dead = f->dead;
	w->changed = true;
	return write_fail(w, index_segment_put(s, w->txn, f->number, &row));
}

static int reseal(struct lmdb_store *s, uint32_t number)
{
	int fd, rc = segment_file_lock(s->blobs->dir_fd, number, &fd);
	if (rc)
		return rc == ERR_BUSY ? 0 : rc;
	rc = segment_seal(s, number, fd);
	close(fd);
	return rc;
}

/* The file is not there. It stays known, so that its number and the ids in it are not given out again. */
static int missing_file(struct check *c, uint32_t number)
{
	uint64_t at = place_make(number, 0);
	if (lmdb_is_aside(c->s, at, 0)) {
		check_note(c, "segment %08x: the file is missing; its messages are lost", number);
		return 0;
	}
	check_fault(c, "segment %08x: the file is missing%s", number, c->repair ? "; noted" : "");
	return c->repair ? lmdb_note_aside(c->s, at, 0) : 0;
}

static int check_found(struct segment_check *sc, uint32_t number, const struct segment_row *row, bool ended)
{
	struct check *c = sc->c;
	bool stands = false;
	int rc = judge_suspects(sc, number);
	if (rc == 0 && ended && sc->end_mark < row->size)
		rc = row_stands(c, number, row, &stands);
	if (stands) {
		check_fault(c, "segment %08x: it does not end as it should%s", number, c->repair ? "; sealed anew" : "");
		if (c->repair)
			rc = reseal(c->s, number);
	}
	struct row_fix f = { .number = number, .seen = *row, .dead = sc->dead };
	if (rc == 0 && c->repair)
		rc = lmdb_commit_raw(c->s, set_dead, &f);
	return rc;
}

static int check_file_of(struct segment_check *sc, uint32_t number, bool ended)
{
	struct check *c = sc->c;
	int rc = segment_walk(c->s, number, true, check_item, sc);
	/* An open segment may be caught before its header is written. */
	if ((rc == ERR_CORRUPT || rc == ERR_INVALID) && (ended || (c->repair && c->places_lost))) {
		check_fault(c, "segment %08x: its first 64 bytes are not those of this segment%s", number, c->repair ? "; written anew" : "");
		if (c->repair && check_mend_header(c->s, number) == 0)
			rc = segment_walk(c->s, number, true, check_item, sc);
	}
	return rc ? rc : look_again(sc, number);
}

static int check_segment(struct check *c, uint32_t number, const struct segment_row *row)
{
	struct segment_check sc = { .c = c };
	bool ended = row->state == SEGMENT_CLOSED || row->state == SEGMENT_SEALED, stands = false;
	int rc = check_file_of(&sc, number, ended);
	if (rc == 0) {
		rc = check_found(&sc, number, row, ended);
	} else if (rc == ERR_NOT_FOUND) {
		/* Of one that is not ended the writer died before making it. */
		rc = ended ? row_stands(c, number, row, &stands) : 0;
		if (stands)
			rc = missing_file(c, number);
	} else if (rc == ERR_CORRUPT || rc == ERR_INVALID) {
		rc = 0;
	}
	free(sc.suspects);
	return rc;
}

static int adopt_row(struct lmdb_write *w, void *arg)
{
	uint32_t number = *(const uint32_t *)arg, next;
	struct lmdb_store *s = lmdb_of(w->base.store);
	struct segment_row row = { .state = SEGMENT_OPEN };
	int rc = index_segment_get(s, w->txn, number, &row);
	if (rc == 0)
		return 0;             /* it came meanwhile */
	w->changed = true;
	rc = index_segment_put(s, w->txn, number, &row);
	/* Its number must not be given out again. */
	if (rc == 0)
		rc = index_segment_number(s, w->txn, number, &next);
	return rc ? write_fail(w, rc) : 0;
}

static int check_file(struct check *c, uint32_t number)
{
	struct lmdb_store *s = c->s;
	struct store_read *r;
	MDB_txn *txn;
	struct segment_row row;
	int rc = lmdb_begin_raw(s, &r, &txn);
	if (rc)
		return rc;
	rc = index_segment_get(s, txn, number, &row);
	lmdb_end(r);
	char name[SEGMENT_NAME_SIZE];
	struct stat st;
	segment_name(number, name);
	/* The row goes after the file does, so a file without a row is a fault only while it stays. */
	if (rc != MDB_NOTFOUND || fstatat(s->blobs->dir_fd, name, &st, 0) < 0)
		return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
	check_fault(c, "segment %08x: the index does not know the file%s", number, c->repair ? "; taken up" : "");
	if (!c->repair)
		return 0;
	rc = lmdb_commit_raw(s, adopt_row, &number);
	if (rc == 0)
		rc = reseal(s, number);
	if (rc == ERR_CORRUPT || rc == ERR_INVALID) {
		check_fault(c, "segment %08x: its first 64 bytes are not those of this segment; written anew", number);
		rc = check_mend_header(s, number);
		if (rc == 0)
			rc = reseal(s, number);
	}
	return rc;
}

static int check_files(struct check *c)
{
	int fd = openat(c->s->blobs->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	int rc = 0;
	for (struct dirent *d; rc == 0 && (d = readdir(dir));) {
		uint32_t number = segment_name_parse(d->d_name);
		if (number)
			rc = check_file(c, number);
		else if (d->d_name[0] != '.')
			check_fault(c, "blobs/%s: not a segment", d->d_name);
	}
	closedir(dir);
	return rc;
}

int check_segments(struct check *c)
{
	int rc = check_files(c);
	uint32_t number = 0;
	struct segment_row row;
	while (rc == 0 && (rc = segment_next(c->s, number, &number, &row)) == 0) {
		if (row.state != SEGMENT_GONE)
			rc = check_segment(c, number, &row);
	}
	/* A bad row, of which check_index has told; it is in the way until a repair. */
	return rc == ERR_NOT_FOUND || (rc == ERR_CORRUPT && !c->repair) ? 0 : rc;
}
