/* Every kind of damage is found, and mended where something else tells what was there. */
#include "model/audit_fixture.h"

#include "model/acl.h"
#include "model/audit.h"
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "model/record.h"
#include "model/thread.h"

static void damaged_index_page(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_flip(f, key_page(FIXTURE_INBOX, 1));
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), ERR_CORRUPT);
	assert_mended(f, "mailbox 1: the index page from UID 1 on is damaged");
	/* who was there is known; the flags are lost */
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 2 3");
	assert_readable(f, FIXTURE_INBOX);
}

static void lost_index_page(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_del(f, key_page(FIXTURE_INBOX, 1));
	assert_mended(f, "is noted as its place, but is not");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 2 3");
	assert_readable(f, FIXTURE_INBOX);
}

static void damaged_email(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_flip(f, key_email(2));
	assert_mended(f, "email 2: its record is damaged");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
	assert_readable(f, FIXTURE_INBOX);
}

static void lost_email(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_del(f, key_email(2));
	assert_found(f, "mailbox 1: UID 2 shows email 2, which is lost");
	/* not mended, and its body is not thrown away either */
	uint64_t faults;
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	assert_int_equal(fixture_blobs(f), 3);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
}

static void damaged_membership(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_flip(f, key_member(1, FIXTURE_INBOX, 1));
	assert_mended(f, "the places of the emails from 1 on are damaged");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, NULL, false, NULL, NULL), 0);
	assert_int_equal(fixture_blobs(f), 0);
}

static void lost_membership(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_del(f, key_member(1, FIXTURE_INBOX, 1));
	assert_mended(f, "its place in mailbox 1, UID 2, is not noted");
}

static void email_that_nobody_holds(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_del(f, key_page(FIXTURE_INBOX, 1));
	damage_del(f, key_member(1, FIXTURE_INBOX, 1));
	assert_mended(f, "email 1: nobody holds it");
	struct mailbox found;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("Recovered"), &found), 0);
	assert_int_equal(found.messages, 3);
	assert_readable(f, found.id);
}

static void damaged_mailbox(void **state)
{
	struct fixture *f = *state;
	uint32_t id = fixture_mailbox(f, "work");
	fixture_append(f, id, TEXT, MESSAGE_SEEN);
	fixture_flags(f, id, "1", FLAGS_ADD, 0, "word");
	damage_flip(f, key_mailbox(id));
	assert_mended(f, "its record is damaged");
	struct mailbox m = fixture_get(f, id);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.uidnext, 2);
	assert_true(str_starts(m.name, STR("Recovered-")));
	assert_string_equal(fixture_show_mailbox(f, id), "1:s0");
	struct mailbox found;
	assert_int_equal(mailbox_find(f->account, &f->arena, m.name, &found), 0);
	assert_int_equal(found.id, id);
}

static void lost_mailbox(void **state)
{
	struct fixture *f = *state;
	uint32_t id = fixture_mailbox(f, "work/deep");
	fixture_append(f, id, TEXT, MESSAGE_SEEN);
	damage_del(f, key_mailbox(id));
	assert_mended(f, "it has messages but no record");
	assert_int_equal(fixture_get(f, id).messages, 1);
}

static void lost_inbox(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_del(f, key_mailbox(FIXTURE_INBOX));
	assert_mended(f, "mailbox 1: it has messages but no record");
	struct mailbox m;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("INBOX"), &m), 0);
	assert_int_equal(m.id, FIXTURE_INBOX);
	assert_int_equal(m.messages, 3);
	assert_int_equal(m.uidnext, 4);
}

static void lost_empty_inbox(void **state)
{
	struct fixture *f = *state;
	damage_del(f, key_mailbox(FIXTURE_INBOX));
	assert_mended(f, "INBOX is missing");
	assert_int_equal(fixture_append(f, FIXTURE_INBOX, TEXT, 0), 1);
}

static void lost_superior(void **state)
{
	struct fixture *f = *state;
	fixture_mailbox(f, "work/deep");
	struct mailbox m;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("work"), &m), 0);
	damage_del(f, key_mailbox(m.id));
	assert_mended(f, "the mailbox above it is missing");
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("work"), &m), 0);
}

static void damaged_names(void **state)
{
	struct fixture *f = *state;
	struct str value = STR("rubbish");
	for (struct key k = key_first(KEY_NAME);;) {
		struct store_read *r;
		struct store_iter *it;
		struct str key, old, after = STR("o");
		assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
		assert_int_equal(store_range(r, key_str(&k), after, false, &it), 0);
		bool more = store_next(it, &key, &old) == 1;
		if (more) {
			k.n = key.n;
			memcpy(k.p, key.p, key.n);
		}
		store_iter_end(&it);
		store_end(&r);
		if (!more)
			break;
		damage(f, (struct edit){ .key = k, .how = PUT, .value = value });
		k = key_next(&k);
	}
	assert_mended(f, "mailbox 1: it is not found by its name");
	struct mailbox m;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("Trash"), &m), 0);
}

