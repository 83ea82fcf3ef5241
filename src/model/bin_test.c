/* Deleted mail comes into the bin, stays as long as it should, and comes back as it was: from the contract, bin.h. */
#include "model/bin_fixture.h"

#include "base/clock.h"
#include "model/acl.h"
#include "model/bin.h"
#include "model/index.h"
#include "model/limits.h"
#include "model/purge.h"
#include "model/removal.h"
#include "rt/metric.h"

static void copy(struct fixture *f, uint32_t from, uint32_t to, const char *uids, bool move)
{
	struct rangeset set = fixture_uids(uids);
	FIXTURE_OK(mailbox_copy(f->account, from, to, &set, move, NULL, NULL, NULL));
	rangeset_fini(&set);
}

/* ---- what goes in ---- */

static void off_at_first(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	fixture_append(f, FIXTURE_INBOX, "gone", 0);
	expunge_uids(f, FIXTURE_INBOX, "1");
	assert_int_equal(bin_find(f->account, &f->arena, &m), ERR_NOT_FOUND);
	assert_int_equal(fixture_blobs(f), 0);
}

static void expunged_is_kept(void **state)
{
	struct fixture *f = *state;
	int64_t before = clock_now();
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append(f, FIXTURE_INBOX, "first", MESSAGE_SEEN | MESSAGE_FLAGGED);
	fixture_append(f, FIXTURE_INBOX, "second", MESSAGE_DELETED);
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, MESSAGE_ANSWERED, "$Work");
	expunge_uids(f, FIXTURE_INBOX, "1:2");
	struct mailbox bin = bin_of(f);
	assert_true(str_eq(bin.name, STR("Recently Deleted")));
	assert_int_equal(bin.messages, 2);
	/* \Deleted does not come along */
	assert_string_equal(fixture_show_mailbox(f, bin.id), "1:sf 2:a0");
	struct message m = message_at(f, bin.id, 1);
	assert_int_equal(m.date, 1000);
	assert_true(m.saved >= before && m.saved <= clock_now());
	assert_body(f, bin.id, 0, "first");
	assert_body(f, bin.id, 1, "second");
	assert_int_equal(fixture_blobs(f), 2);
	struct quota q;
	FIXTURE_OK(account_quota(f->account, &q));
	assert_int_equal(q.messages, 0);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(q.mailboxes, 6);
	fixture_check(f);
	fixture_reopen(f);
	fixture_check(f);
}

/* Only who loses the last place goes there. */
static void moved_and_copied_is_not_deleted(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t other = fixture_mailbox(f, "other");
	fixture_append(f, FIXTURE_INBOX, "one", 0);
	fixture_append(f, FIXTURE_INBOX, "two", 0);
	copy(f, FIXTURE_INBOX, other, "1", true);
	copy(f, FIXTURE_INBOX, other, "2", false);
	expunge_uids(f, FIXTURE_INBOX, "2");
	struct mailbox m;
	assert_int_equal(bin_find(f->account, &f->arena, &m), ERR_NOT_FOUND);
	expunge_uids(f, other, "1:2");
	assert_int_equal(bin_of(f).messages, 2);
	fixture_check(f);
}

/* A restored copy that is deleted again: its time begins anew. */
static void deleted_twice(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append(f, FIXTURE_INBOX, "one", 0);
	expunge_uids(f, FIXTURE_INBOX, "1");
	uint32_t bin = bin_of(f).id;
	copy(f, bin, FIXTURE_INBOX, "1", false);
	expunge_uids(f, FIXTURE_INBOX, "2");
	assert_string_equal(fixture_show_mailbox(f, bin), "1 2");
	expunge_uids(f, bin, "1");
	assert_body(f, bin, 0, "one");
	assert_int_equal(fixture_blobs(f), 1);
	expunge_uids(f, bin, "2");
	assert_int_equal(fixture_blobs(f), 0);
	fixture_check(f);
}

