/* Accounts: made, opened, watched, locked, deleted. */
#include "model/fixture.h"

#include "base/clock.h"
#include "model/limits.h"

#include <stdatomic.h>
#include <time.h>

static void one_object_for_all(void **state)
{
	struct fixture *f = *state;
	struct account *again;
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &again), 0);
	assert_ptr_equal(again, f->account);
	assert_int_equal(account_id(again), FIXTURE_ACCOUNT);
	account_close(&again);
	assert_null(again);
	account_close(&again);
}

static void version_grows(void **state)
{
	struct fixture *f = *state;
	uint64_t before = account_version(f->account);
	assert_int_equal(account_version(f->account), before);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_true(account_version(f->account) > before);
	/* a change that changes nothing is none */
	before = account_version(f->account);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_REMOVE, MESSAGE_SEEN, NULL);
	fixture_flags(f, FIXTURE_INBOX, "77", FLAGS_ADD, MESSAGE_SEEN, "word");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, true, NULL, NULL), 0);
	assert_int_equal(account_version(f->account), before);
}

static void on_news(void *arg) { atomic_fetch_add((atomic_int *)arg, 1); }

/* Hints may come late: waits up to a minute. */
static bool wait_for(atomic_int *v, int least)
{
	for (int i = 0; i < 6000 && atomic_load(v) < least; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return atomic_load(v) >= least;
}

static void watchers_are_told(void **state)
{
	struct fixture *f = *state;
	atomic_int a = 0, b = 0;
	struct account_watch *wa, *wb;
	assert_int_equal(account_watch(f->account, on_news, &a, &wa), 0);
	assert_int_equal(account_watch(f->account, on_news, &b, &wb), 0);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_true(wait_for(&a, 1) && wait_for(&b, 1));
	account_unwatch(f->account, &wa);
	assert_null(wa);
	int a_had = atomic_load(&a), b_had = atomic_load(&b);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_true(wait_for(&b, b_had + 1));
	assert_int_equal(atomic_load(&a), a_had);
	account_unwatch(f->account, &wb);
	account_unwatch(f->account, &wb);
	b_had = atomic_load(&b);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_int_equal(atomic_load(&b), b_had);
}

static void maildrop_has_one_holder(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(account_lock_maildrop(f->account), 0);
	struct account *again;
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &again), 0);
	assert_int_equal(account_lock_maildrop(again), ERR_BUSY);
	account_unlock_maildrop(f->account);
	assert_int_equal(account_lock_maildrop(again), 0);
	account_unlock_maildrop(again);
	account_close(&again);
	assert_int_equal(account_touch_login(f->account, 100), 0);
	/* kept while nobody has the account open */
	account_close(&f->account);
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &f->account), 0);
	assert_int_equal(account_touch_login(f->account, 200), 100);
	assert_int_equal(account_touch_login(f->account, 300), 200);
}

/* What users put somewhere themselves stops at the limit, what is delivered at the grace above it. */
static void deliveries_may_use_the_grace(void **state)
{
	struct fixture *f = *state;
	static const struct { struct quota limits; unsigned percent; bool user, delivery; } cases[] = {
		{ { .bytes_max = 30 }, 0, true, true }, { { .bytes_max = 29 }, 0, false, false }, { { .bytes_max = 29 }, 10, false, true },
		{ { .bytes_max = 25 }, 10, false, false }, { { .bytes_max = 15 }, 100, false, true }, { { .messages_max = 3 }, 0, true, true },
		{ { .messages_max = 2 }, 10, false, false }, { { .messages_max = 2 }, 50, false, true }, { { .messages_max = QUOTA_ZERO }, 1000, false, false },
		{ { .bytes_max = QUOTA_ZERO }, 1000, false, false }, { { .bytes_max = INT64_MAX }, 1000, true, true }, { { .bytes_max = 0 }, 0, true, true },
	};
	struct quota q;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		model_set_quota_grace(f->model, cases[i].percent);
		assert_int_equal(account_set_quota(f->account, &cases[i].limits), 0);
		assert_int_equal(account_quota(f->account, &q), 0);
		assert_int_equal(q.grace_percent, cases[i].percent);
		q.messages = 2;
		q.bytes = 20;
		assert_int_equal(quota_has_room(&q, 1, 10, false), cases[i].user);
		assert_int_equal(quota_has_room(&q, 1, 10, true), cases[i].delivery);
	}
	uint64_t account = FIXTURE_ACCOUNT;
	struct str text = STR("0123456789");
	model_set_quota_grace(f->model, 50);
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 14 }), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct model_delivery d = { .account = account, .append = { .size = 10 } };
		assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &d.append.blob), 0);
		assert_int_equal(model_deliver(f->model, &d, 1), i < 2 ? 0 : ERR_QUOTA);
		assert_int_equal(account_quota(f->account, &q), 0);
		assert_int_equal(quota_is_exceeded(&q), i > 0);
	}
	model_set_quota_grace(f->model, 0);
}

