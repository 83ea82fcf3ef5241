/* Files beside the store, from a list that somebody else may have written: nothing of it lands outside, or where a store would be read from. And a mark that a restore left. */
#include "backup/run_fixture.h"

#include "backup/files.h"
#include "backup/past.h"
#include "backup/restore.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum kind { FILE_ENTRY = 1, FOLDER_ENTRY = 2, LINK_ENTRY = 3 };

static void add_entry(struct run_fixture *f, struct buf *list, enum kind kind, const char *path, const char *text)
{
	struct chunk_id id;
	struct str name = str_from_c(path), value = str_from_c(text);
	buf_add_u8(list, kind);
	buf_add_varint(list, name.n);
	buf_add_str(list, name);
	buf_add_varint(list, 0700);
	buf_add_le64(list, 1000);
	if (kind == FILE_ENTRY) {
		assert_int_equal(repository_put(f->repository, value, &id, NULL), 0);
		buf_add_varint(list, 1);
		buf_add(list, id.b, sizeof(id.b));
	} else if (kind == LINK_ENTRY) {
		buf_add_varint(list, value.n);
		buf_add_str(list, value);
	}
}

static void count_line(void *arg, const char *line)
{
	assert_non_null(strstr(line, "left out"));
	++*(unsigned *)arg;
}

/* The newest snapshot with that list in place of its own. */
static int restore_with(struct run_fixture *f, struct str entries, unsigned *told)
{
	struct past past;
	struct err e = { 0 };
	struct restore_report report;
	struct buf list = BUF_INIT(0);
	buf_add_u8(&list, 1);
	buf_add_str(&list, entries);
	*told = 0;
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(repository_put(f->repository, buf_str(&list), &past.moment.files, NULL), 0);
	int rc = restore_whole(&(struct restore){ .to = f->restored, .past = &past, .tell = count_line, .arg = told }, &report, &e);
	assert_true(rc || report.left_out == *told);
	past_close(&past);
	buf_fini(&list);
	return rc;
}

static bool is_there(const char *folder, const char *name)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void drop(struct run_fixture *f)
{
	char line[300];
	snprintf(line, sizeof(line), "rm -rf '%s'", f->restored);
	assert_int_equal(system(line), 0);
}

/* Neither by dots, nor by an absolute name, nor through a link that the list itself makes. */
static void nothing_lands_outside(void **state)
{
	struct run_fixture *f = *state;
	static const char *const bad[] = { "../escaped", "/tmp/escaped", "a/../../escaped", "tls/../escaped", "./escaped", "a//escaped", "" };
	unsigned told;
	run_backup(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf b = BUF_INIT(0);
		add_entry(f, &b, FILE_ENTRY, bad[i], "x");
		assert_int_equal(restore_with(f, buf_str(&b), &told), ERR_CORRUPT);
		assert_false(is_there(f->root, "escaped") || is_there(f->restored, ""));
		buf_fini(&b);
	}
	struct buf b = BUF_INIT(0);
	add_entry(f, &b, LINK_ENTRY, "tls", f->root);
	add_entry(f, &b, FILE_ENTRY, "tls/escaped", "x");
	assert_int_not_equal(restore_with(f, buf_str(&b), &told), 0);
	assert_false(is_there(f->root, "escaped"));
	drop(f);
	buf_fini(&b);
}

/* Bytes that would be opened as an index, or folders of the server as links to elsewhere, come from no backup: they are left out and told, and the rest is restored. */
static void nothing_lands_where_a_store_is_read(void **state)
{
	struct run_fixture *f = *state;
	struct buf b = BUF_INIT(0);
	unsigned told;
	run_append(f, "INBOX", "kept", 3);
	run_backup(f);
	add_entry(f, &b, FOLDER_ENTRY, "store/index", "");
	add_entry(f, &b, FILE_ENTRY, "store/index/data.mdb", "no index");
	add_entry(f, &b, LINK_ENTRY, "audit", f->root);
	add_entry(f, &b, FILE_ENTRY, "troika.conf", "hostname = x");
	assert_int_equal(restore_with(f, buf_str(&b), &told), 0);
	assert_int_equal(told, 3);
	assert_true(is_there(f->restored, "troika.conf"));
	assert_false(is_there(f->restored, "audit"));
	drop(f);
	buf_fini(&b);
	run_restore(f, NULL, true);
	assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), 3);
	run_drop_restored(f);
}

/* A restore that was killed when all was done but for its mark: the directory is whole, and backups of it can be restored. */
static void a_mark_that_was_left(void **state)
{
	struct run_fixture *f = *state;
	char line[300];
	snprintf(line, sizeof(line), ": >'%s/restoring'; echo 1 >'%s/one'", f->dir, f->dir);
	assert_int_equal(system(line), 0);
	run_append(f, "INBOX", "kept", 3);
	struct backup_report report = run_backup(f);
	assert_int_equal(report.faults, 0);
	run_restore(f, NULL, true);
	assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), 3);
	assert_true(is_there(f->restored, "one"));
	assert_false(is_there(f->restored, "restoring"));
	run_drop_restored(f);
	/* one that was made before such marks were left out */
	struct buf b = BUF_INIT(0);
	unsigned told;
	add_entry(f, &b, FILE_ENTRY, "restoring", "");
	assert_int_equal(restore_with(f, buf_str(&b), &told), 0);
	assert_int_equal(told, 0);
	buf_fini(&b);
	drop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(nothing_lands_outside), RUN_TEST(nothing_lands_where_a_store_is_read), RUN_TEST(a_mark_that_was_left) };
	return cmocka_run_group_tests_name("backup/files", tests, NULL, NULL);
}
