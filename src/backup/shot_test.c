/* Runs while others change what is backed up: all accounts are of one moment, bodies stay until they are copied; and what happens where that cannot be. */
#include "backup/run_fixture.h"

#include "backup/pace.h"
#include "backup/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All but one message goes, and their bodies with them, in the midst of a run. */
static void expunge_meanwhile(void *arg, uint64_t messages, uint64_t done, uint64_t all)
{
	struct run_fixture *f = arg;
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	struct rangeset uids = RANGESET_INIT;
	uint64_t reclaimed;
	(void)done;
	(void)all;
	if (messages == 0 || f->happened++)
		return;
	assert_int_equal(account_open(f->model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &box), 0);
	assert_int_equal(rangeset_add(&uids, 2, 1000), 0);
	assert_int_equal(mailbox_expunge(a, box.id, &uids, false, NULL, NULL), 0);
	rangeset_fini(&uids);
	account_close(&a);
	arena_fini(&arena);
	clock_shift_ms(600 * 1000);                  /* over the time that dead bodies are kept */
	do
		assert_int_equal(store_maintain(f->store, 64 << 20, &reclaimed), 0);
	while (reclaimed);
	clock_shift_ms(-600 * 1000);
}

static void append_many(struct run_fixture *f)
{
	char body[12000];
	for (unsigned i = 0; i < 400; i++) {
		memset(body, 'a' + (int)(i % 26), sizeof(body));
		snprintf(body, 20, "%u", i);
		run_append_body(f, "INBOX", str_make(body, sizeof(body)));
	}
}

static struct backup_report run_with(struct run_fixture *f, void (*progress)(void *arg, uint64_t messages, uint64_t done, uint64_t all), uint64_t shot_ms_max)
{
	struct backup_report report;
	struct err e = { 0 };
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL, .shot_ms_max = shot_ms_max,
							.progress = progress, .arg = f };
	unsigned happened = f->happened;
	if (backup_run(&b, &report, &e))
		fail_msg("backup_run: %s", e.log);
	assert_true(f->happened > happened);
	return report;
}

static bool is_of_one_moment(struct run_fixture *f)
{
	struct past past;
	struct err e = { 0 };
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	bool one = past.moment.one;
	past_close(&past);
	return one;
}

/* They are held, so all is as it was when the run began. */
static void bodies_that_go_meanwhile_are_held(void **state)
{
	struct run_fixture *f = *state;
	append_many(f);
	char *then = str_dup_c(str_from_c(run_show(f->model, RUN_ACCOUNT)));
	struct backup_report report = run_with(f, expunge_meanwhile, 0);
	assert_int_equal(report.again + report.lost + report.later, 0);
	assert_int_equal(report.messages, 400);
	assert_true(is_of_one_moment(f));
	run_restore(f, NULL, true);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), then);
	run_drop_restored(f);
	free(then);
}

/* Where nothing can be held, the account is taken again, as it is by then. */
static void bodies_that_go_meanwhile(void **state)
{
	struct run_fixture *f = *state;
	char path[200];
	run_close(f);
	snprintf(path, sizeof(path), "%s/pulse", f->store_dir);
	assert_int_equal(unlink(path) || mkdir(path, 0700), 0);
	run_open(f);
	append_many(f);
	struct backup_report report = run_with(f, expunge_meanwhile, 0);
	assert_true(report.again > 0);
	assert_int_equal(report.lost, 0);
	assert_int_equal(report.later, 1);
	assert_int_equal(report.messages, 1);
	assert_false(is_of_one_moment(f));
	run_restore(f, NULL, true);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	run_drop_restored(f);
}

/* ---- one moment of all ---- */

#define ACCOUNTS 5u

/* A message to the first account, then to the second, and so on; and a user more. */
static void append_round(void *arg, uint64_t messages, uint64_t done, uint64_t all)
{
	struct run_fixture *f = arg;
	(void)messages, (void)done, (void)all;
	run_append_to(f, RUN_ACCOUNT, "round", 1);
	for (unsigned i = 1; i < ACCOUNTS; i++)
		run_append_to(f, RUN_ACCOUNT + i, "round", 1);
	assert_int_equal(account_create(f->model, RUN_ACCOUNT + 100 + f->happened++), 0);
	usleep(3000);
}

static void all_accounts_are_of_one_moment(void **state)
{
	struct run_fixture *f = *state;
	for (unsigned i = 1; i < ACCOUNTS; i++)
		assert_int_equal(account_create(f->model, RUN_ACCOUNT + i), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		append_round(f, 0, 0, 0);
		unsigned there = run_count(f->model, RUN_ACCOUNT);
		struct backup_report report = run_with(f, append_round, 0);
		assert_int_equal(report.later, 0);
		assert_true(is_of_one_moment(f));
		run_restore(f, NULL, true);
		for (unsigned i = 0; i < ACCOUNTS; i++)
			assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT + i), there);
		run_drop_restored(f);
	}
}

/* The read of all is given up midway: what is left follows as it is later, and that is told. */
static void a_moment_that_is_given_up(void **state)
{
	struct run_fixture *f = *state;
	for (unsigned i = 1; i < ACCOUNTS; i++)
		assert_int_equal(account_create(f->model, RUN_ACCOUNT + i), 0);
	append_round(f, 0, 0, 0);
	unsigned there = run_count(f->model, RUN_ACCOUNT);
	struct backup_report report = run_with(f, append_round, 1);
	assert_true(report.later > 1);
	assert_false(is_of_one_moment(f));
	run_restore(f, NULL, true);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		assert_true(run_count(f->restored_model, RUN_ACCOUNT + i) >= there);
	assert_true(run_count(f->restored_model, RUN_ACCOUNT + ACCOUNTS - 1) > there);
	/* Users who came meanwhile are there, since the directory that knows them is. */
	assert_int_equal(run_count(f->restored_model, RUN_ACCOUNT + 100), 0);
	run_drop_restored(f);
}

static void test_what_is_slow(void **state)
{
	(void)state;
	static const struct { struct store_pulse now; uint64_t usual_us, syncs; bool slow; } cases[] = {
		{ { 0, 0, 0 }, 0, 0, false },
		{ { 5, 9000, 0 }, 0, 4, false },                  /* less than anybody would notice */
		{ { 5, 11000, 0 }, 0, 4, true },
		{ { 5, 11000, 0 }, 0, 5, false },                 /* nobody has committed since */
		{ { 5, 39000, 0 }, 20000, 4, false },             /* within twice what is usual there */
		{ { 5, 41000, 0 }, 20000, 4, true },
		{ { 5, 0, 9000 }, 100, 5, false },
		{ { 5, 0, 10001 }, 100, 5, true },                /* one waits now */
		{ { 5, 0, 30000 }, 20000, 5, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (pace_is_slow(&cases[i].now, cases[i].usual_us, cases[i].syncs) != cases[i].slow)
			fail_msg("case %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(bodies_that_go_meanwhile_are_held),
		RUN_TEST(bodies_that_go_meanwhile),
		RUN_TEST(all_accounts_are_of_one_moment),
		RUN_TEST(a_moment_that_is_given_up),
		cmocka_unit_test(test_what_is_slow),
	};
	return cmocka_run_group_tests_name("backup/shot", tests, NULL, NULL);
}
