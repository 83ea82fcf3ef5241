/* Annotations on both engines: what was set is there, for whom it should be, within the limits, and goes and stays with its mailbox. */
#include "model/annotation_record.h"
#include "model/fixture.h"
#include "model/model_private.h"

#define ALICE FIXTURE_ACCOUNT
#define BOB 8u

static int set(struct fixture *f, uint32_t mailbox, uint64_t user, bool is_private, const char *name, const char *value)
{
	struct annotation a = { str_from_c(name), value ? str_from_c(value) : STR_NONE, is_private };
	return annotation_set(f->account, mailbox, user, &(struct annotation_change){ .v = &a, .n = 1 });
}

static int compare(const void *a, const void *b)
{
	const struct annotation *x = a, *y = b;
	return x->is_private != y->is_private ? x->is_private - y->is_private : str_cmp(x->name, y->name);
}

/* "shared:name=value private:name=value", sorted; a value that is not there is "-". */
static const char *show(struct fixture *f, int rc, struct annotation *v, size_t n)
{
	struct buf b = BUF_INIT(0);
	if (rc)
		return "error";
	qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s%.*s=%.*s", i ? " " : "", v[i].is_private ? "private:" : "", STR_ARG(v[i].name),
				   STR_ARG(v[i].value.p ? v[i].value : STR("-")));
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static const char *list(struct fixture *f, uint32_t mailbox, uint64_t user)
{
	struct annotation *v;
	size_t n;
	int rc = annotation_list(f->account, mailbox, user, &f->arena, &v, &n);
	return show(f, rc, v, n);
}

static void each_sees_his_own(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "");
	uint64_t modseq = fixture_get(f, FIXTURE_INBOX).modseq;
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "comment", "ours"), 0);
	assert_true(fixture_get(f, FIXTURE_INBOX).modseq > modseq);          /* RFC 7162 3.2 */
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "comment", "mine"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, BOB, true, "comment", "bob's"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "empty", ""), 0);
	assert_int_equal(set(f, 0, ALICE, true, "comment", "of the account"), 0);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "comment=ours private:comment=mine private:empty=");
	assert_string_equal(list(f, FIXTURE_INBOX, BOB), "comment=ours private:comment=bob's");
	assert_string_equal(list(f, 0, ALICE), "private:comment=of the account");
	assert_string_equal(list(f, 0, BOB), "");
	/* names know no case; what is there is replaced, NIL takes away, also what is not there */
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "COMMENT", "new"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "Empty", NULL), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "nothing", NULL), 0);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "COMMENT=new private:comment=mine");
	fixture_reopen(f);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "COMMENT=new private:comment=mine");
	fixture_check(f);
}

static void limits_hold_and_all_is_one(void **state)
{
	struct fixture *f = *state;
	char name[ANNOTATION_NAME_MAX + 2], *big = malloc(ANNOTATION_VALUE_MAX + 1);
	memset(name, 'n', sizeof(name));
	memset(big, 'v', ANNOTATION_VALUE_MAX + 1);
	struct annotation v[] = {
		{ STR("good"), STR("value"), false },
		{ str_make(name, ANNOTATION_NAME_MAX), str_make(big, ANNOTATION_VALUE_MAX), false },
		{ str_make(name, ANNOTATION_NAME_MAX + 1), STR("x"), false },
		{ STR("too big"), str_make(big, ANNOTATION_VALUE_MAX + 1), false },
		{ STR(""), STR("x"), false },
	};
	assert_int_equal(annotation_set(f->account, FIXTURE_INBOX, ALICE, &(struct annotation_change){ .v = v, .n = 3 }), ERR_INVALID);
	v[2] = v[3];
	assert_int_equal(annotation_set(f->account, FIXTURE_INBOX, ALICE, &(struct annotation_change){ .v = v, .n = 3 }), ERR_TOO_BIG);
	v[2] = v[4];
	assert_int_equal(annotation_set(f->account, FIXTURE_INBOX, ALICE, &(struct annotation_change){ .v = v, .n = 3 }), ERR_INVALID);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "");
	assert_int_equal(annotation_set(f->account, FIXTURE_INBOX, ALICE, &(struct annotation_change){ .v = v, .n = 2 }), 0);
	assert_int_equal(annotation_set(f->account, 12345, ALICE, &(struct annotation_change){ .v = v, .n = 1 }), ERR_NOT_FOUND);
	struct annotation *out;
	size_t n;
	assert_int_equal(annotation_list(f->account, 12345, ALICE, &f->arena, &out, &n), ERR_NOT_FOUND);
	for (unsigned i = 2; i <= ANNOTATIONS_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, name, "x"), i < ANNOTATIONS_MAX ? 0 : ERR_QUOTA);
	}
	/* another set has room, and so has this one for what is there and after one went */
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "one", "x"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "good", "y"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "5", NULL), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "five", "x"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "six", "x"), ERR_QUOTA);
	fixture_check(f);
	free(big);
}

