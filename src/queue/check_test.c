/* Every way in which the queue can be damaged is told, and mended; what cannot be read is kept aside. */
#include "queue/fixture.h"

#include "queue/keys.h"

static void fill(struct fixture *f)
{
	uint64_t id = fixture_submit(f, "s@example.com > a@example.net b@example.com"), n;
	struct queue_filter filter = { .id = id };
	fixture_submit(f, "s@example.com > c@example.net");
	fixture_finish(f, fixture_take_of(f, "example.com"), QUEUE_FAILED);
	id = fixture_submit(f, "h@example.com > a@example.net");
	filter.id = id;
	assert_int_equal(queue_act(f->queue, &filter, QUEUE_HOLD, &n, NULL), 0);
}

struct told {
	char lines[2000];
	unsigned n;
};

static void tell(void *arg, const char *line)
{
	struct told *t = arg;
	size_t at = strlen(t->lines);
	snprintf(t->lines + at, sizeof(t->lines) - at, "%s\n", line);
	t->n++;
}

static uint64_t check(struct fixture *f, bool repair, struct told *t)
{
	uint64_t faults;
	*t = (struct told){ .n = 0 };
	assert_int_equal(queue_check(f->queue, repair, tell, t, &faults), 0);
	return faults;
}

static void assert_clean(struct fixture *f)
{
	struct told t;
	if (check(f, false, &t) || t.n)
		fail_msg("%s", t.lines);
}

struct damage {
	char kind;
	size_t key_n;                                 /* 0: any */
	enum { DELETE, SPOIL, TWIN } how;             /* TWIN: the same under another number */
	unsigned done;                                /* out */
};

/* To the first key of the kind. */
static int do_damage(struct store_write *w, void *arg)
{
	struct damage *d = arg;
	char from[1] = { d->kind }, to[1] = { (char)(d->kind + 1) }, copy[400], name[400];
	struct str key, value, at = str_make(from, 1);
	d->done = 0;
	int rc;
	while ((rc = store_wfind(w, at, str_make(to, 1), false, &key, &value)) == 1) {
		struct str name_copy = str_make(name, key.n);
		assert_true(key.n < sizeof(name) && value.n < sizeof(copy));
		memcpy(name, key.p, key.n);
		memcpy(copy, value.p, value.n);
		size_t n = value.n;
		if (d->key_n && d->key_n != key.n) {
			name[key.n] = 0;
			at = str_make(name, key.n + 1);
			continue;
		}
		d->done++;
		if (d->how == DELETE)
			return store_del(w, name_copy);
		if (d->how == TWIN)
			name[key.n - 2] ^= 0x40;
		else if (n > 12)
			copy[12] ^= 1;
		return store_put(w, name_copy, str_make(copy, n));
	}
	return rc;
}

static void damage_is_told_and_mended(void **state)
{
	struct fixture *f = *state;
	static const struct { struct damage d; const char *told; } cases[] = {
		{ { 'q', 0, DELETE, 0 }, "a notice would never be sent" },               /* the first destination is :notice */
		{ { 'q', 0, TWIN, 0 }, "an entry of the queue belongs to no recipient" },
		{ { 'q', 1 + 11 + 20, DELETE, 0 }, "would never be tried" },
		{ { 't', 0, DELETE, 0 }, "would never expire" },
		{ { 't', 0, TWIN, 0 }, "an entry of the times belongs to no message" },
		{ { 'h', 0, DELETE, 0 }, "is held, but not listed so" },
		{ { 'h', 0, TWIN, 0 }, "an entry of what is held belongs to no message" },
		{ { 's', 0, SPOIL, 0 }, "the counts of shard" },
		{ { 's', 0, DELETE, 0 }, "the counts of shard" },
		{ { 'm', 9, DELETE, 0 }, "recipients without an envelope" },
		{ { 'm', 9, SPOIL, 0 }, "cannot be read" },
		{ { 'm', 11, SPOIL, 0 }, "cannot be read" },
		{ { 'm', 11, DELETE, 0 }, "queue: " },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct damage d = cases[i].d;
		struct told t;
		fill(f);
		assert_clean(f);
		unsigned shard = 0;
		do
			assert_int_equal(store_commit(f->store, queue_scope(shard), do_damage, &d), 0);
		while (!d.done && ++shard < QUEUE_SHARDS);
		assert_true(d.done);
		if (!check(f, false, &t) || !strstr(t.lines, cases[i].told))
			fail_msg("case %zu, expected \"%s\", told:\n%s", i, cases[i].told, t.lines);
		assert_true(check(f, true, &t) > 0);
		assert_clean(f);
		fixture_reopen(f);
	}
}