static void replaced_is_kept(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	struct str text = STR("new");
	uint64_t account = FIXTURE_ACCOUNT;
	uint32_t uidvalidity;
	fixture_append(f, FIXTURE_INBOX, "old", MESSAGE_DRAFT);
	struct append item = { .size = 3, .summary = STR("s") };
	FIXTURE_OK(model_put_blob(f->model, &text, 1, &account, 1, &item.blob));
	FIXTURE_OK(mailbox_replace(f->account, FIXTURE_INBOX, 1, FIXTURE_INBOX, &item, &uidvalidity));
	assert_string_equal(fixture_show_mailbox(f, bin_of(f).id), "1:t");
	assert_body(f, bin_of(f).id, 0, "old");
	fixture_check(f);
}

/* More than one commit forgets: by graves. */
static void many(void **state)
{
	struct fixture *f = *state;
	unsigned n = 3 * PURGE_INLINE_MAX + 17;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append_many(f, FIXTURE_INBOX, n);
	fixture_flags(f, FIXTURE_INBOX, "2:3", FLAGS_ADD, MESSAGE_SEEN, "word");
	expunge_uids(f, FIXTURE_INBOX, "1:*");
	struct mailbox bin = bin_of(f);
	assert_int_equal(bin.messages, n);
	assert_int_equal(bin.unseen, n - 2);
	assert_int_equal(fixture_blobs(f), n);
	fixture_check(f);
	char uids[40];
	snprintf(uids, sizeof(uids), "1:%u", n);
	assert_int_equal(restore_uids(f, FIXTURE_INBOX, uids, NULL), n);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, n);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).unseen, n - 2);
	assert_int_equal(bin_of(f).messages, 0);
	fixture_check(f);
	/* and out of the bin for good */
	expunge_uids(f, FIXTURE_INBOX, "1:*");
	expunge_uids(f, bin.id, "1:*");
	assert_int_equal(fixture_blobs(f), 0);
	fixture_check(f);
}

/* ---- what it is not ---- */

static void nothing_can_be_put_there(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append(f, FIXTURE_INBOX, "one", 0);
	fixture_append(f, FIXTURE_INBOX, "two", 0);
	expunge_uids(f, FIXTURE_INBOX, "1");
	struct mailbox bin = bin_of(f), *list, m;
	struct str text = STR("x");
	uint64_t account = FIXTURE_ACCOUNT;
	struct append item = { .size = 1, .summary = STR("s") };
	FIXTURE_OK(model_put_blob(f->model, &text, 1, &account, 1, &item.blob));
	assert_int_equal(mailbox_append(f->account, bin.id, &item, 1, false, NULL), ERR_DENIED);
	struct rangeset uids = fixture_uids("2");
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, bin.id, &uids, false, NULL, NULL, NULL), ERR_DENIED);
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, bin.id, &uids, true, NULL, NULL, NULL), ERR_DENIED);
	rangeset_fini(&uids);
	FIXTURE_OK(model_put_blob(f->model, &text, 1, &account, 1, &item.blob));
	uint32_t uidvalidity;
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 2, bin.id, &item, &uidvalidity), ERR_DENIED);
	assert_int_equal(mailbox_delete(f->account, bin.name, NULL), ERR_DENIED);
	assert_int_equal(mailbox_rename(f->account, bin.name, STR("mine"), NULL), ERR_DENIED);
	assert_int_equal(mailbox_rename(f->account, STR("Drafts"), STR("Recently Deleted/Drafts"), NULL), ERR_DENIED);
	assert_int_equal(mailbox_create(f->account, bin.name, 0, NULL, NULL), ERR_EXISTS);
	assert_int_equal(mailbox_create(f->account, STR("Recently Deleted/below"), 0, NULL, NULL), ERR_DENIED);
	assert_int_equal(mailbox_set_use(f->account, bin.name, MAILBOX_USE_TRASH, NULL), ERR_DENIED);
	assert_int_equal(mailbox_acl_set(f->account, bin.id, STR("anyone"), false, ACL_REPLACE, ACL_READ, NULL), ERR_DENIED);
	size_t n;
	FIXTURE_OK(mailbox_list(f->account, &f->arena, &list, &n));
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++)
		assert_false(list[i].bin);
	/* by its name it is found, and a delivery into it goes to INBOX */
	FIXTURE_OK(mailbox_find(f->account, &f->arena, bin.name, &m));
	assert_int_equal(m.id, bin.id);
	struct model_delivery d = { .account = FIXTURE_ACCOUNT, .mailbox = bin.name, .append = { .size = 1, .summary = STR("s") } };
	FIXTURE_OK(model_put_blob(f->model, &text, 1, &account, 1, &d.append.blob));
	FIXTURE_OK(model_deliver(f->model, &d, 1));
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 2);
	fixture_check(f);
}

