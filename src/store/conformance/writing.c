/* What a closure sees and leaves. Assertions stand outside the closures, which may run in another thread. */
#include "store/conformance/conformance.h"

static const struct store_scope scope = { STORE_ACCOUNT, 3 };

struct seen {
	int rc[8];
	char text[8][32];
};

static void keep(struct seen *seen, int i, int rc, struct str s)
{
	seen->rc[i] = rc;
	snprintf(seen->text[i], sizeof seen->text[i], "%.*s", STR_ARG(s));
}

static int look_while_writing(struct store_write *w, void *arg)
{
	struct seen *seen = arg;
	struct str value, key;
	keep(seen, 0, store_wget(w, STR("a"), &value), value);
	store_put(w, STR("a"), STR("second"));
	keep(seen, 1, store_wget(w, STR("a"), &value), value);
	store_del(w, STR("a"));
	int rc = store_wget(w, STR("a"), &value);
	keep(seen, 2, rc, value);
	store_put(w, STR("b"), STR("3"));
	store_put(w, STR("c"), STR("4"));
	rc = store_wfind(w, STR("a"), STR_NONE, false, &key, &value);
	keep(seen, 3, rc, key);
	rc = store_wfind(w, STR("a"), STR_NONE, true, &key, &value);
	keep(seen, 4, rc, key);
	rc = store_wfind(w, STR("a"), STR("c"), true, &key, &value);
	keep(seen, 5, rc, key);
	rc = store_wfind(w, STR("d"), STR_NONE, false, &key, &value);
	keep(seen, 6, rc, key);
	rc = store_wfind(w, STR("a"), STR("b"), true, &key, &value);
	keep(seen, 7, rc, key);
	return store_put(w, STR("a"), STR("first"));
}

static void a_closure_sees_its_own_writes(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	put(s, scope, STR("a"), STR("first"));
	struct seen seen;
	assert_int_equal(commit(s, scope, look_while_writing, &seen), 0);
	static const struct {
		int rc;
		const char *text;
	} expected[8] = {
		{ 0, "first" }, { 0, "second" }, { ERR_NOT_FOUND, "" }, { 1, "b" }, { 1, "c" }, { 1, "b" },
		{ 0, "" },		{ 0, "" },
	};
	for (int i = 0; i < 8; i++) {
		assert_int_equal(seen.rc[i], expected[i].rc);
		assert_string_equal(seen.text[i], expected[i].text);
	}
	assert_list(s, scope, STR_NONE, STR_NONE, "a=first b=3 c=4");
}

/* Turns every "old..." into "new..." on the way, as a walk that deletes and puts. */
static int rename_all(struct store_write *w, void *arg)
{
	(void)arg;
	char from[16] = "old";
	size_t n = 3;
	struct str key, value;
	int rc;
	while ((rc = store_wfind(w, str_make(from, n), STR("ole"), false, &key, &value)) == 1) {
		char name[16] = "new", old[16], copy[16];
		memcpy(old, key.p, key.n);
		memcpy(name + 3, key.p + 3, key.n - 3);
		memcpy(copy, value.p, value.n);
		struct str old_key = str_make(old, key.n), new_key = str_make(name, key.n), content = str_make(copy, value.n);
		memcpy(from, old, old_key.n);
		from[old_key.n] = '\0';
		n = old_key.n + 1;
		rc = store_del(w, old_key);
		if (rc == 0)
			rc = store_put(w, new_key, content);
		if (rc)
			return rc;
	}
	return rc;
}

static void a_walk_may_delete_and_put(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	put(s, scope, STR("old1"), STR("a"));
	put(s, scope, STR("old2"), STR("b"));
	put(s, scope, STR("old3"), STR("c"));
	put(s, scope, STR("z"), STR("z"));
	assert_int_equal(commit(s, scope, rename_all, NULL), 0);
	assert_list(s, scope, STR_NONE, STR_NONE, "new1=a new2=b new3=c z=z");
}

