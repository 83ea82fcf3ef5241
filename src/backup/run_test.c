/* Runs and restores over a real store and a real repository: what went in comes out, what is known is not read again, what a killed run left is used, and a
 * directory that was set back does not deceive. */
#include "backup/run_fixture.h"

#include "backup/pace.h"
#include "backup/past.h"
#include "backup/restore.h"
#include "backup/retention.h"
#include "backup/walk.h"
#include "directory/directory.h"
#include "rt/fault.h"

#include <stdio.h>
#include <unistd.h>

static void twice(void **state)
{
	struct run_fixture *f = *state;
	struct backup_report first, second, third;
	run_append(f, "INBOX", "one", 40);
	run_append(f, "Sent", "two", 3);
	first = run_backup(f);
	assert_int_equal(first.messages, 43);
	assert_int_equal(first.bodies_read, 43);
	assert_int_equal(first.faults + first.lost, 0);
	second = run_backup(f);
	assert_int_equal(second.same, 1);
	assert_int_equal(second.bodies_read, 0);
	assert_true(second.bytes_new < 20000);
	run_append(f, "INBOX", "three", 1);
	third = run_backup(f);
	assert_int_equal(third.accounts, 1);
	assert_int_equal(third.messages, 44);
	assert_int_equal(third.bodies_read, 1);
	run_restore(f, NULL, false);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	run_drop_restored(f);
	/* and the first moment is still there: "Sent" and INBOX had 43 */
	run_restore(f, first.id, true);
	assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), 43);
	run_drop_restored(f);
	uint64_t faults = 1;
	assert_int_equal(repository_verify(f->repository, walk_snapshot, f->repository, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void large_and_empty_bodies(void **state)
{
	struct run_fixture *f = *state;
	char *large = malloc(9 << 20);
	for (size_t i = 0; i < 9 << 20; i++)
		large[i] = (char)(i * i >> 7);
	run_append_body(f, "INBOX", str_make(large, 9 << 20));
	run_append_body(f, "INBOX", STR(""));
	run_append_body(f, "INBOX", STR("small"));
	free(large);
	run_backup(f);
	run_restore(f, NULL, false);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	run_drop_restored(f);
}

/* Bodies that two accounts share are read and kept once, and are one again after a restore. */
static void shared_bodies(void **state)
{
	struct run_fixture *f = *state;
	uint64_t other = RUN_ACCOUNT + 1;
	assert_int_equal(account_create(f->model, other), 0);
	run_append_shared(f, "shared text", RUN_ACCOUNT, other, 20);
	struct backup_report r = run_backup(f);
	assert_int_equal(r.messages, 40);
	assert_int_equal(r.bodies_read, 20);
	run_restore(f, NULL, false);
	assert_string_equal(run_show(f->restored_model, other), run_show(f->model, other));
	assert_int_equal(run_blobs(f->restored_store), 20);
	run_drop_restored(f);
}

/* A copy of the store is set back to where it was at the first backup; what came later has the same blob ids and other bytes. */
static void a_store_that_was_set_back(void **state)
{
	struct run_fixture *f = *state;
	run_append(f, "INBOX", "before", 5);
	run_backup(f);
	run_keep_copy(f);
	run_append(f, "INBOX", "first life", 5);
	assert_int_equal(run_backup(f).bodies_read, 5);
	run_set_back(f);
	run_append(f, "INBOX", "other life", 5);
	struct backup_report r = run_backup(f);
	assert_int_equal(r.bodies_read, 5);
	run_restore(f, NULL, false);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	run_drop_restored(f);
}

static void restores_do_not_deceive_clients(void **state)
{
	struct run_fixture *f = *state;
	struct mailbox before, after;
	struct arena arena = ARENA_INIT(0);
	struct account *a;
	run_append(f, "INBOX", "one", 3);
	run_backup(f);
	assert_int_equal(account_open(f->model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &before), 0);
	account_close(&a);
	run_restore(f, NULL, false);
	assert_int_equal(account_open(f->restored_model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &after), 0);
	account_close(&a);
	assert_true(after.uidvalidity > before.uidvalidity);
	run_drop_restored(f);
	run_restore(f, NULL, true);
	assert_int_equal(account_open(f->restored_model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &after), 0);
	account_close(&a);
	assert_int_equal(after.uidvalidity, before.uidvalidity);
	run_drop_restored(f);
	arena_fini(&arena);
}

static void restores_refuse(void **state)
{
	struct run_fixture *f = *state;
	struct past past;
	struct err e = { 0 };
	struct restore_report report;
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), ERR_NOT_FOUND);
	past_close(&past);
	run_backup(f);
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	struct restore r = { .to = f->dir, .past = &past };
	assert_int_equal(restore_whole(&r, &report, &e), ERR_EXISTS);
	assert_non_null(strstr(e.log, f->dir));
	past.moment.level = STORE_LEVEL_NEWEST + 1;
	r.to = f->restored;
	assert_int_equal(restore_whole(&r, &report, &e), ERR_VERSION);
	past_close(&past);
}

