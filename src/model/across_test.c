/* Copying between accounts: the bodies are shared, and each account stands alone afterwards. */
#include "model/fixture.h"

#define OTHER 8u
#define TEXT "Subject: test\r\n\r\nbody\r\n"

struct pair {
	struct fixture *f;
	struct account *other;
	uint32_t uidvalidity;
	struct rangeset source, target;
};

static struct pair begin(struct fixture *f)
{
	struct pair p = { .f = f };
	FIXTURE_OK(account_create(f->model, OTHER));
	FIXTURE_OK(account_open(f->model, OTHER, &p.other));
	return p;
}

/* Both accounts are whole, and nothing is left over. */
static void check(struct pair *p)
{
	uint64_t faults;
	fixture_check(p->f);
	assert_int_equal(model_check(p->f->model, OTHER, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void end(struct pair *p)
{
	check(p);
	rangeset_fini(&p->source);
	rangeset_fini(&p->target);
	account_close(&p->other);
}

static int copy(struct pair *p, const char *uids, uint64_t keep)
{
	struct rangeset set = fixture_uids(uids);
	rangeset_clear(&p->source);
	rangeset_clear(&p->target);
	int rc = mailbox_copy_across(p->f->account, FIXTURE_INBOX, p->other, FIXTURE_INBOX, &set, keep, &p->source, &p->target, &p->uidvalidity);
	rangeset_fini(&set);
	return rc;
}

static const char *show(struct pair *p, struct account *a)
{
	struct view *v;
	assert_int_equal(view_open(a, FIXTURE_INBOX, &v), 0);
	const char *text = fixture_show(p->f, v);
	view_unref(&v);
	return text;
}

static void assert_readable(struct account *a, unsigned n)
{
	struct view *v;
	assert_int_equal(view_open(a, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), n);
	for (uint32_t i = 0; i < n; i++) {
		struct store_blob_view body;
		assert_int_equal(email_map(a, view_at(v, i).email, &body), 0);
		assert_true(str_starts(body.bytes, STR("Subject: test")));
		email_unmap(a, &body);
	}
	view_unref(&v);
}

static void expunge(struct account *a, const char *uids)
{
	struct rangeset set = fixture_uids(uids);
	assert_int_equal(mailbox_expunge(a, FIXTURE_INBOX, &set, false, NULL, NULL), 0);
	rangeset_fini(&set);
}

static void shared_and_independent(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	fixture_append(f, FIXTURE_INBOX, TEXT, MESSAGE_SEEN | MESSAGE_DELETED);
	fixture_append(f, FIXTURE_INBOX, TEXT "2", MESSAGE_FLAGGED);
	fixture_append(f, FIXTURE_INBOX, TEXT "3", 0);
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, 0, "$Word");
	assert_int_equal(copy(&p, "1:2,9", UINT64_MAX), 0);
	assert_string_equal(fixture_uids_show(f, &p.source), "1:2");
	assert_string_equal(fixture_uids_show(f, &p.target), "1:2");
	assert_true(p.uidvalidity > 0);
	assert_string_equal(show(&p, p.other), "1:sd 2:f0");
	struct view *v;
	unsigned n;
	assert_int_equal(view_open(p.other, FIXTURE_INBOX, &v), 0);
	assert_true(str_eq(view_keywords(v, &n)[0], STR("$Word")));
	view_unref(&v);
	check(&p);
	/* the source goes, the copies stay */
	expunge(f->account, "1:3");
	assert_int_equal(fixture_blobs(f), 0);
	assert_readable(p.other, 2);
	end(&p);
}

/* RFC 4314 section 4: only flags that the user may set. */
static void flags_that_are_kept(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	fixture_append(f, FIXTURE_INBOX, TEXT, MESSAGE_SEEN | MESSAGE_DELETED | MESSAGE_FLAGGED);
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, 0, "$Word");
	assert_int_equal(copy(&p, "1", MESSAGE_SEEN), 0);
	assert_int_equal(copy(&p, "1", 0), 0);
	assert_int_equal(copy(&p, "1", MESSAGE_FLAGGED | UINT64_MAX << MESSAGE_KEYWORD_SHIFT), 0);
	assert_string_equal(show(&p, p.other), "1:s 2 3:f0");
	struct rangeset one = fixture_uids("1");
	uint32_t box = fixture_mailbox(f, "box");
	FIXTURE_OK(mailbox_copy_kept(f->account, FIXTURE_INBOX, box, &one, false, MESSAGE_DELETED, &p.source, &p.target, &p.uidvalidity));
	assert_string_equal(fixture_show_mailbox(f, box), "1:d");
	rangeset_fini(&one);
	end(&p);
}

/* A body belongs to one email of an account only. */
static void copied_more_than_once(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	fixture_append(f, FIXTURE_INBOX, TEXT, 0);
	struct rangeset one = fixture_uids("1"), none = RANGESET_INIT;
	FIXTURE_OK(mailbox_copy(f->account, FIXTURE_INBOX, FIXTURE_INBOX, &one, false, NULL, &none, NULL));
	rangeset_fini(&one);
	rangeset_fini(&none);
	assert_int_equal(copy(&p, "1:2", UINT64_MAX), 0);
	assert_int_equal(copy(&p, "1", UINT64_MAX), 0);
	assert_string_equal(show(&p, p.other), "1 2 3");
	check(&p);
	expunge(p.other, "1");
	assert_readable(p.other, 2);
	expunge(p.other, "3");
	assert_readable(p.other, 1);
	/* and back again, where it is already */
	struct rangeset two = fixture_uids("2");
	FIXTURE_OK(mailbox_copy_across(p.other, FIXTURE_INBOX, f->account, FIXTURE_INBOX, &two, UINT64_MAX, &p.source, &p.target, &p.uidvalidity));
	rangeset_fini(&two);
	expunge(f->account, "1:2");
	assert_readable(f->account, 1);
	assert_readable(p.other, 1);
	end(&p);
}

static void delivered_to_both(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	struct str text = STR(TEXT);
	uint64_t accounts[] = { FIXTURE_ACCOUNT, OTHER };
	store_blob_id blob;
	FIXTURE_OK(model_put_blob(f->model, &text, 1, accounts, 2, &blob));
	struct model_delivery d[] = {
		{ .account = FIXTURE_ACCOUNT, .append = { .blob = blob, .size = (uint32_t)text.n } },
		{ .account = OTHER, .append = { .blob = blob, .size = (uint32_t)text.n } },
	};
	FIXTURE_OK(model_deliver(f->model, d, 2));
	assert_int_equal(copy(&p, "1", UINT64_MAX), 0);
	assert_readable(p.other, 2);
	expunge(p.other, "1");
	assert_readable(p.other, 1);
	assert_readable(f->account, 1);
	end(&p);
}

static void refused(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	struct rangeset one = fixture_uids("1");
	fixture_append(f, FIXTURE_INBOX, TEXT, 0);
	fixture_append(f, FIXTURE_INBOX, TEXT, 0);
	assert_int_equal(mailbox_copy_across(f->account, 99, p.other, FIXTURE_INBOX, &one, 0, &p.source, &p.target, &p.uidvalidity), ERR_NOT_FOUND);
	assert_int_equal(mailbox_copy_across(f->account, FIXTURE_INBOX, p.other, 99, &one, 0, &p.source, &p.target, &p.uidvalidity), ERR_NOT_FOUND);
	/* the quota is the target's; all or nothing, and nothing is left behind */
	assert_int_equal(account_set_quota(p.other, &(struct quota){ .messages_max = 1 }), 0);
	assert_int_equal(copy(&p, "1:2", UINT64_MAX), ERR_QUOTA);
	assert_string_equal(show(&p, p.other), "");
	check(&p);
	assert_int_equal(copy(&p, "7", UINT64_MAX), 0);
	assert_int_equal(p.source.n, 0);
	assert_int_equal(copy(&p, "1", UINT64_MAX), 0);
	rangeset_fini(&one);
	end(&p);
}

/* On a store that fails often (across_faults): nothing is lost, nothing is there in part, and every body is its account's own. */
static void on_a_failing_store(void **state)
{
	struct fixture *f = *state;
	struct pair p = begin(f);
	struct account *plain;
	unsigned copied = 0;
	assert_int_equal(account_open(f->plain_model, FIXTURE_ACCOUNT, &plain), 0);
	struct str text = STR(TEXT);
	uint64_t account = FIXTURE_ACCOUNT;
	for (unsigned i = 0; i < 4; i++) {
		struct append item = { .size = (uint32_t)text.n, .summary = STR("summary"), .flags = MESSAGE_SEEN };
		assert_int_equal(model_put_blob(f->plain_model, &text, 1, &account, 1, &item.blob), 0);
		assert_int_equal(mailbox_append(plain, FIXTURE_INBOX, &item, 1, false, NULL), 0);
	}
	for (unsigned round = 0; round < 60; round++) {
		int rc = copy(&p, "1:4", UINT64_MAX);
		assert_true(rc == 0 || err_class(rc) == ERR_CLASS_TEMPORARY);
		copied += rc ? 0 : 4;
		assert_true(rc || p.target.n == 1);
	}
	assert_true(copied > 0);
	struct account *other;
	struct rangeset all = fixture_uids("1:4");
	assert_int_equal(account_open(f->plain_model, OTHER, &other), 0);
	fixture_check(f);
	assert_readable(other, copied);
	/* and the other account needs none of the first one's */
	assert_int_equal(mailbox_expunge(plain, FIXTURE_INBOX, &all, false, NULL, NULL), 0);
	assert_readable(other, copied);
	rangeset_fini(&all);
	account_close(&other);
	account_close(&plain);
	rangeset_fini(&p.source);
	rangeset_fini(&p.target);
	account_close(&p.other);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest faulty[] = { FIXTURE_TEST(on_a_failing_store) };
	if (fixture_faults())
		return fixture_run("across_faults", faulty, 1);
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(shared_and_independent), FIXTURE_TEST(flags_that_are_kept), FIXTURE_TEST(copied_more_than_once), FIXTURE_TEST(delivered_to_both),
		FIXTURE_TEST(refused), FIXTURE_TEST(on_a_failing_store),
	};
	return fixture_run("across", tests, sizeof(tests) / sizeof(*tests));
}
