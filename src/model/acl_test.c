/* Who may do what: RFC 4314 sections 2 and 4, as far as the model decides it. */
#include "model/fixture.h"

#include "model/acl.h"

static void set(struct fixture *f, uint32_t mailbox, const char *who, enum acl_op op, uint32_t rights)
{
	bool negative = who[0] == '-';
	FIXTURE_OK(mailbox_acl_set(f->account, mailbox, str_from_c(who + negative), negative, op, rights, NULL));
}

/* "anyone 3 bob 7 -bob 4" */
static const char *show(struct fixture *f, uint32_t mailbox)
{
	struct acl acl;
	struct buf b = BUF_INIT(0);
	assert_int_equal(mailbox_acl(f->account, &f->arena, mailbox, &acl), 0);
	for (size_t i = 0; i < acl.n; i++)
		buf_printf(&b, "%s%s%.*s %u", i ? " " : "", acl.v[i].negative ? "-" : "", STR_ARG(acl.v[i].identifier), acl.v[i].rights);
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static uint32_t rights(struct fixture *f, uint32_t mailbox, const char *one, const char *other)
{
	struct acl acl;
	struct str who[] = { str_from_c(one), str_from_c(other) };
	assert_int_equal(mailbox_acl(f->account, &f->arena, mailbox, &acl), 0);
	return acl_rights(&acl, who, 2);
}

static void entries(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(show(f, FIXTURE_INBOX), "");
	set(f, FIXTURE_INBOX, "bob", ACL_REPLACE, ACL_READ | ACL_LOOKUP);
	set(f, FIXTURE_INBOX, "-bob", ACL_ADD, ACL_SEEN);
	set(f, FIXTURE_INBOX, "anyone", ACL_ADD, ACL_LOOKUP);
	set(f, FIXTURE_INBOX, "carol", ACL_ADD, ACL_ALL);
	assert_string_equal(show(f, FIXTURE_INBOX), "anyone 1 bob 3 -bob 4 carol 2047");
	/* plus and minus, RFC 4314 3.1 */
	set(f, FIXTURE_INBOX, "bob", ACL_ADD, ACL_SEEN | ACL_WRITE);
	set(f, FIXTURE_INBOX, "bob", ACL_REMOVE, ACL_READ | ACL_ADMIN);
	assert_string_equal(show(f, FIXTURE_INBOX), "anyone 1 bob 13 -bob 4 carol 2047");
	/* what is left without a right goes; what was not there does not come */
	set(f, FIXTURE_INBOX, "bob", ACL_REMOVE, ACL_ALL);
	set(f, FIXTURE_INBOX, "dave", ACL_REMOVE, ACL_ALL);
	set(f, FIXTURE_INBOX, "carol", ACL_REPLACE, 0);
	assert_string_equal(show(f, FIXTURE_INBOX), "anyone 1 -bob 4");
	fixture_reopen(f);
	assert_string_equal(show(f, FIXTURE_INBOX), "anyone 1 -bob 4");
	set(f, FIXTURE_INBOX, "anyone", ACL_REPLACE, 0);
	set(f, FIXTURE_INBOX, "-bob", ACL_REPLACE, 0);
	assert_string_equal(show(f, FIXTURE_INBOX), "");
	fixture_check(f);
}

static void combined(void **state)
{
	struct fixture *f = *state;
	set(f, FIXTURE_INBOX, "bob", ACL_ADD, ACL_READ);
	set(f, FIXTURE_INBOX, "staff", ACL_ADD, ACL_LOOKUP | ACL_WRITE);
	set(f, FIXTURE_INBOX, "-bob", ACL_ADD, ACL_WRITE);
	assert_int_equal(rights(f, FIXTURE_INBOX, "bob", "staff"), ACL_READ | ACL_LOOKUP);
	assert_int_equal(rights(f, FIXTURE_INBOX, "carol", "staff"), ACL_LOOKUP | ACL_WRITE);
	assert_int_equal(rights(f, FIXTURE_INBOX, "carol", "dave"), 0);
	/* identifiers are compared whole */
	assert_int_equal(rights(f, FIXTURE_INBOX, "bo", "staf"), 0);
}

static void refused(void **state)
{
	struct fixture *f = *state;
	char text[ACL_IDENTIFIER_MAX + 2];
	struct err e = { 0 };
	struct acl acl;
	memset(text, 'x', sizeof(text));
	assert_int_equal(mailbox_acl_set(f->account, 99, STR("bob"), false, ACL_ADD, ACL_READ, &e), ERR_NOT_FOUND);
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, STR(""), false, ACL_ADD, ACL_READ, &e), ERR_INVALID);
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, str_make(text, ACL_IDENTIFIER_MAX + 1), false, ACL_ADD, ACL_READ, &e), ERR_TOO_BIG);
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, str_make(text, ACL_IDENTIFIER_MAX), false, ACL_ADD, ACL_READ, &e), 0);
	assert_int_equal(mailbox_acl(f->account, &f->arena, 99, &acl), ERR_NOT_FOUND);
	for (unsigned i = 1; i < ACL_ENTRIES_MAX; i++) {
		snprintf(text, sizeof(text), "user%u", i);
		assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, str_from_c(text), false, ACL_ADD, ACL_READ, &e), 0);
	}
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, STR("bob"), false, ACL_ADD, ACL_READ, &e), ERR_TOO_BIG);
	assert_int_equal(mailbox_acl(f->account, &f->arena, FIXTURE_INBOX, &acl), 0);
	assert_int_equal(acl.n, ACL_ENTRIES_MAX);
	for (size_t i = 1; i < acl.n; i++)
		assert_true(str_cmp(acl.v[i - 1].identifier, acl.v[i].identifier) < 0);
	/* who is not there can be forgotten, those that are there can be changed still */
	assert_int_equal(account_acl_forget(f->account, STR("bob")), 0);
	assert_int_equal(mailbox_acl_set(f->account, FIXTURE_INBOX, STR("user1"), false, ACL_ADD, ACL_SEEN, &e), 0);
	fixture_check(f);
}