static void taken_name(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_mailbox(f, "Recently Deleted");
	fixture_append(f, FIXTURE_INBOX, "one", 0);
	expunge_uids(f, FIXTURE_INBOX, "1");
	assert_true(str_eq(bin_of(f).name, STR("Recently Deleted 2")));
	fixture_check(f);
}

static void quota_counts_what_comes_back(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append(f, FIXTURE_INBOX, "12345", 0);
	expunge_uids(f, FIXTURE_INBOX, "1");
	struct quota q = { .messages_max = QUOTA_ZERO };
	FIXTURE_OK(account_set_quota(f->account, &q));
	uint32_t bin = bin_of(f).id;
	struct rangeset uids = fixture_uids("1");
	assert_int_equal(mailbox_copy(f->account, bin, FIXTURE_INBOX, &uids, true, NULL, NULL, NULL), ERR_QUOTA);
	assert_int_equal(bin_restore(f->account, &f->arena, FIXTURE_INBOX, &uids, NULL, NULL), ERR_QUOTA);
	rangeset_fini(&uids);
	q.messages_max = 0;
	FIXTURE_OK(account_set_quota(f->account, &q));
	copy(f, bin, FIXTURE_INBOX, "1", true);
	FIXTURE_OK(account_quota(f->account, &q));
	assert_int_equal(q.messages, 1);
	assert_int_equal(q.bytes, 5);
	fixture_check(f);
}

/* ---- how long ---- */

static void goes_when_its_time_is_over(void **state)
{
	struct fixture *f = *state;
	uint64_t gone;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append_many(f, FIXTURE_INBOX, 10);
	fixture_mailbox(f, "box");
	FIXTURE_OK(mailbox_delete(f->account, STR("box"), NULL));
	expunge_uids(f, FIXTURE_INBOX, "1:9");
	int64_t now = clock_now();
	FIXTURE_OK(bin_sweep(f->model, FIXTURE_ACCOUNT, now + 30 * DAY - 60, &gone));
	assert_int_equal(gone, 0);
	assert_int_equal(bin_of(f).messages, 9);
	FIXTURE_OK(bin_sweep(f->model, FIXTURE_ACCOUNT, now + 30 * DAY + 1, &gone));
	assert_int_equal(bin_of(f).messages, 0);
	if (!fixture_faults())
		assert_int_equal(gone, 9);
	struct bin_mailbox *tombs;
	size_t n;
	FIXTURE_OK(bin_mailboxes(f->account, &f->arena, &tombs, &n));
	assert_int_equal(n, 0);
	fixture_check(f);
	assert_int_equal(fixture_blobs(f), 1);
	/* switched off, the bin is emptied */
	expunge_uids(f, FIXTURE_INBOX, "10");
	keep_for(f, 0, 0, 0);
	FIXTURE_OK(bin_sweep(f->model, FIXTURE_ACCOUNT, now + 1, NULL));
	fixture_check(f);
	assert_int_equal(fixture_blobs(f), 0);
}

