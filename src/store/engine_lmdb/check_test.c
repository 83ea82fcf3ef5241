/* Damage is found, named, and what can be mended is. */
#include "store/conformance/conformance.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_scope scope = { STORE_ACCOUNT, 1 };
static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;
static const struct conformance_target target = { .name = "check", .engine = STORE_ENGINE_LMDB };

#define N 6

struct damaged {
	struct fixture *f;
	store_blob_id ids[N];
	char lines[4096];
};

static void collect(void *arg, const char *line)
{
	struct damaged *d = arg;
	size_t n = strlen(d->lines);
	snprintf(d->lines + n, sizeof d->lines - n, "%s\n", line);
}

static uint64_t check(struct damaged *d, bool repair)
{
	uint64_t faults;
	d->lines[0] = '\0';
	int rc = store_check(d->f->store, repair, collect, d, &faults);
	if (rc)
		fail_msg("check: %d\n%s", rc, d->lines);
	return faults;
}

static void fill(struct damaged *d, struct fixture *f)
{
	*d = (struct damaged){ .f = f };
	put(f->store, scope, STR("k"), STR("v"));
	for (unsigned i = 0; i < N; i++) {
		char text[200];
		memset(text, (int)('a' + i), sizeof text);
		d->ids[i] = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
	}
	store_close(&f->store);
}

static void reopen(struct damaged *d)
{
	struct err e = { .code = 0 };
	if (fixture_open(d->f, false, &e))
		fail_msg("%s", e.log);
}

