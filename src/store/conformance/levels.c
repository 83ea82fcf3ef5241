/* The level of a store rises when it is told to, and never falls. */
#include "store/conformance/conformance.h"

static const struct store_scope scope = { STORE_ACCOUNT, 1 };

static int see_level(struct store_write *w, void *arg)
{
	unsigned *seen = arg;
	seen[0] = store_write_level(w);
	seen[1] = store_write_level(w);
	return 0;
}

static void assert_level(struct store *s, unsigned level)
{
	unsigned seen[2] = { 0, 0 };
	assert_int_equal(store_level(s), level);
	assert_int_equal(commit(s, scope, see_level, seen), 0);
	assert_int_equal(seen[0], level);
	assert_int_equal(seen[1], level);
}

static void raise_level(struct store *s, unsigned level)
{
	int rc;
	do
		rc = store_raise_level(s, level);
	while (is_passing(rc));
	assert_int_equal(rc, 0);
}

static void a_level_rises(void **state)
{
	struct fixture *f = *state;
	assert_level(f->store, 1);
	raise_level(f->store, 1);
	assert_level(f->store, 1);
	assert_int_equal(store_raise_level(f->store, STORE_LEVEL_NEWEST + 1), ERR_INVALID);
	assert_level(f->store, 1);
	raise_level(f->store, STORE_LEVEL_NEWEST);
	assert_level(f->store, STORE_LEVEL_NEWEST);
	assert_int_equal(store_raise_level(f->store, 1), ERR_INVALID);
	assert_level(f->store, STORE_LEVEL_NEWEST);
}

static void a_new_store_has_the_newest(void **state)
{
	struct fixture *f = *state;
	assert_level(f->store, STORE_LEVEL_NEWEST);
}

int conformance_levels(const struct conformance_target *t)
{
	struct conformance_target old = *t;
	old.level = 1;
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_level_rises, &old),
		CONFORMANCE_TEST(a_new_store_has_the_newest, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
