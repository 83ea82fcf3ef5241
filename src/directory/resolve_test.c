/* Where mail goes: each case names the address and all its targets, as ACCOUNT ADDRESS [DETAIL]. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "directory/directory_fixture.h"

static void alias(struct fixture *f, const char *name, const char *const *targets)
{
	struct str v[DIRECTORY_ALIAS_TARGETS_MAX];
	struct err e = { 0 };
	size_t n = 0;
	for (; targets[n]; n++)
		v[n] = str_from_c(targets[n]);
	if (directory_alias_add(f->d, str_from_c(name), v, n, &e) != 0)
		fail_msg("%s", e.log);
}
#define ALIAS(f, name, ...) alias(f, name, (const char *[]){ __VA_ARGS__, NULL })

static void check(struct fixture *f, const char *address, const char *want)
{
	struct directory_target *targets;
	size_t n;
	struct buf got = BUF_INIT(0);
	int code = directory_resolve(f->d, &f->arena, str_from_c(address), &targets, &n);
	if (code == ERR_NOT_FOUND)
		buf_add_lit(&got, "not found");
	else if (code == ERR_DENIED)
		buf_add_lit(&got, "not ours");
	else if (code == ERR_INVALID)
		buf_add_lit(&got, "invalid");
	else if (code == ERR_TOO_BIG)
		buf_add_lit(&got, "too big");
	else
		assert_int_equal(code, 0);
	for (size_t i = 0; i < n; i++) {
		buf_add_c(&got, i ? ", " : "");
		buf_printf(&got, "%llu %.*s", (unsigned long long)targets[i].account, STR_ARG(targets[i].address));
		if (targets[i].detail.n)
			buf_printf(&got, " %.*s", STR_ARG(targets[i].detail));
	}
	if (!str_eq(buf_str(&got), str_from_c(want)))
		fail_msg("%s: expected \"%s\", found \"%.*s\"", address, want, STR_ARG(buf_str(&got)));
	buf_fini(&got);
}

static void test_table(void **state)
{
	struct fixture *f = *state;
	static const char *const domains[] = { "one.example", "two.example", "b\xc3\xbc" "cher.example", "bare.example" };
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		assert_int_equal(directory_domain_add(f->d, str_from_c(domains[i]), NULL), 0);
	fixture_users(f, (const char *[]){ "zoe@one.example", "alice@one.example", "bob@one.example", "carol@two.example",
				  "al+exact@one.example", "u@b\xc3\xbc" "cher.example", NULL });
	ALIAS(f, "sales@one.example", "alice@one.example", "bob@one.example");
	ALIAS(f, "all@one.example", "sales@one.example", "carol@two.example", "alice@one.example", "ext@far.example");
	ALIAS(f, "loop-a@one.example", "loop-b@one.example");
	ALIAS(f, "loop-b@one.example", "loop-a@one.example", "bob@one.example");
	ALIAS(f, "self@one.example", "self@one.example");
	ALIAS(f, "dead@one.example", "gone@one.example");
	ALIAS(f, "half@one.example", "gone@one.example", "bob@one.example");
	ALIAS(f, "tagged@one.example", "bob+own@one.example", "zoe@one.example");
	ALIAS(f, "@two.example", "zoe@one.example");
	ALIAS(f, "far@one.example", "ext@far.example", "EXT@FAR.example");
	static const char *const cases[][2] = {
		{ "alice@one.example", "2 alice@one.example" },
		{ "ALICE@ONE.example", "2 alice@one.example" },
		{ "u@B\xc3\x9c" "CHER.example", "6 u@xn--bcher-kva.example" },
		{ "u@xn--bcher-kva.example", "6 u@xn--bcher-kva.example" },
		{ "alice+news@one.example", "2 alice@one.example news" },
		{ "alice+a+b@one.example", "2 alice@one.example a+b" },
		{ "alice+@one.example", "2 alice@one.example" },
		{ "al+exact@one.example", "5 al+exact@one.example" },      /* an exact name wins */
		{ "al+other@one.example", "not found" },
		{ "+alice@one.example", "not found" },
		{ "sales@one.example", "2 alice@one.example, 3 bob@one.example" },
		{ "sales+march@one.example", "2 alice@one.example march, 3 bob@one.example march" },
		{ "all@one.example", "2 alice@one.example, 3 bob@one.example, 4 carol@two.example, 0 ext@far.example" },
		{ "far@one.example", "0 ext@far.example" },
		{ "loop-a@one.example", "3 bob@one.example" },
		{ "loop-b@one.example", "3 bob@one.example" },
		{ "self@one.example", "not found" },
		{ "dead@one.example", "not found" },
		{ "half@one.example", "3 bob@one.example" },
		{ "tagged+x@one.example", "3 bob@one.example own, 1 zoe@one.example x" },
		{ "anybody@two.example", "1 zoe@one.example" },
		{ "carol@two.example", "4 carol@two.example" },
		{ "carol+x@two.example", "4 carol@two.example x" },         /* before the catch-all */
		{ "nobody@one.example", "not found" },
		{ "nobody@bare.example", "not found" },
		{ "x@far.example", "not ours" },
		{ "x@[192.0.2.1]", "not ours" },
		{ "x@one.example.", "invalid" },
		{ "nonsense", "invalid" },
		{ "", "invalid" },
		{ "@one.example", "invalid" },
		/* RFC 5321 4.5.1, in any case; the first user by creation, not by name */
		{ "postmaster@one.example", "1 zoe@one.example" },
		{ "PostMaster@one.example", "1 zoe@one.example" },
		{ "postmaster", "1 zoe@one.example" },
		{ "POSTMASTER", "1 zoe@one.example" },
		{ "postmaster+x@one.example", "1 zoe@one.example" },
		{ "postmaster@two.example", "1 zoe@one.example" },          /* by the catch-all */
		{ "postmaster@b\xc3\xbc" "cher.example", "6 u@xn--bcher-kva.example" },
		{ "postmaster@bare.example", "1 zoe@one.example" },         /* a domain without users: as without a domain */
		{ "postmaster@far.example", "not ours" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(f, cases[i][0], cases[i][1]);

	assert_int_equal(directory_user_del(f->d, STR("zoe@one.example"), NULL, NULL), 0);
	check(f, "postmaster", "2 alice@one.example");
	check(f, "anybody@two.example", "not found");
	ALIAS(f, "postmaster@one.example", "bob@one.example");
	check(f, "postmaster@one.example", "3 bob@one.example");
	check(f, "postmaster", "3 bob@one.example");
}

