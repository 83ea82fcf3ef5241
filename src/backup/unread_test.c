/* Records of the directory that the store refuses (store.h, store_next: ERR_CORRUPT with a key): all else is backed up, what is missing is told by the run, by the
 * snapshot and by restores, and a run after the repair is whole again. */
#include "backup/run_fixture.h"

#include "backup/old_account.h"
#include "backup/pace.h"
#include "backup/past.h"
#include "backup/restore.h"
#include "directory/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANN STR("uexample.org\0ann")

static void add_user(struct run_fixture *f, const char *name, uint64_t account)
{
	struct directory *d;
	struct err e = { 0 };
	assert_int_equal(directory_open(f->store, &(struct directory_config){ 0 }, &d, &e), 0);
	if (!directory_domain_is_local(d, STR("example.org")))
		assert_int_equal(directory_domain_add(d, STR("example.org"), &e), 0);
	assert_int_equal(directory_user_add_shared(d, str_from_c(name), account, &e), 0);
	directory_close(&d);
}

/* The first octet of its value, in the newest copy of the record and in older ones. */
static void damage(struct run_fixture *f, struct str key)
{
	char path[200];
	struct stat st;
	unsigned found = 0;
	run_close(f);
	snprintf(path, sizeof(path), "%s/index/data.mdb", f->store_dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	char *p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	for (size_t i = 0; i + key.n < (size_t)st.st_size; i++)
		if (memcmp(p + i, key.p, key.n) == 0) {
			p[i + key.n] ^= 4;
			found++;
		}
	assert_true(found > 0);
	munmap(p, (size_t)st.st_size);
	close(fd);
	run_open(f);
}

struct told {
	unsigned lines;
	char text[4000];
};

static void hear(void *arg, const char *line)
{
	struct told *t = arg;
	size_t n = strlen(t->text);
	snprintf(t->text + n, sizeof(t->text) - n, "%s\n", line);
	t->lines++;
}

static struct backup_report back_up(struct run_fixture *f, struct told *told)
{
	struct backup_report report;
	struct err e = { 0 };
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL,
							.tell = hear, .arg = told };
	*told = (struct told){ 0 };
	if (backup_run(&b, &report, &e))
		fail_msg("backup_run: %s", e.log);
	return report;
}

static uint64_t lost_of_the_directory(struct run_fixture *f, const char *id)
{
	struct past past;
	struct old_directory then;
	struct err e = { 0 };
	assert_int_equal(past_open(f->repository, id, STR_NONE, &past, &e), 0);
	const struct moment_scope *s = moment_find(&past.moment, (struct store_scope){ STORE_SYSTEM, 0 });
	assert_non_null(s);
	uint64_t lost = s->lost;
	assert_int_equal(old_directory_open(&past, &then, &e), 0);
	assert_int_equal(then.unread, lost);
	old_directory_close(&then);
	past_close(&past);
	return lost;
}

