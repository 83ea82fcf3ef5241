/* What repair does to segments and to the tables about them. Nothing is taken out of a segment. */
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the disk cannot give is left out. */
static int copy_bytes(int from, int to, uint64_t offset, uint64_t size)
{
	char part[16 << 10];
	for (uint64_t at = 0; at < size;) {
		size_t n = size - at < sizeof part ? (size_t)(size - at) : sizeof part;
		ssize_t got = pread(from, part, n, (off_t)(offset + at));
		if (got <= 0)
			break;
		if (write(to, part, (size_t)got) != got)
			return err_from_errno(NULL, errno, "quarantine");
		at += (uint64_t)got;
	}
	return fsync(to) < 0 ? ERR_IO : 0;
}

static int copy_aside(struct lmdb_store *s, uint32_t number, uint64_t offset, uint64_t n)
{
	char from_name[SEGMENT_NAME_SIZE], to_name[64];
	segment_name(number, from_name);
	snprintf(to_name, sizeof to_name, "../quarantine/%08x-%010llx", number, (unsigned long long)offset);
	if (mkdirat(s->blobs->dir_fd, "../quarantine", 0700) < 0 && errno != EEXIST)
		return err_from_errno(NULL, errno, "quarantine");
	int from = openat(s->blobs->dir_fd, from_name, O_RDONLY | O_CLOEXEC);
	int to = openat(s->blobs->dir_fd, to_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int dir = openat(s->blobs->dir_fd, "../quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = from < 0 || to < 0 || dir < 0 ? ERR_IO : copy_bytes(from, to, offset, n);
	if (rc == 0 && fsync(dir) < 0)
		rc = ERR_IO;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	if (dir >= 0)
		close(dir);
	return rc;
}

int check_set_aside(struct lmdb_store *s, uint32_t number, uint64_t offset, uint64_t n)
{
	int rc = copy_aside(s, number, offset, n);
	return rc ? rc : lmdb_note_aside(s, place_make(number, offset), n);
}

int check_mend_header(struct lmdb_store *s, uint32_t number)
{
	uint8_t header[SEGMENT_HEADER_SIZE];
	int fd, rc = segment_file_lock(s->blobs->dir_fd, number, &fd);
	if (rc)
		return rc;
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	rc = copy_aside(s, number, 0, sizeof header);
	int file = rc ? -1 : openat(s->blobs->dir_fd, name, O_WRONLY | O_CLOEXEC);
	segment_header_encode(number, header);
	if (rc == 0 && (file < 0 || pwrite(file, header, sizeof header, 0) != (ssize_t)sizeof header || fsync(file) < 0))
		rc = err_from_errno(NULL, errno, "segment");
	if (file >= 0)
		close(file);
	close(fd);
	return rc;
}

/* ---- places ---- */

struct place_fix {
	uint64_t id, place;
};

static int put_place(struct lmdb_write *w, void *arg)
{
	const struct place_fix *f = arg;
	w->changed = true;
	return write_fail(w, index_place_put(lmdb_of(w->base.store), w->txn, f->id, f->place));
}

int check_mend_place(struct check *c, uint32_t number, const struct scan_item *item, bool *mended_out)
{
	struct place_fix f = { item->record.id, place_make(number, item->offset) };
	struct blob_ref ref;
	*mended_out = false;
	if (f.id == f.place)
		return 0;
	int rc = blob_find(c->s, NULL, f.id, &ref);
	if (rc == 0)
		blob_ref_end(c->s, &ref);
	if (rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
		return rc;
	check_fault(c, "blob %016llx: it is not known where it was moved to%s", (unsigned long long)f.id, c->repair ? "; mended" : "");
	*mended_out = c->repair;
	return c->repair ? lmdb_commit_raw(c->s, put_place, &f) : 0;
}

/* ---- numbers ---- */

#define NUMBERS_SKIPPED 0x10000u

static int skip_numbers(struct lmdb_write *w, void *arg)
{
	struct lmdb_store *s = lmdb_of(w->base.store);
	uint32_t least = *(const uint32_t *)arg, number = 0, next;
	struct segment_row row;
	int rc;
	while ((rc = index_segment_next(s, w->txn, number, &number, &row)) == 0)
		if (number > least)
			least = number;
	if (rc == MDB_NOTFOUND)
		rc = least < UINT32_MAX - 2 * NUMBERS_SKIPPED ? index_segment_number(s, w->txn, least + NUMBERS_SKIPPED, &next) : 0;
	w->changed = true;
	return write_fail(w, rc);
}

int check_mend_counters(struct lmdb_store *s)
{
	uint32_t most = 0;
	int fd = openat(s->blobs->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	for (struct dirent *d; (d = readdir(dir));) {
		uint32_t number = segment_name_parse(d->d_name);
		if (number > most)
			most = number;
	}
	closedir(dir);
	return lmdb_commit_raw(s, skip_numbers, &most);
}
