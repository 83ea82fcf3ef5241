#include "deliver/deliver.h"

#include "codec/mime/summary.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct fixture {
	struct store *store;
	struct model *model;
};

static int open_all(void **state)
{
	static struct fixture f;
	struct store_config sc = { .engine = STORE_ENGINE_MEM, .create = true };
	struct model_config mc = { 0 };

	f = (struct fixture){ 0 };
	*state = &f;
	if (store_open(&sc, &f.store, NULL) || model_open(f.store, &mc, &f.model, NULL))
		return -1;
	return account_create(f.model, 1) || account_create(f.model, 2) ? -1 : 0;
}

static int close_all(void **state)
{
	struct fixture *f = *state;

	model_close(&f->model);
	store_close(&f->store);
	return 0;
}

static uint32_t count(struct fixture *f, uint64_t id)
{
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;

	assert_int_equal(account_open(f->model, id, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &box), 0);
	uint32_t n = box.messages;
	account_close(&a);
	arena_fini(&arena);
	return n;
}

static const struct str mail = STR_INIT("Return-Path: <>\r\nSubject: hello\r\n\r\nworld\r\n");

struct blobs { uint64_t n; store_blob_id last; };

static int visit(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	struct blobs *b = arg;

	(void)size;
	(void)tag;
	b->n += b->last != id;
	b->last = id;
	return 0;
}

static void test_one_blob_for_all(void **state)
{
	struct fixture *f = *state;
	struct deliver_recipient r[4] = { { .account = 1 }, { .account = 2 }, { .account = 1 }, { .account = 99 } };
	struct blobs blobs = { 0 };

	assert_int_equal(deliver_message(f->model, mail, 1000, r, 4, NULL), ERR_NOT_FOUND);
	assert_int_equal(r[0].result, 0);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(r[2].result, 0);
	assert_int_equal(r[3].result, ERR_NOT_FOUND);
	assert_int_equal(count(f, 1), 1);
	assert_int_equal(count(f, 2), 1);
	assert_int_equal(store_blob_visit(f->store, 0, visit, &blobs), 0);
	assert_int_equal(blobs.n, 1);
}

static void test_bytes_and_summary(void **state)
{
	struct fixture *f = *state;
	struct deliver_recipient r = { .account = 1 };
	struct account *a;
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	struct view *v;
	struct store_blob_view body;
	struct email_reader *reader;
	struct email email;

	assert_int_equal(deliver_message(f->model, mail, 1000, &r, 1, NULL), 0);
	assert_int_equal(account_open(f->model, 1, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("INBOX"), &box), 0);
	assert_int_equal(view_open(a, box.id, &v), 0);
	const struct message *m = view_at(v, 0);
	assert_int_equal(m->size, mail.n);
	assert_int_equal(m->date, 1000);
	assert_int_equal(email_map(a, m->email, &body), 0);
	assert_true(str_eq(body.bytes, mail));
	email_unmap(a, &body);
	assert_int_equal(email_reader_begin(a, &reader), 0);
	assert_int_equal(email_reader_get(reader, m->email, &email), 0);
	assert_true(email.summary.n > 10);
	email_reader_end(&reader);
	view_unref(&v);
	account_close(&a);
	arena_fini(&arena);
}

static void test_quota(void **state)
{
	struct fixture *f = *state;
	struct deliver_recipient r[2] = { { .account = 1 }, { .account = 2 } };
	struct account *a;
	struct blobs blobs = { 0 };

	assert_int_equal(account_open(f->model, 1, &a), 0);
	assert_int_equal(account_set_quota(a, 10, 0), 0);
	account_close(&a);
	assert_int_equal(deliver_message(f->model, mail, 0, r, 1, NULL), ERR_QUOTA);
	assert_int_equal(store_blob_visit(f->store, 0, visit, &blobs), 0);
	assert_int_equal(blobs.n, 0);                    /* nothing is stored for nobody */
	assert_int_equal(deliver_message(f->model, mail, 0, r, 2, NULL), ERR_QUOTA);
	assert_int_equal(r[1].result, 0);
	assert_int_equal(count(f, 1), 0);
	assert_int_equal(count(f, 2), 1);
}

static void test_prepare(void **state)
{
	struct fixture *f = *state;
	struct arena arena = ARENA_INIT(0);
	struct append item;
	struct account *a;
	struct mailbox box;
	uint32_t uidvalidity;

	assert_int_equal(deliver_prepare(f->model, 1, &arena, mail, &item, NULL), 0);
	assert_int_equal(count(f, 1), 0);
	assert_int_equal(account_open(f->model, 1, &a), 0);
	assert_int_equal(mailbox_find(a, &arena, STR("Drafts"), &box), 0);
	assert_int_equal(mailbox_append(a, box.id, &item, 1, false, &uidvalidity), 0);
	assert_int_equal(item.uid_out, 1);
	account_close(&a);
	arena_fini(&arena);
}

static void test_normalise(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } t[] = {
		{ "a\nb\n", "a\r\nb\r\n" }, { "a\r\nb\r\n", "a\r\nb\r\n" }, { "a", "a" }, { "", "" }, { "\n\n", "\r\n\r\n" }, { "a\rb\n", "a\rb\r\n" } };

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = BUF_INIT(0);
		deliver_normalise(str_from_c(t[i].in), &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].out)));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_blob_for_all, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_bytes_and_summary, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_quota, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_prepare, open_all, close_all),
		cmocka_unit_test(test_normalise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
