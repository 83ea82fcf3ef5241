/* Opening, closing, and what stays. */
#include "store/conformance/conformance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct store_scope scope = { STORE_ACCOUNT, 1 };
static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;
static const struct conformance_target target = { .name = "open",
												  .engine = STORE_ENGINE_LMDB,
												  .segment_size = 1 << 20 };
static const struct conformance_target old = { .name = "old", .engine = STORE_ENGINE_LMDB, .level = 1 };
static const struct conformance_target narrow = { .name = "narrow", .engine = STORE_ENGINE_LMDB, .map_size = 1 << 20 };

/* What another process does just before this one takes a lock or gives a file another name. Once. */
static void (*meanwhile)(void);
static void let_others_act(void)
{
	void (*fn)(void) = meanwhile;
	meanwhile = NULL;
	if (fn)
		fn();
}

int flock(int fd, int operation)
{
	let_others_act();
	return (int)syscall(SYS_flock, fd, operation);
}

int rename(const char *from, const char *to)
{
	let_others_act();
	return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static void reopen(struct fixture *f)
{
	struct err e = { .code = 0 };
	store_close(&f->store);
	if (fixture_open(f, false, &e))
		fail_msg("%s", e.log);
}

static void what_was_committed_stays(void **state)
{
	struct fixture *f = *state;
	put(f->store, scope, STR("a"), STR("1"));
	store_blob_id id = blob_put(f->store, STR("blob"), &ann, 1), big[3];
	char *bytes = calloc(1, 1 << 20);
	assert_non_null(bytes);
	for (int i = 0; i < 3; i++) {
		bytes[0] = (char)i;
		big[i] = blob_put(f->store, str_make(bytes, 1 << 20), &ann, 1);
	}
	uint64_t version = store_scope_version(f->store, scope);
	for (int round = 0; round < 3; round++) {
		reopen(f);
		assert_list(f->store, scope, STR_NONE, STR_NONE, "a=1");
		assert_int_equal(store_scope_version(f->store, scope), version);
		assert_blob(f->store, id, STR("blob"));
		for (int i = 0; i < 3; i++) {
			bytes[0] = (char)i;
			assert_blob(f->store, big[i], str_make(bytes, 1 << 20));
		}
	}
	free(bytes);
}

/* Of the pages of files, kilobytes of this process's memory. */
static unsigned long file_memory(void)
{
	char line[200];
	unsigned long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "RssFile:", 8) == 0)
			kb = strtoul(line + 8, NULL, 10);
	fclose(f);
	return kb;
}

/* What FORMAT says holds after opening again, and a process that has the store open meanwhile hears of it. */
static void a_level_stays_and_is_seen_by_others(void **state)
{
	struct fixture *f = *state;
	struct err e = { .code = 0 };
	assert_int_equal(store_level(f->store), 1);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* an opened store is the opener's: the child opens one of its own, and leaves all else alone */
		struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = f->dir };
		struct store *s;
		_exit(store_open(&c, &s, &e) || store_level(s) != 1 || store_raise_level(s, 2));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(store_level(f->store), 2);
	reopen(f);
	assert_int_equal(store_level(f->store), 2);
}

static void mapped_pages_are_let_go_of(void **state)
{
	struct fixture *f = *state;
	char *bytes = calloc(1, 16 << 20);
	assert_non_null(bytes);
	store_blob_id id = blob_put(f->store, str_make(bytes, 16 << 20), &ann, 1);
	for (int i = 0; i < 16; i++) {
		char key[8];
		snprintf(key, sizeof key, "%d", i);
		put(f->store, scope, str_from_c(key), str_make(bytes, STORE_VALUE_MAX));
	}
	for (int round = 0; round < 2; round++) {
		struct store_blob_view v;
		struct store_read *r;
		struct str value;
		uint64_t reclaimed;
		assert_int_equal(store_blob_map(f->store, id, &v), 0);
		assert_int_equal(store_begin(f->store, scope, &r), 0);
		for (int i = 0; i < 16; i++) {
			char key[8];
			snprintf(key, sizeof key, "%d", i);
			assert_int_equal(store_get(r, str_from_c(key), &value), 0);
			assert_int_equal(memcmp(value.p, bytes, value.n), 0);
		}
		unsigned long before = file_memory();
		assert_int_equal(store_maintain(f->store, 1, &reclaimed), 0);
		assert_true(file_memory() + (24 << 10) < before);
		/* and come back */
		assert_int_equal(memcmp(value.p, bytes, value.n), 0);
		assert_int_equal(memcmp(v.bytes.p, bytes, v.bytes.n), 0);
		store_end(&r);
		store_blob_unmap(f->store, &v);
	}
	free(bytes);
}

