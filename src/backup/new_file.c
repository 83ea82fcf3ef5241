#include "backup/new_file.h"

#include "base/base64.h"
#include "rt/crypto.h"
#include "rt/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* Faults: backup.write, backup.full, backup.sync, backup.rename, backup.read fail; backup.kill ends the process between two steps, for tests
 * that go through all of them. */
static int step(const char *fault, int errno_value)
{
	if (fault_hit("backup.kill"))
		raise(SIGKILL);
	if (!fault_hit(fault))
		return 0;
	errno = errno_value;
	return -1;
}

static void path_make(char *out, size_t size, const char *folder, const char *name)
{
	snprintf(out, size, "%s%s%s", folder, folder[0] ? "/" : "", name);
}

int new_file_open(int dir_fd, struct new_file *f)
{
	uint8_t dice[8];
	struct buf hex = BUF_INIT(0);
	crypto_random(dice, sizeof(dice));
	hex_encode(&hex, str_make(dice, sizeof(dice)));
	snprintf(f->name, sizeof(f->name), TMP_FOLDER "/%.*s", (int)hex.n, hex.p ? hex.p : "");
	f->size = 0;
	f->fd = hex.failed ? -1 : openat(dir_fd, f->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = f->fd >= 0 ? 0 : hex.failed ? ERR_NO_MEMORY : err_from_errno(NULL, errno, "%s", f->name);
	buf_fini(&hex);
	return r;
}

/* The disk gets it little by little: all of it at the end would hold up whoever else waits for a sync then. An error here would not be told again later. */
static int write_through(struct new_file *f, uint64_t from)
{
	unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	if (sync_file_range(f->fd, (off_t)from, (off_t)(f->size - from), how) == 0 || errno == EINVAL || errno == ENOSYS || errno == ESPIPE)
		return 0;
	return err_from_errno(NULL, errno, "sync_file_range");
}

int new_file_write(struct new_file *f, const void *p, size_t n)
{
	const char *from = p;
	uint64_t began = f->size;
	while (n > 0) {
		size_t part = fault_hit("backup.short") && n > 1 ? n / 2 : n;
		ssize_t done = step("backup.write", EIO) || step("backup.full", ENOSPC) ? -1 : pwrite(f->fd, from, part, (off_t)f->size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == EFBIG ? ERR_NO_SPACE : err_from_errno(NULL, errno, "write");
		from += done;
		n -= (size_t)done;
		f->size += (uint64_t)done;
	}
	return f->size > began ? write_through(f, began) : 0;
}

int folder_sync(int dir_fd, const char *folder)
{
	int fd = openat(dir_fd, folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(NULL, errno, "%s", folder);
	int r = step("backup.sync", EIO) || fsync(fd) < 0 ? err_from_errno(NULL, errno, "%s", folder) : 0;
	close(fd);
	return r;
}

int folder_list(int dir_fd, const char *folder, int (*fn)(void *arg, const char *name), void *arg)
{
	int fd = openat(dir_fd, folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(NULL, errno, "%s", folder);
	DIR *d = fdopendir(fd);
	if (!d) {
		int e = err_from_errno(NULL, errno, "%s", folder);
		close(fd);
		return e;
	}
	const struct dirent *entry;
	int e = 0;
	while (e == 0 && (errno = 0, entry = readdir(d)))
		e = entry->d_name[0] == '.' ? 0 : fn(arg, entry->d_name);
	if (e == 0 && errno)
		e = err_from_errno(NULL, errno, "%s", folder);
	closedir(d);
	return e;
}

int new_file_keep(int dir_fd, struct new_file *f, const char *folder, const char *name)
{
	char path[160];
	path_make(path, sizeof(path), folder, name);
	if (step("backup.sync", EIO) || fdatasync(f->fd) < 0 || step("backup.rename", EIO) || renameat(dir_fd, f->name, dir_fd, path) < 0) {
		int r = err_from_errno(NULL, errno, "%s", path);
		new_file_drop(dir_fd, f);
		return r;
	}
	close(f->fd);
	f->fd = -1;
	return folder_sync(dir_fd, folder);
}

void new_file_drop(int dir_fd, struct new_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	unlinkat(dir_fd, f->name, 0);
}

int file_remove(int dir_fd, const char *folder, const char *name)
{
	char path[160];
	path_make(path, sizeof(path), folder, name);
	if (step("backup.remove", EIO) || (unlinkat(dir_fd, path, 0) < 0 && errno != ENOENT))
		return err_from_errno(NULL, errno, "%s", path);
	return 0;
}

int file_move(int dir_fd, const char *folder, const char *name, const char *to_folder)
{
	char from[160], to[160];
	path_make(from, sizeof(from), folder, name);
	path_make(to, sizeof(to), to_folder, name);
	if (mkdirat(dir_fd, to_folder, 0700) < 0 && errno != EEXIST)
		return err_from_errno(NULL, errno, "%s", to_folder);
	if (step("backup.rename", EIO) || renameat(dir_fd, from, dir_fd, to) < 0)
		return err_from_errno(NULL, errno, "%s", from);
	int e = folder_sync(dir_fd, to_folder);
	if (e == 0)
		e = folder_sync(dir_fd, folder);
	return e ? e : folder_sync(dir_fd, "");       /* to_folder itself may be new */
}

int file_read_at(int fd, void *to, size_t n, uint64_t offset)
{
	char *at = to;
	while (n > 0) {
		ssize_t got = fault_hit("backup.read") ? (errno = EIO, -1) : pread(fd, at, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_from_errno(NULL, errno, "read");
		if (got == 0)
			return ERR_CORRUPT;
		at += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

int file_read(int dir_fd, const char *folder, const char *name, size_t max, struct buf *out)
{
	char path[160];
	struct stat s;
	path_make(path, sizeof(path), folder, name);
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_from_errno(NULL, errno, "%s", path);
	int r = fstat(fd, &s) < 0 ? ERR_IO : !S_ISREG(s.st_mode) || (uint64_t)s.st_size >= max ? ERR_CORRUPT : 0;
	char *to = r == 0 ? buf_reserve(out, (size_t)s.st_size) : NULL;
	if (r == 0)
		r = to ? file_read_at(fd, to, (size_t)s.st_size, 0) : ERR_NO_MEMORY;
	if (r == 0)
		out->n += (size_t)s.st_size;
	close(fd);
	return r;
}