/* What was mended is delivered. */
static void mended_messages_go_out(void **state)
{
	struct fixture *f = *state;
	struct told t;
	fixture_submit(f, "s@example.com > a@example.net");
	for (unsigned shard = 0; shard < QUEUE_SHARDS; shard++) {
		struct damage d = { 'q', 0, DELETE, 0 };
		assert_int_equal(store_commit(f->store, queue_scope(shard), do_damage, &d), 0);
	}
	fixture_reopen(f);
	fixture_expect_nothing(f);
	assert_int_equal(check(f, true, &t), 1);
	fixture_tick(f);
	fixture_expect(f, "example.net: a@example.net", QUEUE_DELIVERED);
	fixture_empty(f);
}

struct kept { uint64_t id; char bytes[4096]; size_t n; };

/* Exchanges a message's record for what is kept. */
static int exchange_record(struct store_write *w, void *arg)
{
	struct kept *k = arg, old = { .id = k->id };
	struct key key = key_number(KEY_MESSAGE, k->id);
	struct str value;
	int rc = store_wget(w, key_str(&key), &value);
	if (rc == 0) {
		assert_true(value.n <= sizeof(old.bytes));
		memcpy(old.bytes, value.p, old.n = value.n);
		rc = store_put(w, key_str(&key), str_make(k->bytes, k->n));
	}
	if (rc == 0)
		*k = old;
	return rc;
}

static void exchange(struct fixture *f, struct kept *k)
{
	assert_int_equal(store_commit(f->store, queue_scope(queue_shard(k->id)), exchange_record, k), 0);
}

/* A result that cannot be written down for damage does not keep others from it: they would be forgotten with a restart, and their mail delivered again. */
static void damage_does_not_stop_results(void **state)
{
	struct fixture *f = *state;
	/* whichever of them is tried first */
	for (unsigned sound = 0; sound < 3; sound++) {
		struct kept k[3];
		struct queue_job *j[3];
		for (unsigned i = 0; i < 3; i++) {
			char text[64];
			snprintf(text, sizeof(text), "s@example.com > a@n%u.example.net", i);
			k[i] = (struct kept){ .id = fixture_submit(f, text), .bytes = "?", .n = 1 };
		}
		for (unsigned i = 0; i < 3; i++) {
			char name[32];
			snprintf(name, sizeof(name), "n%u.example.net", i);
			j[i] = fixture_take_of(f, name);
			assert_non_null(j[i]);
			exchange(f, &k[i]);
			j[i]->recipients[0].result = (struct queue_result){ .outcome = QUEUE_RELAYED, .status = STR("2.0.0"), .reply = STR("250 taken") };
		}
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(queue_finish(f->queue, &j[i]), ERR_CORRUPT);
		assert_int_equal(f->queue->schedule.n_unwritten, 3);
		exchange(f, &k[sound]);
		fixture_tick(f);
		assert_int_equal(f->queue->schedule.n_unwritten, 2);
		for (unsigned i = 0; i < 3; i++)
			if (i != sound)
				exchange(f, &k[i]);
		fixture_tick(f);
		assert_int_equal(f->queue->schedule.n_unwritten, 0);
		fixture_empty(f);
	}
}

/* What cannot be read does not keep the clock from the rest. */
static void damage_does_not_stop_the_clock(void **state)
{
	struct fixture *f = *state;
	struct damage d = { 'm', 9, SPOIL, 0 };
	fixture_submit(f, "s@example.com > a@example.net");
	for (unsigned shard = 0; !d.done && shard < QUEUE_SHARDS; shard++)
		assert_int_equal(store_commit(f->store, queue_scope(shard), do_damage, &d), 0);
	fixture_submit(f, "s@example.com > b@example.com");
	fixture_forward(f, 3001);
	struct queue_job *j = fixture_take_of(f, QUEUE_NOTICES);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), "notice: b@example.com=delayed");
	assert_int_equal(queue_finish_notice(f->queue, &j, NULL), 0);
}

