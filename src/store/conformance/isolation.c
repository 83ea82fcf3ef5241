/* Scopes do not see each other, and a read stays at the version at which it began. */
#include "store/conformance/conformance.h"

static const struct store_scope scope = { STORE_ACCOUNT, 7 };

static void scopes_do_not_see_each_other(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const struct store_scope scopes[] = {
		{ STORE_SYSTEM, 0 }, { STORE_ACCOUNT, 0 }, { STORE_ACCOUNT, 6 }, { STORE_ACCOUNT, 7 }, { STORE_ACCOUNT, 8 },
		{ STORE_ACCOUNT, 0x100 }, { STORE_ACCOUNT, UINT64_MAX }, { STORE_QUEUE, 0 }, { STORE_QUEUE, 7 },
		{ STORE_QUEUE, UINT64_MAX },
	};
	enum { N = sizeof scopes / sizeof scopes[0] };
	char value[2] = "0", expected[64];
	for (size_t i = 0; i < N; i++) {
		value[0] = (char)('0' + i);
		put(s, scopes[i], STR("\0"), str_make(value, 1));
		put(s, scopes[i], STR("\xff"), str_make(value, 1));
	}
	for (size_t i = 0; i < N; i++) {
		snprintf(expected, sizeof expected, "\\00=%zu \\ff=%zu", i, i);
		assert_list(s, scopes[i], STR_NONE, STR_NONE, expected);
		assert_true(store_scope_version(s, scopes[i]) >= 2);
	}
	del(s, scopes[4], STR("\xff"));
	assert_list(s, scopes[4], STR_NONE, STR_NONE, "\\00=4");
	assert_list(s, scopes[3], STR_NONE, STR_NONE, "\\00=3 \\ff=3");
	assert_list(s, scopes[5], STR_NONE, STR_NONE, "\\00=5 \\ff=5");
}

static int del_all(struct store_write *w, void *arg) { return store_del_range(w, STR_NONE, STR_NONE, arg); }

static void emptying_a_scope_leaves_its_neighbours(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const struct store_scope scopes[] = { { STORE_ACCOUNT, 6 }, { STORE_ACCOUNT, 7 }, { STORE_ACCOUNT, 8 } };
	for (size_t i = 0; i < 3; i++) {
		put(s, scopes[i], STR("a"), STR("1"));
		put(s, scopes[i], STR("b"), STR("2"));
	}
	uint64_t n;
	assert_int_equal(commit(s, scopes[1], del_all, &n), 0);
	assert_list(s, scopes[0], STR_NONE, STR_NONE, "a=1 b=2");
	assert_list(s, scopes[1], STR_NONE, STR_NONE, "");
	assert_list(s, scopes[2], STR_NONE, STR_NONE, "a=1 b=2");
}

static void a_read_stays_at_its_version(void **state)
{
	struct fixture *f = *state;
	if (f->target->faults)
		return;
	struct store *s = f->store;
	put(s, scope, STR("a"), STR("old"));
	put(s, scope, STR("b"), STR("old"));
	struct store_read *before, *after;
	struct str early, value, key;
	struct store_iter *it;
	begin(s, scope, &before);
	uint64_t version = store_version(before);
	assert_int_equal(store_get(before, STR("a"), &early), 0);
	assert_int_equal(store_range(before, STR_NONE, STR_NONE, false, &it), 0);
	assert_int_equal(store_next(it, &key, &value), 1);

	put(s, scope, STR("a"), STR("new"));
	del(s, scope, STR("b"));
	put(s, scope, STR("c"), STR("new"));

	assert_str(early, STR("old"));
	assert_int_equal(store_version(before), version);
	assert_int_equal(store_get(before, STR("b"), &value), 0);
	assert_str(value, STR("old"));
	assert_int_equal(store_get(before, STR("c"), &value), ERR_NOT_FOUND);
	assert_int_equal(store_next(it, &key, &value), 1);
	assert_str(key, STR("b"));
	assert_int_equal(store_next(it, &key, &value), 0);

	begin(s, scope, &after);
	assert_true(store_version(after) > version);
	assert_int_equal(store_get(after, STR("a"), &value), 0);
	assert_str(value, STR("new"));
	assert_int_equal(store_get(after, STR("b"), &value), ERR_NOT_FOUND);
	store_end(&after);
	store_end(&before);
	store_end(&before);
}