static void damaged_state(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	struct mailbox before = fixture_get(f, FIXTURE_INBOX);
	damage_flip(f, key_state());
	struct account *a;
	assert_int_equal(account_open(f->model, FIXTURE_ACCOUNT, &a), ERR_CORRUPT);
	assert_mended(f, "its state record is damaged");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
	/* nothing that may have been given out before is given out again */
	assert_int_equal(fixture_append(f, FIXTURE_INBOX, TEXT, 0), 4);
	assert_true(fixture_get(f, FIXTURE_INBOX).modseq > before.modseq + 1000);
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_true(view_at(v, 3).email > 1000);
	view_unref(&v);
	fixture_check(f);
}

static void damaged_log(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	struct view *v, *newer;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	fixture_append(f, FIXTURE_INBOX, TEXT, 0);
	damage_flip(f, key_log(fixture_get(f, FIXTURE_INBOX).modseq));
	assert_mended(f, "the change log is damaged");
	assert_int_equal(view_refresh(f->account, v, &newer), 0);
	assert_int_equal(view_count(newer), 4);
	struct rangeset gone = RANGESET_INIT;
	assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, view_modseq(v), &gone), ERR_NOT_FOUND);
	view_unref(&v);
	view_unref(&newer);
}

static void wrong_counts(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	/* as a page from before the last append would look */
	struct store_read *r;
	struct str value;
	struct key key = key_mailbox(FIXTURE_INBOX);
	char old[2000];
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(store_get(r, key_str(&key), &value), 0);
	memcpy(old, value.p, value.n);
	size_t n = value.n;
	store_end(&r);
	fixture_append(f, FIXTURE_INBOX, TEXT, 0);
	damage(f, (struct edit){ .key = key, .how = PUT, .value = str_make(old, n) });
	assert_mended(f, "4 messages, but its record says 3");
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).uidnext, 5);
}

static void damaged_subscriptions(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(subscription_set(f->account, STR("list"), true, NULL), 0);
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	struct key at = { .n = 0 };
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(store_range(r, STR("s"), STR("t"), false, &it), 0);
	assert_int_equal(store_next(it, &key, &value), 1);
	at.n = key.n;
	memcpy(at.p, key.p, key.n);
	store_iter_end(&it);
	store_end(&r);
	damage_flip(f, at);
	assert_mended(f, "subscriptions are damaged");
	struct str *names;
	size_t n;
	assert_int_equal(subscription_list(f->account, &f->arena, &names, &n), 0);
	assert_int_equal(n, 6);
}

static struct append threaded(struct fixture *f, const char *text)
{
	struct str bytes = str_from_c(text);
	struct mime_message m;
	struct buf summary = BUF_INIT(0);
	uint64_t account = FIXTURE_ACCOUNT;
	assert_int_equal(mime_message_parse(bytes, &f->arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, bytes, &summary), 0);
	struct append item = { .size = (uint32_t)bytes.n, .summary = arena_dup(&f->arena, buf_str(&summary)) };
	buf_fini(&summary);
	assert_int_equal(model_put_blob(f->model, &bytes, 1, &account, 1, &item.blob), 0);
	return item;
}

static uint64_t append_threaded(struct fixture *f, const char *text)
{
	struct append item = threaded(f, text);
	struct view *v;
	struct email_reader *r;
	struct email email;
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, &item, 1, false, NULL), 0);
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	assert_int_equal(email_reader_get(r, view_at(v, view_count(v) - 1).email, &email), 0);
	email_reader_end(&r);
	view_unref(&v);
	return email.thread;
}

static void damaged_message_ids(void **state)
{
	struct fixture *f = *state;
	uint64_t thread = append_threaded(f, "Message-ID: <1@a>\r\n\r\n");
	damage_flip(f, key_thread(0));
	/* a delivery takes no notice */
	assert_int_not_equal(append_threaded(f, "In-Reply-To: <1@a>\r\n\r\n"), thread);
	assert_mended(f, "what is noted of Message-IDs is damaged");
	assert_int_equal(append_threaded(f, "In-Reply-To: <1@a>\r\n\r\n"), thread);
}

static void message_ids_of_the_future(void **state)
{
	struct fixture *f = *state;
	append_threaded(f, "Message-ID: <1@a>\r\n\r\n");
	struct thread_entry entry = { 5, 1000 };
	char page[THREAD_VALUE_MAX];
	damage(f, (struct edit){ .key = key_thread(0), .how = PUT, .value = str_make(page, thread_page_encode(&entry, 1, page)) });
	assert_mended(f, "a Message-ID is noted for an email of the future");
}