/* One that was deleted while the clock was ahead. */
static int save_late(struct change *c, void *arg)
{
	const struct mailbox *bin = arg;
	struct page_edit page;
	int rc = index_page_at(change_source(c), bin->id, 1, &page);
	if (rc != 1)
		return rc;
	page.m[0].saved += 1000 * (int64_t)DAY;
	c->dirty = true;
	return index_put(c->w, bin->id, &page);
}

static void clock_was_ahead(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append_many(f, FIXTURE_INBOX, 3);
	expunge_uids(f, FIXTURE_INBOX, "1:3");
	struct mailbox bin = bin_of(f);
	FIXTURE_OK(commit_run(f->plain_model, FIXTURE_ACCOUNT, save_late, &bin, NULL));
	FIXTURE_OK(bin_sweep(f->model, FIXTURE_ACCOUNT, clock_now() + 31 * DAY, NULL));
	fixture_reopen(f);
	assert_string_equal(fixture_show_mailbox(f, bin.id), "1");
	fixture_check(f);
}

static void ceiling(void **state)
{
	struct fixture *f = *state;
	if (fixture_faults())
		return;
	keep_for(f, 30 * DAY, 20, 0);
	for (unsigned i = 0; i < 6; i++) {
		fixture_append(f, FIXTURE_INBOX, "seven..", 0);
		char uid[12];
		snprintf(uid, sizeof(uid), "%u", i + 1);
		expunge_uids(f, FIXTURE_INBOX, uid);
	}
	uint32_t bin = bin_of(f).id;
	assert_string_equal(fixture_show_mailbox(f, bin), "5 6");
	assert_int_equal(fixture_blobs(f), 2);
	/* also where graves are needed, and by the quota */
	struct quota q = { .bytes_max = 5000 };
	FIXTURE_OK(account_set_quota(f->account, &q));
	keep_for(f, 30 * DAY, 1000000, 10);
	fixture_append_many(f, FIXTURE_INBOX, PURGE_INLINE_MAX + 200);
	expunge_uids(f, FIXTURE_INBOX, "1:*");
	assert_int_equal(bin_of(f).messages, 500);
	fixture_check(f);
	/* a lower ceiling is found by the sweep */
	keep_for(f, 30 * DAY, 100, 0);
	uint64_t gone;
	FIXTURE_OK(bin_sweep(f->model, FIXTURE_ACCOUNT, clock_now(), &gone));
	assert_int_equal(gone, 400);
	FIXTURE_OK(bin_empty(f->account, &gone));
	assert_int_equal(gone, 100);
	assert_int_equal(fixture_blobs(f), 0);
	fixture_check(f);
}

static void keywords_beyond_room(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	int64_t lost = metric_read("troika_model_keywords_lost_total", "");
	for (unsigned box = 0; box < 3; box++) {
		char name[20], word[20];
		snprintf(name, sizeof(name), "box%u", box);
		uint32_t id = fixture_mailbox(f, name);
		for (unsigned i = 0; i < 30; i++) {
			char uid[12];
			snprintf(word, sizeof(word), "w%u-%u", box, i);
			snprintf(uid, sizeof(uid), "%u", fixture_append(f, id, "x", 0));
			fixture_flags(f, id, uid, FLAGS_ADD, 0, word);
		}
		expunge_uids(f, id, "1:*");
		assert_int_equal(bin_of(f).messages, 30 * (box + 1));
	}
	fixture_check(f);
	assert_int_equal(metric_read("troika_model_keywords_lost_total", "") - lost, 90 - KEYWORDS_MAX);
	/* when the first ones are gone, their bits are free again */
	uint32_t bin = bin_of(f).id, id = fixture_mailbox(f, "late");
	expunge_uids(f, bin, "1:60");
	fixture_append(f, id, "x", 0);
	fixture_flags(f, id, "1", FLAGS_ADD, 0, "late");
	expunge_uids(f, id, "1");
	assert_true(message_at(f, bin, bin_of(f).messages - 1).flags >> MESSAGE_KEYWORD_SHIFT);
	fixture_check(f);
}

