/* Preloaded: whatever is done to files below POWER_DIR is written into the record POWER_LOG (record.h) beside being done. A write is done and recorded under
 * one lock, so the record has the order in which the kernel saw it; a sync is recorded as it begins and as it ends, and covers what stands before its
 * beginning. LMDB's lock file, the store's pulse and SQLite's -shm are left out: they mean nothing when nobody has the store open. */
#include "record.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 65536

struct tracked {
	uint64_t object, device;   /* object 0: of no interest */
	bool dsync;
};

static struct tracked fds[FDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_n;
static long sync_us, die_at, die_fault, fail_each;
static _Atomic long syncs;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *log = getenv(RECORD_LOG_ENV), *dir = getenv(RECORD_DIR_ENV), *us = getenv(RECORD_SYNC_US_ENV);
	if (!log || !dir || !realpath(dir, root))
		return;
	root_n = strlen(root);
	const char *die = getenv(RECORD_DIE_ENV);
	sync_us = us ? strtol(us, NULL, 10) : 0;
	const char *fail = getenv(RECORD_FAIL_ENV), *fault = getenv(RECORD_DIE_FAULT_ENV);
	die_fault = fault ? strtol(fault, NULL, 10) : 0;
	fail_each = fail ? strtol(fail, NULL, 10) : 0;
	die_at = die ? strtol(die, NULL, 10) : 0;
	log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		abort();
}

/* ---- writing the record ---- */

static void put(struct disk_record *r, const struct iovec *payload, int n_payload)
{
	static const char padding[8];
	struct iovec iov[IOV_MAX];
	int n = 1;
	size_t size = 0;
	for (int i = 0; i < n_payload && n < IOV_MAX - 1; i++) {
		iov[n++] = payload[i];
		size += payload[i].iov_len;
	}
	r->magic = RECORD_MAGIC;
	r->thread = (uint32_t)syscall(SYS_gettid);
	r->n = (uint32_t)size;
	iov[0] = (struct iovec){ .iov_base = r, .iov_len = sizeof *r };
	iov[n++] = (struct iovec){ .iov_base = (void *)(uintptr_t)padding, .iov_len = (8 - size % 8) % 8 };
	size_t whole = sizeof *r + size + (8 - size % 8) % 8;
	int saved = errno;
	if (syscall(SYS_writev, log_fd, iov, n) != (ssize_t)whole)
		abort();
	/* Under the lock, so nothing is done that is not recorded. */
	if (die_at > 0 && --die_at == 0)
		kill(getpid(), SIGKILL);
	errno = saved;
}

static void put_text(enum record_kind kind, unsigned flags, uint64_t object, uint64_t dir, const char *text, size_t n)
{
	struct disk_record r = { .kind = (uint16_t)kind, .flags = (uint16_t)flags, .object = object, .dir = dir };
	struct iovec payload = { .iov_base = (void *)(uintptr_t)text, .iov_len = n };
	put(&r, &payload, 1);
}

static void unseen(int fd, uint64_t object, const char *what)
{
	char link[64], text[PATH_MAX + 64] = "", path[PATH_MAX] = "";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) < 0)
		path[0] = '\0';
	int n = snprintf(text, sizeof text, "%s of %s", what, path);
	pthread_mutex_lock(&lock);
	put_text(RECORD_UNSEEN, 0, object, 0, text, (size_t)n);
	pthread_mutex_unlock(&lock);
}

/* libc closes descriptors of its own without asking us, and the number may be something else's by now. */
static struct tracked *tracked_of(int fd)
{
	struct stat st;
	if (log_fd < 0 || fd < 0 || fd >= FDS_MAX || fds[fd].object == 0)
		return NULL;
	int saved = errno;
	if (fstat(fd, &st) < 0 || st.st_ino != fds[fd].object || st.st_dev != fds[fd].device)
		fds[fd].object = 0;
	errno = saved;
	return fds[fd].object ? &fds[fd] : NULL;
}

/* ---- names ---- */

struct place {
	char parent[PATH_MAX];
	const char *name;          /* the last part */
	uint64_t dir;
};

static bool is_below(const char *path)
{
	return root_n < sizeof root && strncmp(path, root, root_n) == 0 && (path[root_n] == '\0' || path[root_n] == '/');
}