/* One octet in the midst of the only pack is another one. */
static void damage_pack(struct run_fixture *f)
{
	char line[600];
	snprintf(line, sizeof(line), "f=$(ls -S '%s'/packs/* | head -n 1) && printf '\\377\\0\\377\\0' | dd of=\"$f\" bs=1 conv=notrunc seek=$(( $(stat -c %%s \"$f\") / 2 )) 2>/dev/null",
			 f->repository_dir);
	assert_int_equal(system(line), 0);
}

static struct restore_report restore_with_losses(struct run_fixture *f)
{
	struct past past;
	struct err e = { 0 };
	struct restore_report report;
	char store_dir[128];
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	if (restore_whole(&(struct restore){ .to = f->restored, .past = &past }, &report, &e))
		fail_msg("restore_whole: %s", e.log);
	past_close(&past);
	snprintf(store_dir, sizeof(store_dir), "%s/store", f->restored);
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = store_dir }, &f->restored_store, &e), 0);
	assert_int_equal(model_open(f->restored_store, NULL, &f->restored_model, &e), 0);
	return report;
}

/* What is damaged in the repository is lost, all else comes back: before it is mended, and after. */
static void damage_takes_nothing_with_it(void **state)
{
	struct run_fixture *f = *state;
	unsigned n = 12;
	uint64_t aside;
	char *text = malloc(1 << 20);
	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < 1 << 20; k++)
			text[k] = (char)((k * 2654435761u + i * 97u) >> 13);
		run_append_body(f, "INBOX", str_make(text, 1 << 20));
	}
	free(text);
	run_backup(f);
	damage_pack(f);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct restore_report report = restore_with_losses(f);
		assert_in_range(report.lost, 1, n - 1);
		assert_int_equal(report.accounts, 1);
		assert_int_equal(run_blobs(f->restored_store), n - report.lost);
		run_drop_restored(f);
		assert_int_equal(repository_mend(f->repository, NULL, NULL, &aside), 0);
	}
	/* Nothing has changed in the account, but its bodies that went are read again. */
	struct backup_report again = run_backup(f);
	assert_int_equal(again.same, 0);
	assert_in_range(again.bodies_read, 1, n - 1);
	run_restore(f, NULL, false);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	run_drop_restored(f);
	assert_int_equal(run_backup(f).same, 1);
}