static void account_deletion_is_final(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append_many(f, FIXTURE_INBOX, 200);
	expunge_uids(f, FIXTURE_INBOX, "1:150");
	fixture_mailbox(f, "box");
	FIXTURE_OK(mailbox_delete(f->account, STR("box"), NULL));
	account_close(&f->account);
	FIXTURE_OK(account_delete(f->model, FIXTURE_ACCOUNT));
	assert_int_equal(fixture_blobs(f), 0);
	FIXTURE_OK(account_create(f->model, FIXTURE_ACCOUNT));
	FIXTURE_OK(account_open(f->model, FIXTURE_ACCOUNT, &f->account));
	assert_int_equal(bin_find(f->account, &f->arena, &m), ERR_NOT_FOUND);
	fixture_check(f);
}

/* Events that a protocol tells of one change are not hidden by what came into the bin behind it. */
static void changes_count_without_the_bin(void **state)
{
	struct fixture *f = *state;
	struct account_changes c;
	if (fixture_faults())
		return;
	keep_for(f, 30 * DAY, 0, 0);
	fixture_append_many(f, FIXTURE_INBOX, 3 * PURGE_INLINE_MAX);
	expunge_uids(f, FIXTURE_INBOX, "1");
	FIXTURE_OK(account_changes(f->account, &f->arena, UINT64_MAX, &c));
	uint64_t since = c.until;
	expunge_uids(f, FIXTURE_INBOX, "1:*");
	FIXTURE_OK(account_changes(f->account, &f->arena, since, &c));
	assert_int_equal(c.commits, 1);
	assert_int_equal(c.n, 2);
}

static int no_note(void *arg, const struct message *m)
{
	(void)arg;
	(void)m;
	return 0;
}

/* An expunge up to its commit, and not beyond. */
static int expunge_and_die(struct change *c, void *arg)
{
	uint32_t id = *(const uint32_t *)arg;
	struct mailbox_record mailbox;
	struct gone_list gone = { NULL, 0, 0 };
	struct purged purged = { .over = false };
	int rc = mailbox_record_load(change_source(c), id, &mailbox);
	if (!rc)
		rc = removal_run(c, &mailbox, NULL, 0, &gone, no_note, NULL);
	if (!rc)
		rc = purge_gone(c, &mailbox, &gone, &purged);
	gone_list_fini(&gone);
	purged_fini(&purged);
	changelog_add_range(&c->log, LOG_EXPUNGE, id, 1, mailbox.uidnext - 1);
	mailbox.modseq = c->modseq;
	return rc ? rc : mailbox_record_save(c->w, &mailbox);
}

/* The flags in graves are in the terms of the bin, so no keyword of it may be forgotten meanwhile; and the mailbox they are from may go. */
static void keywords_in_graves(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t many = fixture_mailbox(f, "many"), late = fixture_mailbox(f, "late");
	fixture_append_many(f, many, PURGE_INLINE_MAX + 100);
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		char uid[12], word[12];
		snprintf(uid, sizeof(uid), "%u", i + 1);
		snprintf(word, sizeof(word), "w%u", i);
		fixture_flags(f, many, uid, FLAGS_ADD, 0, word);
	}
	fixture_append(f, late, "x", 0);
	fixture_flags(f, late, "1", FLAGS_ADD, 0, "late");
	FIXTURE_OK(commit_run(f->model, FIXTURE_ACCOUNT, expunge_and_die, &many, NULL));
	FIXTURE_OK(commit_run(f->model, FIXTURE_ACCOUNT, expunge_and_die, &late, NULL));
	FIXTURE_OK(mailbox_delete(f->account, STR("many"), NULL));
	fixture_check(f);
	uint32_t bin = bin_of(f).id;
	assert_int_equal(bin_of(f).messages, PURGE_INLINE_MAX + 101);
	struct view *v;
	FIXTURE_OK(view_open(f->account, bin, &v));
	unsigned n, marked = 0;
	const struct str *words = view_keywords(v, &n);
	assert_int_equal(n, KEYWORDS_MAX);
	struct view_iter it = view_iter_at(v, 0);
	for (const struct message *m; (m = view_iter_next(&it));) {
		uint64_t bits = m->flags >> MESSAGE_KEYWORD_SHIFT;
		if (!bits)
			continue;
		char word[12];
		/* by its internal date the fixture numbers a message */
		snprintf(word, sizeof(word), "w%lld", (long long)m->date);
		assert_true(str_eq(words[__builtin_ctzll(bits)], str_from_c(word)));
		marked++;
	}
	assert_int_equal(marked, KEYWORDS_MAX);
	view_unref(&v);
}

