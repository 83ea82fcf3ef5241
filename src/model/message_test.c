/* Messages and their flags: what RFC 3501, 4315, 6851 and 7162 ask of a mailbox. */
#include "model/fixture.h"

#include "base/clock.h"
#include "model/limits.h"
#include "model/removal.h"

static struct flags_change add(uint64_t flags) { return (struct flags_change){ .op = FLAGS_ADD, .flags = flags }; }

/* RFC 7162 3.1.3 */
static void conditional_store(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 3);
	uint64_t then = fixture_get(f, FIXTURE_INBOX).modseq;
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, MESSAGE_FLAGGED, NULL);
	struct rangeset all = fixture_uids("1:*"), changed = RANGESET_INIT, modified = RANGESET_INIT;
	struct flags_change change = add(MESSAGE_DELETED);
	change.conditional = true;
	change.unchanged_since = then;
	uint64_t modseq;
	assert_int_equal(mailbox_flags(f->account, FIXTURE_INBOX, &all, &change, &changed, &modified, &modseq), 0);
	assert_string_equal(fixture_uids_show(f, &changed), "1,3");
	assert_string_equal(fixture_uids_show(f, &modified), "2");
	assert_int_equal(modseq, fixture_get(f, FIXTURE_INBOX).modseq);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:d 2:f 3:d");
	/* UNCHANGEDSINCE 0 never holds; nothing changed, so there is no modseq */
	change.unchanged_since = 0;
	rangeset_clear(&modified);
	assert_int_equal(mailbox_flags(f->account, FIXTURE_INBOX, &all, &change, NULL, &modified, &modseq), 0);
	assert_string_equal(fixture_uids_show(f, &modified), "1:3");
	assert_int_equal(modseq, 0);
	rangeset_fini(&all);
	rangeset_fini(&changed);
	rangeset_fini(&modified);
}

static void modseq_only_grows(void **state)
{
	struct fixture *f = *state;
	uint64_t last = fixture_get(f, FIXTURE_INBOX).modseq;
	for (int i = 0; i < 5; i++) {
		fixture_append(f, FIXTURE_INBOX, "x", MESSAGE_DELETED);
		assert_true(fixture_get(f, FIXTURE_INBOX).modseq > last);
		last = fixture_get(f, FIXTURE_INBOX).modseq;
	}
	/* RFC 7162 3.1.2.2: an expunge counts too, and what it took away is not forgotten when the mailbox is empty */
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, true, NULL, NULL), 0);
	assert_true(fixture_get(f, FIXTURE_INBOX).modseq > last);
	/* other mailboxes do not take part */
	last = fixture_get(f, FIXTURE_INBOX).modseq;
	fixture_append(f, fixture_mailbox(f, "other"), "x", 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).modseq, last);
}

static void replace_and_remove(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "x", MESSAGE_SEEN | MESSAGE_ANSWERED);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, 0, "Work");
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, 0, "WORK");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:sa0");
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_REMOVE, MESSAGE_SEEN, "unknown");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:a0");
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_REPLACE, MESSAGE_DRAFT, "other");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:t1");
	/* flags that are no system flags are not taken for keywords */
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_REPLACE, ~(uint64_t)0, NULL);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:safdt");
	fixture_check(f);
}

static int set_keyword(struct fixture *f, uint32_t mailbox, const char *uids, enum flags_op op, unsigned number)
{
	char word[20];
	snprintf(word, sizeof(word), "word-%u", number);
	struct rangeset set = fixture_uids(uids);
	struct str name = str_from_c(word);
	struct flags_change change = { .op = op, .keywords = &name, .n_keywords = 1 };
	int rc = mailbox_flags(f->account, mailbox, &set, &change, NULL, NULL, NULL);
	rangeset_fini(&set);
	return rc;
}

