/* What happened since a modseq, mailbox by mailbox. */
#include "model/changelog.h"
#include "model/fixture.h"
#include "model/limits.h"

#define BIT(kind) (1u << (kind))

static uint64_t now(struct fixture *f)
{
	struct account_changes c;
	assert_int_equal(account_changes(f->account, &f->arena, UINT64_MAX, &c), 0);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.commits, 0);
	return c.until;
}

static void each_kind_is_told(void **state)
{
	struct fixture *f = *state;
	uint64_t start = now(f);
	struct account_changes c;
	assert_int_equal(account_changes(f->account, &f->arena, start, &c), 0);
	assert_true(c.n == 0 && c.until == start);

	uint32_t box = fixture_mailbox(f, "box");
	fixture_append(f, box, "one\r\n", 0);
	fixture_append(f, FIXTURE_INBOX, "two\r\n", 0);
	fixture_append(f, box, "three\r\n", 0);
	assert_int_equal(account_changes(f->account, &f->arena, start, &c), 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.commits, 4);
	assert_int_equal(c.until, now(f));
	assert_true(c.v[0].mailbox == FIXTURE_INBOX && c.v[0].kinds == BIT(LOG_APPEND));
	assert_true(c.v[1].mailbox == box && c.v[1].kinds == (BIT(LOG_MAILBOX_CREATED) | BIT(LOG_APPEND)));

	/* From any point on: only what came after it. */
	uint64_t middle = c.until;
	fixture_flags(f, box, "1", FLAGS_ADD, MESSAGE_DELETED, NULL);
	assert_int_equal(mailbox_expunge(f->account, box, NULL, true, NULL, NULL), 0);
	assert_int_equal(subscription_set(f->account, STR("box"), true, NULL), 0);
	assert_int_equal(mailbox_rename(f->account, STR("box"), STR("case"), NULL), 0);
	assert_int_equal(mailbox_set_use(f->account, STR("case"), MAILBOX_USE_SENT, NULL), 0);
	assert_int_equal(account_changes(f->account, &f->arena, middle, &c), 0);
	assert_true(c.n >= 2);
	assert_true(c.v[0].mailbox == 0 && c.v[0].kinds == BIT(LOG_SUBSCRIPTION));
	assert_int_equal(c.v[c.n - 1].mailbox, box);
	assert_int_equal(c.v[c.n - 1].kinds, BIT(LOG_FLAGS) | BIT(LOG_EXPUNGE) | BIT(LOG_MAILBOX_RENAMED) | BIT(LOG_MAILBOX_CHANGED));

	uint64_t end = c.until;
	assert_int_equal(mailbox_delete(f->account, STR("case"), NULL), 0);
	assert_int_equal(account_changes(f->account, &f->arena, end, &c), 0);
	bool deleted = false;
	for (size_t i = 0; i < c.n; i++)
		deleted |= c.v[i].mailbox == box && c.v[i].kinds & BIT(LOG_MAILBOX_DELETED);
	assert_true(deleted);
}

static void nothing_changed_is_nothing(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "one\r\n", MESSAGE_SEEN);
	uint64_t start = now(f);
	struct account_changes c;
	fixture_flags(f, FIXTURE_INBOX, "1", FLAGS_ADD, MESSAGE_SEEN, NULL);
	assert_int_equal(account_changes(f->account, &f->arena, start, &c), 0);
	assert_int_equal(c.n, 0);
	/* A modseq that is not there yet. */
	assert_int_equal(account_changes(f->account, &f->arena, start + 100, &c), 0);
	assert_true(c.n == 0 && c.until == start);
}

static void a_trimmed_log_says_so(void **state)
{
	struct fixture *f = *state;
	fixture_append(f, FIXTURE_INBOX, "one\r\n", 0);
	uint64_t start = now(f);
	struct account_changes c;
	for (unsigned i = 0; i < LOG_RECORDS_MAX + 2 * LOG_TRIM_STEP; i++)
		fixture_flags(f, FIXTURE_INBOX, "1", i % 2 ? FLAGS_REMOVE : FLAGS_ADD, MESSAGE_SEEN, NULL);
	assert_int_equal(account_changes(f->account, &f->arena, start, &c), ERR_NOT_FOUND);
	assert_int_equal(account_changes(f->account, &f->arena, now(f) - 10, &c), 0);
	assert_true(c.n == 1 && c.commits == 10 && c.v[0].kinds == BIT(LOG_FLAGS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(each_kind_is_told),
		FIXTURE_TEST(nothing_changed_is_nothing),
		FIXTURE_TEST(a_trimmed_log_says_so),
	};
	return fixture_run("model/changes", tests, sizeof(tests) / sizeof(*tests));
}