static void mailboxes_have_a_quota(void **state)
{
	struct fixture *f = *state;
	struct quota q;
	assert_int_equal(account_quota(f->account, &q), 0);
	struct quota limits = { .mailboxes_max = q.mailboxes + 2 };
	assert_int_equal(account_set_quota(f->account, &limits), 0);
	/* the superiors that are made count */
	assert_int_equal(mailbox_create(f->account, STR("a/b/c"), 0, NULL, NULL), ERR_QUOTA);
	assert_int_equal(mailbox_create(f->account, STR("a/b"), 0, NULL, NULL), 0);
	assert_int_equal(mailbox_create(f->account, STR("d"), 0, NULL, NULL), ERR_QUOTA);
	assert_int_equal(mailbox_rename(f->account, STR("a/b"), STR("d"), NULL), 0);
	assert_int_equal(mailbox_rename(f->account, STR("INBOX"), STR("e"), NULL), ERR_QUOTA);
	assert_int_equal(mailbox_delete(f->account, STR("d"), NULL), 0);
	assert_int_equal(mailbox_create(f->account, STR("e"), 0, NULL, NULL), 0);
	limits.mailboxes_max = QUOTA_ZERO;
	assert_int_equal(account_set_quota(f->account, &limits), 0);
	assert_int_equal(account_quota(f->account, &q), 0);
	assert_true(q.mailboxes_max == QUOTA_ZERO);
	assert_int_equal(mailbox_create(f->account, STR("g"), 0, NULL, NULL), ERR_QUOTA);
}

static void quota_counts_and_refuses(void **state)
{
	struct fixture *f = *state;
	struct quota q;
	uint64_t account = FIXTURE_ACCOUNT;
	struct str text = STR("0123456789");
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 25, .messages_max = 3 }), 0);
	fixture_append(f, FIXTURE_INBOX, "0123456789", 0);
	fixture_append(f, FIXTURE_INBOX, "0123456789", 0);
	assert_int_equal(account_quota(f->account, &q), 0);
	assert_int_equal(q.bytes, 20);
	assert_int_equal(q.messages, 2);
	assert_int_equal(q.bytes_max, 25);
	assert_int_equal(q.messages_max, 3);
	struct append items[2] = { { .size = 10 }, { .size = 10 } };
	assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &items[0].blob), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, 1, false, NULL), ERR_QUOTA);
	assert_int_equal(fixture_blobs(f), 2);
	/* a copy counts, a move does not */
	struct rangeset one = fixture_uids("1"), both = fixture_uids("1:*");
	uint32_t other = fixture_mailbox(f, "other");
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &one, false, NULL, NULL, NULL), ERR_QUOTA);
	assert_int_equal(fixture_get(f, other).messages, 0);
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &both, true, NULL, NULL, NULL), 0);
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 0, .messages_max = 2 }), 0);
	assert_int_equal(mailbox_copy(f->account, other, FIXTURE_INBOX, &one, false, NULL, NULL, NULL), ERR_QUOTA);
	assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &items[0].blob), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, 1, true, NULL), 0);
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 0, .messages_max = 0 }), 0);
	assert_int_equal(mailbox_expunge(f->account, other, NULL, false, NULL, NULL), 0);
	assert_int_equal(account_quota(f->account, &q), 0);
	assert_int_equal(q.messages, 1);
	assert_int_equal(q.bytes, 10);
	/* no overflow however big the numbers are */
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = UINT64_MAX, .messages_max = UINT64_MAX }), 0);
	assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &items[0].blob), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, 1, false, NULL), 0);
	rangeset_fini(&one);
	rangeset_fini(&both);
	fixture_check(f);
}

