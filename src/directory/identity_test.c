#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "directory/directory_fixture.h"
#include "directory/group_record.h"
#include "directory/identity.h"

static void begin(struct fixture *f)
{
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@example.org", "bob@example.org", "carol@example.org", NULL });
}

static void group(struct fixture *f, const char *name)
{
	assert_int_equal(directory_group_add(f->d, str_from_c(name), &(struct group_settings){ .post = GROUP_POST_ANYONE }, NULL), 0);
}

static void join(struct fixture *f, const char *name, const char *member)
{
	uint64_t changed;
	struct str address = str_from_c(member);
	assert_int_equal(directory_group_join(f->d, str_from_c(name), &address, 1, &changed, NULL), 0);
	assert_int_equal(changed, 1);
}

static void leave(struct fixture *f, const char *name, const char *member)
{
	uint64_t changed;
	struct str address = str_from_c(member);
	assert_int_equal(directory_group_leave(f->d, str_from_c(name), &address, 1, &changed, NULL), 0);
	assert_int_equal(changed, 1);
}

static const char *identifiers(struct fixture *f, const char *user)
{
	struct str *v;
	size_t n;
	struct buf b = BUF_INIT(0);
	assert_int_equal(directory_identifiers(f->d, &f->arena, str_from_c(user), &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(v[i]));
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

static void test_spelling(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *text; int code; const char *out; } cases[] = {
		{ "anyone", 0, "anyone" },
		{ "alice@example.org", 0, "alice@example.org" },
		{ "Alice@EXAMPLE.org", 0, "alice@example.org" },
		{ "alice", 0, "alice@example.org" },
		{ "team", 0, "team@example.org" },
		{ "Anyone", ERR_NOT_FOUND, "anyone@example.org" },
		{ "nobody@example.org", ERR_NOT_FOUND, "nobody@example.org" },
		{ "x@elsewhere.example", ERR_NOT_FOUND, "x@elsewhere.example" },
		{ "@", ERR_NOT_FOUND, "@" },
		{ "", ERR_INVALID, NULL },
		{ "a\x07", ERR_INVALID, NULL },
		{ "\xff", ERR_INVALID, NULL },
		{ "\xc2\xad", ERR_INVALID, NULL },                /* a soft hyphen is mapped to nothing: RFC 4013 2.1 */
	};
	begin(f);
	group(f, "team@example.org");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str out;
		int code = directory_identifier(f->d, &f->arena, str_from_c(cases[i].text), &out);
		if (code != cases[i].code || (cases[i].out && !str_eq(out, str_from_c(cases[i].out))))
			fail_msg("%s: %d, %.*s", cases[i].text, code, STR_ARG(out));
	}
	char longer[DIRECTORY_NAME_MAX + 2];
	memset(longer, 'x', sizeof(longer));
	struct str out;
	assert_int_equal(directory_identifier(f->d, &f->arena, str_make(longer, DIRECTORY_NAME_MAX + 1), &out), ERR_INVALID);
	/* with two domains a bare name is nobody's */
	assert_int_equal(directory_domain_add(f->d, STR("example.net"), NULL), 0);
	assert_int_equal(directory_identifier(f->d, &f->arena, STR("alice"), &out), ERR_NOT_FOUND);
}

static void test_groups(void **state)
{
	struct fixture *f = *state;
	begin(f);
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone");
	group(f, "team@example.org");
	group(f, "all@example.org");
	join(f, "team@example.org", "alice@example.org");
	join(f, "team@example.org", "bob@example.org");
	join(f, "all@example.org", "team@example.org");
	join(f, "all@example.org", "carol@example.org");
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone team@example.org all@example.org");
	assert_string_equal(identifiers(f, "carol@example.org"), "carol@example.org anyone all@example.org");
	/* in a circle, and by two ways */
	join(f, "team@example.org", "all@example.org");
	join(f, "all@example.org", "alice@example.org");
	assert_string_equal(identifiers(f, "carol@example.org"), "carol@example.org anyone all@example.org team@example.org");
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone team@example.org all@example.org");
	fixture_reopen(f, NULL);
	leave(f, "team@example.org", "alice@example.org");
	leave(f, "team@example.org", "all@example.org");
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone all@example.org");
	/* a new group of that name knows none of the old members */
	assert_int_equal(directory_group_del(f->d, STR("all@example.org"), NULL), 0);
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone");
	group(f, "all@example.org");
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone");
	assert_string_equal(identifiers(f, "bob@example.org"), "bob@example.org anyone team@example.org");
}

static void test_many_members(void **state)
{
	struct fixture *f = *state;
	enum { MANY = 3000 };
	struct str *v = calloc(MANY, sizeof(*v));
	uint64_t changed;
	begin(f);
	group(f, "team@example.org");
	for (unsigned i = 0; i < MANY; i++)
		v[i] = arena_printf(&f->arena, "member%u@example.net", i);
	assert_int_equal(directory_group_join(f->d, STR("team@example.org"), v, MANY, &changed, NULL), 0);
	for (unsigned i = 0; i < MANY; i += 499)
		assert_non_null(strstr(identifiers(f, arena_dup_c(&f->arena, v[i])), "team@example.org"));
	assert_int_equal(directory_group_leave(f->d, STR("team@example.org"), v, MANY / 2, &changed, NULL), 0);
	assert_null(strstr(identifiers(f, arena_dup_c(&f->arena, v[0])), "team@example.org"));
	assert_int_equal(directory_group_del(f->d, STR("team@example.org"), NULL), 0);
	for (unsigned i = MANY / 2; i < MANY; i += 499)
		assert_null(strstr(identifiers(f, arena_dup_c(&f->arena, v[i])), "team@example.org"));
	free(v);
}

