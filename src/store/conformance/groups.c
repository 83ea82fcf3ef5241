/* Many commits at once: each stands alone. */
#include "store/conformance/conformance.h"

struct step {
	unsigned i;
	int refuse;                       /* the code, or 0 */
	bool write_first;
};

static int run_step(struct store_write *w, void *arg)
{
	const struct step *st = arg;
	char key[16];
	snprintf(key, sizeof key, "k%04u", st->i);
	if (st->refuse && !st->write_first)
		return st->refuse;
	int rc = store_put(w, str_from_c(key), STR("v"));
	return rc ? rc : st->refuse;
}

/* Submits until every step has answered for good; the results are left in ops. */
static void commit_steps(struct store *s, struct store_op *ops, size_t n)
{
	struct store_op *again = calloc(n, sizeof *again);
	size_t *index = calloc(n, sizeof *index);
	assert_non_null(again);
	assert_non_null(index);
	for (size_t i = 0; i < n; i++)
		ops[i].result = ERR_RETRY;
	for (;;) {
		size_t left = 0;
		for (size_t i = 0; i < n; i++) {
			if (is_passing(ops[i].result)) {
				again[left] = ops[i];
				index[left++] = i;
			}
		}
		if (left == 0)
			break;
		int rc = store_commit_all(s, again, left), first = 0;
		for (size_t i = 0; i < left; i++) {
			ops[index[i]].result = again[i].result;
			if (first == 0)
				first = again[i].result;
		}
		assert_int_equal(rc, first);
	}
	free(again);
	free(index);
}

static void refusals_leave_neighbours_alone(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	enum { N = 40 };
	struct step steps[N];
	struct store_op ops[N];
	for (unsigned i = 0; i < N; i++) {
		int code = i % 3 == 1 ? ERR_CONFLICT : i % 7 == 2 ? ERR_QUOTA : 0;
		steps[i] = (struct step){ .i = i, .refuse = code, .write_first = i % 2 };
		ops[i] = (struct store_op){ .scope = { STORE_ACCOUNT, i % 4 }, .fn = run_step, .arg = &steps[i] };
	}
	commit_steps(s, ops, N);
	for (unsigned i = 0; i < N; i++) {
		char key[16];
		size_t n;
		assert_int_equal(ops[i].result, steps[i].refuse);
		snprintf(key, sizeof key, "k%04u", i);
		char *got = get(s, ops[i].scope, str_from_c(key), &n);
		assert_int_equal(got != NULL, steps[i].refuse == 0);
		free(got);
	}
}

static void a_group_of_refusals_changes_nothing(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	enum { N = 8 };
	struct step steps[N];
	struct store_op ops[N];
	struct store_scope scope = { STORE_QUEUE, 1 };
	for (unsigned i = 0; i < N; i++) {
		steps[i] = (struct step){ .i = i, .refuse = ERR_EXISTS, .write_first = true };
		ops[i] = (struct store_op){ .scope = scope, .fn = run_step, .arg = &steps[i] };
	}
	commit_steps(s, ops, N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(ops[i].result, ERR_EXISTS);
	assert_list(s, scope, STR_NONE, STR_NONE, "");
	assert_int_equal(store_scope_version(s, scope), 0);
}

static void large_submissions_are_done_whole(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	enum { N = 3000 };
	struct step *steps = calloc(N, sizeof *steps);
	struct store_op *ops = calloc(N, sizeof *ops);
	assert_non_null(steps);
	assert_non_null(ops);
	struct store_scope scope = { STORE_ACCOUNT, 99 };
	for (unsigned i = 0; i < N; i++) {
		steps[i].i = i;
		ops[i] = (struct store_op){ .scope = scope, .fn = run_step, .arg = &steps[i] };
	}
	commit_steps(s, ops, N);
	/* Each of them changed the scope, so its version grew by each. */
	assert_true(store_scope_version(s, scope) >= N);
	for (unsigned i = 0; i < N; i += 97) {
		char key[16];
		size_t n;
		snprintf(key, sizeof key, "k%04u", i);
		char *got = get(s, scope, str_from_c(key), &n);
		assert_non_null(got);
		free(got);
	}
	free(steps);
	free(ops);
}

static void nothing_submitted_is_nothing_done(void **state)
{
	assert_int_equal(store_commit_all(((struct fixture *)*state)->store, NULL, 0), 0);
}

int conformance_groups(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(refusals_leave_neighbours_alone, t),
		CONFORMANCE_TEST(a_group_of_refusals_changes_nothing, t),
		CONFORMANCE_TEST(large_submissions_are_done_whole, t),
		CONFORMANCE_TEST(nothing_submitted_is_nothing_done, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
