/* Eight threads on one account. Every UID is given once and taken once; views only ever go forward; nothing is left
 * wrong. Run it under ThreadSanitizer too. */
#include "model/fixture.h"

#include "base/clock.h"
#include "model/bin.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8
#define UIDS_MAX 20000

struct shared {
	struct fixture *f;
	uint32_t other;                               /* a second mailbox, where moves go */
	unsigned rounds;
	atomic_uint came[2][UIDS_MAX], went[2][UIDS_MAX];
	atomic_uint news;
	atomic_bool done;
};

struct worker {
	struct shared *shared;
	unsigned number;
	uint64_t random;
};

/* cmocka's asserts jump out of the thread that ran the test: not from here. */
#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static uint64_t roll(struct worker *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static void note(atomic_uint *list, const struct rangeset *set)
{
	for (size_t i = 0; i < set->n; i++)
		for (uint32_t uid = set->v[i].lo; uid <= set->v[i].hi; uid++) {
			CHECK(uid < UIDS_MAX);
			CHECK(atomic_fetch_add(&list[uid], 1) == 0);
		}
}

static uint32_t mailbox_of(const struct shared *s, unsigned which) { return which ? s->other : FIXTURE_INBOX; }

static void append(struct worker *w, struct account *a)
{
	unsigned which = (unsigned)roll(w, 2);
	uint64_t account = FIXTURE_ACCOUNT;
	struct str text = STR("x");
	struct append items[3];
	size_t n = 1 + roll(w, 3);
	int rc;
	do {
		for (size_t i = 0; i < n; i++) {
			items[i] = (struct append){ .size = 1, .summary = STR("s") };
			FIXTURE_RETRY(rc, model_put_blob(w->shared->f->model, &text, 1, &account, 1, &items[i].blob));
			CHECK(rc == 0);
		}
		rc = mailbox_append(a, mailbox_of(w->shared, which), items, n, false, NULL);
		/* The check may take a slow one for forgotten, and says so (audit_tags.c). */
	} while (fixture_again(rc) || rc == ERR_RETRY);
	CHECK(rc == 0);
	struct rangeset came = RANGESET_INIT;
	for (size_t i = 0; i < n; i++) {
		CHECK(items[i].uid_out == items[0].uid_out + i);
		rangeset_add(&came, items[i].uid_out, items[i].uid_out);
	}
	note(w->shared->came[which], &came);
	rangeset_fini(&came);
}

static struct rangeset some(struct worker *w, uint32_t span)
{
	struct rangeset set = RANGESET_INIT;
	uint32_t from = 1 + (uint32_t)roll(w, 4000);
	rangeset_add(&set, from, from + (uint32_t)roll(w, span));
	return set;
}

static void flags(struct worker *w, struct account *a)
{
	struct rangeset set = some(w, 100);
	struct str word = STR("word");
	struct flags_change change = {
		.op = (enum flags_op)roll(w, 3), .flags = roll(w, 32), .keywords = &word, .n_keywords = roll(w, 2)
	};
	int rc;
	FIXTURE_RETRY(rc, mailbox_flags(a, mailbox_of(w->shared, (unsigned)roll(w, 2)), &set, &change, NULL, NULL, NULL));
	CHECK(rc == 0);
	rangeset_fini(&set);
}

static void expunge(struct worker *w, struct account *a)
{
	unsigned which = (unsigned)roll(w, 2);
	struct rangeset set = some(w, 20), gone = RANGESET_INIT;
	int rc;
	FIXTURE_RETRY(rc, mailbox_expunge(a, mailbox_of(w->shared, which), &set, false, &gone, NULL));
	CHECK(rc == 0);
	note(w->shared->went[which], &gone);
	rangeset_fini(&set);
	rangeset_fini(&gone);
}

static void copy(struct worker *w, struct account *a)
{
	unsigned from = (unsigned)roll(w, 2), to = (unsigned)roll(w, 2);
	bool move = roll(w, 2);
	struct rangeset set = some(w, 4), source = RANGESET_INIT, target = RANGESET_INIT;
	int rc;
	FIXTURE_RETRY(rc, mailbox_copy(a, mailbox_of(w->shared, from), mailbox_of(w->shared, to), &set, move, &source,
								   &target, NULL));
	CHECK(rc == 0);
	CHECK(rangeset_count(&source) == rangeset_count(&target));
	if (move)
		note(w->shared->went[from], &source);
	note(w->shared->came[to], &target);
	rangeset_fini(&set);
	rangeset_fini(&source);
	rangeset_fini(&target);
}