static void all_together_have_a_limit(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(ANNOTATION_VALUE_MAX);
	memset(big, 'v', ANNOTATION_VALUE_MAX);
	unsigned n = 0;
	int rc = 0;
	for (uint64_t user = 100; !rc; user++)
		for (unsigned i = 0; !rc && i < 50; i++) {
			char name[16];
			snprintf(name, sizeof(name), "%u", i);
			struct annotation a = { str_from_c(name), str_make(big, ANNOTATION_VALUE_MAX), true };
			rc = annotation_set(f->account, FIXTURE_INBOX, user, &(struct annotation_change){ .v = &a, .n = 1 });
			n += rc == 0;
		}
	assert_int_equal(rc, ERR_QUOTA);
	assert_int_equal(n, ANNOTATION_BYTES_MAX / 4 * 3 / (ANNOTATION_VALUE_MAX + 2));
	/* the rest is for the owner */
	for (unsigned i = 0, again = 0; again == 0; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%02u", i % 100);
		struct annotation a = { str_from_c(name), str_make(big, ANNOTATION_VALUE_MAX), true };
		rc = annotation_set(f->account, FIXTURE_INBOX, FIXTURE_ACCOUNT, &(struct annotation_change){ .v = &a, .n = 1 });
		n += rc == 0;
		again = rc != 0 || i == 99;
	}
	assert_int_equal(rc, ERR_QUOTA);
	assert_int_equal(n, ANNOTATION_BYTES_MAX / (ANNOTATION_VALUE_MAX + 2));
	/* INBOX cannot be renamed then: the copies have no room */
	assert_int_equal(mailbox_rename(f->account, STR("INBOX"), STR("old"), NULL), ERR_QUOTA);
	fixture_check(f);
	free(big);
}

static void mailboxes_take_them_along(void **state)
{
	struct fixture *f = *state;
	uint32_t a = fixture_mailbox(f, "a"), below = fixture_mailbox(f, "a/b");
	assert_int_equal(set(f, a, ALICE, false, "x", "1"), 0);
	assert_int_equal(set(f, a, BOB, true, "y", "2"), 0);
	assert_int_equal(set(f, below, ALICE, false, "z", "3"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, BOB, true, "y", "4"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, BOB, true, "w", "5"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, BOB, true, "w", NULL), 0);
	assert_int_equal(mailbox_rename(f->account, STR("a"), STR("c"), NULL), 0);
	assert_string_equal(list(f, a, BOB), "x=1 private:y=2");
	/* deleted with a child: it stays as a level, its annotations do not */
	assert_int_equal(mailbox_delete(f->account, STR("c"), NULL), 0);
	assert_string_equal(list(f, a, BOB), "");
	assert_string_equal(list(f, below, BOB), "z=3");
	assert_int_equal(set(f, a, ALICE, false, "level", "6"), 0);
	assert_string_equal(list(f, a, BOB), "level=6");
	/* made again it has another id, and nothing of the old one's */
	uint32_t again = fixture_mailbox(f, "c");
	assert_string_equal(list(f, again, BOB), "");
	assert_int_equal(mailbox_delete(f->account, STR("c/b"), NULL), 0);
	assert_int_equal(mailbox_delete(f->account, STR("c"), NULL), 0);
	struct mailbox old;
	assert_int_equal(mailbox_rename(f->account, STR("INBOX"), STR("old"), NULL), 0);
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("old"), &old), 0);
	assert_string_equal(list(f, old.id, BOB), "private:y=4");
	assert_string_equal(list(f, FIXTURE_INBOX, BOB), "private:y=4");
	struct state s;
	assert_int_equal(account_state(f->model, FIXTURE_ACCOUNT, &s), 0);
	assert_int_equal(s.annotation_bytes, 4);
	fixture_check(f);
}

