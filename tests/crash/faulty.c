/* Preloaded under a running server: system calls and allocations fail by name, as a file says that the test maps and changes meanwhile. What a descriptor is
 * follows from the path it was opened by, so nothing is asked of the kernel that a sandbox might refuse. */
#include "../wall_clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* faults.py has the same list. */
enum place {
	NOWHERE = -1, SEGMENT_OPEN, SEGMENT_WRITE, SEGMENT_SYNC, INDEX_WRITE, INDEX_SYNC, INDEX_ROOT, SPOOL_OPEN, SPOOL_WRITE, MEMORY, THREAD, ACCEPT, CLOCK, PLACES,
};
struct rule {
	int32_t every;             /* each so manieth call; 0: none */
	int32_t error;             /* an errno; 0: see the others. Of the clock: seconds that it is ahead */
	int32_t delay_ms, cut;     /* how long it takes; writes half of it only */
	int32_t seed;              /* 0: the calls are counted off; -1: that call alone; else one of so many, by lot */
	_Atomic int32_t calls, hits;
};

enum kind { OTHER, SEGMENT, INDEX, ROOT, SPOOL };
#define FDS_MAX 65536
static uint8_t kinds[FDS_MAX];
static struct rule *rules;

/* ---- last words ---- */

/* Where the process ends that should not: in place of a core file, which a server with secrets leaves none of. */
static void tell_where(const char *what)
{
	static const char head[] = "faulty: the process ends by ";
	void *frames[64];
	int n = backtrace(frames, 64);
	(void)!syscall(SYS_write, STDERR_FILENO, head, sizeof(head) - 1);
	(void)!syscall(SYS_write, STDERR_FILENO, what, strlen(what));
	(void)!syscall(SYS_write, STDERR_FILENO, "\n", 1);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
}

static void on_fatal(int number)
{
	tell_where(number == SIGABRT ? "SIGABRT" : number == SIGSEGV ? "SIGSEGV" : "a signal");
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_fatal(void)
{
	static const int fatal[] = { SIGSEGV, SIGABRT, SIGILL, SIGFPE };
	void *frame;
	backtrace(&frame, 1);          /* loads what it needs while there is memory */
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], on_fatal);
}

/* A library's way out. The server itself returns from main. */
void exit(int status)
{
	void (*f)(int) = (void (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "exit");
	if (status)
		tell_where("exit");
	f(status);
	__builtin_unreachable();
}

__attribute__((constructor)) static void begin(void)
{
	catch_fatal();
	const char *path = getenv("FAULTY");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, PLACES * sizeof *rules, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		syscall(SYS_close, fd);
	if (p != MAP_FAILED)
		rules = p;
}

static bool drawn(struct rule *r)
{
	uint32_t n = (uint32_t)++r->calls;
	if (r->seed == -1)
		return n == (uint32_t)r->every;
	if (!r->seed)
		return n % (uint32_t)r->every == 0;
	uint64_t x = ((uint64_t)(uint32_t)r->seed << 32 | n) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (x >> 32) % (uint32_t)r->every == 0;
}

/* The rule when it strikes now; NULL. */
static struct rule *strikes(enum place place)
{
	struct rule *r = rules && place != NOWHERE ? &rules[place] : NULL;
	if (!r || r->every <= 0 || !drawn(r))
		return NULL;
	r->hits++;
	if (r->delay_ms) {
		struct timespec t = { r->delay_ms / 1000, r->delay_ms % 1000 * 1000000L };
		nanosleep(&t, NULL);
	}
	if (r->error)
		errno = r->error;
	return r;
}

static bool fails(enum place place)
{
	struct rule *r = strikes(place);
	return r && r->error;
}

/* ---- files ---- */

static bool ends(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);
	return n >= m && strcmp(path + n - m, end) == 0;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
	enum kind kind = OTHER;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		kind = SPOOL;
	else if (ends(path, ".seg") && (flags & O_ACCMODE) != O_RDONLY)
		kind = SEGMENT;
	else if (ends(path, "data.mdb"))
		kind = flags & O_DSYNC ? ROOT : INDEX;
	if (kind == SPOOL && fails(SPOOL_OPEN))
		return -1;
	if (kind == SEGMENT && (flags & O_CREAT) && fails(SEGMENT_OPEN))
		return -1;
	int fd = (int)syscall(SYS_openat, at, path, flags, mode);
	if (fd >= 0 && fd < FDS_MAX)
		kinds[fd] = (uint8_t)kind;
	return fd;
}

#define MODE(flags, out) \
	mode_t out = 0; \
	if ((flags) & (O_CREAT | O_TMPFILE)) { \
		va_list ap; \
		va_start(ap, flags); \
		out = (mode_t)va_arg(ap, int); \
		va_end(ap); \
	}
#define OPENS(name) \
	int name(const char *path, int flags, ...); \
	int name(const char *path, int flags, ...) \
	{ \
		MODE(flags, mode) \
		return open_any(AT_FDCWD, path, flags, mode); \
	}
#define OPENS_AT(name) \
	int name(int at, const char *path, int flags, ...); \
	int name(int at, const char *path, int flags, ...) \
	{ \
		MODE(flags, mode) \
		return open_any(at, path, flags, mode); \
	}
