/* What was noted is there again, also when the file was cut anywhere or one bit of it turned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "migrate/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], file[512];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/troika-state-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

static struct state *open_it(bool *damaged)
{
	struct state *s;
	struct err e = { 0 };
	bool ignored;
	if (state_open(dir, 7, STR("imaps://h:993\njoe"), &s, damaged ? damaged : &ignored, &e))
		fail_msg("%s", e.log);
	return s;
}

static void find_file(void)
{
	char folder[128];
	struct dirent *d;
	snprintf(folder, sizeof folder, "%s/import", dir);
	DIR *all = opendir(folder);
	while ((d = readdir(all)))
		if (strstr(d->d_name, ".state") && !strstr(d->d_name, "damaged"))
			snprintf(file, sizeof file, "%s/%s", folder, d->d_name);
	closedir(all);
}

static void fill(struct state *s)
{
	struct state_folder *f, *g;
	uint64_t bit;
	uint32_t uid;
	assert_int_equal(state_begin(s, STR("INBOX"), 11, 1, &f, NULL), 0);
	assert_int_equal(state_begin(s, STR("Se\xff nt"), 12, 5, &g, NULL), 0);
	assert_int_equal(state_keyword(s, f, STR("$Forwarded"), &bit, NULL), 0);
	assert_int_equal(bit, (uint64_t)1 << MESSAGE_KEYWORD_SHIFT);
	assert_int_equal(state_keyword(s, f, STR("$FORWARDED"), &bit, NULL), 0);
	assert_int_equal(bit, (uint64_t)1 << MESSAGE_KEYWORD_SHIFT);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(state_note(s, f, &(struct note){ .uid = i * 2, .ours = i, .flags = MESSAGE_SEEN, .email = i * 1000 }, 1, NULL), 0);
	assert_int_equal(state_note(s, f, &(struct note){ .uid = 3, .flags = NOTE_TOO_BIG }, 1, NULL), 0);
	assert_int_equal(state_note(s, f, &(struct note){ .uid = 4, .ours = 2, .flags = 0 }, 1, NULL), 0);
	assert_int_equal(state_forget(s, f, (uint32_t[]){ 6, 7, 8 }, 3, NULL), 0);
	assert_int_equal(state_number(s, g, STR("uidl-a"), &uid, NULL), 0);
	assert_int_equal(uid, 1);
	assert_int_equal(state_number(s, g, STR("uidl-b"), &uid, NULL), 0);
	assert_int_equal(uid, 2);
	assert_int_equal(state_complete(s, f, 99, 201, 99, NULL), 0);
	assert_int_equal(state_sync(s, NULL), 0);
}

static void check_filled(struct state *s)
{
	struct state_folder *f = state_find(s, STR("INBOX")), *g = state_find(s, STR("Se\xff nt"));
	uint32_t uid;
	assert_non_null(f);
	assert_non_null(g);
	assert_true(f->uidvalidity == 11 && f->target == 1 && f->n == 99 && f->modseq == 99 && f->uidnext == 201 && f->messages == 99);
	assert_true(f->n_keywords == 1 && !strcmp(f->keywords[0], "$Forwarded"));
	assert_null(state_get(f, 6));
	assert_null(state_get(f, 1));
	assert_true(state_get(f, 3)->ours == 0 && state_get(f, 3)->flags == NOTE_TOO_BIG);
	assert_true(state_get(f, 4)->ours == 2 && state_get(f, 4)->flags == 0);
	assert_true(state_get(f, 200)->ours == 100 && state_get(f, 200)->email == 100000);
	assert_int_equal(state_number(s, g, STR("uidl-b"), &uid, NULL), 0);
	assert_int_equal(uid, 2);
}

static void test_again(void **state)
{
	(void)state;
	struct state *s = open_it(NULL), *other;
	struct err e = { 0 };
	bool damaged;
	fill(s);
	check_filled(s);
	assert_int_equal(state_open(dir, 7, STR("imaps://h:993\njoe"), &other, &damaged, &e), ERR_BUSY);
	assert_int_equal(state_open(dir, 8, STR("imaps://h:993\njoe"), &other, &damaged, &e), 0);
	assert_int_equal(state_count(other), 0);
	state_close(&other);
	state_close(&s);
	s = open_it(&damaged);
	assert_false(damaged);
	check_filled(s);
	/* other UIDs there: nothing of the old ones holds */
	struct state_folder *f;
	assert_int_equal(state_begin(s, STR("INBOX"), 13, 1, &f, NULL), 0);
	assert_true(f->n == 0 && f->n_keywords == 0 && f->uidnext == 0);
	state_close(&s);
	s = open_it(NULL);
	assert_int_equal(state_find(s, STR("INBOX"))->n, 0);
	state_close(&s);
}