struct range {
	struct str from, to;
	uint64_t n;
};

static int del_range(struct store_write *w, void *arg)
{
	struct range *r = arg;
	int rc = store_put(w, STR("k55"), STR("again"));
	return rc ? rc : store_del_range(w, r->from, r->to, &r->n);
}

static int put_numbers(struct store_write *w, void *arg)
{
	char key[16];
	int rc = 0;
	for (unsigned i = 0; i < *(unsigned *)arg && rc == 0; i++) {
		snprintf(key, sizeof key, "k%02u", i);
		rc = store_put(w, str_from_c(key), STR("v"));
	}
	return rc;
}

static void a_range_is_deleted_and_counted(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	unsigned count = 10;
	assert_int_equal(commit(s, scope, put_numbers, &count), 0);
	struct range r = { STR("k02"), STR("k05"), 0 };
	assert_int_equal(commit(s, scope, del_range, &r), 0);
	char *got = list(s, scope, STR_NONE, STR_NONE, false);
	assert_string_equal(got, "k00=v k01=v k05=v k06=v k07=v k08=v k09=v k55=again");
	free(got);
	if (!((struct fixture *)*state)->target->faults)
		assert_int_equal(r.n, 3);
	r = (struct range){ STR("k08"), STR_NONE, 0 };
	assert_int_equal(commit(s, scope, del_range, &r), 0);
	assert_list(s, scope, STR_NONE, STR_NONE, "k00=v k01=v k05=v k06=v k07=v");
}

static int fill_reserved(struct store_write *w, void *arg)
{
	(void)arg;
	char *place;
	int rc = store_put_reserve(w, STR("r"), 5, &place);
	if (rc == 0)
		memcpy(place, "hello", 5);
	return rc ? rc : store_del(w, STR("never there"));
}

static void reserved_places_are_filled(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	assert_int_equal(commit(s, scope, fill_reserved, NULL), 0);
	assert_list(s, scope, STR_NONE, STR_NONE, "r=hello");
}

static int write_then_refuse(struct store_write *w, void *arg)
{
	uint64_t n;
	store_put(w, STR("x"), STR("must not stay"));
	store_put(w, STR("a"), STR("must not stay"));
	store_del_range(w, STR("b"), STR_NONE, &n);
	return *(const int *)arg;
}

static void a_refusal_leaves_nothing(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	put(s, scope, STR("a"), STR("1"));
	put(s, scope, STR("b"), STR("2"));
	uint64_t version = store_scope_version(s, scope);
	static const int codes[] = { ERR_CONFLICT, ERR_QUOTA, ERR_NOT_FOUND, -9999 };
	for (size_t i = 0; i < 4; i++) {
		int code = codes[i];
		assert_int_equal(commit(s, scope, write_then_refuse, &code), codes[i]);
		assert_list(s, scope, STR_NONE, STR_NONE, "a=1 b=2");
		assert_int_equal(store_scope_version(s, scope), version);
	}
}

static int count_runs(struct store_write *w, void *arg)
{
	++*(unsigned *)arg;
	return store_put(w, STR("k"), STR("v"));
}

/* With a plan that says so every closure runs twice, and only one run counts. */
static void closures_may_run_twice(void **state)
{
	struct fixture *f = *state;
	if (!f->target->faults || f->target->faults->twice_percent == 0)
		return;
	unsigned runs = 0;
	for (int i = 0; i < 50; i++)
		assert_int_equal(commit(f->store, scope, count_runs, &runs), 0);
	assert_true(runs > 50);
}

int conformance_writing(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_closure_sees_its_own_writes, t),
		CONFORMANCE_TEST(a_walk_may_delete_and_put, t),
		CONFORMANCE_TEST(a_range_is_deleted_and_counted, t),
		CONFORMANCE_TEST(reserved_places_are_filled, t),
		CONFORMANCE_TEST(a_refusal_leaves_nothing, t),
		CONFORMANCE_TEST(closures_may_run_twice, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
