/* Domains, users and aliases as the command line changes them, on each engine. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/directory_fixture.h"
#include "directory/group.h"

static void test_domains(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	struct str *list;
	size_t n;
	assert_int_equal(directory_domain_list(f->d, &f->arena, &list, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(directory_domain_add(f->d, STR("Example.ORG"), NULL), 0);
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), &e), ERR_EXISTS);
	assert_string_equal(e.client, "the domain is there already");
	assert_int_equal(directory_domain_add(f->d, STR("b\xc3\xbc" "cher.example"), NULL), 0);
	assert_int_equal(directory_domain_add(f->d, STR("xn--bcher-kva.example"), NULL), ERR_EXISTS);
	assert_int_equal(directory_domain_add(f->d, STR("[192.0.2.1]"), NULL), ERR_INVALID);
	assert_int_equal(directory_domain_add(f->d, STR("no domain"), NULL), ERR_INVALID);
	assert_true(directory_domain_is_local(f->d, STR("EXAMPLE.org")));
	assert_true(directory_domain_is_local(f->d, STR("B\xc3\x9c" "CHER.example")));
	assert_false(directory_domain_is_local(f->d, STR("example.or")));
	assert_false(directory_domain_is_local(f->d, STR("sub.example.org")));
	assert_false(directory_domain_is_local(f->d, STR("")));
	assert_int_equal(directory_domain_list(f->d, &f->arena, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_true(str_eq(list[0], STR("example.org")) && str_eq(list[1], STR("xn--bcher-kva.example")));

	assert_int_equal(directory_alias_add(f->d, STR("@example.org"), &STR("x@example.net"), 1, NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), ERR_CONFLICT);
	assert_int_equal(directory_alias_del(f->d, STR("@example.org"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@example.org", NULL });
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), ERR_CONFLICT);
	assert_int_equal(directory_user_del(f->d, STR("alice@example.org"), NULL, NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), ERR_NOT_FOUND);
	assert_false(directory_domain_is_local(f->d, STR("example.org")));
}

/* One record that cannot be read hides no other from who looks, and is named. */
static int spoil(struct store_write *w, void *arg)
{
	const struct str *key = arg;
	return store_put(w, *key, STR("\1?"));
}

static int forget(struct store_write *w, void *arg)
{
	const struct str *key = arg;
	return store_del(w, *key);
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct store_scope system = { STORE_SYSTEM, 0 };
	struct directory_user *users;
	struct directory_alias *aliases;
	struct group *groups;
	struct directory_damaged *damaged;
	size_t n;
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_user_list_sound(f->d, &f->arena, &users, &n, &damaged), 0);
	assert_true(n == 0 && !damaged);
	fixture_users(f, (const char *[]){ "ann@example.org", "bob@example.org", "eve@example.org", NULL });
	for (int i = 0; i < 2; i++) {
		assert_int_equal(directory_alias_add(f->d, i ? STR("y@example.org") : STR("x@example.org"), &STR("z@example.net"), 1, NULL), 0);
		assert_int_equal(directory_group_add(f->d, i ? STR("h@example.org") : STR("g@example.org"), &(struct group_settings){ 0 }, NULL), 0);
	}
	assert_int_equal(directory_user_list_sound(f->d, &f->arena, &users, &n, &damaged), 0);
	assert_true(n == 3 && !damaged);
	struct str keys[] = { STR("uexample.org\0bob"), STR("uexample.org\0" "eve"), STR("aexample.org\0x"), STR("gexample.org\0h") };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_int_equal(store_commit(f->store, system, spoil, &keys[i]), 0);
	assert_int_equal(directory_user_list(f->d, &f->arena, &users, &n), ERR_CORRUPT);
	assert_int_equal(directory_user_list_sound(f->d, &f->arena, &users, &n, &damaged), 0);
	assert_int_equal(n, 1);
	assert_true(str_eq(users[0].name, STR("ann@example.org")));
	assert_true(damaged && str_eq(damaged->name, STR("bob@example.org")) && damaged->code == ERR_CORRUPT);
	assert_true(damaged->next && str_eq(damaged->next->name, STR("eve@example.org")) && !damaged->next->next);
	assert_int_equal(directory_alias_list_sound(f->d, &f->arena, &aliases, &n, &damaged), 0);
	assert_true(n == 1 && str_eq(aliases[0].name, STR("y@example.org")) && str_eq(damaged->name, STR("x@example.org")));
	assert_int_equal(directory_group_list_sound(f->d, &f->arena, &groups, &n, &damaged), 0);
	assert_true(n == 1 && str_eq(groups[0].name, STR("g@example.org")) && str_eq(damaged->name, STR("h@example.org")));
	/* nor does it keep a server from starting, whatever was not yet made when it was spoilt */
	keys[0] = STR("nmemberships");
	assert_int_equal(store_commit(f->store, system, forget, &keys[0]), 0);
	fixture_reopen(f, NULL);
}