static void changes_can_be_told(void **state)
{
	struct fixture *f = *state;
	struct annotation *v;
	struct state s;
	size_t n;
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "old", "1"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "goes", "1"), 0);
	assert_int_equal(account_state(f->model, FIXTURE_ACCOUNT, &s), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "goes", NULL), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, true, "new", "2"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, BOB, true, "bob's", "3"), 0);
	int rc = annotation_changes(f->account, FIXTURE_INBOX, ALICE, s.modseq, &f->arena, &v, &n);
	assert_string_equal(show(f, rc, v, n), "goes=- private:new=2");
	/* of those that are gone only some are remembered, the newest */
	for (unsigned i = 0; i < 2 * ANNOTATION_GONE_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, name, "x"), 0);
		assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, name, NULL), 0);
	}
	assert_int_equal(annotation_changes(f->account, FIXTURE_INBOX, ALICE, s.modseq, &f->arena, &v, &n), 0);
	assert_true(n <= ANNOTATION_GONE_MAX + 2);
	bool last = false;
	for (size_t i = 0; i < n; i++)
		last = last || str_eq(v[i].name, STR("39"));
	assert_true(last);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "old=1 private:new=2");
	fixture_check(f);
}

static void uses_change_with_them(void **state)
{
	struct fixture *f = *state;
	uint32_t a = fixture_mailbox(f, "a"), use = MAILBOX_USE_SENT, level = fixture_mailbox(f, "level");
	struct annotation one = { STR("x"), STR("1"), false };
	assert_int_equal(annotation_set(f->account, a, ALICE, &(struct annotation_change){ .v = &one, .n = 1, .use = &use }), 0);
	assert_int_equal(fixture_get(f, a).use, MAILBOX_USE_SENT);
	use = 0;
	assert_int_equal(annotation_set(f->account, a, ALICE, &(struct annotation_change){ .use = &use }), 0);
	assert_int_equal(fixture_get(f, a).use, 0);
	assert_string_equal(list(f, a, ALICE), "x=1");
	/* a level has no use, and then nothing changes */
	fixture_mailbox(f, "level/below");
	assert_int_equal(mailbox_delete(f->account, STR("level"), NULL), 0);
	use = MAILBOX_USE_JUNK;
	assert_int_equal(annotation_set(f->account, level, ALICE, &(struct annotation_change){ .v = &one, .n = 1, .use = &use }), ERR_CONFLICT);
	assert_string_equal(list(f, level, ALICE), "");
}

static void the_house_has_some(void **state)
{
	struct fixture *f = *state;
	struct annotation v[] = { { STR("comment"), STR("ours"), false }, { STR("other"), STR("x"), false } }, *out;
	size_t n;
	uint64_t *accounts;
	assert_int_equal(model_annotation_set(f->model, v, 2), 0);
	v[1].value = STR_NONE;
	assert_int_equal(model_annotation_set(f->model, &v[1], 1), 0);
	int rc = model_annotation_list(f->model, &f->arena, &out, &n);
	assert_string_equal(show(f, rc, out, n), "comment=ours");
	assert_string_equal(list(f, 0, ALICE), "");
	/* they are no accounts */
	assert_int_equal(model_accounts(f->model, &f->arena, &accounts, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(accounts[0], FIXTURE_ACCOUNT);
}

static int damage(struct store_write *w, void *arg)
{
	const struct key *at = arg;
	return store_put(w, key_str(at), STR("no record at all"));
}

static void count(void *arg, const char *line)
{
	(void)line;
	++*(unsigned *)arg;
}

static void damaged_ones_are_mended(void **state)
{
	struct fixture *f = *state;
	struct key prefix = key_annotations(FIXTURE_INBOX, 0), at = prefix;
	at.n += 4;
	memset(at.p + prefix.n, 0, 4);
	uint64_t faults;
	unsigned lines = 0;
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "bad", "1"), 0);
	assert_int_equal(set(f, FIXTURE_INBOX, ALICE, false, "good", "2"), 0);
	assert_int_equal(store_commit(f->store, account_scope(FIXTURE_ACCOUNT), damage, &at), 0);
	assert_int_equal(model_check(f->model, FIXTURE_ACCOUNT, true, count, &lines, &faults), 0);
	assert_true(faults > 0 && lines > 0);
	assert_string_equal(list(f, FIXTURE_INBOX, ALICE), "good=2");
	assert_int_equal(model_check(f->model, FIXTURE_ACCOUNT, false, count, &lines, &faults), 0);
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(each_sees_his_own), FIXTURE_TEST(limits_hold_and_all_is_one), FIXTURE_TEST(all_together_have_a_limit),
		FIXTURE_TEST(mailboxes_take_them_along), FIXTURE_TEST(changes_can_be_told), FIXTURE_TEST(uses_change_with_them),
		FIXTURE_TEST(the_house_has_some), FIXTURE_TEST(damaged_ones_are_mended),
	};
	return fixture_run("annotation", tests, sizeof(tests) / sizeof(tests[0]));
}