/* ---- what older programs may read ---- */

static void level_one_knows_nothing_of_it(void **state)
{
	struct fixture *f = *state;
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true, .level = 1 };
	struct store *s;
	struct model *m;
	struct account *a;
	struct mailbox box;
	uint64_t id = 1, gone;
	(void)f;
	assert_int_equal(store_open(&config, &s, NULL), 0);
	assert_int_equal(model_open(s, NULL, &m, NULL), 0);
	model_set_keep(m, &(struct model_keep){ 30 * DAY, 0, 0 });
	assert_int_equal(account_create(m, id), 0);
	assert_int_equal(account_open(m, id, &a), 0);
	for (unsigned level = 1; level <= 2; level++) {
		struct str text = STR("x");
		struct append item = { .size = 1, .summary = STR("s") };
		assert_int_equal(model_put_blob(m, &text, 1, &id, 1, &item.blob), 0);
		assert_int_equal(mailbox_append(a, FIXTURE_INBOX, &item, 1, false, NULL), 0);
		assert_int_equal(mailbox_create(a, STR("box"), 0, NULL, NULL), 0);
		assert_int_equal(mailbox_delete(a, STR("box"), NULL), 0);
		assert_int_equal(mailbox_expunge(a, FIXTURE_INBOX, NULL, false, NULL, NULL), 0);
		assert_int_equal(bin_sweep(m, id, clock_now() + 99, &gone), 0);
		assert_int_equal(bin_find(a, &f->arena, &box), level == 1 ? ERR_NOT_FOUND : 0);
		struct bin_mailbox *tombs;
		size_t n;
		assert_int_equal(bin_mailboxes(a, &f->arena, &tombs, &n), 0);
		assert_int_equal(n, level == 1 ? 0 : 1);
		if (level == 1)
			assert_int_equal(store_raise_level(s, 2), 0);
	}
	account_close(&a);
	model_close(&m);
	store_close(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(off_at_first), FIXTURE_TEST(expunged_is_kept), FIXTURE_TEST(moved_and_copied_is_not_deleted),
		FIXTURE_TEST(deleted_twice), FIXTURE_TEST(replaced_is_kept), FIXTURE_TEST(many),
		FIXTURE_TEST(nothing_can_be_put_there), FIXTURE_TEST(taken_name), FIXTURE_TEST(quota_counts_what_comes_back),
		FIXTURE_TEST(goes_when_its_time_is_over), FIXTURE_TEST(clock_was_ahead),
		FIXTURE_TEST(ceiling), FIXTURE_TEST(keywords_beyond_room), FIXTURE_TEST(keywords_in_graves), FIXTURE_TEST(account_deletion_is_final), FIXTURE_TEST(changes_count_without_the_bin), FIXTURE_TEST(level_one_knows_nothing_of_it),
	};
	return fixture_run("bin", tests, sizeof(tests) / sizeof(*tests));
}
