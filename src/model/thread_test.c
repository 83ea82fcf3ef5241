/* Threads: a new email joins the first of its ids that is known. */
#include "model/fixture.h"

#include "base/bytes.h"
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "model/keys.h"
#include "model/record.h"
#include "model/thread.h"

static struct append make(struct fixture *f, const char *header)
{
	struct str text = arena_printf(&f->arena, "%sSubject: test\r\n\r\nbody\r\n", header);
	struct mime_message m;
	struct buf summary = BUF_INIT(0);
	uint64_t account = FIXTURE_ACCOUNT;
	assert_int_equal(mime_message_parse(text, &f->arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, text, &summary), 0);
	struct append item = { .size = (uint32_t)text.n, .summary = arena_dup(&f->arena, buf_str(&summary)) };
	buf_fini(&summary);
	assert_int_equal(model_put_blob(f->model, &text, 1, &account, 1, &item.blob), 0);
	return item;
}

static struct message last_message(struct fixture *f, uint32_t mailbox)
{
	struct view *v;
	assert_int_equal(view_open(f->account, mailbox, &v), 0);
	struct message m = view_at(v, view_count(v) - 1);
	view_unref(&v);
	return m;
}

static uint64_t thread_of(struct fixture *f, uint64_t id)
{
	struct email_reader *r;
	struct email email;
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	assert_int_equal(email_reader_get(r, id, &email), 0);
	email_reader_end(&r);
	return email.thread;
}

static uint64_t append(struct fixture *f, const char *header)
{
	struct append item = make(f, header);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, &item, 1, false, NULL), 0);
	return thread_of(f, last_message(f, FIXTURE_INBOX).email);
}

static void expunge(struct fixture *f, const char *uids)
{
	struct rangeset set = fixture_uids(uids);
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &set, false, NULL, NULL), 0);
	rangeset_fini(&set);
}

static void replies_join(void **state)
{
	struct fixture *f = *state;
	uint64_t first = append(f, "Message-ID: <1@a>\r\n"), other = append(f, "Message-ID: <2@a>\r\n");
	assert_int_not_equal(first, other);
	assert_int_equal(first, last_message(f, FIXTURE_INBOX).email - 1);
	assert_int_equal(append(f, "Message-ID: <3@a>\r\nIn-Reply-To: <1@a>\r\n"), first);
	assert_int_equal(append(f, "Message-ID: <4@a>\r\nReferences: <1@a> <3@a>\r\n"), first);
	assert_int_equal(append(f, "In-Reply-To: Your message of today <4@a>\r\n"), first);
	assert_int_equal(append(f, "References: <2@a>\r\nIn-Reply-To: <unknown@a>\r\n"), other);
	assert_int_equal(append(f, "In-Reply-To: < unknown@a >\r\n"), other);
	/* In-Reply-To before References, of these the newest first */
	assert_int_equal(append(f, "References: <2@a>\r\nIn-Reply-To: <1@a>\r\n"), first);
	assert_int_equal(append(f, "References: <1@a> <2@a>\r\n"), other);
	/* the same message once more, by another way */
	assert_int_equal(append(f, "Received: x\r\nMessage-ID: <3@a>\r\n"), first);
	fixture_check(f);
}

static void siblings_of_a_parent_that_never_came(void **state)
{
	struct fixture *f = *state;
	uint64_t first = append(f, "Message-ID: <2@a>\r\nReferences: <0@a> <1@a>\r\n");
	assert_int_equal(append(f, "Message-ID: <3@a>\r\nIn-Reply-To: <1@a>\r\n"), first);
	assert_int_equal(append(f, "Message-ID: <0@a>\r\n"), first);
}

static void no_ids_no_company(void **state)
{
	struct fixture *f = *state;
	uint64_t first = append(f, ""), second = append(f, "");
	assert_int_not_equal(first, second);
	fixture_append(f, FIXTURE_INBOX, "a summary that cannot be read", 0);
	struct message m = last_message(f, FIXTURE_INBOX);
	assert_int_equal(thread_of(f, m.email), m.email);
	fixture_check(f);
}

static void deliveries_join_in_one_group(void **state)
{
	struct fixture *f = *state;
	struct model_delivery d[2] = { { .account = FIXTURE_ACCOUNT }, { .account = FIXTURE_ACCOUNT } };
	d[0].append = make(f, "Message-ID: <1@a>\r\n");
	d[1].append = make(f, "Message-ID: <2@a>\r\nReferences: <1@a>\r\n");
	assert_int_equal(model_deliver(f->model, d, 2), 0);
	uint64_t email = last_message(f, FIXTURE_INBOX).email;
	assert_int_equal(thread_of(f, email), thread_of(f, email - 1));
	struct append both[2] = { make(f, "Message-ID: <3@a>\r\n"), make(f, "In-Reply-To: <3@a>\r\n") };
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, both, 2, false, NULL), 0);
	email = last_message(f, FIXTURE_INBOX).email;
	assert_int_equal(thread_of(f, email), email - 1);
}

