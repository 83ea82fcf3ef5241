/* Two processes on one directory. The parent forks before it opens anything, and speaks with the child by pipes. */
#include "store/conformance/conformance.h"

#include "base/clock.h"
#include "store/limits.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct store_scope scope = { STORE_ACCOUNT, 1 };
static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;
static const struct conformance_target target = { .name = "process",
												  .engine = STORE_ENGINE_LMDB,
												  .segment_size = 64 << 10 };

/* One request byte in, one 8-byte answer out. */
struct child {
	pid_t pid;
	int ask, answer;
};
typedef void child_fn(struct store *s, int ask, int answer);

static void start(struct child *c, struct fixture *f, child_fn *fn)
{
	int ask[2], answer[2];
	store_close(&f->store);
	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	struct err e = { .code = 0 };
	if (c->pid == 0) {
		close(ask[1]);
		close(answer[0]);
		if (fixture_open(f, false, &e) == 0)
			fn(f->store, ask[0], answer[1]);
		store_close(&f->store);
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	c->ask = ask[1];
	c->answer = answer[0];
	assert_int_equal(fixture_open(f, false, &e), 0);
}

static uint64_t request(struct child *c, char what)
{
	uint64_t got;
	assert_int_equal(write(c->ask, &what, 1), 1);
	assert_int_equal(read(c->answer, &got, sizeof got), sizeof got);
	return got;
}

/* Ends the child: it must have gone in good order, unless it was killed. */
static void finish(struct child *c, bool killed)
{
	int status;
	close(c->ask);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->answer);
	assert_true(killed ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void tell(int fd, uint64_t n)
{
	if (write(fd, &n, sizeof n) != sizeof n)
		_exit(3);
}

static int put_n(struct store_write *w, void *arg) { return store_put(w, STR("n"), str_make(arg, sizeof(unsigned))); }

/* 'h': holds what dies, until it ends. 'c': commits a counter. 'b': puts a blob of 8,000 bytes and tells its id. 'm': maintains, a minute from now. */
static void work(struct store *s, int ask, int answer)
{
	unsigned n = 0;
	char what, text[8000];
	memset(text, 'c', sizeof text);
	struct str bytes = str_make(text, sizeof text);
	while (read(ask, &what, 1) == 1) {
		store_blob_id id = 0;
		if (what == 'c') {
			n++;
			tell(answer, store_commit(s, scope, put_n, &n) == 0 ? n : 0);
		} else if (what == 'b') {
			store_blob_put(s, &bytes, 1, &ann, 1, &id);
			tell(answer, id);
		} else if (what == 'h') {
			struct store_hold *hold;
			tell(answer, (uint64_t)-store_hold(s, &hold));
		} else if (what == 'm') {
			clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
			uint64_t reclaimed = 0;
			int rc = store_maintain(s, UINT64_MAX, &reclaimed);
			clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
			tell(answer, rc ? UINT64_MAX : reclaimed);
		}
	}
}

static unsigned read_n(struct store *s)
{
	size_t size;
	unsigned n = 0;
	char *got = get(s, scope, STR("n"), &size);
	if (got)
		memcpy(&n, got, sizeof n);
	free(got);
	return n;
}

static void commits_of_the_other_are_seen_at_once(void **state)
{
	struct fixture *f = *state;
	struct child c;
	start(&c, f, work);
	uint64_t last = store_scope_version(f->store, scope);
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(request(&c, 'c'), i);
		uint64_t version = store_scope_version(f->store, scope);
		assert_true(version > last);
		assert_int_equal(read_n(f->store), i);
		/* Ours and theirs in turn: what is remembered of versions must not go stale. */
		put(f->store, scope, STR("own"), STR("v"));
		assert_true(store_scope_version(f->store, scope) > version);
		last = store_scope_version(f->store, scope);
	}
	finish(&c, false);
}

struct ear {
	atomic_uint_fast64_t version;
	atomic_uint calls;
};

static void hear(void *arg, struct store_scope heard, uint64_t version)
{
	struct ear *ear = arg;
	if (heard.id == scope.id) {
		atomic_store(&ear->version, version);
		atomic_fetch_add(&ear->calls, 1);
	}
}

static void commits_of_the_other_are_heard(void **state)
{
	struct fixture *f = *state;
	struct child c;
	struct ear ear = { 0 };
	struct store_watch *w;
	start(&c, f, work);
	assert_int_equal(store_watch(f->store, scope, hear, &ear, &w), 0);
	uint64_t worst = 0;
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(request(&c, 'c'), i);
		uint64_t start_ms = clock_mono_ms(), version = store_scope_version(f->store, scope);
		while (atomic_load(&ear.version) < version && clock_mono_ms() - start_ms < 60000)
			usleep(200);
		assert_int_equal(atomic_load(&ear.version), version);
		if (clock_mono_ms() - start_ms > worst)
			worst = clock_mono_ms() - start_ms;
	}
	print_message("heard after %llu ms at worst\n", (unsigned long long)worst);
	/* Our own commits are told once, not again by our own bell. */
	unsigned calls = atomic_load(&ear.calls);
	for (int i = 0; i < 10; i++)
		put(f->store, scope, STR("own"), STR("v"));
	usleep(50000);
	assert_int_equal(atomic_load(&ear.calls), calls + 10);
	store_unwatch(f->store, &w);
	finish(&c, false);
}