/* RFC 4314 section 4: inherited at creation, kept by RENAME, deleted by DELETE. */
static void tree(void **state)
{
	struct fixture *f = *state;
	uint32_t a = fixture_mailbox(f, "a");
	set(f, a, "bob", ACL_ADD, ACL_READ);
	struct mailbox deep, level;
	assert_int_equal(mailbox_create(f->account, STR("a/b/c"), 0, &deep, NULL), 0);
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("a/b"), &level), 0);
	assert_string_equal(show(f, level.id), "bob 2");
	assert_string_equal(show(f, deep.id), "bob 2");
	/* a copy: the one above changes alone */
	set(f, a, "carol", ACL_ADD, ACL_READ);
	assert_string_equal(show(f, deep.id), "bob 2");
	assert_string_equal(show(f, fixture_mailbox(f, "other")), "");
	assert_int_equal(mailbox_rename(f->account, STR("a"), STR("z"), NULL), 0);
	assert_string_equal(show(f, a), "bob 2 carol 2");
	assert_string_equal(show(f, deep.id), "bob 2");
	/* only a level: its rights are gone, those below stay; made again it has those of what is above it now */
	assert_int_equal(mailbox_delete(f->account, STR("z"), NULL), 0);
	struct acl none;
	assert_int_equal(mailbox_acl(f->account, &f->arena, a, &none), ERR_NOT_FOUND);
	assert_int_equal(mailbox_acl_set(f->account, a, STR("bob"), false, ACL_ADD, ACL_READ, NULL), ERR_NOT_FOUND);
	assert_string_equal(show(f, deep.id), "bob 2");
	assert_string_equal(show(f, fixture_mailbox(f, "z")), "");
	assert_int_equal(mailbox_delete(f->account, STR("z/b/c"), NULL), 0);
	struct acl_of_mailbox *all;
	size_t n;
	assert_int_equal(account_acls(f->account, &f->arena, &all, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(all[0].mailbox, level.id);
	fixture_check(f);
}

static void forgotten(void **state)
{
	struct fixture *f = *state;
	uint32_t a = fixture_mailbox(f, "a");
	set(f, FIXTURE_INBOX, "bob", ACL_ADD, ACL_READ);
	set(f, a, "bob", ACL_ADD, ACL_READ);
	set(f, a, "-bob", ACL_ADD, ACL_SEEN);
	set(f, a, "carol", ACL_ADD, ACL_SEEN);
	assert_int_equal(account_acl_forget(f->account, STR("bob")), 0);
	assert_string_equal(show(f, FIXTURE_INBOX), "");
	assert_string_equal(show(f, a), "carol 4");
	fixture_check(f);
}

/* Who watches the account hears of it; the messages and their views are not touched. */
static void logged(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "Subject: x\r\n\r\n", 0);
	struct view *v, *again;
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	uint64_t before = account_version(f->account);
	set(f, FIXTURE_INBOX, "bob", ACL_ADD, ACL_READ);
	uint64_t after = account_version(f->account);
	assert_true(after > before);
	set(f, FIXTURE_INBOX, "bob", ACL_ADD, ACL_READ);
	set(f, FIXTURE_INBOX, "dave", ACL_REPLACE, 0);
	assert_int_equal(account_version(f->account), after);
	assert_int_equal(view_refresh(f->account, v, &again), 0);
	assert_int_equal(view_modseq(again), view_modseq(v));
	assert_string_equal(fixture_show(f, again), "1");
	view_unref(&again);
	view_unref(&v);
	fixture_check(f);
}

