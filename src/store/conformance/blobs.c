/* Immutable bytes and their owners. */
#include "store/conformance/conformance.h"

#include "base/clock.h"
#include "store/limits.h"

static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1, bob = (uint64_t)STORE_ACCOUNT << 56 | 2,
					   eve = (uint64_t)STORE_QUEUE << 56 | 3;

static char *make_bytes(size_t n, unsigned seed)
{
	char *p = malloc(n + 1);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((i * 2654435761u + seed) >> 13);
	return p;
}

static void every_size_comes_back(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const size_t sizes[] = {
		0, 1, 7, 8, 9, 15, 16, 17, 4095, 4096, 65537, STORE_BULK_BYTES - 1, STORE_BULK_BYTES, 3000000, STORE_BLOB_MAX
	};
	enum { N = sizeof sizes / sizeof sizes[0] };
	store_blob_id ids[N];
	for (unsigned i = 0; i < N; i++) {
		char *bytes = make_bytes(sizes[i], i);
		ids[i] = blob_put(s, str_make(bytes, sizes[i]), &ann, 1);
		for (unsigned k = 0; k < i; k++)
			assert_true(ids[k] != ids[i]);
		free(bytes);
	}
	for (unsigned i = 0; i < N; i++) {
		char *bytes = make_bytes(sizes[i], i);
		assert_blob(s, ids[i], str_make(bytes, sizes[i]));
		free(bytes);
	}
}

static void too_much_is_refused(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	char *bytes = calloc(1, STORE_BLOB_MAX);
	assert_non_null(bytes);
	struct str pieces[2] = { str_make(bytes, STORE_BLOB_MAX), str_make(bytes, 1) };
	store_blob_id id = 1;
	assert_int_equal(store_blob_put(s, pieces, 2, &ann, 1, &id), ERR_TOO_BIG);
	assert_true(id == 0);
	store_tag tags[1] = { ann };
	assert_int_equal(store_blob_put(s, pieces, 1, tags, STORE_TAGS_MAX + 1, &id), ERR_TOO_BIG);
	free(bytes);
}

static void pieces_are_joined(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	enum { N = 700 };
	struct str pieces[N];
	char expected[N * 3], *at = expected;
	for (int i = 0; i < N; i++) {
		static const char text[] = "abc";
		pieces[i] = str_make(text, (size_t)i % 4);
		memcpy(at, text, (size_t)i % 4);
		at += i % 4;
	}
	store_blob_id id;
	int rc;
	while (is_passing(rc = store_blob_put(s, pieces, N, &ann, 1, &id)))
		;
	assert_int_equal(rc, 0);
	assert_blob(s, id, str_make(expected, (size_t)(at - expected)));
}

static void unknown_ids_are_not_found(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_blob_view v = { .handle = NULL };
	static const store_blob_id ids[] = { 0, 77, (uint64_t)1 << 32 | 4, (uint64_t)9 << 32, UINT64_MAX };
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		assert_int_equal(blob_map(s, ids[i], &v), ERR_NOT_FOUND);
		int rc;
		while (is_passing(rc = store_blob_tag(s, &ids[i], 1, ann)))
			;
		assert_int_equal(rc, ERR_NOT_FOUND);
		while (is_passing(rc = store_blob_untag(s, &ids[i], 1, ann)))
			;
		assert_int_equal(rc, 0);
	}
	store_blob_unmap(s, &v);
}

struct owners {
	store_blob_id id;
	unsigned ann, bob, eve, none;
	uint64_t size;
};

static int note_owner(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	struct owners *o = arg;
	if (id == o->id) {
		o->size = size;
		o->ann += tag == ann;
		o->bob += tag == bob;
		o->eve += tag == eve;
		o->none += tag == 0;
	}
	return 0;
}