static void keywords_run_out_and_come_back(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 2);
	for (unsigned i = 0; i < KEYWORDS_MAX; i++)
		assert_int_equal(set_keyword(f, FIXTURE_INBOX, "1", FLAGS_ADD, i), 0);
	assert_int_equal(set_keyword(f, FIXTURE_INBOX, "1", FLAGS_ADD, 99), ERR_TOO_BIG);
	assert_int_equal(set_keyword(f, FIXTURE_INBOX, "1", FLAGS_REMOVE, 99), 0);
	assert_int_equal(set_keyword(f, FIXTURE_INBOX, "2", FLAGS_ADD, 7), 0);
	/* a copy loses what has no room, an append too (RFC 3501 6.4.7, 6.3.11: SHOULD) */
	uint32_t other = fixture_mailbox(f, "other");
	fixture_append(f, other, "x", 0);
	assert_int_equal(set_keyword(f, other, "1", FLAGS_ADD, 100), 0);
	struct rangeset one = fixture_uids("1");
	assert_int_equal(mailbox_copy(f->account, other, FIXTURE_INBOX, &one, false, NULL, NULL, NULL), 0);
	struct view *old, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &old), 0);
	assert_int_equal(view_at(old, 2).flags, 0);
	/* a word that no message has any more makes room; whoever knew the bit under its old name is told */
	assert_int_equal(set_keyword(f, FIXTURE_INBOX, "1", FLAGS_REMOVE, 20), 0);
	assert_int_equal(set_keyword(f, FIXTURE_INBOX, "1", FLAGS_ADD, 99), 0);
	assert_int_equal(view_refresh(f->account, old, &newer), 0);
	unsigned n;
	assert_true(str_eq(view_keywords(newer, &n)[20], STR("word-99")));
	assert_int_equal(n, KEYWORDS_MAX);
	struct view_diff d;
	assert_int_equal(view_diff(old, newer, &d), 0);
	assert_string_equal(fixture_uids_show(f, &d.changed), "1");
	assert_true(d.keywords_added);
	view_diff_fini(&d);
	view_unref(&old);
	view_unref(&newer);
	rangeset_fini(&one);
	fixture_check(f);
}

static void keyword_lengths(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	char word[KEYWORD_LENGTH_MAX + 2];
	memset(word, 'k', sizeof(word));
	struct rangeset one = fixture_uids("1");
	struct str name = str_make(word, KEYWORD_LENGTH_MAX + 1);
	struct flags_change change = { .op = FLAGS_ADD, .keywords = &name, .n_keywords = 1 };
	assert_int_equal(mailbox_flags(f->account, FIXTURE_INBOX, &one, &change, NULL, NULL, NULL), ERR_TOO_BIG);
	name.n--;
	assert_int_equal(mailbox_flags(f->account, FIXTURE_INBOX, &one, &change, NULL, NULL, NULL), 0);
	rangeset_fini(&one);
	fixture_check(f);
}

/* RFC 3501 2.3.2: the first session that is told of a message as recent is the only one */
static void recent_is_claimed_once(void **state)
{
	struct fixture *f = *state;
	uint32_t first, until;
	fixture_append_many(f, FIXTURE_INBOX, 3);
	assert_int_equal(mailbox_recent(f->account, FIXTURE_INBOX, false, &first, &until), 0);
	assert_int_equal(first, 1);
	assert_int_equal(until, 4);
	assert_int_equal(mailbox_recent(f->account, FIXTURE_INBOX, true, &first, &until), 0);
	assert_int_equal(first, 1);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).recent, 0);
	uint64_t version = account_version(f->account);
	assert_int_equal(mailbox_recent(f->account, FIXTURE_INBOX, true, &first, &until), 0);
	assert_int_equal(first, 4);
	assert_int_equal(account_version(f->account), version);
	fixture_append_many(f, FIXTURE_INBOX, 2);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).recent, 2);
	fixture_flags(f, FIXTURE_INBOX, "5", FLAGS_ADD, MESSAGE_DELETED, NULL);
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, true, NULL, NULL), 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).recent, 1);
	assert_int_equal(mailbox_recent(f->account, 999, true, &first, &until), ERR_NOT_FOUND);
	fixture_check(f);
}

static void append_is_all_or_none(void **state)
{
	struct fixture *f = *state;
	uint64_t account = FIXTURE_ACCOUNT;
	struct str text = STR("12345");
	struct append items[3] = { { .size = 5 }, { .size = 5 }, { .size = 5 } };
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 12, .messages_max = 0 }), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &items[i].blob), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, 3, false, NULL), ERR_QUOTA);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).uidnext, 1);
	assert_int_equal(fixture_blobs(f), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, 0, false, NULL), 0);
	fixture_check(f);
}