static unsigned count_segments(struct store *s)
{
	struct store_stats st;
	store_stats(s, &st);
	return (unsigned)st.segments;
}

static void a_closed_segment_is_continued(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[20];
	for (int i = 0; i < 20; i++) {
		char text[16];
		snprintf(text, sizeof text, "blob %d", i);
		ids[i] = blob_put(f->store, str_from_c(text), &ann, 1);
		for (int k = 0; k < i; k++)
			assert_true(ids[k] != ids[i]);
		reopen(f);
	}
	assert_int_equal(count_segments(f->store), 1);
	for (int i = 0; i < 20; i++) {
		char text[16];
		snprintf(text, sizeof text, "blob %d", i);
		assert_blob(f->store, ids[i], str_from_c(text));
	}
	uint64_t faults;
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void full_segments_are_followed_by_others(void **state)
{
	struct fixture *f = *state;
	char *bytes = calloc(1, 100000);
	assert_non_null(bytes);
	store_blob_id ids[40];
	for (int i = 0; i < 40; i++) {
		bytes[0] = (char)i;
		ids[i] = blob_put(f->store, str_make(bytes, 100000), &ann, 1);
	}
	assert_in_range(count_segments(f->store), 3, 5);
	for (int i = 0; i < 40; i++) {
		bytes[0] = (char)i;
		assert_blob(f->store, ids[i], str_make(bytes, 100000));
	}
	free(bytes);
}

static int nothing(struct store_write *w, void *arg)
{
	(void)w, (void)arg;
	return 0;
}

static void read_only_means_it(void **state)
{
	struct fixture *f = *state;
	struct err e = { .code = 0 };
	put(f->store, scope, STR("a"), STR("1"));
	store_blob_id id = blob_put(f->store, STR("blob"), &ann, 1), other;
	store_close(&f->store);
	assert_int_equal(fixture_open(f, true, &e), 0);
	assert_list(f->store, scope, STR_NONE, STR_NONE, "a=1");
	assert_blob(f->store, id, STR("blob"));
	assert_int_equal(store_commit(f->store, scope, nothing, NULL), ERR_DENIED);
	struct str bytes = STR("x");
	uint64_t n;
	assert_int_equal(store_blob_put(f->store, &bytes, 1, &ann, 1, &other), ERR_DENIED);
	assert_int_equal(store_blob_tag(f->store, &id, 1, ann), ERR_DENIED);
	assert_int_equal(store_blob_untag(f->store, &id, 1, ann), ERR_DENIED);
	assert_int_equal(store_maintain(f->store, 1, &n), ERR_DENIED);
	assert_int_equal(store_check(f->store, true, NULL, NULL, &n), ERR_DENIED);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &n), 0);
	assert_int_equal(n, 0);
}