static void assert_reads(struct store_read *r, struct store_scope at, const char *expected)
{
	struct str value;
	int rc = ERR_RETRY;
	store_turn(r, at);
	while (is_passing(rc))
		rc = store_get(r, STR("k"), &value);
	assert_int_equal(rc, expected ? 0 : ERR_NOT_FOUND);
	if (expected)
		assert_str(value, str_from_c(expected));
}

static void begin_all(struct store *s, struct store_read **out)
{
	int rc = ERR_IO;
	while (is_passing(rc))
		rc = store_begin_all(s, out);
	assert_int_equal(rc, 0);
}

static void one_moment_of_all_scopes(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const struct store_scope house = { STORE_SYSTEM, 0 }, a = { STORE_ACCOUNT, 1 }, b = { STORE_ACCOUNT, UINT64_MAX }, queue = { STORE_QUEUE, 3 },
									later = { STORE_ACCOUNT, 2 };
	put(s, house, STR("k"), STR("h1"));
	put(s, a, STR("k"), STR("a1"));
	put(s, b, STR("k"), STR("b1"));
	struct store_read *then, *now;
	struct str value, key;
	struct store_iter *it;
	begin_all(s, &then);
	uint64_t version = store_version(then);
	put(s, house, STR("k"), STR("h2"));
	del(s, a, STR("k"));
	put(s, b, STR("k"), STR("b2"));
	put(s, queue, STR("k"), STR("q2"));
	put(s, later, STR("k"), STR("l2"));
	assert_int_equal(store_version(then), version);
	for (int round = 0; round < 2; round++) {
		assert_reads(then, a, "a1");
		assert_reads(then, b, "b1");
		assert_reads(then, queue, NULL);
		assert_int_equal(store_version(then), 0);
		assert_reads(then, later, NULL);
		assert_reads(then, house, "h1");
		assert_int_equal(store_version(then), version);
	}
	/* Bytes outlive a turn; iterators that are left open end with it. */
	store_turn(then, a);
	int rc = ERR_RETRY;
	while (is_passing(rc))
		rc = store_get(then, STR("k"), &value);
	assert_int_equal(store_range(then, STR_NONE, STR_NONE, false, &it), 0);
	store_turn(then, b);
	assert_str(value, STR("a1"));
	assert_int_equal(store_range(then, STR_NONE, STR_NONE, false, &it), 0);
	while ((rc = store_next(it, &key, &value)) < 0)
		assert_true(is_passing(rc));
	assert_int_equal(rc, 1);
	assert_str(value, STR("b1"));
	begin_all(s, &now);
	assert_reads(now, house, "h2");
	assert_reads(now, a, NULL);
	assert_reads(now, queue, "q2");
	store_end(&now);
	store_end(&then);
}

static void versions_grow_with_changes(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_scope other = { STORE_QUEUE, 7 };
	assert_int_equal(store_scope_version(s, scope), 0);
	uint64_t last = 0;
	for (int i = 0; i < 20; i++) {
		if (i % 5 == 4)
			del(s, scope, STR("k"));
		else
			put(s, scope, STR("k"), STR("v"));
		struct store_read *r;
		begin(s, scope, &r);
		uint64_t version = store_version(r);
		store_end(&r);
		assert_true(version > last);
		assert_int_equal(store_scope_version(s, scope), version);
		last = version;
	}
	assert_int_equal(store_scope_version(s, other), 0);
	put(s, other, STR("k"), STR("v"));
	assert_int_equal(store_scope_version(s, scope), last);
}

int conformance_isolation(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(scopes_do_not_see_each_other, t),
		CONFORMANCE_TEST(emptying_a_scope_leaves_its_neighbours, t),
		CONFORMANCE_TEST(a_read_stays_at_its_version, t),
		CONFORMANCE_TEST(one_moment_of_all_scopes, t),
		CONFORMANCE_TEST(versions_grow_with_changes, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
