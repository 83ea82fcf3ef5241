/* Records of older shapes become new ones, and nobody can tell by what they say. */
#include "model/fixture.h"

#include "base/bytes.h"
#include "model/email_record.h"
#include "model/keys.h"
#include "model/page.h"
#include "model/upgrade.h"

#define MESSAGES 300u

static const struct store_scope scope = { STORE_ACCOUNT, FIXTURE_ACCOUNT };

/* As the first program wrote them: 40 octets a message, at most 48 to a page (doc/format/model.md, "Version 1"). */
static int put_old_pages(struct store_write *w, void *arg)
{
	struct message *all = arg;
	struct key from = key_page(FIXTURE_INBOX, 0), to = key_pages_after(FIXTURE_INBOX);
	uint64_t n;
	int rc = store_del_range(w, key_str(&from), key_str(&to), &n);
	for (uint32_t i = 0; rc == 0 && i < MESSAGES; i += 48) {
		char value[16 + 48 * 40] = { 0 }, *p = value + 16;
		uint32_t count = MESSAGES - i < 48 ? MESSAGES - i : 48;
		uint64_t modseq = 0;
		for (uint32_t k = 0; k < count; k++, p += 40) {
			const struct message *m = &all[i + k];
			store_le32(p, m->uid), store_le32(p + 4, m->size), store_le64(p + 8, m->email), store_le64(p + 16, m->modseq);
			store_le64(p + 24, (uint64_t)m->date), store_le64(p + 32, m->flags);
			modseq = m->modseq > modseq ? m->modseq : modseq;
		}
		store_le64(value + 8, modseq);
		record_seal(value, (size_t)(p - value), (uint8_t)count, 0);
		struct key key = key_page(FIXTURE_INBOX, all[i].uid);
		rc = store_put(w, key_str(&key), str_make(value, (size_t)(p - value)));
	}
	return rc;
}

/* Version 1 had no thread. */
static int put_old_email(struct store_write *w, void *arg)
{
	struct key key = key_email(*(uint64_t *)arg);
	struct str value;
	char old[4000];
	int rc = store_wget(w, key_str(&key), &value);
	if (rc)
		return rc;
	size_t n = value.n - 8;
	memcpy(old, value.p, 24);
	memcpy(old + 24, value.p + 32, n - 24);
	record_seal(old, n, 0, 0);
	return store_put(w, key_str(&key), str_make(old, n));
}

static void make_old(struct fixture *f, struct message *all)
{
	fixture_append_many(f, FIXTURE_INBOX, MESSAGES);
	fixture_flags(f, FIXTURE_INBOX, "5:50", FLAGS_ADD, MESSAGE_SEEN, "$Junk");
	struct view *v;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++)
		all[i] = view_at(v, i);
	view_unref(&v);
	assert_int_equal(store_commit(f->plain, scope, put_old_pages, all), 0);
	for (uint32_t i = 0; i < MESSAGES; i++)
		assert_int_equal(store_commit(f->plain, scope, put_old_email, &all[i].email), 0);
}

static void assert_same(struct fixture *f, const struct message *all)
{
	struct view *v;
	struct email_reader *r;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), MESSAGES);
	assert_int_equal(email_reader_begin(f->account, &r), 0);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct message m = view_at(v, i);
		struct email email;
		assert_int_equal(m.uid, all[i].uid);
		assert_int_equal(m.email, all[i].email);
		assert_int_equal(m.modseq, all[i].modseq);
		assert_int_equal(m.flags, all[i].flags);
		assert_int_equal(m.date, all[i].date);
		assert_int_equal(m.size, all[i].size);
		assert_int_equal(email_reader_get(r, m.email, &email), 0);
		assert_int_equal(email.size, m.size);
		assert_int_equal(email.thread, m.email);
	}
	email_reader_end(&r);
	view_unref(&v);
}

static int stop_soon(void *arg, uint64_t done)
{
	unsigned *left = arg;
	(void)done;
	return (*left)-- ? 0 : ERR_CLOSED;
}

static void old_records_become_new_ones(void **state)
{
	struct fixture *f = *state;
	static struct message all[MESSAGES];
	struct upgrade_count before, count;
	uint64_t done, again;
	unsigned steps = 2;

	make_old(f, all);
	fixture_reopen(f);
	uint64_t modseq = fixture_get(f, FIXTURE_INBOX).modseq;
	assert_int_equal(model_upgrade_count(f->model, FIXTURE_ACCOUNT, &before), 0);
	assert_int_equal(before.old, MESSAGES + (MESSAGES + 47) / 48);
	assert_int_equal(before.damaged, 0);
	assert_same(f, all);
	/* stopped on the way, then to the end */
	assert_int_equal(model_upgrade(f->model, FIXTURE_ACCOUNT, stop_soon, &steps, &done), ERR_CLOSED);
	assert_int_equal(model_upgrade_count(f->model, FIXTURE_ACCOUNT, &count), 0);
	assert_int_equal(count.old, before.old - done);
	assert_true(done > 0 && count.old > 0);
	assert_int_equal(model_upgrade(f->model, FIXTURE_ACCOUNT, NULL, NULL, &again), 0);
	assert_int_equal(done + again, before.old);
	assert_int_equal(model_upgrade_count(f->model, FIXTURE_ACCOUNT, &count), 0);
	assert_int_equal(count.old, 0);
	assert_int_equal(count.all, before.all);
	assert_same(f, all);
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).modseq, modseq);
	fixture_reopen(f);
	assert_same(f, all);
	fixture_check(f);
	/* a mailbox whose pages were written anew goes on as any other */
	fixture_append_many(f, FIXTURE_INBOX, 3);
	fixture_check(f);
	assert_int_equal(model_upgrade(f->model, FIXTURE_ACCOUNT, NULL, NULL, &again), 0);
	assert_int_equal(again, 0);
}

static int damage(struct store_write *w, void *arg)
{
	struct key key = key_email(*(uint64_t *)arg);
	struct str value;
	char copy[4000];
	int rc = store_wget(w, key_str(&key), &value);
	if (rc)
		return rc;
	memcpy(copy, value.p, value.n);
	copy[value.n - 1] ^= 1;
	return store_put(w, key_str(&key), str_make(copy, value.n));
}

static void damaged_ones_are_left_alone(void **state)
{
	struct fixture *f = *state;
	static struct message all[MESSAGES];
	struct upgrade_count count;
	uint64_t done;

	make_old(f, all);
	assert_int_equal(store_commit(f->plain, scope, damage, &all[7].email), 0);
	assert_int_equal(model_upgrade(f->model, FIXTURE_ACCOUNT, NULL, NULL, &done), 0);
	assert_int_equal(model_upgrade_count(f->model, FIXTURE_ACCOUNT, &count), 0);
	assert_int_equal(count.old, 0);
	assert_int_equal(count.damaged, 1);
	assert_int_equal(done, MESSAGES - 1 + (MESSAGES + 47) / 48);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(old_records_become_new_ones),
		FIXTURE_TEST(damaged_ones_are_left_alone),
	};
	return fixture_run("upgrade", tests, sizeof(tests) / sizeof(*tests));
}