static void assert_owners(struct store *s, store_blob_id id, bool by_ann, bool by_bob, bool by_eve)
{
	struct owners all = { .id = id };
	assert_int_equal(store_blob_visit(s, 0, note_owner, &all), 0);
	assert_int_equal(all.ann, by_ann);
	assert_int_equal(all.bob, by_bob);
	assert_int_equal(all.eve, by_eve);
	assert_int_equal(all.none, !by_ann && !by_bob && !by_eve);
	struct owners of_ann = { .id = id };
	assert_int_equal(store_blob_visit(s, ann, note_owner, &of_ann), 0);
	assert_int_equal(of_ann.ann, by_ann);
	assert_int_equal(of_ann.bob + of_ann.eve + of_ann.none, 0);
	store_blob_id ids[2] = { id, 12345 };
	bool has[2];
	assert_int_equal(store_blob_tagged(s, ids, 2, ann, has), 0);
	assert_true(has[0] == by_ann && !has[1]);
	assert_int_equal(store_blob_tagged(s, ids, 1, eve, has), 0);
	assert_int_equal(has[0], by_eve);
}

static void change(struct store *s, store_blob_id id, store_tag tag, bool add)
{
	int rc;
	while (is_passing(rc = add ? store_blob_tag(s, &id, 1, tag) : store_blob_untag(s, &id, 1, tag)))
		;
	assert_int_equal(rc, 0);
}

static void owners_come_and_go(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	store_tag tags[2] = { ann, bob };
	store_blob_id id = blob_put(s, STR("shared"), tags, 2), bystander = blob_put(s, STR("other"), &ann, 1);
	assert_owners(s, id, true, true, false);
	change(s, id, eve, true);
	change(s, id, eve, true);
	assert_owners(s, id, true, true, true);
	change(s, id, ann, false);
	change(s, id, ann, false);
	assert_owners(s, id, false, true, true);
	change(s, id, ann, true);
	change(s, id, bob, false);
	assert_owners(s, id, true, false, true);
	change(s, id, eve, false);
	assert_owners(s, id, true, false, false);
	change(s, id, ann, false);
	assert_owners(s, id, false, false, false);
	change(s, id, bob, true);
	assert_owners(s, id, false, true, false);
	assert_owners(s, bystander, true, false, false);
	assert_blob(s, id, STR("shared"));
}

static int stop_at_first(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)size, (void)tag;
	++*(unsigned *)arg;
	return 42;
}

static void a_visit_can_be_stopped(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	blob_put(s, STR("a"), &ann, 1);
	blob_put(s, STR("b"), &ann, 1);
	unsigned calls = 0;
	assert_int_equal(store_blob_visit(s, ann, stop_at_first, &calls), 42);
	assert_int_equal(calls, 1);
}

static void many_are_tagged_at_once(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	enum { N = 1200 };
	store_blob_id *ids = calloc(N, sizeof *ids);
	assert_non_null(ids);
	store_tag tags[2] = { ann, bob };
	for (unsigned i = 0; i < N; i++)
		ids[i] = i < 600 ? blob_put(s, STR("x"), tags, 1 + i % 2) : i == 700 ? 12345 : ids[i - 600];
	int rc;
	while (is_passing(rc = store_blob_tag(s, ids, N, eve)))
		;
	assert_int_equal(rc, ERR_NOT_FOUND);      /* of one; the others have it */
	assert_owners(s, ids[0], true, false, true);
	assert_owners(s, ids[599], true, true, true);
	while (is_passing(rc = store_blob_untag(s, ids, N, ann)))
		;
	assert_int_equal(rc, 0);
	assert_owners(s, ids[0], false, false, true);
	assert_owners(s, ids[599], false, true, true);
	free(ids);
}