/* False: it is not below the root. */
static bool find_place(int at, const char *path, char copy[PATH_MAX], struct place *out)
{
	char joined[PATH_MAX];
	int n;
	if (log_fd < 0)
		return false;
	if (path[0] == '/' || at == AT_FDCWD) {
		n = snprintf(joined, sizeof joined, "%s", path);
	} else {
		char link[64], base[PATH_MAX];
		snprintf(link, sizeof link, "/proc/self/fd/%d", at);
		ssize_t got = readlink(link, base, sizeof base - 1);
		if (got < 0)
			return false;
		base[got] = '\0';
		n = snprintf(joined, sizeof joined, "%.2000s/%.2000s", base, path);
	}
	if (n < 0 || n >= PATH_MAX)
		return false;
	memcpy(copy, joined, (size_t)n + 1);
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	char *slash = strrchr(copy, '/');
	out->name = slash ? slash + 1 : copy;
	if (slash)
		*slash = '\0';
	struct stat st;
	if (!realpath(slash ? copy : ".", out->parent) || !is_below(out->parent) || stat(out->parent, &st))
		return false;
	out->dir = st.st_ino;
	size_t m = strlen(out->name);
	return strcmp(out->name, "lock.mdb") != 0 && strcmp(out->name, "pulse") != 0 && (m < 4 || strcmp(out->name + m - 4, "-shm") != 0);
}

static void made(const struct place *p, int at, const char *path, unsigned flags)
{
	struct stat st;
	if (syscall(SYS_newfstatat, at, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		put_text(RECORD_MADE, flags, st.st_ino, p->dir, p->name, strlen(p->name));
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
	if (log_fd < 0 || (flags & O_TMPFILE) == O_TMPFILE)
		return (int)syscall(SYS_openat, at, path, flags, mode);
	char copy[PATH_MAX];
	struct place p;
	struct stat before, st;
	bool below = find_place(at, path, copy, &p);
	pthread_mutex_lock(&lock);
	bool was = !below || !(flags & O_CREAT) || syscall(SYS_newfstatat, at, path, &before, AT_SYMLINK_NOFOLLOW) == 0;
	bool cut = below && was && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY;
	int fd = (int)syscall(SYS_openat, at, path, flags, mode);
	int saved = errno;
	bool fits = fd >= 0 && fd < FDS_MAX && fstat(fd, &st) == 0;
	if (fits && !was)
		made(&p, at, path, 0);
	if (fits && cut) {
		struct disk_record r = { .kind = RECORD_SIZE, .object = st.st_ino };
		put(&r, NULL, 0);
	}
	/* The root itself, and directories below it, are opened for their sync. */
	char link[64], real[PATH_MAX] = "";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	bool directory = fits && S_ISDIR(st.st_mode) && readlink(link, real, sizeof real - 1) > 0 && is_below(real);
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd] = (struct tracked){ .device = fits ? st.st_dev : 0, .object = fits && (directory || (below && S_ISREG(st.st_mode))) ? st.st_ino : 0,
									.dsync = (flags & (O_DSYNC | O_SYNC)) != 0 };
	pthread_mutex_unlock(&lock);
	errno = saved;
	return fd;
}

static mode_t mode_of(int flags, va_list ap) { return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0; }

#define DEFINE_OPEN(name) \
	int name(const char *path, int flags, ...); \
	int name(const char *path, int flags, ...) \
	{ \
		va_list ap; \
		va_start(ap, flags); \
		mode_t mode = mode_of(flags, ap); \
		va_end(ap); \
		return open_any(AT_FDCWD, path, flags, mode); \
	}
#define DEFINE_OPENAT(name) \
	int name(int at, const char *path, int flags, ...); \
	int name(int at, const char *path, int flags, ...) \
	{ \
		va_list ap; \
		va_start(ap, flags); \
		mode_t mode = mode_of(flags, ap); \
		va_end(ap); \
		return open_any(at, path, flags, mode); \
	}
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPEN(__open_2)
DEFINE_OPEN(__open64_2)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPENAT(__openat_2)
DEFINE_OPENAT(__openat64_2)

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].object = 0;
	return (int)syscall(SYS_close, fd);
}

