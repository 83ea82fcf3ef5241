/* Mailboxes as a tree: RFC 3501 6.3.3 to 6.3.9. */
#include "model/fixture.h"

#include "base/clock.h"

static struct mailbox find(struct fixture *f, const char *name)
{
	struct mailbox m;
	assert_int_equal(mailbox_find(f->account, &f->arena, str_from_c(name), &m), 0);
	return m;
}

static int find_rc(struct fixture *f, const char *name)
{
	struct mailbox m;
	return mailbox_find(f->account, &f->arena, str_from_c(name), &m);
}

static int create(struct fixture *f, const char *name)
{
	return mailbox_create(f->account, str_from_c(name), 0, NULL, NULL);
}
static int delete(struct fixture *f, const char *name) { return mailbox_delete(f->account, str_from_c(name), NULL); }
static int rename_to(struct fixture *f, const char *from, const char *to)
{
	return mailbox_rename(f->account, str_from_c(from), str_from_c(to), NULL);
}

/* All names that are no defaults, as a list. */
static const char *names(struct fixture *f)
{
	struct mailbox *list;
	size_t n;
	struct buf b = BUF_INIT(0);
	assert_int_equal(mailbox_list(f->account, &f->arena, &list, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (list[i].use || str_eq(list[i].name, STR("INBOX")))
			continue;
		if (b.n)
			buf_add_char(&b, ' ');
		buf_add_str(&b, list[i].name);
		if (list[i].no_select)
			buf_add_char(&b, '!');
	}
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void create_makes_superiors(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	struct err e = { 0 };
	assert_int_equal(mailbox_create(f->account, STR("a/b/c"), MAILBOX_USE_ALL, &m, &e), 0);
	assert_string_equal(names(f), "a a/b");
	assert_int_equal(find(f, "a/b/c").id, m.id);
	assert_int_equal(find(f, "a/b/c").use, MAILBOX_USE_ALL);
	assert_false(find(f, "a").no_select);
	assert_int_equal(mailbox_create(f->account, STR("a/b"), 0, NULL, &e), ERR_EXISTS);
	assert_string_equal(e.client, "The mailbox exists already");
	assert_int_equal(create(f, "INbox"), ERR_EXISTS);
	assert_int_equal(create(f, "x//y"), ERR_INVALID);
	assert_int_equal(create(f, "inbox/sub"), 0);
	assert_int_equal(find(f, "INBOX/sub").id, find(f, "Inbox/sub").id);
	assert_int_equal(find_rc(f, "INBOX/SUB"), ERR_NOT_FOUND);
	assert_int_equal(find_rc(f, "x//y"), ERR_NOT_FOUND);
	fixture_check(f);
}

static void names_longer_than_keys(void **state)
{
	struct fixture *f = *state;
	char name[MAILBOX_NAME_MAX + 1];
	memset(name, 'n', MAILBOX_NAME_MAX);
	name[MAILBOX_NAME_MAX] = '\0';
	assert_int_equal(create(f, name), 0);
	uint32_t id = find(f, name).id;
	assert_int_equal(subscription_set(f->account, str_from_c(name), true, NULL), 0);
	assert_int_equal(rename_to(f, name, "short"), 0);
	assert_int_equal(find(f, "short").id, id);
	assert_int_equal(rename_to(f, "short", name), 0);
	/* its child would have a name that is too long */
	assert_int_equal(create(f, "s"), 0);
	assert_int_equal(create(f, "s/child"), 0);
	name[MAILBOX_NAME_MAX - 3] = '\0';
	assert_int_equal(rename_to(f, "s", name), ERR_TOO_BIG);
	assert_int_equal(find_rc(f, "s/child"), 0);
	fixture_check(f);
}

static void delete_keeps_the_level(void **state)
{
	struct fixture *f = *state;
	uint32_t parent = fixture_mailbox(f, "a"), child = fixture_mailbox(f, "a/b");
	fixture_append(f, parent, "text", 0);
	fixture_append(f, child, "text", 0);
	struct view *v, *newer;
	assert_int_equal(view_open(f->account, parent, &v), 0);
	assert_int_equal(delete(f, "a"), 0);
	assert_string_equal(names(f), "a! a/b");
	assert_int_equal(view_refresh(f->account, v, &newer), ERR_NOT_FOUND);
	assert_int_equal(view_open(f->account, parent, &newer), ERR_NOT_FOUND);
	assert_int_equal(find(f, "a").messages, 0);
	assert_int_equal(fixture_blobs(f), 1);
	assert_int_equal(delete(f, "a"), ERR_CONFLICT);
	fixture_check(f);
	/* made again: another mailbox, with another UIDVALIDITY (RFC 3501 6.3.3) */
	uint32_t uidvalidity = view_uidvalidity(v);
	assert_int_equal(create(f, "a"), 0);
	assert_true(find(f, "a").uidvalidity > uidvalidity);
	assert_int_not_equal(find(f, "a").id, parent);
	assert_int_equal(view_refresh(f->account, v, &newer), ERR_NOT_FOUND);
	view_unref(&v);
	assert_int_equal(delete(f, "a"), 0);
	assert_int_equal(delete(f, "a/b"), 0);
	assert_string_equal(names(f), "a!");
	assert_int_equal(delete(f, "a"), 0);
	assert_string_equal(names(f), "");
	assert_int_equal(delete(f, "a"), ERR_NOT_FOUND);
	assert_int_equal(delete(f, "inbox"), ERR_DENIED);
	assert_int_equal(fixture_blobs(f), 0);
	fixture_check(f);
}

static void uidvalidity_never_returns(void **state)
{
	struct fixture *f = *state;
	uint32_t last = 0, last_id = 0;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(create(f, "again"), 0);
		assert_true(find(f, "again").uidvalidity > last);
		assert_true(find(f, "again").id > last_id);
		last = find(f, "again").uidvalidity;
		last_id = find(f, "again").id;
		assert_int_equal(delete(f, "again"), 0);
	}
	/* also when the clock was set back */
	const int64_t year_ms = INT64_C(365) * 86400 * 1000;
	clock_shift_ms(-year_ms);
	assert_int_equal(create(f, "again"), 0);
	clock_shift_ms(year_ms);
	assert_true(find(f, "again").uidvalidity > last);
}

static void rename_moves_what_is_below(void **state)
{
	struct fixture *f = *state;
	uint32_t a = fixture_mailbox(f, "a"), b = fixture_mailbox(f, "a/b");
	fixture_mailbox(f, "ab");
	uint32_t uid = fixture_append(f, b, "text", MESSAGE_SEEN), uidvalidity = find(f, "a/b").uidvalidity;
	assert_int_equal(rename_to(f, "a", "x/y"), 0);
	assert_string_equal(names(f), "ab x x/y x/y/b");
	assert_int_equal(find(f, "x/y").id, a);
	assert_int_equal(find(f, "x/y/b").id, b);
	assert_int_equal(find(f, "x/y/b").uidvalidity, uidvalidity);
	assert_string_equal(fixture_show_mailbox(f, b), "1:s");
	assert_int_equal(uid, 1);
	assert_int_equal(rename_to(f, "x", "x/y/z"), ERR_INVALID);
	assert_int_equal(rename_to(f, "x", "ab"), ERR_EXISTS);
	assert_int_equal(rename_to(f, "x", "inbox"), ERR_EXISTS);
	assert_int_equal(rename_to(f, "none", "new"), ERR_NOT_FOUND);
	assert_int_equal(rename_to(f, "x", "bad//name"), ERR_INVALID);
	assert_string_equal(names(f), "ab x x/y x/y/b");
	fixture_check(f);
}

/* RFC 3501 6.3.5: the messages move, INBOX stays, inferiors of INBOX stay. */
static void rename_of_inbox(void **state)
{
	struct fixture *f = *state;
	fixture_mailbox(f, "INBOX/sub");
	fixture_append(f, FIXTURE_INBOX, "a", MESSAGE_SEEN);
	fixture_append(f, FIXTURE_INBOX, "b", 0);
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, 0, "word");
	uint32_t uidvalidity = find(f, "INBOX").uidvalidity;
	assert_int_equal(rename_to(f, "inbox", "old/mail"), 0);
	assert_string_equal(names(f), "INBOX/sub old old/mail");
	assert_int_equal(find(f, "INBOX").id, FIXTURE_INBOX);
	assert_int_equal(find(f, "INBOX").uidvalidity, uidvalidity);
	assert_int_equal(find(f, "INBOX").messages, 0);
	assert_int_equal(find(f, "INBOX").uidnext, 3);
	assert_string_equal(fixture_show_mailbox(f, find(f, "old/mail").id), "1:s 2:0");
	assert_int_equal(fixture_append(f, FIXTURE_INBOX, "c", 0), 3);
	assert_int_equal(rename_to(f, "INBOX", "INBOX/deep"), 0);
	assert_int_equal(find(f, "INBOX/deep").messages, 1);
	fixture_check(f);
}

