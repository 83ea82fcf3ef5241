/* The plain way of a mail: it comes, is seen, is marked, is copied, goes. */
#include "model/fixture.h"

#include "base/clock.h"

static void account_begins_with_the_usual_mailboxes(void **state)
{
	struct fixture *f = *state;
	struct mailbox *list;
	size_t n;
	assert_int_equal(mailbox_list(f->account, &f->arena, &list, &n), 0);
	assert_int_equal(n, 6);
	static const struct {
		const char *name;
		uint32_t use;
	} expected[] = {
		{ "INBOX", 0 },
		{ "Archive", MAILBOX_USE_ARCHIVE },
		{ "Drafts", MAILBOX_USE_DRAFTS },
		{ "Junk", MAILBOX_USE_JUNK },
		{ "Sent", MAILBOX_USE_SENT },
		{ "Trash", MAILBOX_USE_TRASH },
	};
	struct str *subscribed;
	size_t n_subscribed;
	assert_int_equal(subscription_list(f->account, &f->arena, &subscribed, &n_subscribed), 0);
	assert_int_equal(n_subscribed, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(str_eq(list[i].name, str_from_c(expected[i].name)));
		assert_true(str_eq(subscribed[i], str_from_c(expected[i].name)));
		assert_int_equal(list[i].use, expected[i].use);
		assert_int_equal(list[i].uidnext, 1);
		assert_int_equal(list[i].messages, 0);
		assert_true(list[i].modseq >= 1);
		assert_true(list[i].uidvalidity >= 1);
	}
	assert_int_equal(list[0].id, FIXTURE_INBOX);
	assert_int_equal(account_create(f->model, FIXTURE_ACCOUNT), ERR_EXISTS);
	struct account *none;
	assert_int_equal(account_open(f->model, 8, &none), ERR_NOT_FOUND);
}

static void message_is_found_again(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_append(f, FIXTURE_INBOX, "hello\r\n", MESSAGE_SEEN), 1);
	assert_int_equal(fixture_append(f, FIXTURE_INBOX, "again!\r\n", 0), 2);
	fixture_reopen(f);
	struct mailbox m;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("inbox"), &m), 0);
	assert_int_equal(m.messages, 2);
	assert_int_equal(m.unseen, 1);
	assert_int_equal(m.recent, 2);
	assert_int_equal(m.uidnext, 3);
	assert_int_equal(m.bytes, 15);
	struct view *v;
	assert_int_equal(view_open(f->account, m.id, &v), 0);
	assert_string_equal(fixture_show(f, v), "1:s 2");
	assert_int_equal(view_count(v), 2);
	assert_int_equal(view_unseen(v), 1);
	assert_int_equal(view_first_unseen(v), 1);
	assert_int_equal(view_uidnext(v), 3);
	assert_int_equal(view_modseq(v), m.modseq);
	const struct message second = view_at(v, 1), *message = &second;
	assert_int_equal(message->size, 8);
	assert_int_equal(message->date, 1000);
	assert_int_equal(message->modseq, m.modseq);
	struct email_reader *r;
	struct email email;
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	assert_int_equal(email_reader_get(r, message->email, &email), 0);
	assert_true(str_eq(email.summary, STR("summary")));
	assert_int_equal(email.size, 8);
	assert_int_equal(email_reader_get(r, 999, &email), ERR_NOT_FOUND);
	email_reader_end(&r);
	struct store_blob_view bytes;
	assert_int_equal(email_map(f->account, message->email, &bytes), 0);
	assert_true(str_eq(bytes.bytes, STR("again!\r\n")));
	email_unmap(f->account, &bytes);
	view_unref(&v);
}

static void flags_change_and_views_follow(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 100);
	struct view *old, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &old), 0);
	fixture_flags(f, FIXTURE_INBOX, "3,50:52", FLAGS_ADD, MESSAGE_FLAGGED, "$Forwarded");
	assert_int_equal(view_refresh(f->account, old, &newer), 0);
	struct view_diff d;
	assert_int_equal(view_diff(old, newer, &d), 0);
	assert_string_equal(fixture_uids_show(f, &d.changed), "3,50:52");
	assert_int_equal(d.vanished.n, 0);
	assert_int_equal(d.added, 0);
	assert_true(d.keywords_added);
	view_diff_fini(&d);
	assert_int_equal(view_at(newer, 2).flags, MESSAGE_FLAGGED | 1 << MESSAGE_KEYWORD_SHIFT);
	assert_int_equal(view_at(old, 2).flags, 0);
	unsigned n;
	assert_true(str_eq(view_keywords(newer, &n)[0], STR("$Forwarded")));
	assert_int_equal(n, 1);
	view_unref(&old);
	view_unref(&newer);
}