/* Cut anywhere, what is left is a beginning of what was written: no note is there that was not, and it goes on from there. */
static void test_cut(void **state)
{
	(void)state;
	struct state *s = open_it(NULL);
	struct stat st;
	bool damaged;
	fill(s);
	state_close(&s);
	find_file();
	assert_int_equal(stat(file, &st), 0);
	size_t last = SIZE_MAX;
	for (off_t n = st.st_size - 1; n >= 0; n -= n > 300 ? 37 : 1) {
		assert_int_equal(truncate(file, n), 0);
		s = open_it(&damaged);
		assert_false(damaged);
		struct state_folder *f = state_find(s, STR("INBOX"));
		size_t notes = f ? f->n : 0;
		/* 6 and 8 were forgotten in the end; 3 was added */
		assert_true(notes <= last || last == 99 || notes <= 101);
		last = notes;
		for (size_t i = 0; i < notes; i++)
			assert_true(f->v[i].uid == 3 || f->v[i].ours == f->v[i].uid / 2);
		state_close(&s);
	}
	s = open_it(NULL);
	fill(s);
	state_close(&s);
	s = open_it(NULL);
	check_filled(s);
	state_close(&s);
}

static void test_rot(void **state)
{
	(void)state;
	struct state *s = open_it(NULL);
	struct stat st;
	bool damaged;
	fill(s);
	state_close(&s);
	find_file();
	assert_int_equal(stat(file, &st), 0);
	char *whole = malloc((size_t)st.st_size);
	int fd = open(file, O_RDWR);
	assert_int_equal(pread(fd, whole, (size_t)st.st_size, 0), st.st_size);
	for (off_t at = 0; at < st.st_size; at += at < 200 ? 1 : 29) {
		whole[at] ^= 0x10;
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, whole, (size_t)st.st_size, 0), st.st_size);
		whole[at] ^= 0x10;
		s = open_it(&damaged);
		struct state_folder *f = state_find(s, STR("INBOX"));
		for (size_t i = 0; f && i < f->n; i++)
			assert_true(f->v[i].uid == 3 || f->v[i].ours == f->v[i].uid / 2);
		state_close(&s);
		if (damaged) {               /* set aside: fd is another file now */
			close(fd);
			fd = open(file, O_RDWR);
			assert_true(fd >= 0);
		}
	}
	close(fd);
	free(whole);
}

/* A file of old records is written anew, and says the same. */
static void test_compact(void **state)
{
	(void)state;
	struct state *s = open_it(NULL);
	struct state_folder *f;
	struct stat before, after;
	fill(s);
	f = state_find(s, STR("INBOX"));
	for (unsigned i = 0; i < 30000; i++)
		assert_int_equal(state_note(s, f, &(struct note){ .uid = 4, .ours = 2, .flags = i % 2 }, 1, NULL), 0);
	assert_int_equal(state_note(s, f, &(struct note){ .uid = 4, .ours = 2, .flags = 0 }, 1, NULL), 0);
	state_close(&s);
	find_file();
	assert_int_equal(stat(file, &before), 0);
	s = open_it(NULL);
	check_filled(s);
	assert_int_equal(stat(file, &after), 0);
	assert_true(after.st_size < 10000 && before.st_size > 1000000);
	state_close(&s);
	s = open_it(NULL);
	check_filled(s);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_again, set_up, tear_down), cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rot, set_up, tear_down), cmocka_unit_test_setup_teardown(test_compact, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
