/* What a deleted mailbox takes along beside its messages, and brings back: its access list and annotations. */
#include "model/fixture.h"

#include "base/clock.h"
#include "model/acl.h"
#include "model/annotation.h"
#include "model/bin.h"
#include "model/keys.h"

#define DAY 86400
#define GUEST 99u

static void keep(struct fixture *f)
{
	model_set_keep(f->model, &(struct model_keep){ .seconds = DAY });
	model_set_keep(f->plain_model, &(struct model_keep){ .seconds = DAY });
}

static void share(struct fixture *f, uint32_t mailbox, const char *with, bool negative)
{
	FIXTURE_OK(mailbox_acl_set(f->account, mailbox, str_from_c(with), negative, ACL_REPLACE, ACL_READ | ACL_LOOKUP, NULL));
}

static void annotate(struct fixture *f, uint32_t mailbox, uint64_t user, bool is_private, const char *value)
{
	struct annotation a = { STR("/comment"), str_from_c(value), is_private };
	FIXTURE_OK(annotation_set(f->account, mailbox, user, &(struct annotation_change){ .v = &a, .n = 1 }));
}

static uint32_t make(struct fixture *f, const char *name)
{
	uint32_t id = fixture_mailbox(f, name);
	share(f, id, "bob", false);
	share(f, id, "carol", false);
	share(f, id, "dave", true);
	annotate(f, id, 1, false, "ours");
	annotate(f, id, 1, true, "mine");
	annotate(f, id, GUEST, true, "the guest's");
	fixture_append(f, id, "one", 0);
	return id;
}

static uint32_t restore(struct fixture *f, uint32_t origin)
{
	struct rangeset all = fixture_uids("1");
	struct mailbox back;
	FIXTURE_OK(bin_restore(f->account, &f->arena, origin, &all, &back, NULL));
	rangeset_fini(&all);
	return back.id;
}

