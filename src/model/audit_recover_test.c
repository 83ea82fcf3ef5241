/* What damage hides is brought back, and is nobody else's. */
#include "model/audit_fixture.h"

/* One bit makes its key that of no kind; the order of the keys stays as it should be. */
static void index_page_of_another_kind(void **state)
{
	struct fixture *f = *state;
	struct key key = key_page(FIXTURE_INBOX, 1), other = key;
	audit_fill(f);
	other.p[0] ^= 2;
	damage_rename(f, key, other);
	assert_mended(f, "an unknown key, beginning with 6b");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 2 3");
	assert_readable(f, FIXTURE_INBOX);
}

/* One bit makes it begin at another UID. */
static void index_page_at_another_uid(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_rename(f, key_page(FIXTURE_INBOX, 1), key_page(FIXTURE_INBOX, 1 + (1u << 20)));
	assert_mended(f, "mailbox 1: the index page from UID 1048577 on begins with UID 1");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
	assert_readable(f, FIXTURE_INBOX);
	damage_rename(f, key_page(FIXTURE_INBOX, 1), key_page(FIXTURE_INBOX, 3));
	assert_mended(f, "begins with UID 1");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(index_page_of_another_kind),
		FIXTURE_TEST(index_page_at_another_uid),
	};
	return fixture_run("audit_recover", tests, sizeof(tests) / sizeof(*tests));
}
