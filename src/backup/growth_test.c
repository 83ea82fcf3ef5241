/* The index grows while a read of it is held: beyond the bound the read ends, also within one account, and what is taken is one version of it all the same. From dump.h and shot.h, with
 * looks at every seventh pair. */
#include "backup/run_fixture.h"

#include "backup/dump.h"
#include "rt/fault.h"

#include <pthread.h>
#include <stdatomic.h>

#define LARGE 300u                                /* messages: of an account that takes many looks */
#define OTHER (RUN_ACCOUNT + 1)

static const struct store_scope scope = { STORE_ACCOUNT, RUN_ACCOUNT };

/* The index is larger afterwards, whatever pages are free. */
static void grow(struct run_fixture *f, uint64_t account)
{
	struct store_stats before, after;
	store_stats(f->store, &before);
	do {
		run_append_to(f, account, "more", 1);
		store_stats(f->store, &after);
	} while (after.map_used <= before.map_used);
}

static struct dump dump(struct run_fixture *f, uint64_t growth_max)
{
	struct dump d;
	struct pace pace;
	pace_begin(&pace, f->store, PACE_FULL);
	assert_int_equal(dump_scope(f->store, scope, f->repository, &pace, growth_max, &d), 0);
	return d;
}

/* A bound that is reached at every look: each read takes a few pairs, and all together are the same as one. */
static void in_many_reads(void **state)
{
	struct run_fixture *f = *state;
	run_append(f, "INBOX", "large", LARGE);
	struct dump one = dump(f, UINT64_MAX);
	assert_int_equal(one.messages, LARGE);
	struct store_read *read;
	struct growth growth;
	struct dump over;
	struct pace pace;
	pace_begin(&pace, f->store, PACE_FULL);
	assert_int_equal(account_create(f->model, OTHER), 0);
	assert_int_equal(store_begin(f->store, scope, &read), 0);
	growth_begin(&growth, f->store, 1, UINT64_MAX);
	grow(f, OTHER);
	assert_int_equal(dump_read(read, STORE_ACCOUNT, f->repository, &pace, &growth, &over), DUMP_OVER);
	store_end(&read);
	dump_fini(&over);
	assert_int_equal(fault_setup("backup.growth=1/1"), 0);
	struct dump many = dump(f, 1);
	assert_int_equal(fault_setup(NULL), 0);
	assert_int_equal(many.messages, one.messages);
	assert_int_equal(many.version, one.version);
	assert_int_equal(many.bytes, one.bytes);
	assert_int_equal(many.runs.n, one.runs.n);
	assert_memory_equal(many.runs.v, one.runs.v, one.runs.n * sizeof(*one.runs.v));
	assert_int_equal(many.blobs.n, one.blobs.n);
	dump_fini(&one);
	dump_fini(&many);
}

static void grow_once(void *arg, uint64_t messages, uint64_t done, uint64_t all)
{
	struct run_fixture *f = arg;
	(void)messages, (void)done, (void)all;
	if (f->happened++ == 0)
		grow(f, OTHER);
}

/* The first account is large, and the index grows over the bound while it is read: the common moment ends within it. */
static void within_a_huge_account(void **state)
{
	struct run_fixture *f = *state;
	struct backup_report report;
	struct err e = { 0 };
	assert_int_equal(account_create(f->model, OTHER), 0);
	run_append(f, "INBOX", "large", LARGE);
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL, .growth_max = 1, .progress = grow_once, .arg = f };
	assert_int_equal(backup_run(&b, &report, &e), 0);
	assert_int_equal(report.later, 3);            /* that account, the other, the directory */
	assert_int_equal(report.faults + report.lost, 0);
	run_restore(f, NULL, true);
	assert_string_equal(run_show(f->restored_model, RUN_ACCOUNT), run_show(f->model, RUN_ACCOUNT));
	assert_string_equal(run_show(f->restored_model, OTHER), run_show(f->model, OTHER));
	run_drop_restored(f);
}

/* ---- and it changes between two of the reads ---- */

struct writer {
	struct run_fixture *f;
	atomic_bool end;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	while (!atomic_load(&w->end))
		run_append_to(w->f, RUN_ACCOUNT, "meanwhile", 1);
	return NULL;
}

/* Whatever the order: the snapshot has one version of it. */
static void that_changes(void **state)
{
	struct run_fixture *f = *state;
	struct backup_report report;
	struct err e = { 0 };
	struct writer w = { .f = f };
	pthread_t thread;
	run_append(f, "INBOX", "large", LARGE);
	atomic_init(&w.end, false);
	assert_int_equal(fault_setup("backup.growth=1/1"), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
	struct backup_run b = { .dir = f->dir, .store = f->store, .model = f->model, .repository = f->repository, .rate = PACE_FULL };
	int rc = backup_run(&b, &report, &e);
	atomic_store(&w.end, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(fault_setup(NULL), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(report.faults + report.lost, 0);
	run_restore(f, NULL, true);                   /* which checks it */
	assert_true(run_count(f->restored_model, RUN_ACCOUNT) >= LARGE);
	run_drop_restored(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(in_many_reads), RUN_TEST(within_a_huge_account), RUN_TEST(that_changes) };
	return cmocka_run_group_tests_name("backup/growth", tests, NULL, NULL);
}
