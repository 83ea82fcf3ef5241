/* Index pages in the store: those of the former version, and those that outgrow what they were filled for. */
#include "model/fixture.h"

#include "base/bytes.h"
#include "model/index.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/record.h"

#define OLD_MESSAGE 40u

/* Rewrites the first page of INBOX as version 1 had it. */
static int make_old(struct store_write *w, void *arg)
{
	char value[PAGE_HEADER + 48 * OLD_MESSAGE], *at = value + PAGE_HEADER;
	struct page_edit page;
	(void)arg;
	int rc = index_page_at(source_write(w), FIXTURE_INBOX, 1, &page);
	assert_int_equal(rc, 1);
	memset(value, 0, PAGE_HEADER);
	for (uint32_t i = 0; i < page.count; i++, at += OLD_MESSAGE) {
		store_le32(at, page.m[i].uid);
		store_le32(at + 4, page.m[i].size);
		store_le64(at + 8, page.m[i].email);
		store_le64(at + 16, page.m[i].modseq);
		store_le64(at + 24, (uint64_t)page.m[i].date);
		store_le64(at + 32, page.m[i].flags);
	}
	record_seal(value, (size_t)(at - value), (uint8_t)page.count, 0);
	struct key key = key_page(FIXTURE_INBOX, page.start);
	return store_put(w, key_str(&key), str_make(value, (size_t)(at - value)));
}

static int measure(struct store_read *r, struct key key, uint8_t *version_out, size_t *size_out)
{
	struct str value;
	int rc = store_get(r, key_str(&key), &value);
	*version_out = rc ? 0 : (uint8_t)value.p[0];
	*size_out = rc ? 0 : value.n;
	return rc;
}

static size_t page_size(struct fixture *f, uint8_t version)
{
	struct store_read *r;
	uint8_t is;
	size_t size;
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(measure(r, key_page(FIXTURE_INBOX, 1), &is, &size), 0);
	store_end(&r);
	assert_int_equal(is, version);
	return size;
}

static int64_t saved_of(struct fixture *f, uint32_t uid)
{
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	struct message m = view_at(v, view_find(v, uid, NULL));
	view_unref(&v);
	return m.saved;
}

static void former_version(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, 40);
	fixture_flags(f, FIXTURE_INBOX, "3:5", FLAGS_ADD, MESSAGE_FLAGGED, NULL);
	const char *before = fixture_show_mailbox(f, FIXTURE_INBOX);
	struct view *seen, *again;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &seen), 0);
	assert_int_equal(store_commit(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, make_old, NULL), 0);
	fixture_reopen(f);
	fixture_check(f);
	page_size(f, 1);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), before);
	assert_int_equal(view_refresh(f->account, seen, &again), 0);
	view_unref(&seen);
	view_unref(&again);
	/* appending goes on in the same page, and writes it anew; who came before has no save date */
	fixture_append_many(f, FIXTURE_INBOX, 2);
	page_size(f, 2);
	assert_int_equal(saved_of(f, 40), 0);
	assert_true(saved_of(f, 41) > 0);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, MESSAGE_SEEN, NULL);
	struct rangeset some = fixture_uids("2:30,41");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &some, false, NULL, NULL), 0);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 31 32 33 34 35 36 37 38 39 40 42");
	rangeset_fini(&some);
	fixture_check(f);
}

/* Every message gets flags and a modseq of its own, so that the columns need all their octets. */
static void outgrown(void **state)
{
	struct fixture *f = *state;
	fixture_append_many(f, FIXTURE_INBOX, PAGE_MESSAGES_MAX);
	assert_true(page_size(f, 2) < PAGE_VALUE_GOOD / 4);
	char uid[12], word[20];
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(uid, sizeof(uid), "%u", 2 * i + 1);
		snprintf(word, sizeof(word), "word-%u", i);
		fixture_flags(f, FIXTURE_INBOX, uid, FLAGS_ADD, i % 32, word);
		fixture_flags(f, FIXTURE_INBOX, "1", i % 2 ? FLAGS_ADD : FLAGS_REMOVE, MESSAGE_DRAFT, NULL);
	}
	fixture_check(f);
	size_t grown = page_size(f, 2);
	assert_true(grown > PAGE_MESSAGES_MAX * 8 && grown <= PAGE_VALUE_MAX);
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), PAGE_MESSAGES_MAX);
	for (unsigned i = 1; i < KEYWORDS_MAX; i++)
		assert_true(view_at(v, 2 * i).flags == (i % 32 | (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i)));
	view_unref(&v);
	/* what comes now goes elsewhere, and a page that is half empty takes in its neighbour again */
	fixture_append_many(f, FIXTURE_INBOX, 10);
	assert_int_equal(page_size(f, 2), grown);
	struct rangeset most = fixture_uids("1:127");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &most, false, NULL, NULL), 0);
	rangeset_fini(&most);
	assert_true(page_size(f, 2) < PAGE_DATA + 11 * 5);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 11);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { FIXTURE_TEST(former_version), FIXTURE_TEST(outgrown) };
	return fixture_run("index", tests, sizeof(tests) / sizeof(*tests));
}