static int make_directory(int at, const char *path, mode_t mode)
{
	char copy[PATH_MAX];
	struct place p;
	bool below = find_place(at, path, copy, &p);
	pthread_mutex_lock(&lock);
	int rc = (int)syscall(SYS_mkdirat, at, path, mode);
	if (rc == 0 && below)
		made(&p, at, path, FLAG_DIRECTORY);
	pthread_mutex_unlock(&lock);
	return rc;
}

int mkdir(const char *path, mode_t mode) { return make_directory(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return make_directory(at, path, mode); }

static int drop_name(int at, const char *path, int flags)
{
	char copy[PATH_MAX];
	struct place p;
	bool below = find_place(at, path, copy, &p);
	pthread_mutex_lock(&lock);
	int rc = (int)syscall(SYS_unlinkat, at, path, flags);
	if (rc == 0 && below)
		put_text(RECORD_GONE, 0, 0, p.dir, p.name, strlen(p.name));
	pthread_mutex_unlock(&lock);
	return rc;
}

int unlink(const char *path) { return drop_name(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return drop_name(at, path, flags); }
int rmdir(const char *path) { return drop_name(AT_FDCWD, path, AT_REMOVEDIR); }

static int move_name(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char from_copy[PATH_MAX], to_copy[PATH_MAX], both[2 * NAME_MAX + 2];
	struct place p, q;
	bool from_below = find_place(from_at, from, from_copy, &p), to_below = find_place(to_at, to, to_copy, &q);
	pthread_mutex_lock(&lock);
	int rc = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	if (rc == 0 && from_below && to_below && p.dir == q.dir && !flags) {
		size_t n = strlen(p.name), m = strlen(q.name);
		memcpy(both, p.name, n + 1);
		memcpy(both + n + 1, q.name, m);
		struct stat st = { .st_ino = 0 };
		syscall(SYS_newfstatat, to_at, to, &st, AT_SYMLINK_NOFOLLOW);
		put_text(RECORD_MOVED, 0, st.st_ino, p.dir, both, n + 1 + m);
	} else if (rc == 0 && (from_below || to_below)) {
		put_text(RECORD_UNSEEN, 0, 0, 0, "rename between directories", 26);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int rename(const char *from, const char *to) { return move_name(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) { return move_name(from_at, from, to_at, to, 0); }
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) { return move_name(from_at, from, to_at, to, flags); }

/* ---- bytes ---- */

/* Not while the store is made: that a failed disk keeps it from coming to be is no fault. */
static bool sync_fails(void)
{
	long n = ++syncs;
	return fail_each > 0 && n > 40 && n % fail_each == 0;
}

/* Under the lock, in front of the record of the failure. */
static void note_refused(void)
{
	if (die_fault > 0)
		die_at = die_fault;
	die_fault = 0;
}

static bool is_zeros(const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		const char *p = iov[i].iov_base;
		if (iov[i].iov_len && (p[0] || memcmp(p, p + 1, iov[i].iov_len - 1)))
			return false;
	}
	return true;
}

/* False: its sync failed. */
static bool note_write(const struct tracked *t, const struct iovec *iov, int n, uint64_t at, size_t done)
{
	struct iovec part[IOV_MAX];
	size_t left = done;
	int k = 0;
	for (int i = 0; i < n && left > 0 && k < IOV_MAX - 2; i++) {
		part[k] = iov[i];
		if (part[k].iov_len > left)
			part[k].iov_len = left;
		left -= part[k++].iov_len;
	}
	struct disk_record r = { .kind = RECORD_WRITE, .object = t->object, .at = at, .size = done };
	if (is_zeros(part, k)) {
		r.flags = FLAG_ZEROS;
		k = 0;
	}
	put(&r, part, k);
	if (!t->dsync)
		return true;
	r = (struct disk_record){ .kind = RECORD_DSYNC, .object = t->object, .flags = sync_fails() ? FLAG_FAILED : 0 };
	if (r.flags & FLAG_FAILED)
		note_refused();
	put(&r, NULL, 0);
	return !(r.flags & FLAG_FAILED);
}

/* at < 0: where the descriptor stands. */
static ssize_t write_any(int fd, const struct iovec *iov, int n, off_t at)
{
	struct tracked *t = tracked_of(fd);
	if (!t)
		return at < 0 ? syscall(SYS_writev, fd, iov, n) : syscall(SYS_pwritev, fd, iov, n, at, 0);
	pthread_mutex_lock(&lock);
	off_t where = at;
	struct stat st;
	if (at < 0 && (fcntl(fd, F_GETFL) & O_APPEND))
		where = fstat(fd, &st) == 0 ? st.st_size : 0;
	else if (at < 0)
		where = lseek(fd, 0, SEEK_CUR);
	ssize_t done = at < 0 ? syscall(SYS_writev, fd, iov, n) : syscall(SYS_pwritev, fd, iov, n, at, 0);
	if (done > 0 && !note_write(t, iov, n, (uint64_t)where, (size_t)done)) {
		done = -1;
		errno = EIO;
	}
	pthread_mutex_unlock(&lock);
	return done;
}

static ssize_t write_one(int fd, const void *p, size_t n, off_t at)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	return write_any(fd, &iov, 1, at);
}

ssize_t write(int fd, const void *p, size_t n) { return tracked_of(fd) ? write_one(fd, p, n, -1) : syscall(SYS_write, fd, p, n); }
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return write_one(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) { return write_one(fd, p, n, at); }
ssize_t writev(int fd, const struct iovec *iov, int n) { return write_any(fd, iov, n, -1); }
ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at) { return write_any(fd, iov, n, at); }
ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t at) { return write_any(fd, iov, n, at); }