static int drop_index(struct store_write *w, void *arg)
{
	struct key k = key_single(STR("memberships")), m = key_kind('M'), end = key_prefix_end(&m);
	(void)arg;
	int code = store_del_range(w, key_str(&m), key_str(&end), NULL);
	return code ? code : store_del(w, key_str(&k));
}

/* A store that an older program has filled. */
static void test_groups_from_before(void **state)
{
	struct fixture *f = *state;
	begin(f);
	group(f, "team@example.org");
	join(f, "team@example.org", "alice@example.org");
	assert_int_equal(store_commit(f->store, (struct store_scope){ STORE_SYSTEM, 0 }, drop_index, NULL), 0);
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone");
	fixture_reopen(f, NULL);
	assert_string_equal(identifiers(f, "alice@example.org"), "alice@example.org anyone team@example.org");
}

static void test_shares(void **state)
{
	struct fixture *f = *state;
	struct directory_share *v;
	size_t n;
	struct str who[] = { STR("bob@example.org"), STR("anyone") };
	begin(f);
	assert_int_equal(directory_share_note(f->d, STR("bob@example.org"), 7, STR("dora@example.org")), 0);
	assert_int_equal(directory_share_note(f->d, STR("bob@example.org"), 8, STR("alice@example.org")), 0);
	uint64_t version = store_scope_version(f->store, (struct store_scope){ STORE_SYSTEM, 0 });
	assert_int_equal(directory_share_note(f->d, STR("bob@example.org"), 8, STR("alice@example.org")), 0);
	assert_int_equal(store_scope_version(f->store, (struct store_scope){ STORE_SYSTEM, 0 }), version);
	assert_int_equal(directory_share_note(f->d, STR("anyone"), 8, STR("alice@example.org")), 0);
	assert_int_equal(directory_share_note(f->d, STR("bo"), 9, STR("x@example.org")), 0);
	assert_int_equal(directory_share_find(f->d, &f->arena, who, 2, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_true(v[0].account == 8 && str_eq(v[0].owner, STR("alice@example.org")));
	assert_true(v[1].account == 7 && str_eq(v[1].identifier, STR("bob@example.org")));
	assert_int_equal(directory_share_find(f->d, &f->arena, who + 1, 1, &v, &n), 0);
	assert_true(n == 1 && v[0].account == 8);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_share_list(f->d, &f->arena, &v, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(directory_share_drop(f->d, STR("bob@example.org"), 7), 0);
	assert_int_equal(directory_share_drop(f->d, STR("bob@example.org"), 7), 0);
	assert_int_equal(directory_share_find(f->d, &f->arena, who, 2, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(directory_share_note(f->d, STR(""), 7, STR("x")), ERR_INVALID);
}

static void test_shared_account(void **state)
{
	struct fixture *f = *state;
	struct directory_user u;
	struct directory_target *t;
	struct directory_credentials c;
	struct err e = { 0 };
	size_t n;
	begin(f);
	assert_int_equal(directory_user_add_shared(f->d, STR("Info@example.org"), 77, &e), 0);
	assert_int_equal(directory_user_add_shared(f->d, STR("alice@example.org"), 78, &e), ERR_EXISTS);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("info@example.org"), &u), 0);
	assert_true(u.shared && u.account == 77);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("alice@example.org"), &u), 0);
	assert_false(u.shared);
	/* mail comes, nobody gets in */
	assert_int_equal(directory_resolve(f->d, &f->arena, STR("info@example.org"), &t, &n), 0);
	assert_true(n == 1 && t[0].account == 77);
	assert_int_equal(directory_verify(f->d, &f->arena, NULL, STR("info@example.org"), STR(""), &u), ERR_DENIED);
	assert_int_equal(directory_verify(f->d, &f->arena, NULL, STR("info@example.org"), STR("password of info"), &u), ERR_DENIED);
	assert_int_equal(directory_credentials(f->d, &f->arena, NULL, STR("info@example.org"), &c), ERR_NOT_FOUND);
	assert_int_equal(directory_user_passwd(f->d, STR("info@example.org"), STR("a good password"), &e), ERR_DENIED);
	assert_int_equal(directory_user_secret(f->d, STR("info@example.org"), STR("a good secret"), &e), ERR_DENIED);
	assert_int_equal(directory_user_disable(f->d, STR("info@example.org"), true, &e), 0);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_user_find(f->d, &f->arena, STR("info@example.org"), &u), 0);
	assert_true(u.shared && u.disabled);
	assert_int_equal(directory_user_del(f->d, STR("info@example.org"), NULL, &e), 0);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_spelling),
		ON_BOTH(test_groups),
		ON_BOTH(test_many_members),
		ON_BOTH(test_groups_from_before),
		ON_BOTH(test_shares),
		ON_BOTH(test_shared_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
