/* An account taken as pairs and put into another store: the same account there, whole by model_check, and what clients may have seen later does
 * not deceive them. */
#include "base/bytes.h"
#include "model/acl.h"
#include "model/annotation.h"
#include "model/fixture.h"
#include "model/model_private.h"
#include "model/transfer.h"

struct pair {
	struct buf key, value;
};
struct taken {
	struct pair *v;
	size_t n, damaged;
	store_blob_id blobs[64], new_blobs[64];
	size_t n_blobs;
	struct model *to;
};

static void take(struct fixture *f, struct taken *t)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	assert_int_equal(store_begin(f->plain, account_scope(FIXTURE_ACCOUNT), &r), 0);
	assert_int_equal(store_range(r, STR("\0"), STR_NONE, false, &it), 0);
	while (store_next(it, &key, &value) == 1) {
		store_blob_id blob;
		bool damaged;
		int rc = transfer_look(key, value, &blob, &damaged);
		t->damaged += damaged;
		assert_in_range(rc, 0, 1);
		if (blob)
			t->blobs[t->n_blobs++] = blob;
		if (!rc)
			continue;
		t->v = reallocarray(t->v, t->n + 1, sizeof(*t->v));
		t->v[t->n] = (struct pair){ BUF_INIT(0), BUF_INIT(0) };
		buf_add_str(&t->v[t->n].key, key);
		buf_add_str(&t->v[t->n++].value, value);
	}
	store_iter_end(&it);
	store_end(&r);
}

static int new_blob(void *arg, store_blob_id old, store_blob_id *out)
{
	struct taken *t = arg;
	for (size_t i = 0; i < t->n_blobs; i++)
		if (t->blobs[i] == old) {
			*out = t->new_blobs[i];
			return 0;
		}
	return ERR_NOT_FOUND;
}

static int put_all(struct store_write *w, void *arg)
{
	struct taken *t = arg;
	for (size_t i = 0; i < t->n; i++) {
		int rc = store_put(w, buf_str(&t->v[i].key), buf_str(&t->v[i].value));
		if (rc)
			return rc;
	}
	return 0;
}

static void put(struct fixture *f, struct taken *t, bool moved_on, int64_t now, struct model *to)
{
	uint64_t account = FIXTURE_ACCOUNT;
	for (size_t i = 0; i < t->n_blobs; i++) {
		struct store_blob_view body;
		struct str other = STR("a body before, so that ids differ");
		store_blob_id unused;
		assert_int_equal(store_blob_put(model_store(to), &other, 1, NULL, 0, &unused), 0);
		assert_int_equal(store_blob_map(f->plain, t->blobs[i], &body), 0);
		assert_int_equal(model_put_blob(to, &body.bytes, 1, &account, 1, &t->new_blobs[i]), 0);
		store_blob_unmap(f->plain, &body);
	}
	struct transfer transfer = { .blob = new_blob, .arg = t, .moved_on = moved_on, .now = now };
	for (size_t i = 0; i < t->n; i++)
		assert_int_equal(transfer_move(&transfer, buf_str(&t->v[i].key), &t->v[i].value), 0);
	assert_int_equal(transfer_register(to, account), 0);
	assert_int_equal(store_commit(model_store(to), account_scope(account), put_all, t), 0);
	for (size_t i = 0; i < t->n; i++) {
		buf_fini(&t->v[i].key);
		buf_fini(&t->v[i].value);
	}
	free(t->v);
	t->v = NULL;
}

static void fill(struct fixture *f)
{
	uint32_t work = fixture_mailbox(f, "Work"), gone = fixture_mailbox(f, "Gone");
	fixture_append(f, FIXTURE_INBOX, "one", MESSAGE_SEEN);
	fixture_append(f, FIXTURE_INBOX, "two", 0);
	fixture_append(f, FIXTURE_INBOX, "three", MESSAGE_FLAGGED);
	fixture_append(f, work, "four", 0);
	fixture_append(f, gone, "five", 0);
	fixture_flags(f, work, "1", FLAGS_ADD, MESSAGE_ANSWERED, "urgent");
	struct rangeset uids = fixture_uids("2");
	FIXTURE_OK(mailbox_copy(f->account, FIXTURE_INBOX, work, &uids, false, NULL, NULL, NULL));
	FIXTURE_OK(mailbox_expunge(f->account, FIXTURE_INBOX, &uids, false, NULL, NULL));
	rangeset_fini(&uids);
	FIXTURE_OK(mailbox_delete(f->account, STR("Gone"), NULL));
	FIXTURE_OK(mailbox_acl_set(f->account, work, STR("bob@example.org"), false, ACL_REPLACE, ACL_READ, NULL));
	struct annotation note = { STR("comment"), STR("ours"), false };
	FIXTURE_OK(annotation_set(f->account, work, FIXTURE_ACCOUNT, &(struct annotation_change){ .v = &note, .n = 1 }));
}

static void note_line(void *arg, const char *line)
{
	(void)arg;
	print_message("%s\n", line);
}

static struct model *other_model(struct store **store)
{
	struct err e = { 0 };
	struct model *m;
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM }, store, &e), 0);
	assert_int_equal(model_open(*store, NULL, &m, &e), 0);
	return m;
}