/* A sector that the disk does not give takes no more with it than one that is damaged; a disk that is gone ends the restore. */
static void bad_sectors(void **state)
{
	struct run_fixture *f = *state;
	uint64_t lost = 0;
	char line[300];
	snprintf(line, sizeof(line), "echo 1 >'%s/one'", f->dir);
	assert_int_equal(system(line), 0);
	run_append(f, "INBOX", "in", 30);
	run_backup(f);
	for (unsigned at = 1; at < 12; at++) {
		struct past past;
		struct err e = { 0 };
		struct restore_report report;
		char plan[40];
		run_close(f);
		run_open(f);
		assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
		snprintf(plan, sizeof(plan), "backup.read=%u", at);
		assert_int_equal(fault_setup(plan), 0);
		int rc = restore_whole(&(struct restore){ .to = f->restored, .past = &past }, &report, &e);
		assert_int_equal(fault_setup(NULL), 0);
		/* Pairs are read twice. A sector that goes bad between the two ends it, and nothing is left. */
		if (rc)
			assert_int_equal(rc, ERR_CORRUPT);
		else
			lost += report.lost + report.left_out;
		past_close(&past);
		snprintf(line, sizeof(line), "rm -rf '%s'", f->restored);
		assert_int_equal(system(line), 0);
	}
	assert_true(lost > 2);
	struct buf b = BUF_INIT(0);
	struct chunk_id id = { { 0 } };
	int rc = ERR_CORRUPT;
	unsigned chunks = 0;
	for (; chunks < 200; chunks++) {
		buf_reset(&b);
		buf_printf(&b, "chunk %u", chunks);
		assert_int_equal(repository_put(f->repository, buf_str(&b), &id, NULL), 0);
		assert_int_equal(repository_flush(f->repository), 0);
		assert_int_equal(fault_setup("backup.read=1/1"), 0);
		buf_reset(&b);
		rc = repository_get_left(f->repository, &id, &b);
		assert_int_equal(fault_setup(NULL), 0);
		if (rc != ERR_CORRUPT)
			break;
	}
	assert_int_equal(rc, ERR_IO);
	assert_int_equal(repository_get_left(f->repository, &id, &b), 0);
	buf_fini(&b);
}

/* As if the file that stands last in the list had lost its chunk: those end the list. */
static struct chunk_id with_a_lost_file(struct run_fixture *f, const struct chunk_id *list)
{
	struct buf b = BUF_INIT(0);
	struct chunk_id out;
	assert_int_equal(repository_get(f->repository, list, &b), 0);
	b.p[b.n - 1] ^= 1;
	assert_int_equal(repository_put(f->repository, buf_str(&b), &out, NULL), 0);
	buf_fini(&b);
	return out;
}

static void count_line(void *arg, const char *line)
{
	assert_non_null(strstr(line, "left out"));
	++*(unsigned *)arg;
}

static bool is_restored(struct run_fixture *f, const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", f->restored, name);
	return access(path, F_OK) == 0;
}

/* An account, a file, the list of files: what is lost is left out and told, and the rest is there. */
static void what_is_lost_is_left_out(void **state)
{
	struct run_fixture *f = *state;
	char line[300];
	snprintf(line, sizeof(line), "echo 1 >'%s/one'; echo 2 >'%s/two'", f->dir, f->dir);
	assert_int_equal(system(line), 0);
	assert_int_equal(account_create(f->model, RUN_ACCOUNT + 1), 0);
	run_append(f, "INBOX", "kept", 3);
	run_backup(f);
	for (unsigned turn = 0; turn < 3; turn++) {
		struct past past;
		struct err e = { 0 };
		struct restore_report report;
		unsigned told = 0;
		char store_dir[128];
		uint64_t faults;
		assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
		for (size_t i = 0; turn == 0 && i < past.moment.n; i++)
			if (past.moment.scopes[i].scope.kind == STORE_ACCOUNT && past.moment.scopes[i].scope.id == RUN_ACCOUNT)
				past.moment.scopes[i].holding.b[0] ^= 1;
		if (turn == 1)
			past.moment.files = with_a_lost_file(f, &past.moment.files);
		if (turn == 2)
			past.moment.files.b[0] ^= 1;
		if (restore_whole(&(struct restore){ .to = f->restored, .past = &past, .tell = count_line, .arg = &told }, &report, &e))
			fail_msg("restore_whole: %s", e.log);
		past_close(&past);
		assert_int_equal(report.left_out, 1);
		assert_int_equal(told, 1);
		assert_int_equal(report.accounts, turn ? 2 : 1);
		assert_int_equal(is_restored(f, "one"), turn < 2);
		assert_int_equal(is_restored(f, "two"), turn == 0);
		snprintf(store_dir, sizeof(store_dir), "%s/store", f->restored);
		assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = store_dir }, &f->restored_store, &e), 0);
		assert_int_equal(model_open(f->restored_store, NULL, &f->restored_model, &e), 0);
		assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), turn ? 3 : 0);
		assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT + 1), 0);
		assert_int_equal(model_check(f->restored_model, 0, false, NULL, NULL, &faults), 0);
		assert_int_equal(faults, 0);
		run_drop_restored(f);
	}
}