/* Many changes against a plain table; on a store that fails often too (acl_faults). */
static void like_a_table(void **state)
{
	enum { BOXES = 3, NAMES = 6, STEPS = 600 };
	struct fixture *f = *state;
	static const char *const names[NAMES] = { "a", "-a", "ab", "-ab", "anyone", "b" };
	uint32_t table[BOXES][NAMES] = { { 0 } }, box[BOXES] = { FIXTURE_INBOX };
	uint64_t random = 88172645463325252u;
	struct mailbox m;
	FIXTURE_OK(mailbox_find(f->account, &f->arena, STR("Sent"), &m));
	box[1] = m.id;
	FIXTURE_OK(mailbox_find(f->account, &f->arena, STR("Trash"), &m));
	box[2] = m.id;
	for (unsigned step = 0; step < STEPS; step++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		unsigned b = random % BOXES, n = random / 8 % NAMES, op = random / 64 % 3, rights = (unsigned)(random / 1024) & ACL_ALL;
		uint32_t *cell = &table[b][n];
		set(f, box[b], names[n], (enum acl_op)op, rights);
		*cell = op == ACL_ADD ? *cell | rights : op == ACL_REMOVE ? *cell & ~rights : rights;
		if (step % 100 == 99) {
			FIXTURE_OK(account_acl_forget(f->account, STR("ab")));
			for (unsigned i = 0; i < BOXES; i++)
				table[i][2] = table[i][3] = 0;
		}
	}
	struct account *plain;
	struct acl acl;
	assert_int_equal(account_open(f->plain_model, FIXTURE_ACCOUNT, &plain), 0);
	for (unsigned b = 0; b < BOXES; b++) {
		size_t at = 0;
		assert_int_equal(mailbox_acl(plain, &f->arena, box[b], &acl), 0);
		for (unsigned n = 0; n < NAMES; n++) {
			bool negative = names[n][0] == '-';
			if (!table[b][n])
				continue;
			assert_true(at < acl.n && acl.v[at].negative == negative && str_eq(acl.v[at].identifier, str_from_c(names[n] + negative)));
			assert_int_equal(acl.v[at++].rights, table[b][n]);
		}
		assert_int_equal(at, acl.n);
	}
	account_close(&plain);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest faulty[] = { FIXTURE_TEST(like_a_table) };
	if (fixture_faults())
		return fixture_run("acl_faults", faulty, 1);
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(entries), FIXTURE_TEST(combined), FIXTURE_TEST(refused), FIXTURE_TEST(tree), FIXTURE_TEST(forgotten), FIXTURE_TEST(logged),
		FIXTURE_TEST(like_a_table),
	};
	return fixture_run("acl", tests, sizeof(tests) / sizeof(*tests));
}