static int open_segment(const struct damaged *d)
{
	char path[128];
	snprintf(path, sizeof path, "%s/blobs/00000001.seg", d->f->dir);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

static off_t offset_of(store_blob_id id) { return (off_t)(id & 0xffffffffu) * 16; }

/* Turns bits of n bytes over. */
static void harm(const struct damaged *d, off_t at, size_t n)
{
	char bytes[512];
	int fd = open_segment(d);
	assert_true(n <= sizeof bytes);
	assert_int_equal(pread(fd, bytes, n, at), n);
	for (size_t i = 0; i < n; i++)
		bytes[i] ^= 0x55;
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void assert_readable(struct damaged *d, unsigned i, int expected)
{
	struct store_blob_view v;
	assert_int_equal(store_blob_map(d->f->store, d->ids[i], &v), expected);
	if (expected == 0)
		assert_int_equal(v.bytes.p[0], 'a' + (int)i);
	store_blob_unmap(d->f->store, &v);
}

static unsigned files_in_quarantine(const struct damaged *d)
{
	char path[128];
	snprintf(path, sizeof path, "%s/quarantine", d->f->dir);
	DIR *dir = opendir(path);
	unsigned n = 0;
	for (struct dirent *e; dir && (e = readdir(dir));)
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static void a_bad_payload_is_found_and_set_aside(void **state)
{
	struct damaged d;
	fill(&d, *state);
	harm(&d, offset_of(d.ids[2]) + 100, 1);
	reopen(&d);
	for (unsigned i = 0; i < N; i++)
		assert_readable(&d, i, i == 2 ? ERR_CORRUPT : 0);
	assert_int_equal(check(&d, false), 1);
	char id[24];
	snprintf(id, sizeof id, "%016llx", (unsigned long long)d.ids[2]);
	assert_non_null(strstr(d.lines, id));
	assert_int_equal(files_in_quarantine(&d), 0);
	assert_int_equal(check(&d, true), 1);
	assert_int_equal(files_in_quarantine(&d), 1);
	for (unsigned i = 0; i < N; i++)
		assert_readable(&d, i, i == 2 ? ERR_CORRUPT : 0);
	/* Given up by its owner it is no fault any more once it is dropped; it stays visible until then. */
	assert_int_equal(store_blob_untag(d.f->store, &d.ids[2], 1, ann), 0);
}

static void a_bad_head_hides_only_its_own_blob(void **state)
{
	struct damaged d;
	fill(&d, *state);
	harm(&d, offset_of(d.ids[3]), 48);
	reopen(&d);
	for (unsigned i = 0; i < N; i++)
		assert_readable(&d, i, i == 3 ? ERR_CORRUPT : 0);
	assert_int_equal(check(&d, false), 1);
	assert_non_null(strstr(d.lines, "no record"));
	assert_int_equal(check(&d, true), 1);
	assert_int_equal(files_in_quarantine(&d), 1);
}

static void a_cut_file_is_found(void **state)
{
	struct damaged d;
	fill(&d, *state);
	int fd = open_segment(&d);
	assert_int_equal(ftruncate(fd, offset_of(d.ids[4])), 0);
	close(fd);
	reopen(&d);
	for (unsigned i = 0; i < N; i++) {
		struct store_blob_view v;
		int rc = store_blob_map(d.f->store, d.ids[i], &v);
		assert_true(i < 4 ? rc == 0 : rc < 0);
		store_blob_unmap(d.f->store, &v);
	}
	assert_true(check(&d, false) >= 1);
	assert_non_null(strstr(d.lines, "does not end as it should"));
	check(&d, true);
	assert_int_equal(check(&d, false), 0);
	/* Puts go on, elsewhere. */
	store_blob_id id = blob_put(d.f->store, STR("after"), &ann, 1);
	assert_blob(d.f->store, id, STR("after"));
	for (unsigned i = 0; i < N; i++)
		assert_true(id != d.ids[i]);
}

static void a_missing_file_is_found(void **state)
{
	struct damaged d;
	fill(&d, *state);
	char path[128];
	snprintf(path, sizeof path, "%s/blobs/00000001.seg", d.f->dir);
	assert_int_equal(unlink(path), 0);
	reopen(&d);
	assert_readable(&d, 0, ERR_NOT_FOUND);
	assert_int_equal(check(&d, false), 1);
	assert_non_null(strstr(d.lines, "missing"));
	store_blob_id id = blob_put(d.f->store, STR("after"), &ann, 1);
	assert_true(id >> 32 != 1);       /* the number is not used again */
}

static void a_bad_file_header_is_found(void **state)
{
	struct damaged d;
	fill(&d, *state);
	harm(&d, 0, 16);
	reopen(&d);
	assert_readable(&d, 0, 0);        /* the records are sound */
	assert_int_equal(check(&d, false), 1);
	assert_non_null(strstr(d.lines, "first 64 bytes"));
}

static void an_unknown_file_is_taken_up(void **state)
{
	struct damaged d;
	struct fixture *f = *state;
	fill(&d, f);
	/* As after an older index was put back beside newer segments. */
	char from[128], to[128], stray[128];
	snprintf(from, sizeof from, "%s/blobs/00000001.seg", f->dir);
	snprintf(to, sizeof to, "%s/kept", f->dir);
	snprintf(stray, sizeof stray, "%s/blobs/note.txt", f->dir);
	assert_int_equal(rename(from, to), 0);
	snprintf(from, sizeof from, "%s/index/data.mdb", f->dir);
	assert_int_equal(unlink(from), 0);
	snprintf(from, sizeof from, "%s/blobs/00000001.seg", f->dir);
	reopen(&d);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(check(&d, false), 1);
	assert_non_null(strstr(d.lines, "does not know the file"));
	assert_int_equal(check(&d, true), 1);
	assert_int_equal(check(&d, false), 0);
	for (unsigned i = 0; i < N; i++)
		assert_readable(&d, i, 0);
	store_blob_id id = blob_put(f->store, STR("after"), &ann, 1);
	assert_true(id >> 32 > 1);
	int fd = open(stray, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(check(&d, false), 1);
	assert_non_null(strstr(d.lines, "note.txt"));
}

static void what_a_crash_leaves_is_no_fault(void **state)
{
	struct damaged d;
	fill(&d, *state);
	/* The file as it is without a close: no end mark, then half a record, then zeros. */
	int fd = open_segment(&d);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	char record[240];
	assert_int_equal(pread(fd, record, sizeof record, offset_of(d.ids[0])), sizeof record);
	memset(record + 120, 0, 120);
	off_t end = st.st_size - 48;
	assert_int_equal(pwrite(fd, record, sizeof record, end), sizeof record);
	assert_int_equal(ftruncate(fd, end + 100000), 0);
	close(fd);
	reopen(&d);
	/* It was closed in good order as far as the index knows, so now this is a fault, and repair ends it anew. */
	assert_int_equal(check(&d, true), 1);
	assert_int_equal(check(&d, false), 0);
	for (unsigned i = 0; i < N; i++)
		assert_readable(&d, i, 0);
}

/* The end of the file goes away under a view, as a disk that cannot read it again would have it. */
static void a_view_that_loses_its_page_says_so(void **state)
{
	struct fixture *f = *state;
	struct damaged d = { .f = f };
	assert_int_equal(store_catch_bus_errors(), 0);
	char text[20000];
	memset(text, 't', sizeof text);
	store_blob_id first = blob_put(f->store, STR("first"), &ann, 1),
				  id = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
	struct store_blob_view v, sound;
	assert_int_equal(store_blob_map(f->store, id, &v), 0);
	assert_true(store_blob_intact(f->store, &v));
	int fd = open_segment(&d);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(v.bytes.p[0], 't');
	assert_int_equal(v.bytes.p[19000], '\0');
	assert_false(store_blob_intact(f->store, &v));
	store_blob_unmap(f->store, &v);
	/* Others are not taken for damaged. */
	assert_int_equal(store_blob_map(f->store, first, &sound), 0);
	assert_true(store_blob_intact(f->store, &sound));
	store_blob_unmap(f->store, &sound);
	assert_true(store_blob_map(f->store, id, &v) < 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_bad_payload_is_found_and_set_aside, &target),
		CONFORMANCE_TEST(a_bad_head_hides_only_its_own_blob, &target),
		CONFORMANCE_TEST(a_cut_file_is_found, &target),
		CONFORMANCE_TEST(a_missing_file_is_found, &target),
		CONFORMANCE_TEST(a_bad_file_header_is_found, &target),
		CONFORMANCE_TEST(an_unknown_file_is_taken_up, &target),
		CONFORMANCE_TEST(what_a_crash_leaves_is_no_fault, &target),
		CONFORMANCE_TEST(a_view_that_loses_its_page_says_so, &target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