static void unknown_key(void **state)
{
	struct fixture *f = *state;
	struct key key = { .p = "q?", .n = 2 };
	damage(f, (struct edit){ .key = key, .how = PUT, .value = STR("what") });
	assert_mended(f, "an unknown key, beginning with 71");
	struct store_read *r;
	struct str value;
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(store_get(r, STR("zq?"), &value), 0);
	assert_true(str_eq(value, STR("what")));
	store_end(&r);
}

/* Where a sector of the index was zeroed. */
static void mailbox_without_a_number(void **state)
{
	struct fixture *f = *state;
	struct key key = key_mailbox(0);
	audit_fill(f);
	damage(f, (struct edit){ .key = key, .how = PUT, .value = STR("what") });
	assert_mended(f, "an unknown key, beginning with 62");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
}

static void keys_of_wrong_shape(void **state)
{
	static const char kinds[] = "abcdeghiklmnstux";
	struct fixture *f = *state;
	audit_fill(f);
	for (size_t i = 0; kinds[i]; i++) {
		struct key key = { .p = { kinds[i], 1, 1 }, .n = 3 };
		damage(f, (struct edit){ .key = key, .how = PUT, .value = STR("what") });
		assert_mended(f, "an unknown key");
	}
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
	assert_readable(f, FIXTURE_INBOX);
}

/* A bit of the key has flipped: the record is whole, and so is the message. */
static void email_under_another_number(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_rename(f, key_email(3), key_email(3 + (1u << 20)));
	assert_found(f, "nobody holds it");
	uint64_t faults;
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	struct mailbox found;
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("Recovered"), &found), 0);
	assert_int_equal(found.messages, 1);
	assert_int_equal(fixture_blobs(f), 3);
}

/* ---- bodies ---- */

static void stale_tag(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	/* as if the program had ended between the put and the commit */
	uint64_t account = FIXTURE_ACCOUNT;
	struct str body = STR("never delivered");
	struct append a = { .size = (uint32_t)body.n, .summary = STR("s") };
	assert_int_equal(model_put_blob(f->model, &body, 1, &account, 1, &a.blob), 0);
	assert_int_equal(fixture_blobs(f), 4);
	struct found found = { .lines = 0 };
	uint64_t faults;
	assert_int_equal(model_check(f->model, FIXTURE_ACCOUNT, false, found_note, &found, &faults), 0);
	assert_int_equal(faults, 0);
	assert_non_null(strstr(found.text, "note: account 7: 1 bodies are kept for it that no email needs"));
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	fixture_check(f);
	assert_int_equal(fixture_blobs(f), 3);
	/* but it had only been slow: the delivery is told to begin again, nothing is shown without a body */
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, &a, 1, false, NULL), ERR_RETRY);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 3);
	fixture_check(f);
}

static void lost_tag(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	struct view *v;
	struct email_reader *r;
	struct email email;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	assert_int_equal(email_reader_get(r, view_at(v, 0).email, &email), 0);
	email_reader_end(&r);
	view_unref(&v);
	model_drop_blob(f->model, email.blob, FIXTURE_ACCOUNT);
	assert_mended(f, "email 1: its body is not kept for this account");
	assert_int_equal(fixture_blobs(f), 3);
	assert_readable(f, FIXTURE_INBOX);
}

/* A disk that fails now and then while the tag is put again has not lost the body. */
static void lost_tag_on_a_bad_disk(void **state)
{
	uint64_t account = FIXTURE_ACCOUNT, faults;
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		const struct store_fault_plan plan = { .commit_io_percent = 50, .seed = seed };
		struct store *plain, *bad;
		struct model *m, *failing;
		struct account *a;
		struct err e;
		struct str body = STR(TEXT);
		struct append item = { .size = sizeof(TEXT) - 1, .summary = STR("summary") };
		uint32_t uidvalidity;
		bool has = false;
		assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM }, &plain, &e), 0);
		assert_int_equal(model_open(plain, NULL, &m, &e), 0);
		assert_int_equal(account_create(m, account), 0);
		assert_int_equal(account_open(m, account, &a), 0);
		assert_int_equal(model_put_blob(m, &body, 1, &account, 1, &item.blob), 0);
		assert_int_equal(mailbox_append(a, FIXTURE_INBOX, &item, 1, true, &uidvalidity), 0);
		model_drop_blob(m, item.blob, account);
		bad = plain;
		assert_int_equal(store_wrap_faults(&bad, &plan), 0);
		assert_int_equal(model_open(bad, NULL, &failing, &e), 0);
		model_check(failing, account, true, NULL, NULL, &faults);
		model_close(&failing);
		assert_int_equal(model_check(m, account, true, NULL, NULL, &faults), 0);
		assert_int_equal(store_blob_tagged(plain, &item.blob, 1, store_tag_of((struct store_scope){ STORE_ACCOUNT, account }), &has), 0);
		assert_true(has);
		account_close(&a);
		model_close(&m);
		store_close(&bad);
	}
}

