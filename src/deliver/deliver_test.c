/* A message comes to its accounts: once each, all or nothing for each, with the summary that the protocols read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/mime/summary.h"
#include "deliver/deliver.h"
#include "deliver/targets.h"

#define MESSAGE "From: Ann <ann@example.org>\r\nSubject: Hi\r\nDate: Mon, 23 Nov 2026 18:54:32 +0000\r\n\r\nHello.\r\n"

struct house {
	struct store *store;
	struct model *model;
};

static int setup(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	assert_int_equal(store_open(&config, &h->store, NULL), 0);
	assert_int_equal(model_open(h->store, NULL, &h->model, NULL), 0);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(account_create(h->model, id), 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;
	model_close(&h->model);
	store_close(&h->store);
	free(h);
	return 0;
}

struct seen {
	store_blob_id ids[10];
	unsigned n;
};

static int note_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)size;
	(void)tag;
	struct seen *seen = arg;
	for (unsigned i = 0; i < seen->n; i++)
		if (seen->ids[i] == id)
			return 0;
	assert_true(seen->n < 10);
	seen->ids[seen->n++] = id;
	return 0;
}

/* Blobs of an account, 0: of all; one that several own counts once. */
static unsigned blobs(struct house *h, uint64_t account)
{
	struct seen seen = { .n = 0 };
	store_tag tag = account ? store_tag_of((struct store_scope){ STORE_ACCOUNT, account }) : 0;
	assert_int_equal(store_blob_visit(h->store, tag, note_blob, &seen), 0);
	return seen.n;
}

static uint64_t messages(struct house *h, uint64_t account)
{
	struct quota q;
	assert_int_equal(model_quota(h->model, account, &q), 0);
	return q.messages;
}

static void set_quota(struct house *h, uint64_t account, uint64_t bytes, uint64_t count)
{
	struct account *a;
	assert_int_equal(account_open(h->model, account, &a), 0);
	assert_int_equal(account_set_quota(a, &(struct quota){ .bytes_max = bytes, .messages_max = count }), 0);
	account_close(&a);
}