OPENS(open)
OPENS(open64)
OPENS(__open_2)
OPENS(__open64_2)
OPENS_AT(openat)
OPENS_AT(openat64)
OPENS_AT(__openat_2)
OPENS_AT(__openat64_2)

/* Where O_TMPFILE is refused the spool makes a file with a name. */
static int make_temporary(char *name, int flags)
{
	static _Atomic unsigned count;
	size_t n = strlen(name);
	if (fails(SPOOL_OPEN))
		return -1;
	for (int i = 0; i < 6; i++)
		name[n - 6 + (size_t)i] = (char)('a' + (++count * 7919u + (unsigned)getpid()) % 26);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
	if (fd >= 0 && fd < FDS_MAX)
		kinds[fd] = SPOOL;
	return fd;
}

int mkostemp(char *name, int flags) { return make_temporary(name, flags); }
int mkostemp64(char *name, int flags) { return make_temporary(name, flags); }

static enum kind kind_of(int fd) { return fd >= 0 && fd < FDS_MAX ? (enum kind)kinds[fd] : OTHER; }

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		kinds[fd] = OTHER;
	return (int)syscall(SYS_close, fd);
}

static ssize_t write_any(int fd, const struct iovec *iov, int n, off_t at)
{
	static const enum place places[] = { [OTHER] = NOWHERE, [SEGMENT] = SEGMENT_WRITE, [INDEX] = INDEX_WRITE, [ROOT] = INDEX_ROOT, [SPOOL] = SPOOL_WRITE };
	struct rule *r = strikes(places[kind_of(fd)]);
	struct iovec half;
	if (r && r->cut && n > 0 && iov[0].iov_len > 1) {
		half = (struct iovec){ iov[0].iov_base, iov[0].iov_len / 2 };
		iov = &half;
		n = 1;
	} else if (r && r->error) {
		return -1;
	}
	return at < 0 ? syscall(SYS_writev, fd, iov, n) : syscall(SYS_pwritev, fd, iov, n, at, 0);
}

static ssize_t write_one(int fd, const void *p, size_t n, off_t at)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	return write_any(fd, &iov, 1, at);
}

ssize_t write(int fd, const void *p, size_t n) { return kind_of(fd) ? write_one(fd, p, n, -1) : syscall(SYS_write, fd, p, n); }
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return kind_of(fd) ? write_one(fd, p, n, at) : syscall(SYS_pwrite64, fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) { return pwrite(fd, p, n, at); }
ssize_t writev(int fd, const struct iovec *iov, int n) { return write_any(fd, iov, n, -1); }
ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at) { return write_any(fd, iov, n, at); }
ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t at) { return write_any(fd, iov, n, at); }

static enum place sync_place(int fd)
{
	enum kind kind = kind_of(fd);
	return kind == SEGMENT ? SEGMENT_SYNC : kind == INDEX ? INDEX_SYNC : NOWHERE;
}

int fsync(int fd) { return fails(sync_place(fd)) ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails(sync_place(fd)) ? -1 : (int)syscall(SYS_fdatasync, fd); }

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict n, int flags)
{
	return fails(ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, address, n, flags);
}

/* ---- memory ---- */

/* What dlsym itself asks for while the real ones are looked up; never given back. */
static char early[4096];
static size_t early_used;

static void *real(_Atomic(void *) *slot, const char *name)
{
	static __thread bool looking;
	if (!*slot && !looking) {
		looking = true;
		*slot = dlsym(RTLD_NEXT, name);
		looking = false;
	}
	return *slot;
}

static void *take_early(size_t n)
{
	n = (n + 15) & ~(size_t)15;
	if (early_used + n > sizeof early)
		_exit(99);
	early_used += n;
	return early + early_used - n;
}

void *malloc(size_t n)
{
	static _Atomic(void *) slot;
	void *(*f)(size_t) = (void *(*)(size_t))(uintptr_t)real(&slot, "malloc");
	return !f ? take_early(n) : fails(MEMORY) ? NULL : f(n);
}

void *calloc(size_t n, size_t size)
{
	static _Atomic(void *) slot;
	void *(*f)(size_t, size_t) = (void *(*)(size_t, size_t))(uintptr_t)real(&slot, "calloc");
	return !f ? take_early(n * size) : fails(MEMORY) ? NULL : f(n, size);
}

void *realloc(void *p, size_t n)
{
	static _Atomic(void *) slot;
	void *(*f)(void *, size_t) = (void *(*)(void *, size_t))(uintptr_t)real(&slot, "realloc");
	return !f ? NULL : fails(MEMORY) ? NULL : f(p, n);
}

void free(void *p)
{
	static _Atomic(void *) slot;
	void (*f)(void *) = (void (*)(void *))(uintptr_t)real(&slot, "free");
	if (f && !((char *)p >= early && (char *)p < early + sizeof early))
		f(p);
}

/* ---- threads ---- */

int pthread_create(pthread_t *restrict out, const pthread_attr_t *restrict attr, void *(*run)(void *), void *restrict arg)
{
	static _Atomic(void *) slot;
	int (*f)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
		(int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))(uintptr_t)real(&slot, "pthread_create");
	return fails(THREAD) ? EAGAIN : f(out, attr, run, arg);
}

/* ---- the wall clock ---- */

static long ahead(void) { return rules && rules[CLOCK].every ? rules[CLOCK].error : 0; }