static const char *show_acl(struct fixture *f, uint32_t mailbox)
{
	static char text[200];
	struct acl acl;
	size_t n = 0;
	FIXTURE_OK(mailbox_acl(f->account, &f->arena, mailbox, &acl));
	text[0] = 0;
	for (size_t i = 0; i < acl.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s ", acl.v[i].negative ? "-" : "", STR_ARG(acl.v[i].identifier));
	return text;
}

static const char *show_notes(struct fixture *f, uint32_t mailbox, uint64_t user)
{
	static char text[200];
	struct annotation *v;
	size_t count, n = 0;
	FIXTURE_OK(annotation_list(f->account, mailbox, user, &f->arena, &v, &count));
	text[0] = 0;
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s ", v[i].is_private ? "private:" : "", STR_ARG(v[i].value));
	return text;
}

static void drop(struct fixture *f, const char *name) { FIXTURE_OK(mailbox_delete(f->account, str_from_c(name), NULL)); }

static void lists_and_annotations_come_back(void **state)
{
	struct fixture *f = *state;
	keep(f);
	uint32_t id = make(f, "Team/Work");
	drop(f, "Team/Work");
	fixture_check(f);
	fixture_reopen(f);
	keep(f);
	/* Meanwhile a user is deleted. */
	FIXTURE_OK(account_acl_forget(f->account, STR("bob")));
	fixture_check(f);
	uint32_t back = restore(f, id);
	assert_true(back != id);
	assert_string_equal(show_acl(f, back), "carol -dave ");
	assert_string_equal(show_notes(f, back, 1), "ours private:mine ");
	assert_string_equal(show_notes(f, back, GUEST), "ours private:the guest's ");
	fixture_check(f);
	/* Deleted again, and restored again. */
	drop(f, "Team/Work");
	uint32_t again = restore(f, back);
	assert_string_equal(show_acl(f, again), "carol -dave ");
	assert_string_equal(show_notes(f, again, 1), "ours private:mine ");
	fixture_check(f);
}

/* What is left of the name, as it has mailboxes below it, has a life of its own. */
static void a_level_has_its_own(void **state)
{
	struct fixture *f = *state;
	keep(f);
	uint32_t id = make(f, "above");
	uint32_t below = fixture_mailbox(f, "above/below");
	drop(f, "above");
	assert_true(fixture_get(f, id).no_select);
	assert_string_equal(show_notes(f, id, 1), "");
	annotate(f, id, 1, false, "of the level");
	fixture_check(f);
	uint32_t back = restore(f, id);
	assert_string_equal(show_acl(f, back), "bob carol -dave ");
	assert_string_equal(show_notes(f, back, 1), "ours private:mine ");
	assert_string_equal(fixture_show_mailbox(f, below), "");
	fixture_check(f);
}

/* A mailbox that has the name by now keeps what it has. */
static void a_new_one_of_the_name_stays_as_it_is(void **state)
{
	struct fixture *f = *state;
	keep(f);
	uint32_t id = make(f, "Work");
	drop(f, "Work");
	uint32_t now = fixture_mailbox(f, "Work");
	assert_string_equal(show_acl(f, now), "");
	assert_int_equal(restore(f, id), now);
	assert_string_equal(show_acl(f, now), "");
	assert_string_equal(show_notes(f, now, 1), "");
	fixture_check(f);
}

static void it_goes_with_the_tomb(void **state)
{
	struct fixture *f = *state;
	struct acl_of_mailbox *lists;
	size_t n;
	uint64_t gone;
	keep(f);
	make(f, "Work");
	drop(f, "Work");
	FIXTURE_OK(account_acls(f->account, &f->arena, &lists, &n));
	assert_int_equal(n, 1);               /* so that whoever is deleted is found in it */
	assert_true(lists[0].mailbox & KEY_KEPT);
	FIXTURE_OK(bin_empty(f->account, &gone));
	FIXTURE_OK(account_acls(f->account, &f->arena, &lists, &n));
	assert_int_equal(n, 0);
	fixture_check(f);                     /* counts the octets of annotations */
	/* Without a bin nothing is kept at all. */
	model_set_keep(f->model, &(struct model_keep){ .seconds = 0 });
	make(f, "Work");
	drop(f, "Work");
	FIXTURE_OK(account_acls(f->account, &f->arena, &lists, &n));
	assert_int_equal(n, 0);
	fixture_check(f);
}

/* Annotations that fill much of the room are not kept: the owner would have none left for 30 days. */
static void much_is_not_kept(void **state)
{
	static char value[ANNOTATION_VALUE_MAX];
	struct fixture *f = *state;
	keep(f);
	uint32_t id = make(f, "Work");
	memset(value, 'v', sizeof(value));
	for (unsigned i = 0; i < 99 && i < ANNOTATIONS_MAX; i++) {
		for (unsigned user = 1; user <= 2; user++) {
			char name[20];
			snprintf(name, sizeof(name), "/n%u", i);
			struct annotation a = { str_from_c(name), str_make(value, sizeof(value)), user == 1 };
			FIXTURE_OK(annotation_set(f->account, id, account_id(f->account), &(struct annotation_change){ .v = &a, .n = 1 }));
		}
	}
	drop(f, "Work");
	fixture_check(f);
	uint32_t back = restore(f, id);
	assert_string_equal(show_acl(f, back), "bob carol -dave ");
	assert_string_equal(show_notes(f, back, 1), "");
	fixture_check(f);
}

/* Where an older program may go on with the store, it would take the lists for faults. */
static void level_two_keeps_none(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct store *s;
	struct fixture f = { .arena = ARENA_INIT(0) };
	uint64_t faults = 1;
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM, .level = 2 }, &s, &e), 0);
	assert_int_equal(model_open(s, NULL, &f.model, &e), 0);
	f.plain_model = f.model;
	assert_int_equal(account_create(f.model, 7), 0);
	assert_int_equal(account_open(f.model, 7, &f.account), 0);
	keep(&f);
	for (unsigned level = 2; level <= 3; level++) {
		uint32_t id = make(&f, level == 2 ? "Work" : "More");
		drop(&f, level == 2 ? "Work" : "More");
		assert_string_equal(show_acl(&f, restore(&f, id)), level == 2 ? "" : "bob carol -dave ");
		if (level == 2)
			assert_int_equal(store_raise_level(s, 3), 0);
	}
	assert_int_equal(model_check(f.model, 0, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	account_close(&f.account);
	model_close(&f.model);
	store_close(&s);
	arena_fini(&f.arena);
}

static int del_tomb(struct store_write *w, void *arg)
{
	struct key key = key_tomb(*(const uint32_t *)arg);
	return store_del(w, key_str(&key));
}

/* A list that is kept of what was never deleted is found, and taken away. */
static void a_list_without_a_tomb(void **state)
{
	struct fixture *f = *state;
	uint64_t faults = 0;
	keep(f);
	uint32_t id = make(f, "Work");
	drop(f, "Work");
	assert_int_equal(store_commit(f->plain, (struct store_scope){ STORE_ACCOUNT, account_id(f->account) }, del_tomb, &id), 0);
	assert_int_equal(model_check(f->plain_model, 0, true, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 2);          /* the list, and the number of tombs */
	struct acl_of_mailbox *lists;
	size_t n;
	FIXTURE_OK(account_acls(f->account, &f->arena, &lists, &n));
	assert_int_equal(n, 0);
	fixture_check(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(lists_and_annotations_come_back), FIXTURE_TEST(a_level_has_its_own), FIXTURE_TEST(a_new_one_of_the_name_stays_as_it_is),
		FIXTURE_TEST(it_goes_with_the_tomb), FIXTURE_TEST(much_is_not_kept), FIXTURE_TEST(a_list_without_a_tomb),
		FIXTURE_TEST(level_two_keeps_none),
	};
	return fixture_run("model/bin_kept", tests, sizeof(tests) / sizeof(tests[0]));
}