static void test_account_ids(void **state)
{
	struct fixture *f = *state;
	uint64_t a, b, c;
	assert_int_equal(directory_account_id_new(f->d, &a), 0);
	assert_int_equal(directory_account_id_new(f->d, &b), 0);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_account_id_new(f->d, &c), 0);
	assert_true(a > 0 && b > a && c > b);
}

static void test_address_key(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[32];
	struct str key = directory_address_key(f->d);
	assert_int_equal(key.n, sizeof(bytes));
	memcpy(bytes, key.p, sizeof(bytes));
	fixture_reopen(f, NULL);
	assert_memory_equal(directory_address_key(f->d).p, bytes, sizeof(bytes));
	assert_memory_not_equal(bytes, (uint8_t[32]){ 0 }, sizeof(bytes));
}

static void test_users(void **state)
{
	struct fixture *f = *state;
	struct directory_user u, *list;
	size_t n;
	uint64_t account = 0;
	struct str good = STR("good password");
	assert_int_equal(directory_user_add(f->d, STR("alice@example.org"), good, 7, NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_user_add(f->d, STR("Alice@Example.org"), good, 7, NULL), 0);
	assert_int_equal(directory_user_add(f->d, STR("alice@example.org"), good, 8, NULL), ERR_EXISTS);
	static const char *const bad_names[] = { "", "alice", "a b@example.org", "a@b@example.org", ".a@example.org",
											 "@example.org" };
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		assert_int_equal(directory_user_add(f->d, str_from_c(bad_names[i]), good, 8, NULL), ERR_INVALID);
	assert_int_equal(directory_user_add(f->d, STR("bob@example.org"), STR("short"), 8, NULL), ERR_INVALID);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("bob@example.org"), &u), ERR_NOT_FOUND);
	assert_int_equal(directory_alias_add(f->d, STR("sales@example.org"), &STR("alice@example.org"), 1, NULL), 0);
	assert_int_equal(directory_user_add(f->d, STR("sales@example.org"), good, 8, NULL), ERR_EXISTS);

	assert_int_equal(directory_user_find(f->d, &f->arena, STR("ALICE@example.org"), &u), 0);
	assert_true(str_eq(u.name, STR("alice@example.org")));
	assert_int_equal(u.account, 7);
	assert_false(u.disabled || u.has_secret);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("alice"), &u), 0);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("sales@example.org"), &u), ERR_NOT_FOUND);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("not\0 a name"), &u), ERR_NOT_FOUND);

	fixture_users(f, (const char *[]){ "zoe@example.org", "bob@example.org", NULL });
	assert_int_equal(directory_user_list(f->d, &f->arena, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_true(str_eq(list[0].name, STR("alice@example.org")));
	assert_true(str_eq(list[1].name, STR("bob@example.org")));
	assert_true(str_eq(list[2].name, STR("zoe@example.org")));

	assert_int_equal(directory_user_del(f->d, STR("alice@EXAMPLE.ORG"), &account, NULL), 0);
	assert_int_equal(account, 7);
	assert_int_equal(directory_user_del(f->d, STR("alice@example.org"), &account, NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_user_passwd(f->d, STR("alice@example.org"), good, NULL), ERR_NOT_FOUND);
}

static void test_secrets(void **state)
{
	struct fixture *f = *state;
	struct directory_user u;
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, (const char *[]){ "a@example.org", "b@example.org", NULL });
	assert_false(directory_any_secret(f->d));
	assert_int_equal(directory_user_secret(f->d, STR("a@example.org"), STR("tanstaaf"), NULL), 0);
	assert_true(directory_any_secret(f->d));
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("a@example.org"), &u), 0);
	assert_true(u.has_secret);
	/* set twice is not two */
	assert_int_equal(directory_user_secret(f->d, STR("a@example.org"), STR("tanstaaftan"), NULL), 0);
	assert_int_equal(directory_user_secret(f->d, STR("b@example.org"), STR("tanstaaftan"), NULL), 0);
	assert_int_equal(directory_user_secret(f->d, STR("a@example.org"), STR(""), NULL), 0);
	assert_true(directory_any_secret(f->d));
	assert_int_equal(directory_user_secret(f->d, STR("a@example.org"), STR(""), NULL), 0);
	assert_true(directory_any_secret(f->d));
	assert_int_equal(directory_user_del(f->d, STR("b@example.org"), NULL, NULL), 0);
	assert_false(directory_any_secret(f->d));
	assert_int_equal(directory_user_secret(f->d, STR("a@example.org"), STR("sh\xc3\xb6rt enough"), NULL), ERR_INVALID);
	assert_int_equal(directory_user_secret(f->d, STR("b@example.org"), STR("tanstaaf"), NULL), ERR_NOT_FOUND);
}