static unsigned users(struct run_fixture *f, const char *name, bool *has)
{
	struct directory *d;
	struct arena arena = ARENA_INIT(0);
	struct directory_user *list;
	struct err e = { 0 };
	size_t n;
	*has = false;
	assert_int_equal(directory_open(f->restored_store, &(struct directory_config){ 0 }, &d, &e), 0);
	assert_int_equal(directory_user_list(d, &arena, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		*has = *has || str_eq(list[i].name, str_from_c(name));
	directory_close(&d);
	arena_fini(&arena);
	return (unsigned)n;
}

static struct restore_report restore(struct run_fixture *f, const char *id, struct told *told)
{
	struct past past;
	struct err e = { 0 };
	struct restore_report report;
	char store_dir[128];
	uint64_t faults = 1;
	*told = (struct told){ 0 };
	assert_int_equal(past_open(f->repository, id, STR_NONE, &past, &e), 0);
	if (restore_whole(&(struct restore){ .to = f->restored, .past = &past, .tell = hear, .arg = told }, &report, &e))
		fail_msg("restore_whole: %s", e.log);
	past_close(&past);
	snprintf(store_dir, sizeof(store_dir), "%s/store", f->restored);
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = store_dir }, &f->restored_store, &e), 0);
	assert_int_equal(model_open(f->restored_store, NULL, &f->restored_model, &e), 0);
	assert_int_equal(store_check(f->restored_store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	return report;
}

static void make_two(struct run_fixture *f)
{
	assert_int_equal(account_create(f->model, RUN_ACCOUNT + 1), 0);
	run_append(f, "INBOX", "hers", 5);
	run_append_to(f, RUN_ACCOUNT + 1, "his", 2);
	add_user(f, "ann@example.org", RUN_ACCOUNT);
	add_user(f, "bob@example.org", RUN_ACCOUNT + 1);
}

static void everything_else_is_backed_up(struct run_fixture *f)
{
	struct told told;
	bool has;
	struct backup_report report = back_up(f, &told);
	assert_int_equal(report.messages, 7);
	assert_int_equal(report.unread, 1);
	assert_int_equal(report.lost, 0);
	assert_int_equal(report.faults, 1);
	assert_int_equal(told.lines, 1);
	assert_non_null(strstr(told.text, "directory: 1 record"));
	assert_non_null(strstr(told.text, "uexample.org.ann"));
	assert_int_equal(lost_of_the_directory(f, report.id), 1);
	struct restore_report restored = restore(f, report.id, &told);
	assert_int_equal(restored.accounts, 2);
	assert_int_equal(restored.messages, 7);
	assert_int_equal(restored.unread, 1);
	assert_int_equal(restored.nameless, 1);
	assert_non_null(strstr(told.text, "could not be read when this backup was made"));
	assert_non_null(strstr(told.text, "troika user adopt NAME 7"));
	assert_int_equal(users(f, "ann@example.org", &has), 2);
	assert_false(has);
	assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), 5);
	run_drop_restored(f);
	/* Nothing has changed, but it is looked at again. */
	assert_int_equal(back_up(f, &told).unread, 1);
}

static void mended(struct run_fixture *f, const char *before)
{
	struct told told;
	uint64_t faults;
	bool has;
	assert_int_equal(store_check(f->store, true, NULL, NULL, &faults), 0);
	struct backup_report report = back_up(f, &told);
	assert_int_equal(report.unread + report.faults + report.lost, 0);
	assert_int_equal(lost_of_the_directory(f, report.id), 0);
	/* The moment before has her. */
	struct restore_report restored = restore(f, before, &told);
	assert_int_equal(restored.unread + restored.nameless + restored.left_out, 0);
	assert_int_equal(users(f, "ann@example.org", &has), 2);
	assert_true(has);
	run_drop_restored(f);
}

static void a_damaged_record(void **state)
{
	struct run_fixture *f = *state;
	struct told told;
	make_two(f);
	struct backup_report before = back_up(f, &told);
	assert_int_equal(before.faults + before.unread, 0);
	add_user(f, "carl@example.org", RUN_ACCOUNT + 2);
	damage(f, ANN);
	everything_else_is_backed_up(f);
	mended(f, before.id);
}

static void wait_over_the_bound(void *arg, uint64_t messages, uint64_t done, uint64_t all)
{
	(void)arg, (void)messages, (void)done, (void)all;
	usleep(3000);
}

/* The same where the directory has a moment of its own. */
static void a_damaged_record_taken_later(void **state)
{
	struct run_fixture *f = *state;
	struct backup_report report;
	struct err e = { 0 };
	make_two(f);
	damage(f, ANN);
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL, .shot_ms_max = 1,
							.progress = wait_over_the_bound };
	assert_int_equal(backup_run(&b, &report, &e), 0);
	assert_true(report.later > 0);
	assert_int_equal(report.unread, 1);
	assert_int_equal(report.faults, 1);
	assert_int_equal(report.messages, 7);
	assert_int_equal(lost_of_the_directory(f, report.id), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(a_damaged_record), RUN_TEST(a_damaged_record_taken_later) };
	return cmocka_run_group_tests_name("backup/unread", tests, NULL, NULL);
}