static void write_format(const struct fixture *f, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/FORMAT", f->dir);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A bit of its digit: read as level 2, it would let an older program in. */
static void a_format_that_says_less_than_the_index_is_mended(void **state)
{
	struct fixture *f = *state;
	uint64_t faults;
	put(f->store, scope, STR("a"), STR("1"));
	store_close(&f->store);
	write_format(f, "troika store 2\n");
	reopen(f);
	assert_int_equal(store_level(f->store), STORE_LEVEL_NEWEST);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 1);
	assert_int_equal(store_check(f->store, true, NULL, NULL, &faults), 0);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void the_format_is_verified(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "troika store 1\n", 0 },
		{ "troika store 1", 0 },
		{ "troika store 2\n", 0 },
		{ "troika store 3\n", 0 },
		{ "troika store 4\n", ERR_VERSION },
		{ "troika store 4000000000\n", ERR_VERSION },
		{ "troika store 0\n", ERR_CORRUPT },
		{ "troika store x\n", ERR_CORRUPT },
		{ "", ERR_CORRUPT },
		{ "maildir\n", ERR_CORRUPT },
		{ "troika store 99999999999\n", ERR_CORRUPT },
	};
	store_close(&f->store);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err e = { .code = 0 };
		write_format(f, cases[i].text);
		assert_int_equal(fixture_open(f, false, &e), cases[i].rc);
		assert_int_equal(e.code, cases[i].rc);
		if (cases[i].rc)
			assert_null(f->store);
		/* The error names the place. */
		assert_true(cases[i].rc == 0 || strstr(e.log, f->dir));
		store_close(&f->store);
	}
}

static void what_is_not_there_is_said(void **state)
{
	struct fixture *f = *state;
	struct err e = { .code = 0 };
	struct store *s;
	char path[128];
	snprintf(path, sizeof path, "%s/nowhere", f->dir);
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = path, .create = true };
	assert_int_equal(store_open(&c, &s, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.log, path));
	assert_int_equal(mkdir(path, 0700), 0);
	c.create = false;
	assert_int_equal(store_open(&c, &s, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.log, "troika init"));
	c.create = true;
	assert_int_equal(store_open(&c, &s, &e), 0);
	store_close(&s);
	c.create = false;
	assert_int_equal(store_open(&c, &s, &e), 0);
	store_close(&s);
	c.engine = (enum store_engine)99;
	assert_int_equal(store_open(&c, &s, &e), ERR_CONFIG);
	assert_null(s);
}

static int put_numbered(struct store_write *w, void *arg)
{
	char key[16], value[1800];
	memset(value, 'v', sizeof value);
	snprintf(key, sizeof key, "k%05u", *(const unsigned *)arg);
	return store_put(w, str_from_c(key), str_make(value, sizeof value));
}

static void a_full_index_refuses_and_lives_on(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;
	int rc;
	while ((rc = store_commit(f->store, scope, put_numbered, &n)) == 0 && n < 5000)
		n++;
	assert_int_equal(rc, ERR_NO_SPACE);
	assert_true(n > 100);
	/* Reading goes on, and what was acknowledged is there. */
	for (unsigned i = 0; i <= n; i++) {
		char key[16];
		size_t size;
		snprintf(key, sizeof key, "k%05u", i);
		char *got = get(f->store, scope, str_from_c(key), &size);
		assert_int_equal(got != NULL, i < n);
		free(got);
	}
	/* With more room it goes on writing. */
	store_close(&f->store);
	f->target = &target;
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	assert_int_equal(store_commit(f->store, scope, put_numbered, &n), 0);
}

/* LMDB's first pages are not synced before its first commit, and FORMAT is written after that: without FORMAT they may be anything. With FORMAT they are
 * damage, and nothing is put in their place. */
static void an_interrupted_making_is_made_again(void **state)
{
	struct fixture *f = *state;
	char index[100], format[100], aside[120];
	struct err e = { .code = 0 };
	snprintf(index, sizeof index, "%s/index/data.mdb", f->dir);
	snprintf(format, sizeof format, "%s/FORMAT", f->dir);
	snprintf(aside, sizeof aside, "%s.unfinished", index);
	store_close(&f->store);
	struct store_config make = { .engine = STORE_ENGINE_LMDB, .dir = f->dir, .create = true };
	for (int with_format = 1; with_format >= 0; with_format--) {
		assert_int_equal(truncate(index, 0), 0);
		assert_int_equal(truncate(index, 8192), 0);
		if (!with_format)
			assert_int_equal(unlink(format), 0);
		assert_int_equal(store_open(&make, &f->store, &e) == 0, !with_format);
		assert_int_equal(access(aside, F_OK) == 0, !with_format);
	}
	assert_int_equal(access(format, F_OK), 0);
	put(f->store, scope, STR("a"), STR("1"));
	reopen(f);
	assert_list(f->store, scope, STR_NONE, STR_NONE, "a=1");
}

