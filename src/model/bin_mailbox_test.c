/* Deleted mailboxes wait in the bin with their messages, and come back whole: from the contract, bin.h. */
#include "model/bin_fixture.h"

#include "model/acl.h"
#include "model/bin.h"
#include "model/limits.h"

struct seen {
	struct fixture *f;
	char text[400];
};

static int note(void *arg, const struct bin_item *item)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);
	snprintf(seen->text + n, sizeof(seen->text) - n, "%u<%.*s%s%s:%u ", item->message->uid, STR_ARG(item->name), item->gone ? "!" : "", item->with_it ? "+" : "",
			 item->uid);
	return 0;
}

static void assert_items(struct fixture *f, const char *expected)
{
	struct seen seen = { .f = f };
	assert_int_equal(bin_visit(f->account, note, &seen), 0);
	assert_string_equal(seen.text, expected);
}

static void mailbox_comes_back_whole(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	struct mailbox made, back;
	FIXTURE_OK(mailbox_create(f->account, STR("work/old"), MAILBOX_USE_ARCHIVE, &made, NULL));
	FIXTURE_OK(mailbox_set_use(f->account, STR("Archive"), 0, NULL));
	FIXTURE_OK(subscription_set(f->account, STR("work/old"), true, NULL));
	fixture_append(f, made.id, "before", 0);
	expunge_uids(f, made.id, "1");
	fixture_append(f, made.id, "one", MESSAGE_SEEN);
	fixture_append(f, made.id, "two", 0);
	fixture_flags(f, made.id, "3", FLAGS_ADD, 0, "$Label");
	FIXTURE_OK(mailbox_delete(f->account, STR("work/old"), NULL));
	FIXTURE_OK(subscription_set(f->account, STR("work/old"), false, NULL));
	assert_items(f, "1<work/old!:1 2<work/old!+:2 3<work/old!+:3 ");
	FIXTURE_OK(mailbox_delete(f->account, STR("work"), NULL));
	struct bin_mailbox *tombs;
	size_t n;
	FIXTURE_OK(bin_mailboxes(f->account, &f->arena, &tombs, &n));
	assert_int_equal(n, 2);
	fixture_check(f);
	fixture_reopen(f);
	keep_for(f, 30 * DAY, 0, 0);
	assert_int_equal(restore_uids(f, made.id, "2:3", &back), 2);
	assert_true(str_eq(back.name, STR("work/old")));
	assert_int_equal(back.use, MAILBOX_USE_ARCHIVE);
	assert_true(back.uidvalidity > made.uidvalidity && back.id != made.id);
	assert_string_equal(fixture_show_mailbox(f, back.id), "1:s 2:0");
	assert_body(f, back.id, 0, "one");
	struct str *names;
	FIXTURE_OK(subscription_list(f->account, &f->arena, &names, &n));
	bool subscribed = false;
	for (size_t i = 0; i < n; i++)
		subscribed |= str_eq(names[i], STR("work/old"));
	assert_true(subscribed);
	FIXTURE_OK(bin_mailboxes(f->account, &f->arena, &tombs, &n));
	assert_true(tombs[n - 1].restored || tombs[0].restored);
	fixture_check(f);
}

/* What was the owner's alone is not shown to whom the mailbox above it is shared with. */
static void private_mailbox_comes_back_private(void **state)
{
	struct fixture *f = *state;
	struct mailbox back;
	struct acl acl;
	keep_for(f, DAY, 0, 0);
	uint32_t team = fixture_mailbox(f, "Team");
	FIXTURE_OK(mailbox_acl_set(f->account, team, STR("bob@example.org"), false, ACL_REPLACE, ACL_READ, NULL));
	uint32_t box = fixture_mailbox(f, "Team/Private");
	FIXTURE_OK(mailbox_acl_set(f->account, box, STR("bob@example.org"), false, ACL_REPLACE, 0, NULL));
	fixture_append(f, box, "for me alone", 0);
	FIXTURE_OK(mailbox_delete(f->account, STR("Team/Private"), NULL));
	assert_int_equal(restore_uids(f, box, "1", &back), 1);
	assert_true(str_eq(back.name, STR("Team/Private")));
	FIXTURE_OK(mailbox_acl(f->account, &f->arena, back.id, &acl));
	assert_int_equal(acl.n, 0);
}

