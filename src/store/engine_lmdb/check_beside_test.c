/* The check beside somebody who writes: what changes while it looks is no fault. The writer acts just as the check is about to read. */
#include "store/conformance/conformance.h"

#include "base/clock.h"
#include "store/limits.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 8000

static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;
static const struct conformance_target small = { .name = "check_beside", .engine = STORE_ENGINE_LMDB, .segment_size = 64 << 10 };
static const struct conformance_target large = { .name = "check_beside", .engine = STORE_ENGINE_LMDB, .segment_size = 64 << 20 };

/* ---- the moment ---- */

static char opened[16];               /* the segment whose opening for reading is the moment; "": none */
static void (*act)(void);

int openat(int dir, const char *name, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
	va_end(ap);
	if ((flags & O_ACCMODE) == O_RDONLY && opened[0] && strcmp(name, opened) == 0) {
		opened[0] = '\0';
		act();
	}
	return (int)syscall(SYS_openat, dir, name, flags, mode);
}

/* A walk reads a file in windows. The moment is when the next one begins, as the last one held the end of all records and there is room behind it. */
#define WINDOW (1 << 20)
static uint64_t end_of_records;       /* 0: nobody waits for it */
static off_t window_at;

static ssize_t read_window(int fd, void *p, size_t n, off_t at)
{
	uint64_t seen_to = (uint64_t)window_at + WINDOW, size = (uint64_t)lseek(fd, 0, SEEK_END);
	if (end_of_records && n > WINDOW / 2) {
		if (at > window_at && (uint64_t)window_at < end_of_records && end_of_records + SIZE < seen_to && seen_to + 4 * SIZE < size) {
			end_of_records = 0;
			act();
		}
		window_at = at;
	}
	return (ssize_t)syscall(SYS_pread64, fd, p, n, at);
}
/* Under both of its names. */
ssize_t pread(int fd, void *p, size_t n, off_t at) { return read_window(fd, p, n, at); }
ssize_t pread_short(int fd, void *p, size_t n, off_t at) __asm__("pread");
ssize_t pread_short(int fd, void *p, size_t n, off_t at) { return read_window(fd, p, n, at); }

/* ---- the other process ---- */

static int ask_fd, answer_fd;
static pid_t other;

/* 'p': puts a blob. 'm': maintains, a minute from now. */
static void serve(struct store *s, int ask, int answer)
{
	char what, text[SIZE];
	memset(text, 'o', sizeof text);
	struct str bytes = str_make(text, sizeof text);
	while (read(ask, &what, 1) == 1) {
		uint64_t got = 0;
		store_blob_id id;
		clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
		int rc = what == 'p' ? store_blob_put(s, &bytes, 1, &ann, 1, &id) : store_maintain(s, UINT64_MAX, &got);
		got = what == 'p' ? id >> 32 : got;
		if (rc)
			got = 0;
		if (write(answer, &got, sizeof got) != sizeof got)
			return;
	}
}

static void start_other(struct fixture *f)
{
	int ask[2], answer[2];
	struct err e = { .code = 0 };
	store_close(&f->store);
	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	fflush(NULL);
	other = fork();
	if (other == 0) {
		close(ask[1]);
		close(answer[0]);
		if (fixture_open(f, false, &e) == 0)
			serve(f->store, ask[0], answer[1]);
		store_close(&f->store);
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	ask_fd = ask[1];
	answer_fd = answer[0];
	assert_int_equal(fixture_open(f, false, &e), 0);
}

static void end_other(void)
{
	close(ask_fd);
	waitpid(other, NULL, 0);
	close(answer_fd);
}

static uint64_t answered;
static void request(char what)
{
	assert_int_equal(write(ask_fd, &what, 1), 1);
	assert_int_equal(read(answer_fd, &answered, sizeof answered), sizeof answered);
}
static void let_it_put(void) { request('p'); }
static void let_it_maintain(void) { request('m'); }

/* ---- the tests ---- */

static store_blob_id put_size(struct store *s, size_t n)
{
	static char text[SIZE];
	memset(text, 'h', sizeof text);
	return blob_put(s, str_make(text, n), &ann, 1);
}

/* Between the row of a segment and its file another process empties and removes it. */
static void a_segment_that_goes_is_not_missing(void **state)
{
	enum { N = 40 };
	struct fixture *f = *state;
	store_blob_id ids[N];
	for (int i = 0; i < N; i++)
		ids[i] = put_size(f->store, SIZE);
	start_other(f);
	for (int i = 1; i < N; i++)
		assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	snprintf(opened, sizeof opened, "%08x.seg", (unsigned)(ids[N / 2] >> 32));
	act = let_it_maintain;
	answered = 0;
	assert_sound(f->store);
	assert_true(answered > 0);                /* it happened */
	char path[100];
	snprintf(path, sizeof path, "%s/blobs/%08x.seg", f->dir, (unsigned)(ids[N / 2] >> 32));
	assert_int_equal(access(path, F_OK), -1);
	end_other();
	assert_sound(f->store);
}

/* Between the row of a segment that was closed with room left, and its file, another process goes on with it. */
static void a_segment_that_is_continued_need_not_end(void **state)
{
	struct fixture *f = *state;
	store_blob_id id = put_size(f->store, SIZE);
	start_other(f);
	snprintf(opened, sizeof opened, "%08x.seg", (unsigned)(id >> 32));
	act = let_it_put;
	answered = 0;
	assert_sound(f->store);
	assert_int_equal(answered, id >> 32);     /* there it is */
	end_other();
	assert_sound(f->store);
}

static struct store *writing;
static void put_more(void)
{
	for (int i = 0; i < 2 * WINDOW / SIZE; i++)
		put_size(writing, SIZE);
}

/* While one part of a segment is looked at, the next one is written: what the first look missed is promised by what it finds there. */
static void what_is_written_meanwhile_is_not_damaged(void **state)
{
	struct fixture *f = *state;
	int looks = 0;
	writing = f->store;
	act = put_more;
	for (end_of_records = 1; end_of_records; looks++) {
		store_blob_id last = 0;
		assert_in_range(looks, 0, 300);
		for (int i = 0; i < (looks ? 7 : 200); i++)
			last = put_size(f->store, SIZE - 10 * (size_t)looks);
		end_of_records = (last & 0xffffffffu) * 16 + SIZE + 64;
		window_at = 0;
		assert_sound(f->store);
	}
	assert_sound(f->store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_segment_that_goes_is_not_missing, &small),
		CONFORMANCE_TEST(a_segment_that_is_continued_need_not_end, &small),
		CONFORMANCE_TEST(what_is_written_meanwhile_is_not_damaged, &large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