static int set_size(int fd, off_t size)
{
	struct tracked *t = tracked_of(fd);
	if (!t)
		return (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_lock(&lock);
	int rc = (int)syscall(SYS_ftruncate, fd, size);
	if (rc == 0) {
		struct disk_record r = { .kind = RECORD_SIZE, .object = t->object, .size = (uint64_t)size };
		put(&r, NULL, 0);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

int ftruncate(int fd, off_t size) { return set_size(fd, size); }
int ftruncate64(int fd, off64_t size) { return set_size(fd, size); }

static int sync_any(int fd, long call, unsigned flags)
{
	struct tracked *t = tracked_of(fd);
	if (!t)
		return (int)syscall(call, fd);
	struct disk_record r = { .kind = RECORD_SYNC_BEGIN, .flags = (uint16_t)flags, .object = t->object };
	pthread_mutex_lock(&lock);
	put(&r, NULL, 0);
	pthread_mutex_unlock(&lock);
	if (sync_us)
		usleep((useconds_t)sync_us);
	int rc = sync_fails() ? -1 : (int)syscall(call, fd);
	if (rc)
		errno = EIO;
	r.kind = RECORD_SYNC_END;
	r.flags = (uint16_t)(flags | (rc ? FLAG_FAILED : 0));
	pthread_mutex_lock(&lock);
	put(&r, NULL, 0);
	pthread_mutex_unlock(&lock);
	return rc;
}

int fsync(int fd) { return sync_any(fd, SYS_fsync, FLAG_FULL_SYNC); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync, 0); }

/* ---- what would go past the record ---- */

static int allocate(int fd, int mode, off_t at, off_t n)
{
	if (tracked_of(fd))
		unseen(fd, fds[fd].object, "fallocate");
	return (int)syscall(SYS_fallocate, fd, mode, at, n);
}

int fallocate(int fd, int mode, off_t at, off_t n) { return allocate(fd, mode, at, n); }
int fallocate64(int fd, int mode, off64_t at, off64_t n) { return allocate(fd, mode, at, n); }
int posix_fallocate(int fd, off_t at, off_t n) { return allocate(fd, 0, at, n) ? errno : 0; }
int posix_fallocate64(int fd, off64_t at, off64_t n) { return allocate(fd, 0, at, n) ? errno : 0; }

static void *map(void *p, size_t n, int protection, int flags, int fd, off_t at)
{
	if ((protection & PROT_WRITE) && (flags & MAP_SHARED) && tracked_of(fd))
		unseen(fd, fds[fd].object, "mmap for writing");
	return (void *)syscall(SYS_mmap, p, n, protection, flags, fd, at);
}

void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t at) { return map(p, n, protection, flags, fd, at); }
void *mmap64(void *p, size_t n, int protection, int flags, int fd, off64_t at) { return map(p, n, protection, flags, fd, at); }
