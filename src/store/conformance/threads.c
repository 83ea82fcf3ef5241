/* Eight threads at once. Assertions stand in the main thread; workers count what went wrong. */
#include "store/conformance/conformance.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 8
#define ROUNDS 60

static const struct store_scope shared = { STORE_ACCOUNT, 1000 };

struct worker {
	struct store *s;
	unsigned number, round;
	atomic_uint *wrong, *looks;
	atomic_bool *stop;
	store_blob_id blobs[ROUNDS];
};

/* Two counters go up together, once for each round of each worker, whatever happens in between. */
static int count_up(struct store_write *w, void *arg)
{
	const struct worker *me = arg;
	char mark[16];
	struct str value;
	snprintf(mark, sizeof mark, "m%u.%u", me->number, me->round);
	int rc = store_wget(w, str_from_c(mark), &value);
	if (rc != ERR_NOT_FOUND)
		return rc;                /* counted by an earlier run */
	unsigned a = 0, b = 0;
	if (store_wget(w, STR("a"), &value) == 0)
		memcpy(&a, value.p, sizeof a);
	if (store_wget(w, STR("b"), &value) == 0)
		memcpy(&b, value.p, sizeof b);
	a++, b++;
	rc = store_put(w, STR("a"), str_make(&a, sizeof a));
	if (rc == 0)
		rc = store_put(w, STR("b"), str_make(&b, sizeof b));
	return rc ? rc : store_put(w, str_from_c(mark), STR("."));
}

static int write_and_refuse(struct store_write *w, void *arg)
{
	(void)arg;
	int rc = store_put(w, STR("a"), STR("none"));
	return rc ? rc : ERR_CONFLICT;
}

static void *count_thread(void *arg)
{
	struct worker *me = arg;
	for (me->round = 0; me->round < ROUNDS; me->round++) {
		if (commit(me->s, shared, count_up, me) != 0)
			atomic_fetch_add(me->wrong, 1);
		if (me->round % 10 == me->number && commit(me->s, shared, write_and_refuse, NULL) != ERR_CONFLICT)
			atomic_fetch_add(me->wrong, 1);
	}
	return NULL;
}

/* In every snapshot the two are equal, and never smaller than before. */
static void *look_thread(void *arg)
{
	struct worker *me = arg;
	unsigned last = 0;
	uint64_t last_version = 0;
	while (!atomic_load(me->stop)) {
		struct store_read *r;
		struct str a, b;
		unsigned x = 0, y = 0;
		if (store_begin(me->s, shared, &r))
			continue;
		int rc = store_get(r, STR("a"), &a), rc2 = store_get(r, STR("b"), &b);
		if (rc == 0 && rc2 == 0) {
			memcpy(&x, a.p, sizeof x);
			memcpy(&y, b.p, sizeof y);
			if (x != y || x < last || store_version(r) < last_version)
				atomic_fetch_add(me->wrong, 1);
			last = x;
			last_version = store_version(r);
		}
		store_end(&r);
		if (store_scope_version(me->s, shared) < last_version)
			atomic_fetch_add(me->wrong, 1);
	}
	return NULL;
}

static void run_threads(struct worker *w, unsigned n, void *(*fn)(void *), pthread_t *threads)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fn, &w[i]), 0);
}

