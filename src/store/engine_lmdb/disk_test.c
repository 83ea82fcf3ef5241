/* The day the disk goes wrong: system calls of this program fail on demand, because its definitions stand before
 * libc's. And a disk that is really full, where this program may mount one.
 */
#include "store/conformance/conformance.h"

#include "base/clock.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* How many of the next calls succeed before one fails with the errno; -1: none fails. One-shot unless `stays`. */
struct fuse {
	atomic_int left;
	atomic_int error;
	atomic_bool stays;
};
static struct fuse fuse_sync = { .left = -1 }, fuse_pwrite = { .left = -1 }, fuse_pwritev = { .left = -1 };
static struct fuse fuse_root = { .left = -1 }, fuse_unlink = { .left = -1 }, fuse_open = { .left = -1 }, fuse_make = { .left = -1 };

static bool blows(struct fuse *f)
{
	int left = atomic_load(&f->left);
	if (left < 0)
		return false;
	if (left > 0) {
		atomic_store(&f->left, left - 1);
		return false;
	}
	if (!atomic_load(&f->stays))
		atomic_store(&f->left, -1);
	errno = atomic_load(&f->error);
	return true;
}

static void arm(struct fuse *f, int after, int error, bool stays)
{
	atomic_store(&f->error, error);
	atomic_store(&f->stays, stays);
	atomic_store(&f->left, after);
}

static void disarm(struct fuse *f) { atomic_store(&f->left, -1); }

int fdatasync(int fd) { return blows(&fuse_sync) ? -1 : (int)syscall(SYS_fdatasync, fd); }

static atomic_int roots_written_anew, headers_written;

/* LMDB writes its root pages through a descriptor that syncs by itself. */
static ssize_t pwrite_or_fail(int fd, const void *p, size_t n, off_t at)
{
	bool root = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
	roots_written_anew += at == 0 && n == 8192;
	headers_written += at == 0 && n == 64;
	return blows(root ? &fuse_root : &fuse_pwrite) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, p, n, at);
}
/* Under both of its names. */
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return pwrite_or_fail(fd, p, n, at); }
ssize_t pwrite_short(int fd, const void *p, size_t n, off_t at) __asm__("pwrite");
ssize_t pwrite_short(int fd, const void *p, size_t n, off_t at) { return pwrite_or_fail(fd, p, n, at); }

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return blows(&fuse_pwritev) ? -1 : (ssize_t)syscall(SYS_pwritev, fd, iov, n, at, 0);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return blows(&fuse_pwrite) ? -1 : (ssize_t)syscall(SYS_writev, fd, iov, n);
}

int unlinkat(int dir, const char *name, int flags)
{
	return blows(&fuse_unlink) ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

/* Of the store's own calls only the reading of segments, and their making. */
int openat(int dir, const char *name, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
	va_end(ap);
	bool reads = (flags & O_ACCMODE) == O_RDONLY && strstr(name, ".seg");
	bool makes = flags & O_CREAT && strstr(name, ".seg");
	return (reads && blows(&fuse_open)) || (makes && blows(&fuse_make)) ? -1 : (int)syscall(SYS_openat, dir, name, flags, mode);
}

static const struct store_scope scope = { STORE_ACCOUNT, 1 };
static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;
static const struct conformance_target target = { .name = "disk", .engine = STORE_ENGINE_LMDB };
static const struct conformance_target small = { .name = "disk", .engine = STORE_ENGINE_LMDB, .segment_size = 65536 };

static int put_text(struct store_write *w, void *arg) { return store_put(w, str_from_c(arg), STR("v")); }

static int put_blob(struct store *s, const char *text, store_blob_id *out)
{
	struct str bytes = str_from_c(text);
	return store_blob_put(s, &bytes, 1, &ann, 1, out);
}

static uint64_t faults_of(struct store *s)
{
	uint64_t faults;
	assert_int_equal(store_check(s, false, NULL, NULL, &faults), 0);
	return faults;
}

static void a_failed_sync_of_the_index_changes_nothing(void **state)
{
	struct fixture *f = *state;
	put(f->store, scope, STR("a"), STR("v"));
	uint64_t version = store_scope_version(f->store, scope);
	static const struct {
		int error, result;
	} cases[] = { { EIO, ERR_IO }, { ENOSPC, ERR_NO_SPACE }, { EDQUOT, ERR_NO_SPACE } };
	for (size_t i = 0; i < 3; i++) {
		arm(&fuse_sync, 0, cases[i].error, false);
		assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"b"), cases[i].result);
		assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v");
		assert_int_equal(store_scope_version(f->store, scope), version);
		arm(&fuse_pwrite, 0, cases[i].error, false);
		assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"b"), cases[i].result);
		disarm(&fuse_pwrite);
		assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v");
	}
	put(f->store, scope, STR("b"), STR("v"));
	assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v b=v");
	assert_int_equal(store_scope_version(f->store, scope), version + 1);
}