/* ---- a directory that is lost ---- */

#define SHARED_USERS 900u

static void make_users(struct run_fixture *f)
{
	struct directory *d;
	struct err e = { 0 };
	assert_int_equal(directory_open(f->store, &(struct directory_config){ 0 }, &d, &e), 0);
	assert_int_equal(directory_domain_add(d, STR("example.org"), &e), 0);
	for (unsigned i = 0; i < SHARED_USERS; i++) {
		char name[80];
		uint64_t id;
		snprintf(name, sizeof(name), "a-shared-mailbox-with-a-long-name-%u@example.org", i);
		assert_int_equal(directory_account_id_new(d, &id), 0);
		/* Some have accounts with something in them. */
		if (i % 100 == 0) {
			assert_int_equal(account_create(f->model, id), 0);
			run_append_to(f, id, "kept", 2);
		}
		assert_int_equal(directory_user_add_shared(d, str_from_c(name), id, &e), 0);
	}
	directory_close(&d);
}

/* The holding of the directory with one run that is nowhere. */
static struct chunk_id without_a_run(struct run_fixture *f, const struct chunk_id *holding)
{
	struct buf b = BUF_INIT(0);
	struct holding h;
	struct chunk_id out;
	assert_int_equal(repository_get(f->repository, holding, &b), 0);
	assert_int_equal(holding_decode(buf_str(&b), &h), 0);
	assert_true(h.runs.n > 1);
	h.runs.v[h.runs.n / 2].b[0] ^= 1;
	buf_reset(&b);
	holding_encode(&h, &b);
	assert_int_equal(repository_put(f->repository, buf_str(&b), &out, NULL), 0);
	holding_fini(&h);
	buf_fini(&b);
	return out;
}

static void tell_any(void *arg, const char *line)
{
	unsigned *told = arg;
	told[0] += strstr(line, "left out") != NULL;
	told[1] += strstr(line, "troika user adopt") != NULL;
}

static size_t count_users(struct run_fixture *f, uint64_t *next_account)
{
	struct directory *d;
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	struct err e = { 0 };
	size_t n;
	assert_int_equal(directory_open(f->restored_store, &(struct directory_config){ 0 }, &d, &e), 0);
	assert_int_equal(directory_user_list(d, &arena, &users, &n), 0);
	assert_int_equal(directory_account_id_new(d, next_account), 0);
	directory_close(&d);
	arena_fini(&arena);
	return n;
}