static unsigned count_failures(struct fixture *f)
{
	struct key from = queue_key_first(KEY_DESTINATION), to = queue_key_after(KEY_DESTINATION);
	struct str key, value;
	struct store_read *r;
	struct store_iter *it;
	unsigned n = 0;
	assert_int_equal(store_begin(f->store, queue_scope(0), &r), 0);
	assert_int_equal(store_range(r, key_str(&from), key_str(&to), false, &it), 0);
	while (store_next(it, &key, &value) == 1)
		n++;
	store_end(&r);
	return n;
}

static void old_failures_are_forgotten(void **state)
{
	struct fixture *f = *state;
	char name[32];
	for (unsigned i = 0; i < 2 * QUEUE_CLERK_BATCH + 1; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		queue_destination_failed(f->queue, str_from_c(name), STR("4.4.1"), STR("no answer"), STR_NONE);
	}
	assert_int_equal(count_failures(f), 2 * QUEUE_CLERK_BATCH + 1);
	fixture_forward(f, 100000);
	fixture_tick(f);
	assert_int_equal(count_failures(f), 0);
}

static void bodies(void **state)
{
	struct fixture *f = *state;
	struct str text = STR("left by a crash");
	store_tag tag = queue_tag(0);
	store_blob_id stale;
	struct told t;
	fixture_submit(f, "s@example.com > a@example.net");
	assert_int_equal(store_blob_put(f->store, &text, 1, &tag, 1, &stale), 0);
	assert_int_equal(check(f, false, &t), 0);
	assert_non_null(strstr(t.lines, "note: queue: 1 bodies"));
	assert_int_equal(check(f, true, &t), 0);
	assert_clean(f);
	/* Its message may just be coming. */
	fixture_tick(f);
	assert_int_equal(fixture_blobs(f), 2);
	/* and by itself: nothing else is given back meanwhile, and nobody restarts */
	fixture_forward(f, QUEUE_CONDEMNED_S);
	fixture_tick(f);
	assert_int_equal(fixture_blobs(f), 1);
	struct queue_job *j = fixture_take(f);
	store_blob_id blob = j->blob;
	assert_int_equal(store_blob_untag(f->store, &blob, 1, queue_tag(queue_shard(j->id))), 0);
	assert_int_equal(check(f, true, &t), 1);
	assert_non_null(strstr(t.lines, "its body is not kept"));
	assert_clean(f);
	fixture_finish(f, j, QUEUE_DELIVERED);
	fixture_empty(f);
}

/* A repair takes a body for garbage whose message is just being submitted. */
struct race {
	struct fixture *f;
	store_blob_id blob;
};

static int put_freed(struct store_write *w, void *arg)
{
	const struct race *r = arg;
	struct key key = key_number(KEY_UNTAG, r->blob);
	return store_put(w, key_str(&key), STR_NONE);
}

static void a_body_that_was_taken_for_garbage(void **state)
{
	struct fixture *f = *state;
	struct str text = STR("next to it");
	store_tag tag = queue_tag(0);
	struct race r = { .f = f };
	/* bodies lie one behind the other, so the next one's id follows from two of the same size */
	store_blob_id first, second;
	struct queue_submission s = fixture_message(f, "s@example.com > a@example.net");
	s.pieces = &text;
	assert_int_equal(store_blob_put(f->store, &text, 1, &tag, 1, &first), 0);
	assert_int_equal(store_blob_put(f->store, &text, 1, &tag, 1, &second), 0);
	r.blob = second + (second - first);
	assert_int_equal(store_commit(f->store, queue_scope(0), put_freed, &r), 0);
	uint64_t id;
	atomic_store(&f->queue->next_shard, 0);
	assert_int_equal(queue_submit(f->queue, &s, &id, NULL), 0);
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_true(j->blob != r.blob);
	fixture_finish(f, j, QUEUE_DELIVERED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(damage_is_told_and_mended), FIXTURE_TEST(mended_messages_go_out), FIXTURE_TEST(damage_does_not_stop_the_clock), FIXTURE_TEST(damage_does_not_stop_results),
		FIXTURE_TEST(old_failures_are_forgotten), FIXTURE_TEST(bodies),
		FIXTURE_TEST(a_body_that_was_taken_for_garbage),
	};
	return fixture_run("check", tests, sizeof(tests) / sizeof(tests[0]));
}