static void one_message_to_many(void **state)
{
	struct house *h = *state;
	struct deliver_recipient r[] = { { .account = 3 }, { .account = 1 }, { .account = 3, .detail = STR("tag") } };
	assert_int_equal(deliver_message(h->model, STR(MESSAGE), 1234, r, 3, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(r[i].result, 0);
	assert_int_equal(messages(h, 1), 1);
	assert_int_equal(messages(h, 2), 0);
	assert_int_equal(messages(h, 3), 1);
	assert_int_equal(blobs(h, 0), 1);

	struct account *a;
	struct view *v;
	struct email_reader *reader;
	struct email email;
	struct store_blob_view bytes;
	assert_int_equal(account_open(h->model, 3, &a), 0);
	assert_int_equal(view_open(a, 1, &v), 0);
	const struct message first = view_at(v, 0), *m = &first;
	assert_int_equal(m->date, 1234);
	assert_int_equal(m->size, sizeof(MESSAGE) - 1);
	assert_int_equal(email_reader_begin(a, &reader), 0);
	assert_int_equal(email_reader_get(reader, m->email, &email), 0);
	struct mime_summary summary;
	struct mime_envelope envelope;
	assert_int_equal(mime_summary_open(&summary, email.summary), 0);
	assert_int_equal(summary.size, sizeof(MESSAGE) - 1);
	assert_int_equal(mime_summary_envelope(&summary, &envelope), 0);
	assert_true(str_eq(mime_text_str(envelope.subject), STR("Hi")));
	email_reader_end(&reader);
	assert_int_equal(email_map(a, m->email, &bytes), 0);
	assert_true(str_eq(bytes.bytes, STR(MESSAGE)));
	email_unmap(a, &bytes);
	view_unref(&v);
	account_close(&a);
}

static void into_a_mailbox_where_there_is_one(void **state)
{
	struct house *h = *state;
	struct account *a;
	struct view *v;
	struct mailbox junk;
	struct arena arena = ARENA_INIT(0);
	assert_int_equal(account_open(h->model, 2, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("Junk"), &junk), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct deliver_recipient r = { .account = 2 };
		assert_int_equal(deliver_message_into(h->model, i ? STR("Nowhere") : STR("Junk"), STR(MESSAGE), 1, &r, 1, NULL), 0);
		assert_int_equal(view_open(a, junk.id, &v), 0);
		assert_int_equal(view_count(v), 1);
		view_unref(&v);
	}
	assert_int_equal(view_open(a, 1, &v), 0);
	assert_int_equal(view_count(v), 1);
	view_unref(&v);
	account_close(&a);
	arena_fini(&arena);
}

static void who_is_full_stands_alone(void **state)
{
	struct house *h = *state;
	set_quota(h, 1, sizeof(MESSAGE) - 2, 0);
	set_quota(h, 3, sizeof(MESSAGE) - 1, 1);
	struct deliver_recipient r[] = {
		{ .account = 1 }, { .account = 2 }, { .account = 3 }, { .account = 4 }, { .account = 1 }
	};
	struct err e = { 0 };
	assert_int_equal(deliver_message(h->model, STR(MESSAGE), 1, r, 5, &e), ERR_QUOTA);
	assert_string_equal(e.client, "The mailbox is full");
	assert_int_equal(r[0].result, ERR_QUOTA);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(r[2].result, 0);
	assert_int_equal(r[3].result, ERR_NOT_FOUND);
	assert_int_equal(r[4].result, ERR_QUOTA);
	assert_int_equal(blobs(h, 1), 0);
	assert_int_equal(blobs(h, 2), 1);
	assert_int_equal(blobs(h, 4), 0);
	/* both are full now */
	struct deliver_recipient full[] = { { .account = 1 }, { .account = 3 } };
	assert_int_equal(deliver_message(h->model, STR(MESSAGE), 1, full, 2, &e), ERR_QUOTA);
	assert_int_equal(blobs(h, 0), 1);
}

static void who_has_it_is_not_told_otherwise(void **state)
{
	struct deliver_recipient r[] = { { .account = 3 }, { .account = 1 }, { .account = 2 }, { .account = 1 } };
	struct targets t;
	(void)state;
	assert_int_equal(targets_init(&t, r, 4, NULL), 0);
	assert_int_equal(t.n_open, 3);
	/* the first batch has got through, then the disk was full */
	t.n_done = 1;
	assert_int_equal(targets_finish(&t, ERR_NO_SPACE, r, 4, NULL), ERR_NO_SPACE);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(r[3].result, 0);
	assert_int_equal(r[0].result, ERR_NO_SPACE);
	assert_int_equal(r[2].result, ERR_NO_SPACE);
}

static void too_big_is_refused(void **state)
{
	struct house *h = *state;
	struct deliver_recipient r = { .account = 1 };
	size_t n = STORE_BLOB_MAX + 1;
	char *big = calloc(1, n);
	assert_int_equal(deliver_message(h->model, str_make(big, n), 1, &r, 1, NULL), ERR_TOO_BIG);
	assert_int_equal(r.result, ERR_TOO_BIG);
	assert_int_equal(blobs(h, 0), 0);
	free(big);
}

static void prepared_is_appended_or_dropped(void **state)
{
	struct house *h = *state;
	struct arena arena = ARENA_INIT(0);
	struct append a = { .date = 5, .flags = MESSAGE_SEEN };
	struct account *account;
	assert_int_equal(account_open(h->model, 2, &account), 0);
	assert_int_equal(deliver_prepare(h->model, 2, &arena, STR(MESSAGE), &a, NULL), 0);
	assert_int_equal(a.size, sizeof(MESSAGE) - 1);
	assert_int_equal(mailbox_append(account, 1, &a, 1, false, NULL), 0);
	assert_int_equal(messages(h, 2), 1);
	assert_int_equal(deliver_prepare(h->model, 2, &arena, STR(MESSAGE), &a, NULL), 0);
	assert_int_equal(blobs(h, 2), 2);
	assert_int_equal(mailbox_append(account, 999, &a, 1, false, NULL), ERR_NOT_FOUND);
	assert_int_equal(blobs(h, 2), 1);
	assert_int_equal(deliver_prepare(h->model, 2, &arena, STR(MESSAGE), &a, NULL), 0);
	model_drop_blob(h->model, a.blob, 2);
	assert_int_equal(blobs(h, 2), 1);
	account_close(&account);
	arena_fini(&arena);
}

static void line_ends_become_crlf(void **state)
{
	(void)state;
	static const struct { struct str raw, normal; } cases[] = {
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("a"), STR_INIT("a") },
		{ STR_INIT("a\nb\n"), STR_INIT("a\r\nb\r\n") },
		{ STR_INIT("a\r\nb\n\n"), STR_INIT("a\r\nb\r\n\r\n") },
		{ STR_INIT("\n"), STR_INIT("\r\n") },
		{ STR_INIT("\r\n"), STR_INIT("\r\n") },
		{ STR_INIT("a\rb\r\r\n"), STR_INIT("a\rb\r\r\n") },
		{ STR_INIT("a\0\nb\r"), STR_INIT("a\0\r\nb\r") },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT(0);
		deliver_normalise(cases[i].raw, &b);
		assert_true(str_eq(buf_str(&b), cases[i].normal));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_message_to_many, setup, teardown),
		cmocka_unit_test_setup_teardown(into_a_mailbox_where_there_is_one, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_full_stands_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(too_big_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(prepared_is_appended_or_dropped, setup, teardown),
		cmocka_unit_test(line_ends_become_crlf), cmocka_unit_test(who_has_it_is_not_told_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