static void copies_keep_email_and_thread(void **state)
{
	struct fixture *f = *state;
	append(f, "Message-ID: <1@a>\r\n");
	uint64_t thread = append(f, "In-Reply-To: <1@a>\r\n");
	struct message m = last_message(f, FIXTURE_INBOX);
	uint32_t other = fixture_mailbox(f, "other");
	struct rangeset set = fixture_uids("1:2");
	assert_int_equal(mailbox_copy(f->account, FIXTURE_INBOX, other, &set, true, NULL, NULL, NULL), 0);
	rangeset_fini(&set);
	assert_int_equal(last_message(f, other).email, m.email);
	assert_int_equal(thread_of(f, m.email), thread);
	/* moved away is not gone */
	assert_int_equal(append(f, "In-Reply-To: <1@a>\r\n"), thread);
}

static void what_is_gone_is_not_known(void **state)
{
	struct fixture *f = *state;
	uint64_t first = append(f, "Message-ID: <1@a>\r\n");
	assert_int_equal(append(f, "Message-ID: <2@a>\r\nIn-Reply-To: <1@a>\r\n"), first);
	expunge(f, "1");
	uint64_t second = append(f, "Message-ID: <3@a>\r\nIn-Reply-To: <1@a>\r\n");
	assert_int_not_equal(second, first);
	assert_int_equal(append(f, "In-Reply-To: <1@a>\r\n"), second);
	assert_int_equal(append(f, "References: <1@a> <2@a>\r\n"), first);
	fixture_check(f);
}

/* ---- many ---- */

static unsigned count_pages(struct fixture *f)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	struct key from = key_first(KEY_THREAD), to = key_after(KEY_THREAD);
	unsigned n = 0;
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(store_range(r, key_str(&from), key_str(&to), false, &it), 0);
	while (store_next(it, &key, &value) == 1)
		n++;
	store_iter_end(&it);
	store_end(&r);
	return n;
}

static void append_round(struct fixture *f, unsigned from, unsigned n, bool replies)
{
	struct append *items = calloc(n, sizeof(*items));
	for (unsigned i = 0; i < n; i++) {
		char header[100];
		snprintf(header, sizeof(header), replies ? "In-Reply-To: <%u@many>\r\n" : "Message-ID: <%u@many>\r\n", from + i);
		items[i] = make(f, header);
	}
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, items, n, false, NULL), 0);
	free(items);
}

static void every_id_is_found_in_many_pages(void **state)
{
	struct fixture *f = *state;
	enum { N = 2000 };
	append_round(f, 0, N, false);
	append_round(f, 0, N, true);
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(thread_of(f, view_at(v, N + i).email), view_at(v, i).email);
	view_unref(&v);
	assert_in_range(count_pages(f), N / THREAD_PAGE_MAX, 2 * N / THREAD_PAGE_MAX + 1);
	fixture_check(f);
}

static void what_is_gone_is_swept_away(void **state)
{
	struct fixture *f = *state;
	enum { ROUNDS = 20, EACH = 300 };
	for (unsigned round = 0; round < ROUNDS; round++) {
		append_round(f, round * EACH, EACH, false);
		expunge(f, "1:4294967295");
	}
	/* 6,000 ids came and went; a page is swept when it is full, so hardly more pages than one round needs */
	assert_in_range(count_pages(f), 1, 4 * EACH / THREAD_PAGE_MAX);
	fixture_check(f);
}

/* ---- records of version 1 ---- */

static int put_version_1(struct store_write *w, void *arg)
{
	struct key key = key_email(*(uint64_t *)arg);
	struct str value;
	char old[2000];
	assert_int_equal(store_wget(w, key_str(&key), &value), 0);
	size_t n = value.n - 8;
	memcpy(old, value.p, 24);
	memcpy(old + 24, value.p + 32, n - 24);
	record_seal(old, n, 0, 0);
	return store_put(w, key_str(&key), str_make(old, n));
}

static void an_old_record_is_alone(void **state)
{
	struct fixture *f = *state;
	append(f, "Message-ID: <1@a>\r\n");
	append(f, "In-Reply-To: <1@a>\r\n");
	uint64_t email = last_message(f, FIXTURE_INBOX).email;
	assert_int_equal(thread_of(f, email), email - 1);
	struct store_scope scope = { STORE_ACCOUNT, FIXTURE_ACCOUNT };
	assert_int_equal(store_commit(f->store, scope, put_version_1, &email), 0);
	assert_int_equal(thread_of(f, email), email);
	struct email_reader *r;
	struct email old;
	struct mime_summary summary;
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	assert_int_equal(email_reader_get(r, email, &old), 0);
	assert_int_equal(mime_summary_open(&summary, old.summary), 0);
	email_reader_end(&r);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(replies_join),
		FIXTURE_TEST(siblings_of_a_parent_that_never_came),
		FIXTURE_TEST(no_ids_no_company),
		FIXTURE_TEST(deliveries_join_in_one_group),
		FIXTURE_TEST(copies_keep_email_and_thread),
		FIXTURE_TEST(what_is_gone_is_not_known),
		FIXTURE_TEST(every_id_is_found_in_many_pages),
		FIXTURE_TEST(what_is_gone_is_swept_away),
		FIXTURE_TEST(an_old_record_is_alone),
	};
	return fixture_run("thread", tests, sizeof(tests) / sizeof(*tests));
}