/* When the root page cannot be written the fate is unknown; afterwards the store works, reading or writing first. */
static void a_failed_root_is_got_over(void **state)
{
	struct fixture *f = *state;
	put(f->store, scope, STR("a"), STR("v"));
	for (int i = 0; i < 4; i++) {
		struct store_read *held;
		begin(f->store, scope, &held);
		arm(&fuse_root, 0, i % 2 ? EIO : ENOSPC, false);
		assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"b"), ERR_UNKNOWN);
		if (i < 2) {
			/* While somebody reads, it cannot be opened again, and says so. */
			struct store_read *r;
			assert_int_equal(store_begin(f->store, scope, &r), ERR_IO);
			assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"c"), ERR_IO);
		}
		struct str value;
		assert_int_equal(store_get(held, STR("a"), &value), 0);
		store_end(&held);
		if (i % 2 == 0)
			assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v");
		put(f->store, scope, STR("a"), STR("v"));
		assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v");
		assert_true(store_scope_version(f->store, scope) > 0);
	}
	assert_int_equal(faults_of(f->store), 0);
}

/* The root that was refused may be on the disk, and the pages that it needs are free to LMDB: nothing is written before both roots were written once more and
 * synced. When that fails nothing goes on either, and it is all done again: what a failed sync was about no later sync writes. */
static void refused_roots_are_written_anew(void **state)
{
	struct fixture *f = *state;
	put(f->store, scope, STR("a"), STR("v"));
	int before = roots_written_anew;
	arm(&fuse_root, 0, EIO, false);
	assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"b"), ERR_UNKNOWN);
	assert_int_equal(roots_written_anew, before);
	arm(&fuse_sync, 0, EIO, false);
	assert_int_equal(store_commit(f->store, scope, put_text, (void *)(uintptr_t)"c"), ERR_IO);
	assert_int_equal(roots_written_anew, before + 1);
	put(f->store, scope, STR("d"), STR("v"));
	assert_int_equal(roots_written_anew, before + 2);
	put(f->store, scope, STR("d"), STR("v"));
	assert_int_equal(roots_written_anew, before + 2);
	assert_list(f->store, scope, STR_NONE, STR_NONE, "a=v d=v");
}

static void a_failed_sync_of_a_segment_retires_it(void **state)
{
	struct fixture *f = *state;
	store_blob_id first, second = 0, third;
	assert_int_equal(put_blob(f->store, "first", &first), 0);
	arm(&fuse_sync, 0, EIO, false);
	assert_int_equal(put_blob(f->store, "second", &second), ERR_IO);
	assert_int_equal(second, 0);
	assert_int_equal(put_blob(f->store, "third", &third), 0);
	assert_true(first >> 32 != third >> 32);      /* what is in a file whose sync failed nobody knows */
	assert_blob(f->store, first, STR("first"));
	assert_blob(f->store, third, STR("third"));
	uint64_t reclaimed;
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	assert_int_equal(faults_of(f->store), 0);
	assert_blob(f->store, first, STR("first"));
}