/* A part of it, or all: every account is there, what is left of the users too, and the rest is told. */
static void a_lost_directory_takes_no_account_with_it(void **state)
{
	struct run_fixture *f = *state;
	make_users(f);
	run_append(f, "INBOX", "kept", 3);
	run_backup(f);
	for (unsigned all = 0; all < 2; all++) {
		struct past past;
		struct err e = { 0 };
		struct restore_report report;
		unsigned told[2] = { 0, 0 };
		char store_dir[128];
		uint64_t faults, next, *ids;
		size_t n_ids;
		assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
		assert_int_equal(past.moment.scopes[0].scope.kind, STORE_SYSTEM);
		if (all)
			past.moment.scopes[0].holding.b[0] ^= 1;
		else
			past.moment.scopes[0].holding = without_a_run(f, &past.moment.scopes[0].holding);
		if (restore_whole(&(struct restore){ .to = f->restored, .past = &past, .tell = tell_any, .arg = told }, &report, &e))
			fail_msg("restore_whole: %s", e.log);
		past_close(&past);
		assert_int_equal(report.left_out, 1);
		assert_int_equal(report.lost, 0);
		assert_int_equal(told[0], 1);
		assert_int_equal(told[1], report.nameless);
		snprintf(store_dir, sizeof(store_dir), "%s/store", f->restored);
		assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = store_dir }, &f->restored_store, &e), 0);
		assert_int_equal(model_open(f->restored_store, NULL, &f->restored_model, &e), 0);
		assert_int_equal(model_accounts(f->restored_model, &f->arena, &ids, &n_ids), 0);
		size_t users = count_users(f, &next);
		assert_true(all ? users == 0 && report.nameless == 10 : users > 0 && users < SHARED_USERS && report.nameless < 10);
		assert_int_equal(report.accounts, 10);
		for (size_t i = 0; i < n_ids; i++) {
			assert_true(ids[i] < next);
			assert_int_equal(run_count(f->restored_model, ids[i]), ids[i] == RUN_ACCOUNT ? 3 : run_count(f->model, ids[i]));
		}
		assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT), 3);
		assert_int_equal(model_check(f->restored_model, 0, false, NULL, NULL, &faults), 0);
		assert_int_equal(faults, 0);
		run_drop_restored(f);
	}
}

static void raise_level(void *arg, uint64_t messages, uint64_t done, uint64_t all)
{
	(void)messages, (void)done, (void)all;
	assert_int_equal(store_raise_level(arg, 2), 0);
}

/* The operator confirms an upgrade while a backup runs: what is taken from then on may be of the new level. */
static void level_that_rises(void **state)
{
	struct run_fixture *f = *state;
	struct err e = { 0 };
	struct store *s;
	struct model *m;
	struct past past;
	struct backup_report report;
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM, .level = 1 }, &s, &e), 0);
	assert_int_equal(model_open(s, NULL, &m, &e), 0);
	assert_int_equal(account_create(m, RUN_ACCOUNT), 0);
	struct backup_run b = { .dir = f->dir, .store = s, .model = m, .repository = f->repository, .progress = raise_level, .arg = s };
	assert_int_equal(backup_run(&b, &report, &e), 0);
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(past.moment.level, 2);
	past_close(&past);
	model_close(&m);
	store_close(&s);
}

static int64_t at(const char *text)
{
	struct civil c = { 0 };
	sscanf(text, "%d-%d-%d %d", &c.year, &c.month, &c.day, &c.hour);
	return civil_to_unix(&c);
}

static void put_moment(struct run_fixture *f, const char *when, const char *set)
{
	char id[SNAPSHOT_ID_MAX];
	struct buf b = BUF_INIT(0);
	struct moment m = { .ended = at(when), .set = str_from_c(set) };
	moment_encode(&m, &b);
	assert_int_equal(repository_snapshot_put(f->repository, m.ended, buf_str(&b), id), 0);
	buf_fini(&b);
}