/* ---- unfinished work ---- */

static void damaged_acl(void **state)
{
	struct fixture *f = *state;
	struct acl acl;
	audit_fill(f);
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, STR("bob"), false, ACL_ADD, ACL_READ, NULL), 0);
	fixture_check(f);
	damage_flip(f, key_acl(FIXTURE_INBOX));
	assert_int_equal(mailbox_acl(f->account, &f->arena, FIXTURE_INBOX, &acl), ERR_CORRUPT);
	assert_mended(f, "mailbox 1: its access rights are damaged");
	/* nobody is let in by a guess */
	assert_int_equal(mailbox_acl(f->account, &f->arena, FIXTURE_INBOX, &acl), 0);
	assert_int_equal(acl.n, 0);
}

static void acl_of_no_mailbox(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	uint32_t id = fixture_mailbox(f, "box");
	assert_int_equal(mailbox_acl_set(f->account, id, STR("bob"), false, ACL_ADD, ACL_READ, NULL), 0);
	damage_del(f, key_mailbox(id));
	assert_mended(f, "it has access rights but no record");
}

static void damaged_url_keys(void **state)
{
	struct fixture *f = *state;
	uint8_t fresh[URL_KEY_SIZE] = { 1, 2, 3 }, key[URL_KEY_SIZE];
	audit_fill(f);
	uint32_t id = fixture_mailbox(f, "box");
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, FIXTURE_INBOX, false, fresh, key), 0);
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, id, false, fresh, key), 0);
	assert_int_equal(account_url_key_make(f->account, 99, 7, false, fresh, key), 0);
	fixture_check(f);
	damage_flip(f, key_url(FIXTURE_INBOX));
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, FIXTURE_INBOX, key), ERR_CORRUPT);
	assert_mended(f, "mailbox 1: its key of authorised URLs is damaged");
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, FIXTURE_INBOX, key), ERR_NOT_FOUND);
	damage_del(f, key_mailbox(id));
	assert_mended(f, "it has a key of authorised URLs but no record");
	assert_int_equal(account_url_key(f->account, 99, 7, key), 0);
}

static int mark_deleting(struct store_write *w, void *arg)
{
	(void)arg;
	struct key key = key_state();
	struct str value;
	char copy[200];
	assert_int_equal(store_wget(w, key_str(&key), &value), 0);
	memcpy(copy, value.p, value.n);
	record_seal(copy, value.n, 2, 0);
	return store_put(w, key_str(&key), str_make(copy, value.n));
}

static void interrupted_deletion(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	assert_int_equal(
		store_commit(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, mark_deleting, NULL), 0);
	assert_mended(f, "its deletion was interrupted");
	assert_int_equal(fixture_blobs(f), 0);
	uint64_t *ids;
	size_t n;
	assert_int_equal(model_accounts(f->model, &f->arena, &ids, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(damaged_index_page),
		FIXTURE_TEST(lost_index_page),
		FIXTURE_TEST(damaged_email),
		FIXTURE_TEST(lost_email),
		FIXTURE_TEST(damaged_membership),
		FIXTURE_TEST(lost_membership),
		FIXTURE_TEST(email_that_nobody_holds),
		FIXTURE_TEST(damaged_mailbox),
		FIXTURE_TEST(lost_mailbox),
		FIXTURE_TEST(lost_inbox),
		FIXTURE_TEST(lost_empty_inbox),
		FIXTURE_TEST(lost_superior),
		FIXTURE_TEST(damaged_names),
		FIXTURE_TEST(damaged_state),
		FIXTURE_TEST(damaged_log),
		FIXTURE_TEST(wrong_counts),
		FIXTURE_TEST(damaged_subscriptions),
		FIXTURE_TEST(damaged_acl),
		FIXTURE_TEST(acl_of_no_mailbox),
		FIXTURE_TEST(damaged_url_keys),
		FIXTURE_TEST(damaged_message_ids),
		FIXTURE_TEST(message_ids_of_the_future),
		FIXTURE_TEST(unknown_key),
		FIXTURE_TEST(mailbox_without_a_number),
		FIXTURE_TEST(keys_of_wrong_shape),
		FIXTURE_TEST(email_under_another_number),
		FIXTURE_TEST(stale_tag),
		FIXTURE_TEST(lost_tag),
		FIXTURE_TEST(lost_tag_on_a_bad_disk),
		FIXTURE_TEST(interrupted_deletion),
	};
	return fixture_run("audit", tests, sizeof(tests) / sizeof(*tests));
}
