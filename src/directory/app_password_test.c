#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/app_password.h"
#include "directory/directory_fixture.h"

static const char *const users[] = { "alice@example.org", "bob@example.org", NULL };
#define ALICE STR("alice@example.org")
#define BOB STR("bob@example.org")

static int verify(struct fixture *f, struct str user, const char *password, const char *protocol)
{
	struct directory_login l = { .ip = STR("192.0.2.7"), .protocol = protocol };
	struct directory_user out;
	return directory_verify(f->d, &f->arena, &l, user, str_from_c(password), &out);
}

static void opens_the_protocols_it_names(void **state)
{
	struct fixture *f = *state;
	char phone[APP_PASSWORD_LENGTH + 1], any[APP_PASSWORD_LENGTH + 1];
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, users);
	assert_int_equal(app_password_add(f->d, ALICE, STR("phone"), STR("smtp imap"), 1000, phone, NULL), 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("laptop"), STR(""), 2000, any, NULL), 0);
	assert_int_equal(strlen(phone), APP_PASSWORD_LENGTH);
	assert_string_not_equal(phone, any);
	assert_int_equal(verify(f, ALICE, phone, "imap"), 0);
	assert_int_equal(verify(f, STR("alice"), phone, "smtp"), 0);
	assert_int_equal(verify(f, ALICE, phone, "pop3"), ERR_DENIED);
	assert_int_equal(verify(f, ALICE, any, "pop3"), 0);
	assert_int_equal(verify(f, BOB, phone, "imap"), ERR_DENIED);
	/* her own password goes on */
	assert_int_equal(verify(f, ALICE, "password of alice@example.org", "pop3"), 0);

	struct app_password *list;
	size_t n;
	assert_int_equal(app_password_list(f->d, &f->arena, ALICE, &list, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		bool is_phone = str_eq(list[i].label, STR("phone"));
		assert_int_equal(list[i].created, is_phone ? 1000 : 2000);
		assert_true(str_eq(list[i].protocols, is_phone ? STR("imap smtp") : STR("")));
	}
}

static void ends_alone(void **state)
{
	struct fixture *f = *state;
	char one[APP_PASSWORD_LENGTH + 1], two[APP_PASSWORD_LENGTH + 1];
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, users);
	assert_int_equal(app_password_add(f->d, ALICE, STR("one"), STR(""), 0, one, NULL), 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("two"), STR(""), 0, two, NULL), 0);
	assert_int_equal(verify(f, ALICE, one, "imap"), 0);
	assert_int_equal(app_password_del(f->d, ALICE, STR("one"), NULL), 0);
	assert_int_equal(app_password_del(f->d, ALICE, STR("one"), NULL), ERR_NOT_FOUND);
	assert_int_equal(verify(f, ALICE, one, "imap"), ERR_DENIED);
	assert_int_equal(verify(f, ALICE, two, "imap"), 0);
	assert_int_equal(directory_user_disable(f->d, ALICE, true, NULL), 0);
	assert_int_equal(verify(f, ALICE, two, "imap"), ERR_DENIED);
	/* who comes after her under that name does not have it */
	uint64_t account;
	assert_int_equal(directory_user_del(f->d, ALICE, &account, NULL), 0);
	assert_int_equal(directory_user_add(f->d, ALICE, STR("another alice"), 99, NULL), 0);
	assert_int_equal(verify(f, ALICE, two, "imap"), ERR_DENIED);
}

static void refuses(void **state)
{
	struct fixture *f = *state;
	char text[APP_PASSWORD_LENGTH + 1];
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, users);
	assert_int_equal(app_password_add(f->d, STR("nobody@example.org"), STR("x"), STR(""), 0, text, NULL), ERR_NOT_FOUND);
	assert_int_equal(app_password_add(f->d, ALICE, STR(""), STR(""), 0, text, NULL), ERR_INVALID);
	assert_int_equal(app_password_add(f->d, ALICE, STR("two\nlines"), STR(""), 0, text, NULL), ERR_INVALID);
	assert_int_equal(app_password_add(f->d, ALICE, STR("x"), STR("gopher"), 0, text, NULL), ERR_INVALID);
	assert_int_equal(text[0], 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("x"), STR("IMAP"), 0, text, NULL), 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("x"), STR(""), 0, text, NULL), ERR_EXISTS);
	for (int i = 1; i < 100; i++)
		assert_int_equal(app_password_add(f->d, ALICE, arena_printf(&f->arena, "%d", i), STR(""), 0, text, NULL), 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("one more"), STR(""), 0, text, NULL), ERR_TOO_BIG);
}

int main(void)
{
	static enum store_engine engines[] = { STORE_ENGINE_MEM, STORE_ENGINE_LMDB };
	int failed = 0;
	for (size_t i = 0; i < 2; i++) {
		const struct CMUnitTest tests[] = {
			{ "opens_the_protocols_it_names", opens_the_protocols_it_names, fixture_setup, fixture_teardown, &engines[i] },
			{ "ends_alone", ends_alone, fixture_setup, fixture_teardown, &engines[i] },
			{ "refuses", refuses, fixture_setup, fixture_teardown, &engines[i] },
		};
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}