static void uses(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mailbox_set_use(f->account, STR("Sent"), MAILBOX_USE_SENT | MAILBOX_USE_IMPORTANT, NULL), 0);
	assert_int_equal(find(f, "Sent").use, MAILBOX_USE_SENT | MAILBOX_USE_IMPORTANT);
	assert_int_equal(mailbox_set_use(f->account, STR("None"), 0, NULL), ERR_NOT_FOUND);
	fixture_check(f);
}

static void subscriptions_are_names(void **state)
{
	struct fixture *f = *state;
	struct str *list;
	size_t n;
	/* RFC 3501 6.3.9: a name stays subscribed when its mailbox is gone */
	assert_int_equal(create(f, "a"), 0);
	assert_int_equal(subscription_set(f->account, STR("a"), true, NULL), 0);
	assert_int_equal(delete(f, "a"), 0);
	assert_int_equal(subscription_set(f->account, STR("never/made"), true, NULL), 0);
	assert_int_equal(subscription_set(f->account, STR("never/made"), true, NULL), 0);
	assert_int_equal(subscription_set(f->account, STR("bad//name"), true, NULL), ERR_INVALID);
	assert_int_equal(subscription_set(f->account, STR("inbox"), false, NULL), 0);
	assert_int_equal(subscription_set(f->account, STR("inbox"), false, NULL), 0);
	assert_int_equal(subscription_list(f->account, &f->arena, &list, &n), 0);
	assert_int_equal(n, 7);
	assert_true(str_eq(list[5], STR("a")));
	assert_true(str_eq(list[6], STR("never/made")));
	fixture_check(f);
}