static void test_aliases(void **state)
{
	struct fixture *f = *state;
	struct directory_alias *list;
	size_t n;
	struct str targets[DIRECTORY_ALIAS_TARGETS_MAX + 1];
	struct str two[] = { STR("Bob@Example.org"), STR("x@b\xc3\xbc" "cher.example") };
	assert_int_equal(directory_alias_add(f->d, STR("sales@example.org"), two, 2, NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_alias_add(f->d, STR("Sales@example.org"), two, 2, NULL), 0);
	assert_int_equal(directory_alias_add(f->d, STR("sales@example.org"), two, 1, NULL), ERR_EXISTS);
	fixture_users(f, (const char *[]){ "bob@example.org", NULL });
	assert_int_equal(directory_alias_add(f->d, STR("bob@example.org"), two, 1, NULL), ERR_EXISTS);
	assert_int_equal(directory_alias_add(f->d, STR("@example.org"), two, 1, NULL), 0);
	assert_int_equal(directory_alias_add(f->d, STR("none@example.org"), two, 0, NULL), ERR_INVALID);
	assert_int_equal(directory_alias_add(f->d, STR("bad@example.org"), &STR("bob"), 1, NULL), ERR_INVALID);
	for (size_t i = 0; i < DIRECTORY_ALIAS_TARGETS_MAX + 1; i++)
		targets[i] = arena_printf(&f->arena, "member%zu@example.org", i);
	assert_int_equal(directory_alias_add(f->d, STR("all@example.org"), targets, DIRECTORY_ALIAS_TARGETS_MAX + 1, NULL),
					 ERR_TOO_BIG);
	assert_int_equal(directory_alias_add(f->d, STR("all@example.org"), targets, DIRECTORY_ALIAS_TARGETS_MAX, NULL), 0);
	assert_int_equal(directory_alias_list(f->d, &f->arena, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_true(str_eq(list[0].name, STR("@example.org")));
	assert_int_equal(list[0].n, 1);
	assert_true(str_eq(list[1].name, STR("all@example.org")));
	assert_int_equal(list[1].n, DIRECTORY_ALIAS_TARGETS_MAX);
	assert_true(str_eq(list[1].targets[999], STR("member999@example.org")));
	assert_true(str_eq(list[2].name, STR("sales@example.org")));
	assert_true(str_eq(list[2].targets[0], STR("bob@example.org")));
	assert_true(str_eq(list[2].targets[1], STR("x@xn--bcher-kva.example")));
	assert_int_equal(directory_alias_del(f->d, STR("SALES@example.org"), NULL), 0);
	assert_int_equal(directory_alias_del(f->d, STR("sales@example.org"), NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_alias_del(f->d, STR("nonsense"), NULL), ERR_NOT_FOUND);
}

/* Stale reads, closures that run twice, commits of unknown fate: what the command line asked for is there exactly
 * once. */
static void test_faults(void **state)
{
	struct fixture *f = *state;
	struct store_fault_plan plan = { .read_retry_percent = 3, .commit_unknown_percent = 30, .twice_percent = 50 };
	struct directory_user *list;
	struct directory_target *targets;
	size_t n;
	assert_int_equal(store_wrap_faults(&f->store, &plan), 0);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	for (int i = 0; i < 10; i++) {
		char name[40];
		snprintf(name, sizeof(name), "user%d@example.org", i);
		fixture_users(f, (const char *[]){ name, NULL });
		assert_int_equal(directory_user_secret(f->d, str_from_c(name), STR("tanstaaf"), NULL), 0);
	}
	assert_int_equal(directory_alias_add(f->d, STR("two@example.org"), (struct str[]){ STR("user1@example.org"),
					 STR("user2@example.org") }, 2, NULL), 0);
	assert_int_equal(directory_user_list(f->d, &f->arena, &list, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(directory_resolve(f->d, &f->arena, STR("two@example.org"), &targets, &n), 0);
	assert_int_equal(n, 2);
	for (int i = 0; i < 10; i++) {
		char name[40];
		uint64_t account = 0;
		snprintf(name, sizeof(name), "user%d@example.org", i);
		assert_true(directory_any_secret(f->d));
		assert_int_equal(directory_user_del(f->d, str_from_c(name), &account, NULL), 0);
		assert_true(account > 0);
	}
	assert_false(directory_any_secret(f->d));
	assert_int_equal(directory_alias_del(f->d, STR("two@example.org"), NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), 0);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_domains),
		ON_BOTH(test_damaged),
		ON_BOTH(test_account_ids),
		ON_BOTH(test_address_key),
		ON_BOTH(test_users),
		ON_BOTH(test_secrets),
		ON_BOTH(test_aliases),
		ON_BOTH(test_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