/* RFC 6851: source and target correspond; within one mailbox too. */
static struct append prepared(struct fixture *f, const char *text)
{
	struct str piece = str_from_c(text);
	uint64_t account = FIXTURE_ACCOUNT;
	struct append item = { .size = (uint32_t)piece.n, .summary = STR("summary"), .date = 1 };
	assert_int_equal(model_put_blob(f->model, &piece, 1, &account, 1, &item.blob), 0);
	return item;
}

/* RFC 8508 3.4: one action, and the quota looks at what is added by it. */
static void replace_is_one_commit(void **state)
{
	struct fixture *f = *state;
	uint32_t other = fixture_mailbox(f, "other"), uidvalidity;
	fixture_append_many(f, FIXTURE_INBOX, 3);
	uint64_t modseq = fixture_get(f, FIXTURE_INBOX).modseq, bytes = fixture_get(f, FIXTURE_INBOX).bytes;
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .messages_max = 3 }), 0);
	struct view *before, *after;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &before), 0);
	struct append item = prepared(f, "new");
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 2, FIXTURE_INBOX, &item, &uidvalidity), 0);
	assert_int_equal(item.uid_out, 4);
	assert_int_equal(uidvalidity, fixture_get(f, FIXTURE_INBOX).uidvalidity);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 3 4");
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).modseq, modseq + 1);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 3);
	assert_true(fixture_get(f, FIXTURE_INBOX).bytes != bytes);
	/* A view that is brought up to date by the log knows both halves. */
	assert_int_equal(view_refresh(f->account, before, &after), 0);
	assert_string_equal(fixture_show(f, after), "1 3 4");
	view_unref(&before);
	view_unref(&after);
	item = prepared(f, "elsewhere");
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 4, other, &item, &uidvalidity), 0);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 3");
	assert_string_equal(fixture_show_mailbox(f, other), "1");
	assert_int_equal(fixture_blobs(f), 3);
	fixture_check(f);
}

static void replace_is_all_or_none(void **state)
{
	struct fixture *f = *state;
	uint32_t uidvalidity;
	fixture_append(f, FIXTURE_INBOX, "old", 0);
	struct append item = prepared(f, "new");
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 9, FIXTURE_INBOX, &item, &uidvalidity), ERR_CONFLICT);
	item = prepared(f, "new");
	assert_int_equal(mailbox_replace(f->account, 99, 1, FIXTURE_INBOX, &item, &uidvalidity), ERR_CONFLICT);
	item = prepared(f, "new");
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 1, 99, &item, &uidvalidity), ERR_NOT_FOUND);
	assert_int_equal(account_set_quota(f->account, &(struct quota){ .bytes_max = 10 }), 0);
	item = prepared(f, "longer than ten");
	assert_int_equal(mailbox_replace(f->account, FIXTURE_INBOX, 1, FIXTURE_INBOX, &item, &uidvalidity), ERR_QUOTA);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1");
	assert_int_equal(fixture_blobs(f), 1);
	fixture_check(f);
}

static void move_within_a_mailbox(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 100);
	struct rangeset some = fixture_uids("3,50:52,99"), source = RANGESET_INIT, target = RANGESET_INIT;
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, FIXTURE_INBOX, &some, true, &source, &target, NULL), 0);
	assert_string_equal(fixture_uids_show(f, &source), "3,50:52,99");
	assert_string_equal(fixture_uids_show(f, &target), "101:105");
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 100);
	assert_int_equal(fixture_blobs(f), 100);
	rangeset_clear(&source);
	assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, 1, &source), 0);
	assert_string_equal(fixture_uids_show(f, &source), "3,50:52,99");
	/* nothing to copy is no error */
	rangeset_clear(&target);
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, FIXTURE_INBOX, &some, false, NULL, &target, NULL), 0);
	assert_int_equal(target.n, 0);
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, 999, &some, false, NULL, NULL, NULL), ERR_NOT_FOUND);
	rangeset_fini(&some);
	rangeset_fini(&source);
	rangeset_fini(&target);
	fixture_check(f);
}