/* A power cut may leave of the two roots that LMDB begins with the first and some sectors of the second. */
static void half_of_the_roots_is_no_index_yet(void **state)
{
	struct fixture *f = *state;
	char index[100], format[100];
	struct err e = { .code = 0 };
	snprintf(index, sizeof index, "%s/index/data.mdb", f->dir);
	snprintf(format, sizeof format, "%s/FORMAT", f->dir);
	store_close(&f->store);
	struct store_config make = { .engine = STORE_ENGINE_LMDB, .dir = f->dir, .create = true };
	for (int with_format = 1; with_format >= 0; with_format--) {
		assert_int_equal(truncate(index, 4096 + 5 * 512), 0);
		if (!with_format)
			assert_int_equal(unlink(format), 0);
		assert_int_equal(store_open(&make, &f->store, &e) == 0, !with_format);
	}
	assert_int_equal(access(format, F_OK), 0);
}

static int to_child, from_child;
static void child_makes_it(void)
{
	char byte = 0;
	assert_int_equal(write(to_child, &byte, 1), 1);
	assert_int_equal(read(from_child, &byte, 1), 1);
	assert_int_equal(byte, 1);
}

/* Two find that the making of a store was interrupted. What the first one makes anew and commits to, the second one must not set aside. */
static void only_one_makes_it_again(void **state)
{
	struct fixture *f = *state;
	int ask[2], answer[2];
	char path[100];
	struct err e = { .code = 0 };
	struct store_config make = { .engine = STORE_ENGINE_LMDB, .dir = f->dir, .create = true };
	store_close(&f->store);
	snprintf(path, sizeof path, "%s/FORMAT", f->dir);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/index/data.mdb", f->dir);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, 8192), 0);
	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		char byte;
		if (read(ask[0], &byte, 1) == 1 && store_open(&make, &f->store, &e) == 0) {
			put(f->store, scope, STR("a"), STR("1"));
			store_close(&f->store);
			byte = 1;
		}
		_exit(write(answer[1], &byte, 1) == 1 ? 0 : 1);
	}
	to_child = ask[1];
	from_child = answer[0];
	meanwhile = child_makes_it;
	assert_int_equal(store_open(&make, &f->store, &e), 0);
	assert_null(meanwhile);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(ask[i]);
		close(answer[i]);
	}
	assert_list(f->store, scope, STR_NONE, STR_NONE, "a=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(what_was_committed_stays, &target),
		CONFORMANCE_TEST(a_level_stays_and_is_seen_by_others, &old),
		CONFORMANCE_TEST(an_interrupted_making_is_made_again, &target),
		CONFORMANCE_TEST(half_of_the_roots_is_no_index_yet, &target),
		CONFORMANCE_TEST(only_one_makes_it_again, &target),
		CONFORMANCE_TEST(mapped_pages_are_let_go_of, &target),
		CONFORMANCE_TEST(a_closed_segment_is_continued, &target),
		CONFORMANCE_TEST(full_segments_are_followed_by_others, &target),
		CONFORMANCE_TEST(read_only_means_it, &target),
		CONFORMANCE_TEST(a_format_that_says_less_than_the_index_is_mended, &target),
		CONFORMANCE_TEST(the_format_is_verified, &target),
		CONFORMANCE_TEST(what_is_not_there_is_said, &target),
		CONFORMANCE_TEST(a_full_index_refuses_and_lives_on, &narrow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