static void many_mailboxes(void **state)
{
	struct fixture *f = *state;
	char name[30];
	int rc = 0;
	unsigned made = 6;
	if (f->engine == STORE_ENGINE_LMDB)
		return;
	for (; rc == 0 && made <= MAILBOXES_MAX; made += rc == 0) {
		snprintf(name, sizeof(name), "m%u", made);
		rc = create(f, name);
	}
	assert_int_equal(rc, ERR_TOO_BIG);
	assert_int_equal(made, MAILBOXES_MAX);
	assert_int_equal(create(f, "new/with/levels"), ERR_TOO_BIG);
	struct mailbox *list;
	size_t n;
	assert_int_equal(mailbox_list(f->account, &f->arena, &list, &n), 0);
	assert_int_equal(n, MAILBOXES_MAX);
	fixture_check(f);
}

/* RFC 4467 2.2: a key for each mailbox, which goes with it. */
static void url_keys(void **state)
{
	struct fixture *f = *state;
	uint8_t one[URL_KEY_SIZE] = { 1 }, two[URL_KEY_SIZE] = { 2 }, got[URL_KEY_SIZE];
	uint32_t id = fixture_mailbox(f, "box");
	fixture_mailbox(f, "box/below");
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, id, got), ERR_NOT_FOUND);
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, id, false, one, got), 0);
	assert_memory_equal(got, one, URL_KEY_SIZE);
	/* There is one, so nothing new is made. */
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, id, false, two, got), 0);
	assert_memory_equal(got, one, URL_KEY_SIZE);
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, id, true, two, got), 0);
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, id, got), 0);
	assert_memory_equal(got, two, URL_KEY_SIZE);
	/* Of a mailbox that another account shares. */
	assert_int_equal(account_url_key_make(f->account, 99, id, false, one, got), 0);
	assert_memory_equal(got, one, URL_KEY_SIZE);
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, 999, false, one, got), ERR_NOT_FOUND);
	/* With its children it stays as a level, without the key. */
	assert_int_equal(mailbox_delete(f->account, STR("box"), NULL), 0);
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, id, got), ERR_NOT_FOUND);
	id = fixture_mailbox(f, "other");
	assert_int_equal(account_url_key_make(f->account, FIXTURE_ACCOUNT, id, false, one, got), 0);
	fixture_reopen(f);
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, id, got), 0);
	assert_int_equal(mailbox_delete(f->account, STR("other"), NULL), 0);
	assert_int_equal(account_url_key(f->account, FIXTURE_ACCOUNT, id, got), ERR_NOT_FOUND);
	assert_int_equal(account_url_keys_clear(f->account), 0);
	assert_int_equal(account_url_key(f->account, 99, id, got), ERR_NOT_FOUND);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(url_keys),
		FIXTURE_TEST(create_makes_superiors),
		FIXTURE_TEST(names_longer_than_keys),
		FIXTURE_TEST(delete_keeps_the_level),
		FIXTURE_TEST(uidvalidity_never_returns),
		FIXTURE_TEST(rename_moves_what_is_below),
		FIXTURE_TEST(rename_of_inbox),
		FIXTURE_TEST(uses),
		FIXTURE_TEST(subscriptions_are_names),
		FIXTURE_TEST(many_mailboxes),
	};
	return fixture_run("mailbox", tests, sizeof(tests) / sizeof(*tests));
}