/* One email in thousands of places. */
static void copies_without_end(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	struct rangeset all = fixture_uids("1:*");
	for (int i = 0; i < 12; i++)
		assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, FIXTURE_INBOX, &all, false, NULL, NULL, NULL), 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 4096);
	assert_int_equal(fixture_blobs(f), 1);
	fixture_check(f);
	rangeset_remove(&all, 2000, 2000);
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &all, false, NULL, NULL), 0);
	assert_int_equal(fixture_blobs(f), 1);
	fixture_check(f);
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, false, NULL, NULL), 0);
	assert_int_equal(fixture_blobs(f), 0);
	fixture_check(f);
	rangeset_fini(&all);
}

static void log_is_bounded(void **state)
{
	struct fixture *f = *state;
	if (f->engine == STORE_ENGINE_LMDB)
		return;
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	struct view *old, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &old), 0);
	uint64_t since = view_modseq(old);
	struct rangeset gone = fixture_uids("1"), vanished = RANGESET_INIT;
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &gone, false, NULL, NULL), 0);
	uint32_t other = fixture_mailbox(f, "other");
	fixture_append(f, other, "x", 0);
	assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, since, &vanished), 0);
	assert_string_equal(fixture_uids_show(f, &vanished), "1");
	for (unsigned i = 0; i < LOG_RECORDS_MAX + 2 * LOG_TRIM_STEP; i++)
		fixture_flags(f, other, "1", i % 2 ? FLAGS_REMOVE : FLAGS_ADD, MESSAGE_SEEN, NULL);
	assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, since, &vanished), ERR_NOT_FOUND);
	/* a view from before what the log knows is brought up to date all the same */
	assert_int_equal(view_refresh(f->account, old, &newer), 0);
	assert_string_equal(fixture_show(f, newer), "2");
	view_unref(&old);
	view_unref(&newer);
	rangeset_fini(&gone);
	rangeset_fini(&vanished);
	fixture_check(f);
}

static int ignore(void *arg, const struct message *m)
{
	(void)arg;
	(void)m;
	return 0;
}

/* An expunge up to its commit, and not beyond. */
static int expunge_and_die(struct change *c, void *arg)
{
	struct mailbox_record mailbox;
	struct gone_list gone = { NULL, 0, 0 };
	assert_int_equal(mailbox_record_load(change_source(c), FIXTURE_INBOX, &mailbox), 0);
	assert_int_equal(removal_run(c, &mailbox, NULL, 0, &gone, ignore, NULL), 0);
	assert_int_equal(purge_gone(c, &mailbox, &gone, arg), 0);
	gone_list_fini(&gone);
	changelog_add_range(&c->log, LOG_EXPUNGE, FIXTURE_INBOX, 1, mailbox.uidnext - 1);
	mailbox.modseq = c->modseq;
	return mailbox_record_save(c->w, &mailbox);
}

/* A program that ends between an expunge and its purge leaves graves: who opens the account next empties them. */
static void purge_is_taken_up(void **state)
{
	struct fixture *f = *state;
	struct purged purged = { .over = false };
	fixture_append_many(f, FIXTURE_INBOX, 5 * PURGE_INLINE_MAX);
	assert_int_equal(commit_run(f->model, FIXTURE_ACCOUNT, expunge_and_die, &purged, NULL), 0);
	assert_int_equal(purged.blobs.n, 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 0);
	assert_int_equal(fixture_blobs(f), 5 * PURGE_INLINE_MAX);
	fixture_append(f, FIXTURE_INBOX, "stays", 0);
	fixture_check(f);
	fixture_reopen(f);
	assert_int_equal(fixture_blobs(f), 1);
	fixture_check(f);
}

static void views_of_other_sessions(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 200);
	struct view *a, *b, *newer, *overlay;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &a), 0);
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &b), 0);
	assert_ptr_equal(a, b);
	view_unref(&b);
	/* what changes elsewhere is no news here */
	fixture_append(f, fixture_mailbox(f, "other"), "x", 0);
	assert_int_equal(view_refresh(f->account, a, &b), 0);
	assert_ptr_equal(a, b);
	view_unref(&b);
	struct rangeset two = fixture_uids("10,200");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &two, false, NULL, NULL), 0);
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_int_equal(view_refresh(f->account, a, &newer), 0);
	assert_int_equal(view_count(newer), 199);
	assert_int_equal(view_overlay(a, newer, &overlay), 0);
	assert_int_equal(view_count(overlay), 201);
	assert_int_equal(view_at(overlay, 9).uid, 10);
	assert_int_equal(view_at(overlay, 9).flags, MESSAGE_GHOST);
	assert_int_equal(view_at(overlay, 200).uid, 201);
	assert_int_equal(view_uidnext(overlay), 202);
	/* an overlay is never the newest version */
	assert_int_equal(view_refresh(f->account, overlay, &b), 0);
	assert_ptr_equal(b, newer);
	view_unref(&b);
	struct view_diff d;
	assert_int_equal(view_diff(overlay, newer, &d), 0);
	assert_string_equal(fixture_uids_show(f, &d.vanished), "10,200");
	assert_int_equal(d.added, 0);
	view_diff_fini(&d);
	view_unref(&a);
	view_unref(&newer);
	view_unref(&overlay);
	rangeset_fini(&two);
}

