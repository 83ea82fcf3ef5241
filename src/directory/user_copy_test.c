/* A user of one directory made in another one: what proved it there proves it here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/app_password.h"
#include "directory/directory_fixture.h"

static const char *const users[] = { "alice@example.org", "bob@example.org", NULL };
#define ALICE STR("alice@example.org")
#define CAROL STR("carol@example.org")
#define SECRET "a clear secret"

static int verify(struct fixture *f, struct directory *d, struct str user, const char *password)
{
	struct directory_login l = { .ip = STR("192.0.2.7"), .protocol = "imap" };
	struct directory_user out;
	return directory_verify(d, &f->arena, &l, user, str_from_c(password), &out);
}

static void comes_with_what_proves_it(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct store *other;
	struct directory *d;
	struct directory_user u;
	char phone[APP_PASSWORD_LENGTH + 1];
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, users);
	assert_int_equal(directory_user_secret(f->d, ALICE, STR(SECRET), NULL), 0);
	assert_int_equal(app_password_add(f->d, ALICE, STR("phone"), STR(""), 1000, phone, NULL), 0);
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM }, &other, &e), 0);
	assert_int_equal(directory_open(other, &(struct directory_config){ 0 }, &d, &e), 0);

	assert_int_equal(directory_user_copy(d, f->d, ALICE, ALICE, 77, &e), ERR_NOT_FOUND);       /* no such domain here */
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_user_copy(d, f->d, CAROL, CAROL, 77, &e), ERR_NOT_FOUND);
	assert_false(directory_any_secret(d));
	assert_int_equal(directory_user_copy(d, f->d, ALICE, ALICE, 77, &e), 0);
	assert_int_equal(directory_user_find(d, &f->arena, ALICE, &u), 0);
	assert_int_equal(u.account, 77);
	assert_true(u.has_secret && directory_any_secret(d));
	assert_int_equal(verify(f, d, ALICE, "password of alice@example.org"), 0);
	assert_int_equal(verify(f, d, ALICE, phone), 0);
	assert_int_equal(directory_user_copy(d, f->d, ALICE, ALICE, 78, &e), ERR_EXISTS);

	/* under another name: the password, but none of the programs' */
	assert_int_equal(directory_user_copy(d, f->d, ALICE, CAROL, 78, &e), 0);
	assert_int_equal(verify(f, d, CAROL, "password of alice@example.org"), 0);
	assert_int_equal(verify(f, d, CAROL, phone), ERR_DENIED);

	/* and the count of secrets is right: when both go, there is none */
	assert_int_equal(directory_user_del(d, ALICE, NULL, NULL), 0);
	assert_true(directory_any_secret(d));
	assert_int_equal(directory_user_del(d, CAROL, NULL, NULL), 0);
	assert_false(directory_any_secret(d));
	directory_close(&d);
	store_close(&other);
}

int main(void)
{
	static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;
	const struct CMUnitTest tests[] = {
		{ "copy on mem", comes_with_what_proves_it, fixture_setup, fixture_teardown, &mem },
		{ "copy on lmdb", comes_with_what_proves_it, fixture_setup, fixture_teardown, &lmdb },
	};
	return cmocka_run_group_tests_name("directory/user_copy", tests, NULL, NULL);
}