static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	check(f, "postmaster", "not found");
	check(f, "postmaster@one.example", "not ours");
	assert_int_equal(directory_domain_add(f->d, STR("one.example"), NULL), 0);
	check(f, "postmaster", "not found");
	check(f, "postmaster@one.example", "not found");
}

static void test_other_separator(void **state)
{
	struct fixture *f = *state;
	struct directory_config c = { .subaddress_separator = '-' };
	assert_int_equal(directory_domain_add(f->d, STR("one.example"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@one.example", NULL });
	fixture_reopen(f, &c);
	check(f, "alice-x@one.example", "1 alice@one.example x");
	check(f, "alice+x@one.example", "not found");
}

static void test_depth(void **state)
{
	struct fixture *f = *state;
	char name[40], next[40];
	assert_int_equal(directory_domain_add(f->d, STR("x.example"), NULL), 0);
	fixture_users(f, (const char *[]){ "end@x.example", NULL });
	/* a0 -> a1 -> ... -> a10 -> end: from a1 on it is within DIRECTORY_ALIAS_DEPTH_MAX */
	for (int i = 0; i <= DIRECTORY_ALIAS_DEPTH_MAX; i++) {
		snprintf(name, sizeof(name), "a%d@x.example", i);
		snprintf(next, sizeof(next), i == DIRECTORY_ALIAS_DEPTH_MAX ? "end@x.example" : "a%d@x.example", i + 1);
		ALIAS(f, name, next);
	}
	check(f, "a1@x.example", "1 end@x.example");
	check(f, "a0@x.example", "too big");
}

static void test_width(void **state)
{
	struct fixture *f = *state;
	struct directory_target *targets;
	size_t n;
	assert_int_equal(directory_domain_add(f->d, STR("x.example"), NULL), 0);
	struct str members[DIRECTORY_ALIAS_TARGETS_MAX], lists[11];
	for (size_t list = 0; list < 11; list++) {
		for (size_t i = 0; i < DIRECTORY_ALIAS_TARGETS_MAX; i++)
			members[i] = arena_printf(&f->arena, "m%zu@far%zu.example", i, list);
		lists[list] = arena_printf(&f->arena, "list%zu@x.example", list);
		size_t some = list == 10 ? 1 : DIRECTORY_ALIAS_TARGETS_MAX;
		assert_int_equal(directory_alias_add(f->d, lists[list], members, some, NULL), 0);
	}
	assert_int_equal(directory_alias_add(f->d, STR("ten@x.example"), lists, 10, NULL), 0);
	assert_int_equal(directory_alias_add(f->d, STR("eleven@x.example"), lists, 11, NULL), 0);
	assert_int_equal(directory_resolve(f->d, &f->arena, STR("ten@x.example"), &targets, &n), 0);
	assert_int_equal(n, DIRECTORY_RESOLVED_MAX);
	assert_true(str_eq(targets[9999].address, STR("m999@far9.example")));
	check(f, "eleven@x.example", "too big");
}

static void test_send_as(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(directory_domain_add(f->d, STR("x.example"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@x.example", "bob@x.example", NULL });
	ALIAS(f, "sales@x.example", "team@x.example");
	ALIAS(f, "team@x.example", "alice@x.example", "ext@far.example");
	static const struct { const char *user, *address; bool may; } cases[] = {
		{ "alice@x.example", "alice@x.example", true }, { "alice@x.example", "Alice+tag@X.example", true },
		{ "alice@x.example", "sales@x.example", true }, { "alice@x.example", "bob@x.example", false },
		{ "bob@x.example", "sales@x.example", false },  { "alice@x.example", "ext@far.example", false },
		{ "alice@x.example", "nobody@x.example", false }, { "alice@x.example", "", false },
		{ "nobody@x.example", "alice@x.example", false }, { "alice@x.example", "postmaster@x.example", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (directory_may_send_as(f->d, str_from_c(cases[i].user), str_from_c(cases[i].address)) != (cases[i].may ? 0 : ERR_DENIED))
			fail_msg("%s as %s", cases[i].user, cases[i].address);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_table),
		ON_BOTH(test_nothing_there),
		ON_BOTH(test_other_separator),
		ON_BOTH(test_depth),
		ON_BOTH(test_width),
		ON_BOTH(test_send_as),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