static void level_becomes_mailbox_again(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t above = fixture_mailbox(f, "above");
	fixture_mailbox(f, "above/below");
	fixture_append(f, above, "one", 0);
	FIXTURE_OK(mailbox_delete(f->account, STR("above"), NULL));
	assert_true(fixture_get(f, above).no_select);
	assert_items(f, "1<above!+:1 ");
	struct mailbox back;
	assert_int_equal(restore_uids(f, above, "1", &back), 1);
	assert_true(str_eq(back.name, STR("above")) && !back.no_select);
	FIXTURE_OK(mailbox_find(f->account, &f->arena, STR("above/below"), &back));
	fixture_check(f);
}

static void restored_where_it_is_now(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t box = fixture_mailbox(f, "box");
	fixture_append(f, box, "one", 0);
	fixture_append(f, box, "two", 0);
	fixture_append(f, box, "three", 0);
	expunge_uids(f, box, "1");
	FIXTURE_OK(mailbox_rename(f->account, STR("box"), STR("renamed"), NULL));
	assert_items(f, "1<renamed:1 ");
	assert_int_equal(restore_uids(f, box, "1", NULL), 1);
	assert_string_equal(fixture_show_mailbox(f, box), "2 3 4");
	/* twice into the mailbox that came in its place, also when that has another name by then */
	expunge_uids(f, box, "2");
	FIXTURE_OK(mailbox_delete(f->account, STR("renamed"), NULL));
	struct mailbox first, second;
	assert_int_equal(restore_uids(f, box, "2", &first), 1);
	FIXTURE_OK(mailbox_rename(f->account, STR("renamed"), STR("elsewhere"), NULL));
	assert_int_equal(restore_uids(f, box, "3:4", &second), 2);
	assert_int_equal(first.id, second.id);
	/* of what nobody remembers INBOX takes care */
	expunge_uids(f, second.id, "1");
	uint32_t last = bin_of(f).uidnext - 1;
	char uid[12];
	snprintf(uid, sizeof(uid), "%u", last);
	assert_int_equal(restore_uids(f, 999999, uid, &second), 1);
	assert_int_equal(second.id, FIXTURE_INBOX);
	fixture_check(f);
}

static void empty_mailbox_comes_back(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t box = fixture_mailbox(f, "empty");
	FIXTURE_OK(mailbox_delete(f->account, STR("empty"), NULL));
	struct rangeset none = RANGESET_INIT;
	struct mailbox back;
	FIXTURE_OK(bin_restore(f->account, &f->arena, box, &none, &back, NULL));
	assert_true(str_eq(back.name, STR("empty")));
	fixture_check(f);
}

/* A special use is one mailbox's: the one that has it now keeps it. */
static void use_that_is_taken(void **state)
{
	struct fixture *f = *state;
	keep_for(f, 30 * DAY, 0, 0);
	struct mailbox trash, back;
	FIXTURE_OK(mailbox_find(f->account, &f->arena, STR("Trash"), &trash));
	FIXTURE_OK(mailbox_delete(f->account, STR("Trash"), NULL));
	FIXTURE_OK(mailbox_create(f->account, STR("Bin"), MAILBOX_USE_TRASH, NULL, NULL));
	struct rangeset none = RANGESET_INIT;
	FIXTURE_OK(bin_restore(f->account, &f->arena, trash.id, &none, &back, NULL));
	assert_true(str_eq(back.name, STR("Trash")));
	assert_int_equal(back.use, 0);
	fixture_check(f);
}

static void deleted_mailboxes_are_bounded(void **state)
{
	struct fixture *f = *state;
	if (fixture_faults())
		return;
	keep_for(f, 30 * DAY, 0, 0);
	uint32_t first = 0;
	for (unsigned i = 0; i < TOMBS_MAX + 3; i++) {
		uint32_t id = fixture_mailbox(f, "again");
		first = first ? first : id;
		FIXTURE_OK(mailbox_delete(f->account, STR("again"), NULL));
	}
	struct bin_mailbox *tombs;
	size_t n;
	FIXTURE_OK(bin_mailboxes(f->account, &f->arena, &tombs, &n));
	assert_int_equal(n, TOMBS_MAX);
	assert_int_equal(tombs[0].id, first + 3);
	fixture_check(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(mailbox_comes_back_whole),
		FIXTURE_TEST(private_mailbox_comes_back_private),
		FIXTURE_TEST(level_becomes_mailbox_again),
		FIXTURE_TEST(restored_where_it_is_now),
		FIXTURE_TEST(empty_mailbox_comes_back),
		FIXTURE_TEST(use_that_is_taken),
		FIXTURE_TEST(deleted_mailboxes_are_bounded),
	};
	return fixture_run("bin_mailbox", tests, sizeof(tests) / sizeof(*tests));
}