static void deleted_and_made_again(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 1500);
	struct view *v, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	struct mailbox before = fixture_get(f, FIXTURE_INBOX);
	uint64_t email = view_at(v, 1499).email;
	assert_int_equal(account_delete(f->model, FIXTURE_ACCOUNT), 0);
	assert_int_equal(account_delete(f->model, FIXTURE_ACCOUNT), ERR_NOT_FOUND);
	assert_int_equal(fixture_blobs(f), 0);
	/* who still holds it finds nothing */
	struct mailbox m;
	struct quota q;
	struct rangeset all = fixture_uids("1:*");
	struct flags_change change = { .op = FLAGS_ADD, .flags = MESSAGE_SEEN };
	assert_int_equal(view_refresh(f->account, v, &newer), ERR_NOT_FOUND);
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("INBOX"), &m), ERR_NOT_FOUND);
	assert_int_equal(mailbox_flags(f->account, FIXTURE_INBOX, &all, &change, NULL, NULL, NULL), ERR_NOT_FOUND);
	assert_int_equal(account_quota(f->account, &q), ERR_NOT_FOUND);
	rangeset_fini(&all);
	account_close(&f->account);
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &f->account), ERR_NOT_FOUND);
	uint64_t *ids;
	size_t n;
	assert_int_equal(model_accounts(f->model, &f->arena, &ids, &n), 0);
	assert_int_equal(n, 0);
	/* nothing of its new life can be taken for something of the old one */
	assert_int_equal(account_create(f->model, FIXTURE_ACCOUNT), 0);
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &f->account), 0);
	assert_true(fixture_get(f, FIXTURE_INBOX).uidvalidity > before.uidvalidity);
	assert_true(fixture_get(f, FIXTURE_INBOX).modseq > before.modseq);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_int_equal(view_refresh(f->account, v, &newer), 0);
	assert_int_equal(view_count(newer), 1);
	assert_true(view_at(newer, 0).email > email);
	view_unref(&v);
	view_unref(&newer);
	fixture_check(f);
}

static void all_are_listed(void **state)
{
	struct fixture *f = *state;
	static const uint64_t ids[] = { 3, 1000, UINT64_C(0x00ffffffffffffff), 1 };
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(account_create(f->model, ids[i]), 0);
	assert_int_equal(account_delete(f->model, 3), 0);
	uint64_t *list;
	size_t n;
	assert_int_equal(model_accounts(f->model, &f->arena, &list, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(list[0], 1);
	assert_int_equal(list[1], FIXTURE_ACCOUNT);
	assert_int_equal(list[2], 1000);
	assert_true(list[3] == ids[2]);
	fixture_check(f);
}

static void idle_accounts_are_bounded(void **state)
{
	struct fixture *f = *state;
	if (f->engine == STORE_ENGINE_LMDB)
		return;
	for (uint64_t id = 100; id < 100 + ACCOUNTS_IDLE_MAX + 10; id++) {
		struct account *a;
		assert_int_equal(account_create(f->model, id), 0);
		assert_int_equal(account_open(f->model, id, &a), 0);
		assert_int_equal(account_touch_login(a, 1), 0);
		account_close(&a);
	}
	/* the first ones are forgotten, the last ones not */
	struct account *a;
	assert_int_equal(account_open(f->model, 100, &a), 0);
	assert_int_equal(account_touch_login(a, 2), 0);
	account_close(&a);
	assert_int_equal(account_open(f->model, 100 + ACCOUNTS_IDLE_MAX, &a), 0);
	assert_int_equal(account_touch_login(a, 2), 1);
	account_close(&a);
}

/* INBOX has the same id in every life of an account, and views of the old one may still be cached. */
static void a_new_life_shows_nothing_of_the_old(void **state)
{
	struct fixture *f = *state;
	for (int life = 0; life < 3; life++) {
		struct view *empty;
		assert_int_equal(view_open(f->account, FIXTURE_INBOX, &empty), 0);
		assert_int_equal(view_count(empty), 0);
		view_unref(&empty);
		for (uint32_t n = 1; n <= 4; n++) {
			struct view *v;
			char text[32];
			struct store_blob_view bytes;
			snprintf(text, sizeof text, "life %d, mail %u\r\n", life, n);
			assert_int_equal(fixture_append(f, FIXTURE_INBOX, text, 0), n);
			assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
			assert_int_equal(view_count(v), n);
			assert_int_equal(email_map(f->account, view_at(v, 0).email, &bytes), 0);
			assert_true(str_ends(bytes.bytes, STR("mail 1\r\n")));
			email_unmap(f->account, &bytes);
			view_unref(&v);
		}
		account_close(&f->account);
		assert_int_equal(account_delete(f->model, FIXTURE_ACCOUNT), 0);
		assert_int_equal(account_create(f->model, FIXTURE_ACCOUNT), 0);
		assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &f->account), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_new_life_shows_nothing_of_the_old),
		FIXTURE_TEST(one_object_for_all), FIXTURE_TEST(version_grows),
		FIXTURE_TEST(watchers_are_told), FIXTURE_TEST(maildrop_has_one_holder),
		FIXTURE_TEST(quota_counts_and_refuses), FIXTURE_TEST(deliveries_may_use_the_grace),
		FIXTURE_TEST(mailboxes_have_a_quota), FIXTURE_TEST(deleted_and_made_again),
		FIXTURE_TEST(all_are_listed), FIXTURE_TEST(idle_accounts_are_bounded),
	};
	return fixture_run("account", tests, sizeof(tests) / sizeof(*tests));
}