static void retention(void **state)
{
	struct run_fixture *f = *state;
	static const struct { struct retention rule; const char *kept; } cases[] = {
		{ { .last = 2 }, "20261125 20261126 | 20261101" },
		{ { .daily = 2 }, "20261125 20261126 | 20261101" },
		{ { .weekly = 2 }, "20261122 20261126 | 20261101" },        /* 2026-11-22 is a Sunday, the 23rd a Monday */
		{ { .monthly = 9 }, "20261031 20261126 | 20261101" },
		{ { .daily = 1, .monthly = 2 }, "20261031 20261126 | 20261101" },
	};
	put_moment(f, "2026-10-31 23", "");
	put_moment(f, "2026-11-01 10", "bob@example.org");
	put_moment(f, "2026-11-22 10", "");
	put_moment(f, "2026-11-23 10", "");
	put_moment(f, "2026-11-25 10", "");
	put_moment(f, "2026-11-26 10", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct retained kept;
		struct buf shown = BUF_INIT(0);
		assert_int_equal(retention_choose(f->repository, &cases[i].rule, &kept), 0);
		for (size_t k = 0; k < kept.n; k++)
			if (!strstr(kept.ids[k], "20261101"))
				buf_printf(&shown, "%.8s ", kept.ids[k]);
		buf_printf(&shown, "| %s", retained_has(&kept, "20261101T100000Z") ? "20261101" : "");
		assert_string_equal(arena_dup_c(&f->arena, buf_str(&shown)), cases[i].kept);
		retained_fini(&kept);
		buf_fini(&shown);
	}
}

/* The clock was ten years ahead for a day: what is made afterwards is the newest, for who restores and for who prunes, and its days are those on which it was made. */
static void clock_set_back(void **state)
{
	struct run_fixture *f = *state;
	struct past past;
	struct err e = { 0 };
	struct retained kept;
	put_moment(f, "2026-11-24 10", "");
	put_moment(f, "2036-11-25 10", "");
	put_moment(f, "2026-11-26 10", "");
	put_moment(f, "2026-11-27 10", "");
	put_moment(f, "2026-11-27 11", "");
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(past.moment.ended, at("2026-11-27 11"));
	past_close(&past);
	assert_int_equal(retention_choose(f->repository, &(struct retention){ .last = 1 }, &kept), 0);
	assert_int_equal(kept.n, 1);
	assert_string_equal(kept.ids[0], "20361125T100000Z-4");
	retained_fini(&kept);
	assert_int_equal(retention_choose(f->repository, &(struct retention){ .daily = 2 }, &kept), 0);
	assert_int_equal(kept.n, 2);
	assert_string_equal(kept.ids[0], "20361125T100000Z-2");
	assert_string_equal(kept.ids[1], "20361125T100000Z-4");
	retained_fini(&kept);
}

/* The newest snapshot is damaged: an older one is taken, and that is told. */
static void a_newer_one_that_cannot_be_read(void **state)
{
	struct run_fixture *f = *state;
	struct past past;
	struct err e = { 0 };
	char newest[SNAPSHOT_ID_MAX], line[300];
	put_moment(f, "2026-11-24 10", "");
	put_moment(f, "2026-11-25 10", "");
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_string_equal(past.skipped, "");
	past_close(&past);
	run_newest(f, newest);
	snprintf(line, sizeof(line), "printf x | dd of='%s/snapshots/%s' bs=1 seek=130 conv=notrunc 2>/dev/null", f->repository_dir, newest);
	assert_int_equal(system(line), 0);
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(past.moment.ended, at("2026-11-24 10"));
	assert_string_equal(past.skipped, newest);
	past_close(&past);
	put_moment(f, "2026-11-26 10", "");
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_string_equal(past.skipped, "");
	past_close(&past);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(twice), RUN_TEST(large_and_empty_bodies), RUN_TEST(shared_bodies), RUN_TEST(a_store_that_was_set_back),
		RUN_TEST(restores_do_not_deceive_clients), RUN_TEST(restores_refuse), RUN_TEST(damage_takes_nothing_with_it), RUN_TEST(bad_sectors), RUN_TEST(what_is_lost_is_left_out), RUN_TEST(a_lost_directory_takes_no_account_with_it),
		RUN_TEST(level_that_rises), RUN_TEST(retention), RUN_TEST(clock_set_back), RUN_TEST(a_newer_one_that_cannot_be_read),
	};
	return cmocka_run_group_tests_name("backup/run", tests, NULL, NULL);
}