static void empty_views(void **state)
{
	struct fixture *f = *state;
	struct view *v, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), 0);
	assert_int_equal(view_find(v, 1, NULL), 0);
	assert_int_equal(view_first_unseen(v), 0);
	struct view_iter it = view_iter_at(v, 0);
	assert_null(view_iter_next(&it));
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	assert_int_equal(view_refresh(f->account, v, &newer), 0);
	assert_int_equal(view_count(newer), 1);
	view_unref(&v);
	view_unref(&newer);
	view_unref(&v);
	assert_int_equal(view_open(f->account, 999, &v), ERR_NOT_FOUND);
}

static int64_t saved_at(struct fixture *f, uint32_t mailbox, uint32_t uid)
{
	struct view *v;
	bool exact;
	assert_int_equal(view_open(f->account, mailbox, &v), 0);
	struct message m = view_at(v, view_find(v, uid, &exact));
	assert_true(exact);
	assert_int_equal(m.date, 1000);
	view_unref(&v);
	return m.saved;
}

/* RFC 8514 section 3: never copied, and never changed in a mailbox. */
static void save_dates(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_now();
	uint32_t other = fixture_mailbox(f, "other");
	fixture_append(f, FIXTURE_INBOX, "x", 0);
	fixture_append(f, FIXTURE_INBOX, "y", 0);
	int64_t first = saved_at(f, FIXTURE_INBOX, 1);
	assert_true(first >= began && first < began + 60);
	clock_shift_ms(3600 * 1000);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, MESSAGE_SEEN, NULL);
	struct rangeset one = fixture_uids("1"), two = fixture_uids("2");
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &one, false, NULL, NULL, NULL), 0);
	assert_int_equal(saved_at(f, FIXTURE_INBOX, 1), first);
	assert_true(saved_at(f, other, 1) >= first + 3600);
	clock_shift_ms(3600 * 1000);
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &two, true, NULL, NULL, NULL), 0);
	assert_true(saved_at(f, other, 2) >= first + 7200);
	assert_int_equal(mailbox_rename(f->account, STR("other"), STR("moved"), NULL), 0);
	assert_true(saved_at(f, other, 1) < first + 7200);
	clock_shift_ms(-2 * 3600 * 1000);
	rangeset_fini(&one);
	rangeset_fini(&two);
	/* of a message from before save dates were kept, the internal date is told */
	assert_int_equal(message_saved(&(struct message){ .date = 5 }), 5);
	assert_int_equal(message_saved(&(struct message){ .date = 5, .saved = 6 }), 6);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(conditional_store), FIXTURE_TEST(modseq_only_grows),
		FIXTURE_TEST(replace_and_remove), FIXTURE_TEST(save_dates), FIXTURE_TEST(keywords_run_out_and_come_back),
		FIXTURE_TEST(keyword_lengths), FIXTURE_TEST(recent_is_claimed_once),
		FIXTURE_TEST(append_is_all_or_none), FIXTURE_TEST(replace_is_one_commit),
		FIXTURE_TEST(replace_is_all_or_none),
		FIXTURE_TEST(move_within_a_mailbox),
		FIXTURE_TEST(copies_without_end), FIXTURE_TEST(log_is_bounded),
		FIXTURE_TEST(purge_is_taken_up), FIXTURE_TEST(views_of_other_sessions),
		FIXTURE_TEST(empty_views),
	};
	return fixture_run("message", tests, sizeof(tests) / sizeof(*tests));
}