/* Dropped or not, that is the engine's choice after the grace time; never before, and never with an owner. */
static void what_is_owned_is_kept(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	store_blob_id owned = blob_put(s, STR("owned"), &ann, 1), fresh = blob_put(s, STR("fresh"), NULL, 0);
	store_blob_id revived = blob_put(s, STR("revived"), &ann, 1), dead = blob_put(s, STR("dead"), &ann, 1);
	struct store_blob_view held;
	change(s, revived, ann, false);
	change(s, dead, ann, false);
	assert_int_equal(blob_map(s, dead, &held), 0);
	uint64_t reclaimed;
	assert_int_equal(store_maintain(s, UINT64_MAX, &reclaimed), 0);
	assert_blob(s, fresh, STR("fresh"));
	assert_blob(s, dead, STR("dead"));
	change(s, revived, bob, true);
	clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
	assert_int_equal(store_maintain(s, UINT64_MAX, &reclaimed), 0);
	clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
	assert_blob(s, owned, STR("owned"));
	assert_blob(s, revived, STR("revived"));
	assert_str(held.bytes, STR("dead"));      /* as long as it is held */
	store_blob_unmap(s, &held);
	struct store_blob_view v;
	int rc = blob_map(s, dead, &v);
	assert_true(rc == 0 || rc == ERR_NOT_FOUND);
	store_blob_unmap(s, &v);
}

static void what_is_held_is_kept(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_hold *hold = NULL, *other = NULL;
	uint64_t reclaimed;
	store_blob_id id = blob_put(s, STR("held"), &ann, 1);
	while (store_hold(s, &hold) || store_hold(s, &other))
		store_release(&hold);
	change(s, id, ann, false);
	for (int round = 0; round < 3; round++) {
		clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
		assert_int_equal(store_maintain(s, UINT64_MAX, &reclaimed), 0);
		assert_blob(s, id, STR("held"));
		if (round == 1)
			store_release(&other);            /* one is enough */
	}
	clock_shift_ms(-3 * (STORE_GRACE_SECONDS + 1) * 1000);
	store_release(&hold);
	store_release(&hold);
}

static void giving_way_is_counted(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_stats before, after;
	struct store_pulse pulse;
	store_stats(s, &before);
	store_gave_way(s, 30);
	store_gave_way(s, 12);
	store_stats(s, &after);
	assert_int_equal(after.gave_way - before.gave_way, 2);
	assert_int_equal(after.gave_way_us - before.gave_way_us, 42);
	store_pulse(s, &pulse);
	assert_int_equal(pulse.waiting_us, 0);                /* nobody else is here */
	uint64_t syncs = pulse.syncs;
	put(s, (struct store_scope){ STORE_SYSTEM, 0 }, STR("k"), STR("v"));
	store_pulse(s, &pulse);
	assert_true(pulse.syncs >= syncs);
}

static void a_sound_store_has_no_faults(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	put(s, (struct store_scope){ STORE_SYSTEM, 0 }, STR("k"), STR("v"));
	store_blob_id id = blob_put(s, STR("a"), &ann, 1);
	blob_put(s, STR("b"), NULL, 0);
	change(s, id, ann, false);
	for (int repair = 0; repair < 2; repair++) {
		uint64_t faults = 99;
		assert_int_equal(store_check(s, repair, NULL, NULL, &faults), 0);
		assert_int_equal(faults, 0);
	}
	struct store_stats st;
	store_stats(s, &st);
	assert_true(st.commits >= 1 && st.blob_puts == 2 && st.keys == 1);
	assert_blob(s, id, STR("a"));
}

int conformance_blobs(const struct conformance_target *t)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(every_size_comes_back, t),
		CONFORMANCE_TEST(too_much_is_refused, t),
		CONFORMANCE_TEST(pieces_are_joined, t),
		CONFORMANCE_TEST(unknown_ids_are_not_found, t),
		CONFORMANCE_TEST(owners_come_and_go, t),
		CONFORMANCE_TEST(a_visit_can_be_stopped, t),
		CONFORMANCE_TEST(many_are_tagged_at_once, t),
		CONFORMANCE_TEST(what_is_owned_is_kept, t),
		CONFORMANCE_TEST(what_is_held_is_kept, t),
		CONFORMANCE_TEST(giving_way_is_counted, t),
		CONFORMANCE_TEST(a_sound_store_has_no_faults, t),
	};
	return cmocka_run_group_tests_name(t->name, tests, NULL, NULL);
}
