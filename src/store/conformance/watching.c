/* Hints that a scope changed. They may be late, doubled or missing by contract; what is tested is what engines of one
 * process promise besides: a hint comes after each change, within moments. */
#include "store/conformance/conformance.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define SOON_MS 5000

static const struct store_scope scope = { STORE_ACCOUNT, 5 }, other = { STORE_ACCOUNT, 6 };

struct ear {
	atomic_uint calls, wrong;
	atomic_uint_fast64_t version;
	atomic_uint hold_ms, inside;
};

static void hear(void *arg, struct store_scope heard, uint64_t version)
{
	struct ear *ear = arg;
	if (heard.kind != scope.kind || heard.id != scope.id)
		atomic_fetch_add(&ear->wrong, 1);
	atomic_store(&ear->inside, 1);
	if (atomic_load(&ear->hold_ms))
		usleep(atomic_load(&ear->hold_ms) * 1000);
	atomic_store(&ear->inside, 0);
	uint64_t was = atomic_load(&ear->version);
	while (was < version && !atomic_compare_exchange_weak(&ear->version, &was, version))
		;
	atomic_fetch_add(&ear->calls, 1);
}

static bool hears_soon(struct ear *ear, uint64_t version)
{
	for (uint64_t start = clock_mono_ms(); clock_mono_ms() - start < SOON_MS; usleep(1000)) {
		if (atomic_load(&ear->version) >= version)
			return true;
	}
	return false;
}

static void a_change_is_heard(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct ear a = { 0 }, b = { 0 };
	struct store_watch *wa, *wb;
	assert_int_equal(store_watch(s, scope, hear, &a, &wa), 0);
	assert_int_equal(store_watch(s, scope, hear, &b, &wb), 0);
	for (int i = 0; i < 10; i++) {
		put(s, scope, STR("k"), STR("v"));
		uint64_t version = store_scope_version(s, scope);
		assert_true(hears_soon(&a, version));
		assert_true(hears_soon(&b, version));
	}
	store_unwatch(s, &wb);
	assert_null(wb);
	unsigned calls = atomic_load(&b.calls);
	put(s, scope, STR("k"), STR("v"));
	assert_true(hears_soon(&a, store_scope_version(s, scope)));
	assert_int_equal(atomic_load(&b.calls), calls);
	store_unwatch(s, &wa);
	store_unwatch(s, &wa);
	assert_int_equal(atomic_load(&a.wrong), 0);
}

static int refuse(struct store_write *w, void *arg)
{
	(void)arg;
	store_put(w, STR("k"), STR("v"));
	return ERR_CONFLICT;
}

static void what_did_not_happen_is_not_heard(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct ear a = { 0 };
	struct store_watch *w;
	put(s, scope, STR("k"), STR("v"));
	assert_int_equal(store_watch(s, scope, hear, &a, &w), 0);
	put(s, other, STR("k"), STR("v"));
	assert_int_equal(commit(s, scope, refuse, NULL), ERR_CONFLICT);
	usleep(20000);
	assert_int_equal(atomic_load(&a.calls), 0);
	store_unwatch(s, &w);
}

struct committer {
	struct store *s;
	atomic_bool stop;
};

static void *keep_committing(void *arg)
{
	struct committer *c = arg;
	while (!atomic_load(&c->stop))
		put(c->s, scope, STR("k"), STR("v"));
	return NULL;
}

static void unwatching_waits_for_the_callback(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct committer c = { .s = s };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, keep_committing, &c), 0);
	for (int i = 0; i < 20; i++) {
		struct ear *a = calloc(1, sizeof *a);
		struct store_watch *w;
		assert_non_null(a);
		atomic_store(&a->hold_ms, 2);
		assert_int_equal(store_watch(s, scope, hear, a, &w), 0);
		while (!atomic_load(&a->inside) && atomic_load(&a->calls) == 0)
			usleep(100);
		store_unwatch(s, &w);
		assert_int_equal(atomic_load(&a->inside), 0);
		free(a);                  /* a later call would be seen by the address sanitizer */
	}
	atomic_store(&c.stop, true);
	pthread_join(thread, NULL);
}

int conformance_watching(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_change_is_heard, t),
		CONFORMANCE_TEST(what_did_not_happen_is_not_heard, t),
		CONFORMANCE_TEST(unwatching_waits_for_the_callback, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