static void compare_mailboxes(struct fixture *f, struct account *to, bool moved_on, int64_t now)
{
	struct mailbox *from_list, *to_list;
	size_t n, n_to;
	assert_int_equal(mailbox_list(f->account, &f->arena, &from_list, &n), 0);
	assert_int_equal(mailbox_list(to, &f->arena, &to_list, &n_to), 0);
	assert_int_equal(n, n_to);
	for (size_t i = 0; i < n; i++) {
		struct view *a, *b;
		assert_true(str_eq(from_list[i].name, to_list[i].name));
		assert_int_equal(from_list[i].use, to_list[i].use);
		assert_int_equal(from_list[i].uidnext, to_list[i].uidnext);
		assert_true(moved_on ? to_list[i].uidvalidity > from_list[i].uidvalidity && to_list[i].uidvalidity >= now
							 : to_list[i].uidvalidity == from_list[i].uidvalidity);
		for (size_t k = 0; k < i; k++)
			assert_true(!moved_on || to_list[k].uidvalidity != to_list[i].uidvalidity);
		assert_int_equal(view_open(f->account, from_list[i].id, &a), 0);
		assert_int_equal(view_open(to, to_list[i].id, &b), 0);
		assert_string_equal(fixture_show(f, a), fixture_show(f, b));
		for (uint32_t k = 0; k < view_count(a); k++) {
			struct store_blob_view x, y;
			assert_int_equal(email_map(f->account, view_at(a, k).email, &x), 0);
			assert_int_equal(email_map(to, view_at(b, k).email, &y), 0);
			assert_true(str_eq(x.bytes, y.bytes));
			email_unmap(f->account, &x);
			email_unmap(to, &y);
		}
		view_unref(&a);
		view_unref(&b);
	}
}

static void whole(struct fixture *f, bool moved_on)
{
	struct taken t = { .n = 0 };
	struct store *store;
	struct model *to = other_model(&store);
	struct account *account;
	struct acl acl;
	int64_t now = moved_on ? 2000000000 : 0;
	uint64_t faults = 1;
	fill(f);
	take(f, &t);
	assert_int_equal(t.damaged, 0);
	put(f, &t, moved_on, now, to);
	assert_int_equal(account_open(to, FIXTURE_ACCOUNT, &account), 0);
	compare_mailboxes(f, account, moved_on, now);
	struct mailbox work, later;
	assert_int_equal(mailbox_find(account, &f->arena, STR("Work"), &work), 0);
	assert_int_equal(mailbox_acl(account, &f->arena, work.id, &acl), 0);
	assert_int_equal(acl.n, 1);
	struct annotation *notes;
	size_t n;
	assert_int_equal(annotation_list(account, work.id, FIXTURE_ACCOUNT, &f->arena, &notes, &n), 0);
	assert_int_equal(n, 1);
	/* life goes on, above everything */
	assert_int_equal(mailbox_create(account, STR("Later"), 0, &later, NULL), 0);
	assert_true(later.uidvalidity > work.uidvalidity);
	assert_int_equal(transfer_raise_uidvalidity(account, 3000000000u), 0);
	assert_int_equal(mailbox_create(account, STR("Last"), 0, &later, NULL), 0);
	assert_true(later.uidvalidity > 3000000000u);
	assert_int_equal(model_check(to, 0, false, note_line, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	/* and of the time before the transfer nothing is told that is not known */
	struct rangeset gone = RANGESET_INIT;
	assert_int_equal(mailbox_vanished(account, FIXTURE_INBOX, 1, &gone), ERR_NOT_FOUND);
	rangeset_fini(&gone);
	account_close(&account);
	model_close(&to);
	store_close(&store);
}

static void the_same_elsewhere(void **state) { whole(*state, false); }
static void elsewhere_and_later(void **state) { whole(*state, true); }

static void damage_is_told(void **state)
{
	struct fixture *f = *state;
	(void)f;
	char email[40] = { 2 };
	store_blob_id blob;
	bool damaged;
	email[8] = 5;
	assert_int_equal(transfer_look(STR("e12345678"), str_make(email, sizeof(email)), &blob, &damaged), 1);
	assert_true(damaged);
	assert_int_equal(blob, 5);
	assert_int_equal(transfer_look(STR("e12345678"), STR("short"), &blob, &damaged), 1);
	assert_true(damaged);
	assert_int_equal(blob, 0);
	assert_int_equal(transfer_look(STR("l12345678"), STR("a log record"), &blob, &damaged), 0);
	assert_false(damaged);
	/* as it was, so that a check finds it there too */
	struct transfer t = { .now = 1 };
	struct buf value = BUF_INIT(0);
	buf_add(&value, email, sizeof(email));
	assert_int_equal(transfer_move(&t, STR("e12345678"), &value), 0);
	assert_memory_equal(value.p, email, sizeof(email));
	buf_fini(&value);
}

/* Also of an account whose state is damaged no client is told the UIDVALIDITY that it knows. */
static void damaged_state(void **state)
{
	struct fixture *f = *state;
	const uint32_t now = 2000000000;
	struct taken t = { .n = 0 };
	struct transfer transfer = { .moved_on = true, .now = now };
	unsigned mailboxes = 0;
	fill(f);
	take(f, &t);
	for (size_t i = 0; i < t.n; i++) {
		char kind = t.v[i].key.p[0];
		if (kind == 'a')
			t.v[i].value.p[9] ^= 1;
		if (kind == 'a' || kind == 'b')
			assert_int_equal(transfer_move(&transfer, buf_str(&t.v[i].key), &t.v[i].value), 0);
		if (kind == 'b')
			assert_int_equal(load_le32(t.v[i].value.p + 12), now + mailboxes++);
		buf_fini(&t.v[i].key);
		buf_fini(&t.v[i].value);
	}
	free(t.v);
	assert_true(mailboxes > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(the_same_elsewhere), FIXTURE_TEST(elsewhere_and_later), FIXTURE_TEST(damage_is_told), FIXTURE_TEST(damaged_state),
	};
	return fixture_run("transfer", tests, sizeof(tests) / sizeof(*tests));
}