static void a_failed_write_of_a_blob_is_told(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[8], bad;
	for (int i = 0; i < 8; i++) {
		char text[16];
		arm(&fuse_pwritev, 0, i % 2 ? EIO : ENOSPC, false);
		assert_int_equal(put_blob(f->store, "bad", &bad), i % 2 ? ERR_IO : ERR_NO_SPACE);
		snprintf(text, sizeof text, "good %d", i);
		assert_int_equal(put_blob(f->store, text, &ids[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		char text[16];
		snprintf(text, sizeof text, "good %d", i);
		assert_blob(f->store, ids[i], str_from_c(text));
	}
	assert_int_equal(faults_of(f->store), 0);
}

/* A segment of which only the header was written, by somebody who then failed or died: of that header nobody knows whether a sync of it failed. So it is written
 * once more before the segment is ended. */
static void a_lone_header_is_written_anew(void **state)
{
	struct fixture *f = *state;
	store_blob_id id;
	uint64_t reclaimed;
	arm(&fuse_pwritev, 0, EIO, false);
	assert_int_equal(put_blob(f->store, "bad", &id), ERR_IO);
	int before = headers_written;
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	assert_int_equal(headers_written, before + 1);
	assert_int_equal(faults_of(f->store), 0);
}

static int count_visit(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)size, (void)tag;
	++*(int *)arg;
	return 0;
}

/* Too many open files are no reason to believe that a segment is not there. */
static void a_segment_that_cannot_be_opened_is_not_missing(void **state)
{
	struct fixture *f = *state;
	int n = 0;
	uint64_t faults;
	blob_put(f->store, STR("here"), &ann, 1);
	store_close(&f->store);
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	arm(&fuse_open, 0, EMFILE, false);
	assert_int_equal(store_blob_visit(f->store, ann, count_visit, &n), ERR_IO);
	arm(&fuse_open, 0, EMFILE, false);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), ERR_IO);
	assert_int_equal(faults, 0);
	assert_int_equal(store_blob_visit(f->store, ann, count_visit, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(faults_of(f->store), 0);
}

/* However many puts fail for it, one number is used up, and it is the one that is made in the end. */
static void a_segment_that_cannot_be_made_costs_one_number(void **state)
{
	struct fixture *f = *state;
	struct store_stats stats;
	store_blob_id id;
	arm(&fuse_make, 0, EMFILE, true);
	for (unsigned i = 0; i < 5; i++)
		assert_int_not_equal(put_blob(f->store, "text", &id), 0);
	disarm(&fuse_make);
	assert_int_equal(put_blob(f->store, "text", &id), 0);
	assert_blob(f->store, id, STR("text"));
	store_stats(f->store, &stats);
	assert_int_equal(stats.segments, 1);
}

/* No room for the zeros ahead of the records: then without them. */
static void filling_ahead_is_a_luxury(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[3];
	assert_int_equal(put_blob(f->store, "0", &ids[0]), 0);
	store_close(&f->store);
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	put(f->store, scope, STR("a"), STR("v"));
	assert_int_equal(put_blob(f->store, "1", &ids[1]), 0);
	arm(&fuse_pwrite, 0, ENOSPC, true);
	assert_int_equal(put_blob(f->store, "2", &ids[2]), 0);
	disarm(&fuse_pwrite);
	for (int i = 0; i < 3; i++) {
		char text[2] = { (char)('0' + i), '\0' };
		assert_blob(f->store, ids[i], str_from_c(text));
	}
}

static void maintenance_is_taken_up_where_it_broke_off(void **state)
{
	struct fixture *f = *state;
	enum { N = 40 };
	store_blob_id ids[N];
	char text[8000];
	memset(text, 't', sizeof text);
	for (int i = 0; i < N; i++)
		ids[i] = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
	for (int i = 0; i < N; i++) {
		if (i % 5)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	}
	clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
	uint64_t reclaimed;
	static struct fuse *const fuses[] = { &fuse_unlink, &fuse_sync, &fuse_pwritev, &fuse_pwrite };
	for (int i = 0; i < 12; i++) {
		arm(fuses[i % 4], i / 4, EIO, false);
		store_maintain(f->store, 1, &reclaimed);
		disarm(fuses[i % 4]);
		for (int k = 0; k < N; k += 5)
			assert_blob(f->store, ids[k], str_make(text, sizeof text));
	}
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
	for (int k = 0; k < N; k += 5)
		assert_blob(f->store, ids[k], str_make(text, sizeof text));
	struct store_blob_view v;
	assert_int_equal(store_blob_map(f->store, ids[1], &v), ERR_NOT_FOUND);
	assert_int_equal(faults_of(f->store), 0);
}

struct filler {
	struct store *s;
	store_blob_id last;
	atomic_uint *full, *other;
	unsigned number, last_key;
};

static int put_id(struct store_write *w, void *arg)
{
	const struct filler *me = arg;
	char key[32];
	snprintf(key, sizeof key, "%u.%06u", me->number, me->last_key);
	return store_put(w, str_from_c(key), str_make(&me->last, sizeof me->last));
}

/* Delivers until the disk is full, and a while longer. */
static void *fill_disk(void *arg)
{
	struct filler *me = arg;
	char text[20000];
	memset(text, (int)('a' + me->number), sizeof text);
	struct str bytes = str_make(text, sizeof text);
	for (unsigned refused = 0; refused < 20 && me->last_key < 100000;) {
		store_blob_id id;
		int rc = store_blob_put(me->s, &bytes, 1, &ann, 1, &id);
		if (rc == 0) {
			me->last = id;
			me->last_key++;
			rc = store_commit(me->s, scope, put_id, me);
			if (rc)
				me->last_key--;
		}
		refused += rc != 0;
		if (rc)
			atomic_fetch_add(rc == ERR_NO_SPACE ? me->full : me->other, 1);
	}
	return NULL;
}

/* Everything that was acknowledged is there, and the store works. */
static void assert_filled(struct store *s, const struct filler *w, unsigned n)
{
	char text[20000];
	for (unsigned i = 0; i < n; i++) {
		memset(text, (int)('a' + i), sizeof text);
		for (unsigned k = 1; k <= w[i].last_key; k++) {
			char key[32];
			size_t size;
			snprintf(key, sizeof key, "%u.%06u", i, k);
			char *got = get(s, scope, str_from_c(key), &size);
			assert_non_null(got);
			store_blob_id id;
			memcpy(&id, got, sizeof id);
			free(got);
			assert_blob(s, id, str_make(text, sizeof text));
		}
	}
	assert_int_equal(faults_of(s), 0);
}

static void fill_and_free(struct fixture *f, const char *ballast)
{
	enum { THREADS = 4 };
	struct filler w[THREADS];
	pthread_t threads[THREADS];
	atomic_uint full = 0, other = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct filler){ .s = f->store, .number = i, .full = &full, .other = &other };
		assert_int_equal(pthread_create(&threads[i], NULL, fill_disk, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(full >= THREADS);
	assert_int_equal(other, 0);
	assert_filled(f->store, w, THREADS);
	assert_int_equal(unlink(ballast), 0);
	put(f->store, scope, STR("after"), STR("v"));
	store_blob_id id = blob_put(f->store, STR("after"), &ann, 1);
	assert_blob(f->store, id, STR("after"));
	struct err e = { .code = 0 };
	store_close(&f->store);
	assert_int_equal(fixture_open(f, false, &e), 0);
	assert_filled(f->store, w, THREADS);
	assert_blob(f->store, id, STR("after"));
}

static void a_full_disk_refuses_and_recovers(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	char dir[64], ballast[128];
	memcpy(dir, f->dir, sizeof dir);
	snprintf(f->dir, sizeof f->dir, "%.50s/full", dir);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	/* Where nobody else sees it, so that it goes with this process whatever happens. */
	bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
		&& mount("none", f->dir, "tmpfs", 0, "size=24m") == 0;
	if (!mounted) {
		memcpy(f->dir, dir, sizeof dir);
		skip();
	}
	snprintf(ballast, sizeof ballast, "%s/ballast", f->dir);
	int fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, 8 << 20), 0);
	close(fd);
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	fill_and_free(f, ballast);
	store_close(&f->store);
	assert_int_equal(umount2(f->dir, MNT_DETACH), 0);
	memcpy(f->dir, dir, sizeof dir);
}

/* The same for who may not mount: no file may grow beyond a size. */
static void a_file_size_limit_is_a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, limit;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 300000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	char text[50000];
	memset(text, 't', sizeof text);
	store_blob_id ids[5], id;
	int rc = 0, n = 0;
	while (n < 5 && (rc = put_blob(f->store, "x", &ids[n])) == 0)
		n++;
	struct str bytes = str_make(text, sizeof text);
	for (int i = 0; i < 20 && rc == 0; i++)
		rc = store_blob_put(f->store, &bytes, 1, &ann, 1, &id);
	assert_int_equal(rc, ERR_NO_SPACE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(store_blob_put(f->store, &bytes, 1, &ann, 1, &id), 0);
	assert_blob(f->store, id, bytes);
	for (int i = 0; i < n; i++)
		assert_blob(f->store, ids[i], STR("x"));
	assert_int_equal(faults_of(f->store), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_failed_sync_of_the_index_changes_nothing, &target),
		CONFORMANCE_TEST(refused_roots_are_written_anew, &target),
		CONFORMANCE_TEST(a_failed_root_is_got_over, &target),
		CONFORMANCE_TEST(a_failed_sync_of_a_segment_retires_it, &target),
		CONFORMANCE_TEST(a_failed_write_of_a_blob_is_told, &target),
		CONFORMANCE_TEST(a_lone_header_is_written_anew, &target),
		CONFORMANCE_TEST(a_segment_that_cannot_be_opened_is_not_missing, &target),
		CONFORMANCE_TEST(a_segment_that_cannot_be_made_costs_one_number, &target),
		CONFORMANCE_TEST(filling_ahead_is_a_luxury, &target),
		CONFORMANCE_TEST(maintenance_is_taken_up_where_it_broke_off, &small),
		CONFORMANCE_TEST(a_full_disk_refuses_and_recovers, &target),
		CONFORMANCE_TEST(a_file_size_limit_is_a_full_disk, &target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