static void look(struct worker *w, struct account *a, struct view **shown)
{
	struct view *newest, *overlay;
	int rc;
	FIXTURE_RETRY(rc, view_refresh(a, *shown, &newest));
	CHECK(rc == 0);
	CHECK(view_modseq(newest) >= view_modseq(*shown));
	struct view_diff d;
	CHECK(view_diff(*shown, newest, &d) == 0);
	CHECK(view_count(newest) + rangeset_count(&d.vanished) == view_count(*shown) + d.added);
	view_diff_fini(&d);
	CHECK(view_overlay(*shown, newest, &overlay) == 0);
	CHECK(view_count(overlay) >= view_count(*shown));
	view_unref(shown);
	*shown = roll(w, 3) ? newest : overlay;
	if (*shown == newest)
		view_unref(&overlay);
	else
		view_unref(&newest);
}

static void on_news(void *arg) { atomic_fetch_add((atomic_uint *)arg, 1); }

static void *work(void *arg)
{
	struct worker *w = arg;
	struct account *a;
	struct account_watch *watch = NULL;
	struct view *shown;
	int rc;
	FIXTURE_RETRY(rc, account_open(w->shared->f->model, FIXTURE_ACCOUNT, &a));
	CHECK(rc == 0);
	FIXTURE_RETRY(rc, view_open(a, mailbox_of(w->shared, w->number % 2), &shown));
	CHECK(rc == 0);
	for (unsigned i = 0; i < w->shared->rounds; i++) {
		switch (roll(w, 12)) {
		case 0: case 1: case 2: case 3:
			append(w, a);
			break;
		case 4: case 5:
			flags(w, a);
			break;
		case 6:
			expunge(w, a);
			break;
		case 7:
			copy(w, a);
			break;
		case 8:
			if (watch) {
				account_unwatch(a, &watch);
			} else {
				FIXTURE_RETRY(rc, account_watch(a, on_news, &w->shared->news, &watch));
				CHECK(rc == 0);
			}
			break;
		default:
			look(w, a, &shown);
			break;
		}
	}
	account_unwatch(a, &watch);
	view_unref(&shown);
	account_close(&a);
	return NULL;
}

static void no_fault(void *arg, const char *line)
{
	(void)arg;
	/* Bodies under way may be noted; on a failing store some really are forgotten. */
	if (strncmp(line, "note: ", 6) != 0) {
		fprintf(stderr, "%s\n", line);
		abort();
	}
}

/* A check in the middle of it all finds nothing wrong, and its repair harms nobody; nor does a sweep of the bin, every other one of all that is in it. */
static void *check(void *arg)
{
	struct shared *s = arg;
	uint64_t faults;
	for (unsigned round = 0; !atomic_load(&s->done); round++) {
		int rc;
		FIXTURE_RETRY(rc, bin_sweep(s->f->model, FIXTURE_ACCOUNT, clock_now() + round % 2 * 2000, NULL));
		CHECK(rc == 0);
		CHECK(model_check(s->f->plain_model, 0, true, no_fault, NULL, &faults) == 0);
		CHECK(faults == 0);
	}
	return NULL;
}

/* What came and did not go is what is there. */
static void assert_sum(struct shared *s, unsigned which)
{
	struct view *v;
	FIXTURE_OK(view_open(s->f->account, mailbox_of(s, which), &v));
	uint32_t n = 0;
	for (uint32_t uid = 0; uid < UIDS_MAX; uid++) {
		bool there;
		view_find(v, uid, &there);
		assert_int_equal(there, atomic_load(&s->came[which][uid]) > atomic_load(&s->went[which][uid]));
		n += there;
	}
	assert_int_equal(n, view_count(v));
	view_unref(&v);
}

static void everybody(struct fixture *f)
{
	struct shared *s = calloc(1, sizeof(*s));
	s->f = f;
	s->other = fixture_mailbox(s->f, "other");
	s->rounds = 400;
	pthread_t thread[THREADS], checker;
	struct worker worker[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ s, i, 88172645463325252u + (uint64_t)i * 7919u };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
	}
	assert_int_equal(pthread_create(&checker, NULL, check, s), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	atomic_store(&s->done, true);
	pthread_join(checker, NULL);
	assert_true(atomic_load(&s->news) > 0);
	assert_sum(s, 0);
	assert_sum(s, 1);
	fixture_check(s->f);
	free(s);
}

static void everybody_at_once(void **state) { everybody(*state); }

static void everybody_with_a_bin(void **state)
{
	struct fixture *f = *state;
	model_set_keep(f->model, &(struct model_keep){ .seconds = 1000, .bytes_max = 300 });
	everybody(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { FIXTURE_TEST(everybody_at_once), FIXTURE_TEST(everybody_with_a_bin) };
	return fixture_run("threads", tests, 2);
}
