#include "store/blob_segment/segment_file.h"

#include "base/clock.h"
#include "base/num.h"
#include "store/limits.h"
#include "store/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const uint8_t zeros[64 << 10];

void segment_name(uint32_t number, char *name) { snprintf(name, SEGMENT_NAME_SIZE, "%08x.seg", number); }

uint32_t segment_name_parse(const char *name)
{
	uint32_t number = 0;
	for (int i = 0; i < 8; i++) {
		const char *digits = "0123456789abcdef", *d = name[i] ? strchr(digits, name[i]) : NULL;
		if (!d)
			return 0;
		number = number << 4 | (uint32_t)(d - digits);
	}
	return strcmp(name + 8, ".seg") == 0 ? number : 0;
}

static int code_of_errno(int errno_value)
{
	return errno_value == EFBIG ? ERR_NO_SPACE : err_from_errno(NULL, errno_value, "segment");
}

static int write_all(int fd, const void *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? code_of_errno(errno) : ERR_IO;
		p = (const char *)p + done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

int segment_file_create(int dir_fd, uint32_t number, struct segment_file *out)
{
	*out = SEGMENT_FILE_NONE;
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return code_of_errno(errno);
	uint8_t header[SEGMENT_HEADER_SIZE];
	segment_header_encode(number, header);
	int rc = flock(fd, LOCK_EX) < 0 ? ERR_IO : write_all(fd, header, sizeof header, 0);
	if (rc == 0 && (fsync(fd) < 0 || fsync(dir_fd) < 0))
		rc = code_of_errno(errno);
	if (rc) {
		unlinkat(dir_fd, name, 0);
		close(fd);
		return rc;
	}
	uint64_t end = sizeof header;
	*out = (struct segment_file){ .fd = fd, .number = number, .end = end, .synced = end, .filled = end };
	return 0;
}

int segment_file_lock(int dir_fd, uint32_t number, int *fd_out)
{
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return code_of_errno(errno);
	/* A file that lost its name before the lock came is nobody's any more. */
	struct stat st;
	int rc = 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
	else if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		rc = ERR_NOT_FOUND;
	if (rc) {
		close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

static bool ends_well(int fd, uint32_t number, uint64_t end)
{
	struct stat st;
	uint8_t head[RECORD_FIXED_SIZE];
	struct record r;
	return fstat(fd, &st) == 0 && (uint64_t)st.st_size == end + record_size(0, 0)
		&& pread(fd, head, sizeof head, (off_t)end) == (ssize_t)sizeof head
		&& record_decode(str_make(head, sizeof head), &r) == 0 && r.kind == RECORD_END
		&& r.id == place_make(number, end);
}

int segment_file_reopen(int dir_fd, uint32_t number, uint64_t end, struct segment_file *out)
{
	*out = SEGMENT_FILE_NONE;
	int fd = -1, rc = segment_file_lock(dir_fd, number, &fd);
	if (rc)
		return rc;
	if (!ends_well(fd, number, end)) {
		close(fd);
		return ERR_CORRUPT;
	}
	*out = (struct segment_file){ .fd = fd, .number = number, .end = end, .synced = end, .filled = end };
	return 0;
}

int segment_file_settle(int fd, uint64_t from, uint64_t to)
{
	char part[64 << 10];
	while (from < to) {
		size_t want = to - from < sizeof part ? (size_t)(to - from) : sizeof part;
		ssize_t n = pread(fd, part, want, (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? code_of_errno(errno) : ERR_IO;
		int rc = write_all(fd, part, (size_t)n, from);
		if (rc)
			return rc;
		from += (uint64_t)n;
	}
	return fsync(fd) < 0 ? code_of_errno(errno) : 0;
}

int segment_file_finish(struct segment_file *f)
{
	struct record mark = { .kind = RECORD_END, .id = place_make(f->number, f->end), .synced = f->synced };
	uint8_t bytes[RECORD_FIXED_SIZE + RECORD_ALIGN] = { 0 };
	record_encode(&mark, NULL, bytes);
	size_t n = record_size(0, 0);
	int rc = write_all(f->fd, bytes, n, f->end);
	if (rc == 0 && (ftruncate(f->fd, (off_t)(f->end + n)) < 0 || fsync(f->fd) < 0))
		rc = code_of_errno(errno);
	return rc;
}

void segment_file_drop(struct segment_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	*f = SEGMENT_FILE_NONE;
}

/* ---- batches ---- */

void segment_batch_begin(struct segment_batch *b, struct segment_file *f)
{
	b->file = f;
	b->at = b->written = f->end;
	b->n_iov = 0;
	b->rc = 0;
}

/* Syncing is much cheaper where blocks exist already, so when records reach the end of the file it is filled with zeros
 * ahead of them. When there is no room for that, they do without. */
static void fill_ahead(struct segment_file *f, uint64_t at)
{
	if (at < f->filled)
		return;
	f->filled = at;
	for (uint64_t goal = (at / STORE_FILL_BYTES + 1) * STORE_FILL_BYTES; at < goal;) {
		size_t n = goal - at < sizeof zeros ? (size_t)(goal - at) : sizeof zeros;
		if (write_all(f->fd, zeros, n, at))
			return;
		at += n;
		f->filled = at;
	}
}

static void flush(struct segment_batch *b)
{
	struct iovec iov[SEGMENT_IOV];
	size_t left = 0;
	for (int i = 0; i < b->n_iov; i++) {
		iov[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)b->iov[i].p, .iov_len = b->iov[i].n };
		left += b->iov[i].n;
	}
	struct iovec *at = iov;
	int n = b->n_iov;
	while (left > 0 && b->rc == 0) {
		ssize_t done = pwritev(b->file->fd, at, n, (off_t)b->written);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			b->rc = done < 0 ? code_of_errno(errno) : ERR_IO;
			break;
		}
		b->written += (uint64_t)done;
		left -= (size_t)done;
		for (; n > 0 && (size_t)done >= at->iov_len; at++, n--)
			done -= (ssize_t)at->iov_len;
		if (n > 0) {
			at->iov_base = (char *)at->iov_base + done;
			at->iov_len -= (size_t)done;
		}
	}
	b->n_iov = 0;
}

void segment_batch_add(struct segment_batch *b, const void *p, size_t n)
{
	if (n == 0 || b->rc)
		return;
	if (b->n_iov == SEGMENT_IOV)
		flush(b);
	b->iov[b->n_iov].p = p;
	b->iov[b->n_iov++].n = n;
	b->at += n;
}

void segment_batch_pad(struct segment_batch *b)
{
	segment_batch_add(b, zeros, (RECORD_ALIGN - b->at % RECORD_ALIGN) % RECORD_ALIGN);
}

int segment_batch_end(struct segment_batch *b, bool no_sync, bool *broken_out)
{
	struct segment_file *f = b->file;
	*broken_out = false;
	flush(b);
	if (b->rc) {
		*broken_out = b->rc != ERR_NO_SPACE;
		return b->rc;
	}
	fill_ahead(f, b->at);
	uint64_t began = clock_mono_us();
	if (!no_sync && fdatasync(f->fd) < 0) {
		*broken_out = true;
		return code_of_errno(errno);
	}
	f->end = f->synced = b->at;
	store_synced(STORE_SYNC_BLOBS, began);
	return 0;
}
