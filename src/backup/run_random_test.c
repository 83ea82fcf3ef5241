/* Anything may happen to a mailbox, a repository and a run, in any order: changes, runs, runs that are killed, pruning, a data directory that is set back. Every
 * snapshot that is left restores to what the mailboxes showed when it was made, and what was restored is whole.
 * TROIKA_RANDOM_SEED, TROIKA_RANDOM_STEPS. */
#include "backup/run_fixture.h"

#include "backup/retention.h"
#include "backup/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define KNOWN_MAX 400

struct known {
	char id[SNAPSHOT_ID_MAX];
	char *shown;
};
static struct {
	struct known known[KNOWN_MAX];
	unsigned n, killed, restored, set_back;
	bool has_copy;
	uint64_t state;
} t;

static unsigned roll(unsigned below)
{
	t.state = t.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(t.state >> 33) % below;
}

static const char *some_mailbox(void)
{
	static const char *const names[] = { "INBOX", "Sent", "Drafts" };
	return names[roll(3)];
}

static void append_some(struct run_fixture *f)
{
	char body[60000];
	for (unsigned n = roll(20); n; n--) {
		size_t size = roll(10) ? roll(600) : roll(sizeof(body));
		for (size_t i = 0; i < size; i++)
			body[i] = (char)roll(256);
		run_append_body(f, some_mailbox(), str_make(body, size));
	}
}

static void change_some(struct run_fixture *f)
{
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	struct rangeset uids = RANGESET_INIT;
	assert_int_equal(account_open(f->model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, str_from_c(some_mailbox()), &box), 0);
	uint32_t from = 1 + roll(box.uidnext);
	assert_int_equal(rangeset_add(&uids, from, from + roll(10)), 0);
	if (roll(2))
		assert_int_equal(mailbox_expunge(a, box.id, &uids, false, NULL, NULL), 0);
	else
		assert_int_equal(mailbox_flags(a, box.id, &uids, &(struct flags_change){ .op = FLAGS_ADD, .flags = MESSAGE_FLAGGED }, NULL, NULL, NULL), 0);
	rangeset_fini(&uids);
	account_close(&a);
	arena_fini(&arena);
}

static void note(struct run_fixture *f, const char *id)
{
	assert_true(t.n < KNOWN_MAX);
	str_copy_c(t.known[t.n].id, SNAPSHOT_ID_MAX, str_from_c(id));
	t.known[t.n++].shown = str_dup_c(str_from_c(run_show(f->model, RUN_ACCOUNT)));
}

static void run_once(struct run_fixture *f)
{
	struct backup_report r = run_backup(f);
	assert_int_equal(r.lost + r.faults, 0);
	note(f, r.id);
}

/* Another process runs, and dies at some moment; or it is too late to die, and its snapshot is a good one. */
static void run_killed(struct run_fixture *f)
{
	run_close(f);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct itimerval soon = { .it_value = { .tv_usec = 200 + roll(12000) } };
		run_open(f);
		setitimer(ITIMER_REAL, &soon, NULL);
		run_backup(f);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t.killed += WIFSIGNALED(status);
	run_open(f);
	char before[SNAPSHOT_ID_MAX] = "";
	if (t.n)
		str_copy_c(before, sizeof(before), str_from_c(t.known[t.n - 1].id));
	char newest[SNAPSHOT_ID_MAX];
	run_newest(f, newest);
	if (newest[0] && strcmp(newest, before) != 0)
		note(f, newest);
}

static void restore_some(struct run_fixture *f)
{
	if (t.n == 0)
		return;
	const struct known *k = &t.known[roll(3) ? t.n - 1 : roll(t.n)];
	if (!k->shown)
		return;
	run_restore(f, k->id, roll(2));
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), k->shown);
	run_drop_restored(f);
	t.restored++;
}

static bool keep(void *arg, const char *id) { return retained_has(arg, id); }

static void prune(struct run_fixture *f)
{
	struct retained kept;
	uint64_t freed, faults = 1;
	assert_int_equal(retention_choose(f->repository, &(struct retention){ .last = 1 + roll(4) }, &kept), 0);
	assert_int_equal(repository_prune(f->repository, keep, &kept, walk_snapshot, f->repository, &freed), 0);
	for (unsigned i = 0; i < t.n; i++)
		if (!retained_has(&kept, t.known[i].id)) {
			free(t.known[i].shown);
			t.known[i].shown = NULL;
		}
	retained_fini(&kept);
	assert_int_equal(repository_verify(f->repository, walk_snapshot, f->repository, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void copy_or_set_back(struct run_fixture *f)
{
	if (t.has_copy && roll(2)) {
		run_set_back(f);
		t.has_copy = false;
		t.set_back++;
	} else if (!t.has_copy) {
		run_keep_copy(f);
		t.has_copy = true;
	}
}

static void anything(void **state)
{
	struct run_fixture *f = *state;
	const char *seed = getenv("TROIKA_RANDOM_SEED"), *steps = getenv("TROIKA_RANDOM_STEPS");
	t.state = seed ? strtoull(seed, NULL, 10) : 20261126;
	unsigned n = steps ? (unsigned)strtoul(steps, NULL, 10) : 150;
	print_message("seed %llu\n", (unsigned long long)t.state);
	for (unsigned i = 0; i < n && t.n + 1 < KNOWN_MAX; i++) {
		unsigned what = roll(100);
		if (what < 35)
			append_some(f);
		else if (what < 50)
			change_some(f);
		else if (what < 65)
			run_once(f);
		else if (what < 80)
			run_killed(f);
		else if (what < 90)
			restore_some(f);
		else if (what < 93)
			prune(f);
		else
			copy_or_set_back(f);
	}
	run_once(f);
	uint64_t faults = 1;
	assert_int_equal(repository_verify(f->repository, walk_snapshot, f->repository, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	restore_some(f);
	print_message("%u snapshots, %u runs killed, %u restores, set back %u times\n", t.n, t.killed, t.restored, t.set_back);
	for (unsigned i = 0; i < t.n; i++)
		free(t.known[i].shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(anything) };
	return cmocka_run_group_tests_name("backup/random", tests, NULL, NULL);
}
