/* Keys come in byte order, ranges are half open and walk both ways. */
#include "store/conformance/conformance.h"

static const struct store_scope scope = { STORE_ACCOUNT, 1 };

static void keys_come_in_byte_order(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const struct str keys[] = {
		STR_INIT("b"),	  STR_INIT("a\0"), STR_INIT("\xff\xff"), STR_INIT("a"),	   STR_INIT("\0"),	 STR_INIT("ab"),
		STR_INIT("\xff"), STR_INIT("B"),   STR_INIT("\0\0"),	 STR_INIT("\x7f"), STR_INIT("\x80"),
	};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		put(s, scope, keys[i], STR("v"));
	assert_list(s, scope, STR_NONE, STR_NONE,
				"\\00=v \\00\\00=v B=v a=v a\\00=v ab=v b=v \\7f=v \\80=v \\ff=v \\ff\\ff=v");
}

static void bounds_are_half_open(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const char *const keys[] = { "b", "d", "dd", "f" };
	for (size_t i = 0; i < 4; i++)
		put(s, scope, str_from_c(keys[i]), str_from_c(keys[i]));
	static const struct {
		struct str from, to;
		const char *expected;
	} cases[] = {
		{ STR_INIT(""), STR_INIT(""), "b=b d=d dd=dd f=f" },
		{ STR_INIT("b"), STR_INIT(""), "b=b d=d dd=dd f=f" },
		{ STR_INIT("b"), STR_INIT("f"), "b=b d=d dd=dd" },
		{ STR_INIT("b\0"), STR_INIT("f\0"), "d=d dd=dd f=f" },
		{ STR_INIT("c"), STR_INIT("e"), "d=d dd=dd" },
		{ STR_INIT("d"), STR_INIT("dd"), "d=d" },
		{ STR_INIT("d"), STR_INIT("d"), "" },
		{ STR_INIT(""), STR_INIT("b"), "" },
		{ STR_INIT("g"), STR_INIT(""), "" },
		{ STR_INIT("f"), STR_INIT("b"), "" },
		{ STR_INIT("a"), STR_INIT("z"), "b=b d=d dd=dd f=f" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_list(s, scope, cases[i].from, cases[i].to, cases[i].expected);
}

static void an_empty_scope_has_an_empty_range(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	assert_list(s, scope, STR_NONE, STR_NONE, "");
	assert_list(s, scope, STR("a"), STR("b"), "");
}

static void the_longest_key_has_a_successor(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	char longest[STORE_KEY_MAX + 1];
	memset(longest, 'k', STORE_KEY_MAX);
	longest[STORE_KEY_MAX] = '\0';
	struct str key = str_make(longest, STORE_KEY_MAX), successor = str_make(longest, STORE_KEY_MAX + 1);
	put(s, scope, key, STR("v"));
	put(s, scope, STR("l"), STR("last"));
	assert_list(s, scope, successor, STR_NONE, "l=last");
	char *got = list(s, scope, key, successor, false);
	assert_int_equal(strlen(got), STORE_KEY_MAX + 2);
	free(got);
}

static int put_result(struct store_write *w, void *arg)
{
	const struct str *pair = arg;
	return store_put(w, pair[0], pair[1]);
}

static void lengths_have_limits(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	size_t size = STORE_VALUE_MAX + 1;
	char *big = calloc(1, size);
	assert_non_null(big);
	struct {
		struct str pair[2];
		int result;
	} cases[] = {
		{ { STR_NONE, STR("v") }, ERR_INVALID },
		{ { str_make(big, STORE_KEY_MAX), STR("v") }, 0 },
		{ { str_make(big, STORE_KEY_MAX + 1), STR("v") }, ERR_INVALID },
		{ { STR("empty"), STR_NONE }, 0 },
		{ { STR("big"), str_make(big, STORE_VALUE_MAX) }, 0 },
		{ { STR("bigger"), str_make(big, STORE_VALUE_MAX + 1) }, ERR_TOO_BIG },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(commit(s, scope, put_result, cases[i].pair), cases[i].result);
	size_t n;
	char *got = get(s, scope, STR("empty"), &n);
	assert_non_null(got);
	assert_int_equal(n, 0);
	free(got);
	got = get(s, scope, STR("big"), &n);
	assert_non_null(got);
	assert_int_equal(n, STORE_VALUE_MAX);
	assert_memory_equal(got, big, n);
	free(got);
	free(big);
	struct store_read *r;
	struct store_iter *it;
	struct str value;
	begin(s, scope, &r);
	assert_int_equal(store_get(r, STR_NONE, &value), ERR_INVALID);
	char over[STORE_KEY_MAX + 2] = { 0 };
	assert_int_equal(store_range(r, str_make(over, sizeof over), STR_NONE, false, &it), ERR_INVALID);
	store_end(&r);
}

#define MANY 2000

struct many {
	unsigned char *there;             /* by number */
	unsigned from, to;
	bool add;
};

static struct str number_key(unsigned i, char key[9])
{
	snprintf(key, 9, "%08x", i * 2654435761u);
	return str_make(key, 8);
}

static int change_many(struct store_write *w, void *arg)
{
	const struct many *m = arg;
	for (unsigned i = m->from; i < m->to; i++) {
		char key[9];
		int rc = m->add ? store_put(w, number_key(i, key), str_make(&i, sizeof i)) : store_del(w, number_key(i, key));
		if (rc)
			return rc;
		m->there[i] = m->add;
	}
	return 0;
}

static int count_in_order(struct store *s, const struct many *m, bool reverse, unsigned *count_out)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	begin(s, scope, &r);
	assert_int_equal(store_range(r, STR_NONE, STR_NONE, reverse, &it), 0);
	char last[9] = "";
	unsigned count = 0;
	int rc;
	while ((rc = store_next(it, &key, &value)) == 1) {
		unsigned i;
		char expected[9];
		assert_int_equal(value.n, sizeof i);
		memcpy(&i, value.p, sizeof i);
		assert_true(i < MANY && m->there[i]);
		assert_str(key, number_key(i, expected));
		if (count++ > 0)
			assert_true(reverse ? strcmp(expected, last) < 0 : strcmp(expected, last) > 0);
		memcpy(last, expected, 9);
	}
	store_end(&r);                    /* the iterator dies with it */
	*count_out = count;
	return rc;
}

static void many_keys_stay_in_order(void **state)
{
	struct fixture *f = *state;
	struct many m = { .there = calloc(MANY, 1) };
	assert_non_null(m.there);
	static const struct {
		unsigned from, to;
		bool add;
	} steps[] = {
		{ 0, MANY, true },	   { 100, 900, false }, { 500, 600, true },
		{ 1000, 1001, false }, { 0, MANY, false },	{ 7, 8, true },
	};
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		m.from = steps[i].from, m.to = steps[i].to, m.add = steps[i].add;
		assert_int_equal(commit(f->store, scope, change_many, &m), 0);
		unsigned expected = 0, count;
		for (unsigned k = 0; k < MANY; k++)
			expected += m.there[k];
		for (int reverse = 0; reverse < 2; reverse++) {
			/* A walk of 2,000 steps never ends where every hundredth step fails. */
			if (f->target->faults && expected > 100)
				continue;
			int rc;
			while (is_passing(rc = count_in_order(f->store, &m, reverse, &count)))
				;
			assert_int_equal(rc, 0);
			assert_int_equal(count, expected);
		}
	}
	free(m.there);
}

static void iterators_do_not_disturb_each_other(void **state)
{
	struct fixture *f = *state;
	if (f->target->faults)
		return;
	struct store *s = f->store;
	put(s, scope, STR("a"), STR("1"));
	put(s, scope, STR("b"), STR("2"));
	struct store_read *r;
	struct store_iter *up, *down, *third;
	struct str key, value;
	begin(s, scope, &r);
	assert_int_equal(store_range(r, STR_NONE, STR_NONE, false, &up), 0);
	assert_int_equal(store_range(r, STR_NONE, STR_NONE, true, &down), 0);
	assert_int_equal(store_next(up, &key, &value), 1);
	assert_str(key, STR("a"));
	assert_int_equal(store_next(down, &key, &value), 1);
	assert_str(key, STR("b"));
	assert_int_equal(store_get(r, STR("a"), &value), 0);
	assert_int_equal(store_range(r, STR("b"), STR_NONE, false, &third), 0);
	assert_int_equal(store_next(up, &key, &value), 1);
	assert_str(key, STR("b"));
	store_iter_end(&up);
	assert_int_equal(store_next(down, &key, &value), 1);
	assert_str(key, STR("a"));
	assert_int_equal(store_next(down, &key, &value), 0);
	assert_int_equal(store_next(third, &key, &value), 1);
	store_iter_end(&down);
	/* A used one may be handed out again: it starts afresh. */
	assert_int_equal(store_range(r, STR_NONE, STR("b"), false, &up), 0);
	assert_int_equal(store_next(up, &key, &value), 1);
	assert_str(key, STR("a"));
	assert_int_equal(store_next(up, &key, &value), 0);
	store_end(&r);
}

/* Every third number below 300 is there, as two bytes; also in the scopes on both sides. */
static int put_thirds(struct store_write *w, void *arg)
{
	int rc = 0;
	(void)arg;
	for (unsigned i = 0; i < 300 && !rc; i += 3) {
		char key[2] = { (char)(i >> 8), (char)i };
		rc = store_put(w, str_make(key, 2), str_make(key, 2));
	}
	return rc;
}

static void assert_got(struct store_read *r, unsigned i)
{
	char key[2] = { (char)(i >> 8), (char)i };
	struct str value;
	int rc = store_get(r, str_make(key, 2), &value);
	assert_int_equal(rc, i % 3 || i >= 300 ? ERR_NOT_FOUND : 0);
	if (rc == 0)
		assert_str(value, str_make(key, 2));
}

static void gets_of_one_read_in_any_order(void **state)
{
	struct fixture *f = *state;
	if (f->target->faults)
		return;
	for (uint64_t id = scope.id - 1; id <= scope.id + 1; id++)
		assert_int_equal(commit(f->store, (struct store_scope){ scope.kind, id }, put_thirds, NULL), 0);
	for (unsigned step = 1; step < 8; step++) {
		struct store_read *r;
		begin(f->store, scope, &r);
		for (unsigned i = 0; i < 320; i += step)
			assert_got(r, i);
		for (unsigned i = 320; i-- > step; i -= step - 1)
			assert_got(r, i);
		/* on, one back, the same again, and past the end in between */
		for (unsigned i = 30; i < 300; i += 3 * step) {
			assert_got(r, i), assert_got(r, i + 3), assert_got(r, i + 6), assert_got(r, i - 3), assert_got(r, i);
			assert_got(r, i), assert_got(r, 299 + i), assert_got(r, i + 3), assert_got(r, i + 7), assert_got(r, i + 9);
		}
		store_end(&r);
	}
}

int conformance_ordering(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(keys_come_in_byte_order, t),
		CONFORMANCE_TEST(bounds_are_half_open, t),
		CONFORMANCE_TEST(an_empty_scope_has_an_empty_range, t),
		CONFORMANCE_TEST(the_longest_key_has_a_successor, t),
		CONFORMANCE_TEST(lengths_have_limits, t),
		CONFORMANCE_TEST(many_keys_stay_in_order, t),
		CONFORMANCE_TEST(iterators_do_not_disturb_each_other, t),
		CONFORMANCE_TEST(gets_of_one_read_in_any_order, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