static void expunge_forgets_the_body(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < 5; i++)
		fixture_append(f, FIXTURE_INBOX, "text", i % 2 ? MESSAGE_DELETED : 0);
	assert_int_equal(fixture_blobs(f), 5);
	struct rangeset gone = RANGESET_INIT;
	uint64_t modseq;
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, true, &gone, &modseq), 0);
	assert_string_equal(fixture_uids_show(f, &gone), "2,4");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 3 5");
	assert_int_equal(fixture_blobs(f), 3);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).deleted, 0);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).modseq, modseq);
	rangeset_fini(&gone);
	assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, modseq - 1, &gone), 0);
	assert_string_equal(fixture_uids_show(f, &gone), "2,4");
	rangeset_fini(&gone);
}

static void copies_share_the_body(void **state)
{
	struct fixture *f = *state;
	uint32_t other = fixture_mailbox(f, "work/projects");
	fixture_append(f, FIXTURE_INBOX, "a", 0);
	fixture_append(f, FIXTURE_INBOX, "bc", MESSAGE_SEEN);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, 0, "one");
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, 0, "two");
	struct rangeset uids = fixture_uids("2:*"), source = RANGESET_INIT, target = RANGESET_INIT;
	uint32_t uidvalidity;
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &uids, false, &source, &target, &uidvalidity), 0);
	assert_string_equal(fixture_uids_show(f, &source), "2");
	assert_string_equal(fixture_uids_show(f, &target), "1");
	assert_int_equal(uidvalidity, fixture_get(f, other).uidvalidity);
	assert_string_equal(fixture_show_mailbox(f, other), "1:s0");
	assert_int_equal(fixture_blobs(f), 2);
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, false, NULL, NULL), 0);
	assert_int_equal(fixture_blobs(f), 1);
	rangeset_fini(&uids);
	uids = fixture_uids("1");
	rangeset_clear(&source);
	rangeset_clear(&target);
	assert_int_equal(mailbox_copy(f->account, other, FIXTURE_INBOX, &uids, true, &source, &target, &uidvalidity), 0);
	assert_string_equal(fixture_uids_show(f, &target), "3");
	assert_string_equal(fixture_show_mailbox(f, other), "");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "3:s1");
	assert_int_equal(fixture_blobs(f), 1);
	struct quota quota;
	assert_int_equal(account_quota(f->account, &quota), 0);
	assert_int_equal(quota.messages, 1);
	assert_int_equal(quota.bytes, 2);
	rangeset_fini(&uids);
	rangeset_fini(&source);
	rangeset_fini(&target);
}

static void delivery_reaches_each_account(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(account_create(f->model, 8), 0);
	uint64_t accounts[] = { FIXTURE_ACCOUNT, 8, 9 };
	struct str text = STR("to all\r\n");
	store_blob_id blob;
	assert_int_equal(model_put_blob(f->model, &text, 1, accounts, 3, &blob), 0);
	struct model_delivery d[3];
	for (size_t i = 0; i < 3; i++)
		d[i] = (struct model_delivery){ .account = accounts[i], .mailbox = i == 1 ? STR("Junk") : STR("No such"),
										.append = { .blob = blob, .size = 8, .summary = STR("s") } };
	assert_int_equal(model_deliver(f->model, d, 3), ERR_NOT_FOUND);
	assert_int_equal(d[0].result, 0);
	assert_int_equal(d[1].result, 0);
	assert_int_equal(d[2].result, ERR_NOT_FOUND);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1");
	struct account *other;
	assert_int_equal(account_open(f->model, 8, &other), 0);
	struct mailbox junk;
	assert_int_equal(mailbox_find(other, &f->arena, STR("Junk"), &junk), 0);
	assert_int_equal(junk.messages, 1);
	account_close(&other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(account_begins_with_the_usual_mailboxes),
		FIXTURE_TEST(message_is_found_again),
		FIXTURE_TEST(flags_change_and_views_follow),
		FIXTURE_TEST(expunge_forgets_the_body),
		FIXTURE_TEST(copies_share_the_body),
		FIXTURE_TEST(delivery_reaches_each_account),
	};
	return fixture_run("plain", tests, sizeof(tests) / sizeof(*tests));
}