static void join_threads(pthread_t *threads, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void counters_are_exact(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	atomic_uint wrong = 0;
	atomic_bool stop = false;
	struct worker *w = calloc(THREADS + 2, sizeof *w);
	pthread_t writers[THREADS], readers[2];
	assert_non_null(w);
	for (unsigned i = 0; i < THREADS + 2; i++)
		w[i] = (struct worker){ .s = s, .number = i, .wrong = &wrong, .stop = &stop };
	run_threads(w, THREADS, count_thread, writers);
	run_threads(w + THREADS, 2, look_thread, readers);
	join_threads(writers, THREADS);
	atomic_store(&stop, true);
	join_threads(readers, 2);
	free(w);
	assert_int_equal(wrong, 0);
	size_t n;
	unsigned a;
	char *got = get(s, shared, STR("a"), &n);
	assert_non_null(got);
	memcpy(&a, got, sizeof a);
	free(got);
	assert_int_equal(a, THREADS * ROUNDS);
}

/* ---- one moment of all scopes ---- */

#define TURNS 300
#define LOOKS_MIN 20u

static const struct store_scope first = { STORE_ACCOUNT, 2000 }, second = { STORE_QUEUE, 5 };

static int put_round(struct store_write *w, void *arg)
{
	const struct worker *me = arg;
	return store_put(w, STR("n"), str_make(&me->round, sizeof me->round));
}

/* A number goes up in the first scope, then in the second, then in the first again, each when the one before has returned. */
static void *alternate_thread(void *arg)
{
	struct worker *me = arg;
	for (me->round = 1; me->round <= TURNS || atomic_load(me->looks) < LOOKS_MIN; me->round++) {
		if (commit(me->s, first, put_round, me) || commit(me->s, second, put_round, me))
			atomic_fetch_add(me->wrong, 1);
	}
	atomic_store(me->stop, true);
	return NULL;
}

static int read_number(struct store_read *r, struct store_scope scope, unsigned *out)
{
	struct str value;
	store_turn(r, scope);
	int rc = store_get(r, STR("n"), &value);
	*out = 0;
	if (rc == 0)
		memcpy(out, value.p, sizeof *out);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* In every moment the first is as far as the second, or one ahead; asked in either order, with a pause between. */
static void *moment_thread(void *arg)
{
	struct worker *me = arg;
	while (!atomic_load(me->stop)) {
		struct store_read *r;
		unsigned a, b;
		if (store_begin_all(me->s, &r))
			continue;
		bool turned = me->round++ % 2;
		int rc = read_number(r, turned ? second : first, turned ? &b : &a);
		uint64_t before = store_scope_version(me->s, second);
		while (!atomic_load(me->stop) && store_scope_version(me->s, second) < before + 2)
			sched_yield();
		if (rc == 0)
			rc = read_number(r, turned ? first : second, turned ? &a : &b);
		if (rc == 0 && a != b && a != b + 1)
			atomic_fetch_add(me->wrong, 1);
		atomic_fetch_add(me->looks, rc == 0);
		store_end(&r);
	}
	return NULL;
}

static void a_moment_keeps_the_order_of_commits(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	atomic_uint wrong = 0, looks = 0;
	atomic_bool stop = false;
	struct worker w[3];
	pthread_t writer, readers[2];
	for (unsigned i = 0; i < 3; i++)
		w[i] = (struct worker){ .s = s, .number = i, .wrong = &wrong, .looks = &looks, .stop = &stop };
	run_threads(w, 1, alternate_thread, &writer);
	run_threads(w + 1, 2, moment_thread, readers);
	join_threads(&writer, 1);
	join_threads(readers, 2);
	assert_int_equal(wrong, 0);
}

/* ---- blobs ---- */

static struct str blob_text(const struct worker *w, unsigned round, char text[8192])
{
	size_t n = (w->number * 997 + round * 131) % 8000 + 16;
	memset(text, (int)('a' + (w->number + round) % 26), n);
	snprintf(text, 16, "%u.%u", w->number, round);
	return str_make(text, n);
}

static void *blob_thread(void *arg)
{
	struct worker *me = arg;
	store_tag tag = store_tag_of((struct store_scope){ STORE_ACCOUNT, me->number });
	for (unsigned i = 0; i < ROUNDS; i++) {
		char text[8192];
		struct str bytes = blob_text(me, i, text);
		int rc;
		while (is_passing(rc = store_blob_put(me->s, &bytes, 1, &tag, 1, &me->blobs[i])))
			;
		struct store_blob_view v;
		if (rc || blob_map(me->s, me->blobs[i], &v)) {
			atomic_fetch_add(me->wrong, 1);
			continue;
		}
		if (!str_eq(v.bytes, bytes))
			atomic_fetch_add(me->wrong, 1);
		store_blob_unmap(me->s, &v);
	}
	return NULL;
}

static void blobs_do_not_mix(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	atomic_uint wrong = 0;
	struct worker *w = calloc(THREADS, sizeof *w);
	pthread_t threads[THREADS];
	assert_non_null(w);
	for (unsigned i = 0; i < THREADS; i++)
		w[i] = (struct worker){ .s = s, .number = i, .wrong = &wrong };
	run_threads(w, THREADS, blob_thread, threads);
	join_threads(threads, THREADS);
	assert_int_equal(wrong, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		for (unsigned k = 0; k < ROUNDS; k++) {
			char text[8192];
			assert_blob(s, w[i].blobs[k], blob_text(&w[i], k, text));
		}
	}
	free(w);
}

int conformance_threads(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(counters_are_exact, t),
		CONFORMANCE_TEST(a_moment_keeps_the_order_of_commits, t),
		CONFORMANCE_TEST(blobs_do_not_mix, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