static void both_share_a_pulse(void **state)
{
	struct fixture *f = *state;
	struct child c;
	struct store_pulse before, after;
	struct store_stats stats;
	start(&c, f, work);
	store_pulse(f->store, &before);
	for (unsigned i = 1; i <= 10; i++)
		assert_int_equal(request(&c, 'c'), i);
	store_pulse(f->store, &after);
	assert_int_equal(after.syncs - before.syncs, 10);
	assert_int_equal(after.waiting_us, 0);
	assert_true(after.recent_us > 0);
	store_gave_way(f->store, 7);
	store_stats(f->store, &stats);
	assert_int_equal(stats.gave_way, 1);
	assert_int_equal(stats.gave_way_us, 7);
	finish(&c, false);
}

/* What the other holds is kept, until it is killed. */
static void the_other_may_hold(void **state)
{
	enum { N = 40 };
	struct fixture *f = *state;
	struct child c;
	char text[8000];
	store_blob_id ids[N];
	uint64_t reclaimed;
	memset(text, 'h', sizeof text);
	for (unsigned i = 0; i < N; i++)
		ids[i] = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
	start(&c, f, work);
	assert_int_equal(request(&c, 'h'), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	assert_int_equal(reclaimed, 0);
	for (unsigned i = 0; i < N; i++)
		assert_blob(f->store, ids[i], str_make(text, sizeof text));
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	finish(&c, true);
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
	assert_true(reclaimed > 0);
}

static void both_put_blobs_and_read_each_others(void **state)
{
	struct fixture *f = *state;
	struct child c;
	char text[8000];
	start(&c, f, work);
	for (int i = 0; i < 60; i++) {
		store_blob_id theirs = request(&c, 'b');
		assert_true(theirs != 0);
		memset(text, 'c', sizeof text);
		assert_blob(f->store, theirs, str_make(text, sizeof text));
		memset(text, 'p', sizeof text);
		store_blob_id ours = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
		assert_true(ours >> 32 != theirs >> 32);
		assert_blob(f->store, ours, str_make(text, sizeof text));
	}
	uint64_t faults;
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	finish(&c, false);
}

/* The child empties segments that we have mapped. */
static void the_other_may_reclaim(void **state)
{
	struct fixture *f = *state;
	struct child c;
	char text[8000];
	store_blob_id ids[60];
	start(&c, f, work);
	for (int i = 0; i < 60; i++) {
		memset(text, 'a' + i % 26, sizeof text);
		ids[i] = blob_put(f->store, str_make(text, sizeof text), &ann, 1);
		assert_blob(f->store, ids[i], str_make(text, sizeof text));
	}
	for (int round = 2; round <= 8; round *= 2) {
		for (int i = 0; i < 60; i++) {
			if (i % round)
				assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
		}
		assert_true(request(&c, 'm') != UINT64_MAX);
		for (int i = 0; i < 60; i += round) {
			memset(text, 'a' + i % 26, sizeof text);
			assert_blob(f->store, ids[i], str_make(text, sizeof text));
		}
		uint64_t reclaimed;
		assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	}
	finish(&c, false);
}

/* Killed in the middle of a transaction, holding the writer's lock and a read. */
static int hang(struct store_write *w, void *arg)
{
	unsigned n = 12345;
	store_put(w, STR("n"), str_make(&n, sizeof n));
	tell(*(const int *)arg, 1);
	for (;;)
		pause();
	return 0;
}

static void die_writing(struct store *s, int ask, int answer)
{
	char what;
	struct store_read *r;
	if (read(ask, &what, 1) == 1 && store_begin(s, scope, &r) == 0)
		store_commit(s, scope, hang, &answer);
}

static void a_killed_writer_holds_nobody_up(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 1; i <= 3; i++) {
		struct child c;
		start(&c, f, die_writing);
		assert_int_equal(request(&c, 'x'), 1);
		assert_int_equal(kill(c.pid, SIGKILL), 0);
		finish(&c, true);
		unsigned n = i;
		assert_int_equal(store_commit(f->store, scope, put_n, &n), 0);
		assert_int_equal(read_n(f->store), i);
		uint64_t reclaimed, faults;
		assert_int_equal(store_maintain(f->store, 1, &reclaimed), 0);
		assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
		assert_int_equal(faults, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(commits_of_the_other_are_seen_at_once, &target),
		CONFORMANCE_TEST(commits_of_the_other_are_heard, &target),
		CONFORMANCE_TEST(both_share_a_pulse, &target),
		CONFORMANCE_TEST(the_other_may_hold, &target),
		CONFORMANCE_TEST(both_put_blobs_and_read_each_others, &target),
		CONFORMANCE_TEST(the_other_may_reclaim, &target),
		CONFORMANCE_TEST(a_killed_writer_holds_nobody_up, &target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
