#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "directory/directory_fixture.h"
#include "directory/group.h"

#define LIST STR("list@example.org")
#define DAY 86400

static void begin(struct fixture *f)
{
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	fixture_users(f, (const char *[]){ "alice@example.org", "bob@example.org", "carol@example.org", NULL });
}

static void add(struct fixture *f, struct str name, const struct group_settings *s)
{
	struct err e = { 0 };
	if (directory_group_add(f->d, name, s, &e) != 0)
		fail_msg("%s", e.log);
}

static uint64_t join(struct fixture *f, struct str name, const char *const *addresses)
{
	struct str v[100];
	size_t n = 0;
	uint64_t changed;
	for (; addresses[n]; n++)
		v[n] = str_from_c(addresses[n]);
	assert_int_equal(directory_group_join(f->d, name, v, n, &changed, NULL), 0);
	return changed;
}

/* ---- the operator ---- */

static void test_settings(void **state)
{
	struct fixture *f = *state;
	struct str owners[] = { STR("Alice@Example.org"), STR("boss@example.net") }, senders[] = { STR("@partner.example"), STR("x@example.net") };
	struct group_settings s = { .description = STR("All of \xd0\xbd\xd0\xb0\xd1\x81"), .owners = owners, .n_owners = 2, .senders = senders, .n_senders = 2,
								.post = GROUP_POST_LOCAL, .reply_to_list = true, .no_headers = true, .no_verp = true, .rewrite_from = true,
								.size_max = 1000, .bounces_max = 3, .bounce_days = 7 };
	struct group g, *all;
	size_t n;
	begin(f);
	add(f, STR("List@EXAMPLE.org"), &s);
	fixture_reopen(f, NULL);
	assert_int_equal(directory_group_find(f->d, &f->arena, LIST, &g), 0);
	assert_true(str_eq(g.name, LIST) && g.members == 0 && g.disabled == 0 && str_eq(g.settings.description, s.description));
	assert_true(g.settings.n_owners == 2 && str_eq(g.settings.owners[0], STR("alice@example.org")) && str_eq(g.settings.owners[1], owners[1]));
	assert_true(g.settings.n_senders == 2 && str_eq(g.settings.senders[0], senders[0]) && str_eq(g.settings.senders[1], senders[1]));
	assert_true(g.settings.post == GROUP_POST_LOCAL && g.settings.reply_to_list && g.settings.no_headers && g.settings.no_verp && g.settings.rewrite_from);
	assert_true(g.settings.size_max == 1000 && g.settings.bounces_max == 3 && g.settings.bounce_days == 7);
	/* settings change, members stay */
	assert_int_equal(join(f, LIST, (const char *[]){ "a@example.net", "b@example.net", NULL }), 2);
	assert_int_equal(directory_group_set(f->d, LIST, &(struct group_settings){ .post = GROUP_POST_ANYONE }, NULL), 0);
	assert_int_equal(directory_group_list(f->d, &f->arena, &all, &n), 0);
	assert_true(n == 1 && all[0].members == 2 && all[0].settings.post == GROUP_POST_ANYONE && all[0].settings.n_owners == 0 && !all[0].settings.no_verp);
	assert_int_equal(directory_group_del(f->d, LIST, NULL), 0);
	assert_int_equal(directory_group_del(f->d, LIST, NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_group_find(f->d, &f->arena, LIST, &g), ERR_NOT_FOUND);
	/* a new one of that name knows nothing of the old one */
	add(f, LIST, &(struct group_settings){ .post = GROUP_POST_ANYONE });
	assert_int_equal(directory_group_find(f->d, &f->arena, LIST, &g), 0);
	assert_int_equal(g.members, 0);
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	static const struct group_settings none = { .post = GROUP_POST_MEMBERS };
	static const char *const bad[] = { "", "list", "@example.org", "a b@example.org", "a+b@example.org", "list@[192.0.2.1]" };
	struct err e = { 0 };
	begin(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_in_range(-directory_group_add(f->d, str_from_c(bad[i]), &none, &e), -ERR_INVALID, -ERR_NOT_FOUND);
	assert_int_equal(directory_group_add(f->d, STR("x@elsewhere.example"), &none, &e), ERR_NOT_FOUND);
	assert_int_equal(directory_group_add(f->d, STR("alice@example.org"), &none, &e), ERR_EXISTS);
	assert_int_equal(directory_alias_add(f->d, STR("sales@example.org"), &STR("alice@example.org"), 1, NULL), 0);
	assert_int_equal(directory_group_add(f->d, STR("sales@example.org"), &none, &e), ERR_EXISTS);
	add(f, LIST, &none);
	assert_int_equal(directory_group_add(f->d, LIST, &none, &e), ERR_EXISTS);
	assert_int_equal(directory_alias_add(f->d, LIST, &STR("alice@example.org"), 1, &e), ERR_EXISTS);
	assert_int_equal(directory_user_add(f->d, LIST, STR("good password"), 99, &e), ERR_EXISTS);
	assert_int_equal(directory_group_set(f->d, STR("other@example.org"), &none, &e), ERR_NOT_FOUND);
	struct group_settings wrong = { .owners = &STR("nobody"), .n_owners = 1 };
	assert_int_equal(directory_group_set(f->d, LIST, &wrong, &e), ERR_INVALID);
	wrong = (struct group_settings){ .description = STR("two\nlines") };
	assert_int_equal(directory_group_set(f->d, LIST, &wrong, &e), ERR_INVALID);
	for (const char *const *name = (const char *[]){ "alice@example.org", "bob@example.org", "carol@example.org", NULL }; *name; name++)
		assert_int_equal(directory_user_del(f->d, str_from_c(*name), NULL, NULL), 0);
	assert_int_equal(directory_alias_del(f->d, STR("sales@example.org"), NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), ERR_CONFLICT);
	assert_int_equal(directory_group_del(f->d, LIST, NULL), 0);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), 0);
}

/* ---- members ---- */

struct census { char last[300]; uint64_t n, disabled; };

static int count_member(void *arg, const struct group_member *m)
{
	struct census *c = arg;
	assert_true(str_cmp(str_from_c(c->last), m->address) < 0);
	assert_true(str_copy_c(c->last, sizeof(c->last), m->address));
	c->n++;
	c->disabled += m->disabled;
	return 0;
}

static struct census count(struct fixture *f)
{
	struct census c = { .n = 0 };
	struct group g;
	assert_int_equal(directory_group_members(f->d, LIST, count_member, &c), 0);
	assert_int_equal(directory_group_find(f->d, &f->arena, LIST, &g), 0);
	assert_true(g.members == c.n && g.disabled == c.disabled);
	return c;
}

static void test_members(void **state)
{
	struct fixture *f = *state;
	uint64_t changed;
	begin(f);
	add(f, LIST, &(struct group_settings){ .post = GROUP_POST_MEMBERS });
	assert_int_equal(count(f).n, 0);
	assert_int_equal(join(f, LIST, (const char *[]){ "Z@Example.net", "a@example.net", "a@EXAMPLE.net", "alice@example.org", NULL }), 3);
	assert_int_equal(join(f, LIST, (const char *[]){ "a@example.net", "m@example.net", NULL }), 1);
	assert_int_equal(count(f).n, 4);
	assert_int_equal(directory_group_join(f->d, LIST, (struct str[]){ STR("q@x"), STR("no address") }, 2, &changed, NULL), ERR_INVALID);
	assert_int_equal(count(f).n, 4);
	assert_int_equal(directory_group_leave(f->d, LIST, (struct str[]){ STR("A@example.net"), STR("nobody@example.net") }, 2, &changed, NULL), 0);
	assert_int_equal(changed, 1);
	assert_int_equal(count(f).n, 3);
	assert_int_equal(directory_group_join(f->d, STR("nolist@example.org"), &STR("a@b"), 1, &changed, NULL), ERR_NOT_FOUND);
	assert_int_equal(directory_group_members(f->d, STR("nolist@example.org"), count_member, NULL), ERR_NOT_FOUND);
}

/* Chunks are cut, shrink and vanish; against a plain table of who is in. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	enum { N = 3000 };
	static bool in[N];
	static char text[N][40];
	static struct str v[N];
	uint64_t seed = 7, changed;
	begin(f);
	memset(in, 0, sizeof(in));
	add(f, LIST, &(struct group_settings){ .post = GROUP_POST_MEMBERS });
	for (size_t i = 0; i < N; i++)
		snprintf(text[i], sizeof(text[i]), "member%zu@host%zu.example", i * 7919 % N, i % 17);
	for (int round = 0; round < 12; round++) {
		size_t n = 0, expected = 0, all = 0;
		bool joining = round % 3 != 2 && round < 10;
		for (size_t i = 0; i < N; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (round < 10 && seed >> 62)
				continue;
			expected += in[i] != joining;
			in[i] = joining;
			v[n++] = str_from_c(text[i]);
		}
		assert_int_equal((joining ? directory_group_join : directory_group_leave)(f->d, LIST, v, n, &changed, NULL), 0);
		assert_int_equal(changed, expected);
		for (size_t i = 0; i < N; i++)
			all += in[i];
		assert_int_equal(count(f).n, all);
		for (size_t i = 0; i < N; i += 13)
			assert_int_equal(directory_group_may_send(f->d, LIST, str_from_c(text[i]), STR_NONE), in[i] ? 0 : ERR_DENIED);
	}
	assert_int_equal(count(f).n, 0);
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;
	enum { N = GROUP_MEMBERS_MAX + 1 };
	char (*text)[32] = calloc(N, sizeof(*text));
	struct str *v = calloc(N, sizeof(*v));
	struct directory_target *targets;
	struct err e = { 0 };
	uint64_t changed;
	size_t n;
	assert_true(text && v);
	begin(f);
	add(f, LIST, &(struct group_settings){ .post = GROUP_POST_MEMBERS });
	for (size_t i = 0; i < N; i++)
		v[i] = str_make(text[i], (size_t)snprintf(text[i], sizeof(text[i]), "member%zu@example.net", i));
	assert_int_equal(directory_group_join(f->d, LIST, v, GROUP_MEMBERS_MAX, &changed, &e), 0);
	assert_int_equal(changed, GROUP_MEMBERS_MAX);
	assert_int_equal(directory_group_join(f->d, LIST, v, N, &changed, &e), ERR_TOO_BIG);
	assert_int_equal(count(f).n, GROUP_MEMBERS_MAX);
	assert_int_equal(directory_group_expand(f->d, &f->arena, LIST, &targets, &n), 0);
	assert_int_equal(n, GROUP_MEMBERS_MAX);
	assert_int_equal(directory_group_del(f->d, LIST, &e), 0);
	free(text);
	free(v);
}

/* ---- who may write ---- */

static void test_may_send(void **state)
{
	struct fixture *f = *state;
	struct str owner = STR("boss@example.net"), senders[] = { STR("@partner.example"), STR("robot@example.net") };
	struct group_settings s = { .owners = &owner, .n_owners = 1, .senders = senders, .n_senders = 2 };
	enum { MEMBERS = 1, ANYONE = 2, OWNERS = 4, LISTED = 8, LOCAL = 16, AUTHENTICATED = 32, ALL = 63 };
	static const struct { const char *sender, *user; unsigned may; } t[] = {
		{ "", "", 0 }, { "", "alice@example.org", 0 }, { "stranger@example.net", "", ANYONE }, { "member@example.net", "", ANYONE | MEMBERS },
		{ "Member@EXAMPLE.net", "", ANYONE | MEMBERS }, { "boss@example.net", "", ALL }, { "robot@example.net", "", ALL & ~OWNERS },
		{ "any@partner.example", "", ALL & ~OWNERS }, { "any@sub.partner.example", "", ANYONE }, { "alice@example.org", "", ANYONE },
		{ "alice@example.org", "alice@example.org", ANYONE | LOCAL | AUTHENTICATED },
		{ "alias@example.org", "bob@example.org", ANYONE | LOCAL | AUTHENTICATED | MEMBERS },
		{ "u@second.example", "u@second.example", ANYONE | AUTHENTICATED },
	};
	begin(f);
	add(f, LIST, &s);
	assert_int_equal(join(f, LIST, (const char *[]){ "member@example.net", "bob@example.org", NULL }), 2);
	for (unsigned post = 0; post < GROUP_POST_COUNT; post++) {
		s.post = (enum group_post)post;
		assert_int_equal(directory_group_set(f->d, LIST, &s, NULL), 0);
		for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
			if (directory_group_may_send(f->d, LIST, str_from_c(t[i].sender), str_from_c(t[i].user)) != (t[i].may >> post & 1 ? 0 : ERR_DENIED))
				fail_msg("policy %u, sender %s, user %s", post, t[i].sender, t[i].user);
	}
	assert_int_equal(directory_group_may_send(f->d, STR("nolist@example.org"), owner, STR_NONE), ERR_NOT_FOUND);
}

/* ---- where it goes ---- */

/* "role address/detail ..." of what an address resolves to, or the error's name. */
static void assert_resolves(struct fixture *f, const char *address, const char *expected)
{
	struct directory_target *v;
	struct buf b = BUF_INIT(0);
	size_t n;
	int code = directory_resolve(f->d, &f->arena, str_from_c(address), &v, &n);
	if (code)
		buf_add_c(&b, err_text(code));
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s%.*s%s%.*s", i ? " " : "", v[i].role == DIRECTORY_GROUP ? "group:" : v[i].role == DIRECTORY_GROUP_BOUNCES ? "bounces:" : "",
				   STR_ARG(v[i].address), v[i].detail.n ? "/" : "", STR_ARG(v[i].detail));
	if (!str_eq(buf_str(&b), str_from_c(expected)))
		fail_msg("%s is %.*s instead of %s", address, (int)b.n, b.p, expected);
	buf_fini(&b);
}

static void test_resolve(void **state)
{
	struct fixture *f = *state;
	struct str owners[] = { STR("bob@example.org"), STR("boss@example.net") };
	begin(f);
	add(f, LIST, &(struct group_settings){ .owners = owners, .n_owners = 2 });
	add(f, STR("orphan@example.org"), &(struct group_settings){ .n_owners = 0 });
	assert_int_equal(directory_alias_add(f->d, STR("everybody@example.org"), (struct str[]){ LIST, STR("carol@example.org") }, 2, NULL), 0);
	fixture_users(f, (const char *[]){ "real-owner@example.org", NULL });
	add(f, STR("real@example.org"), &(struct group_settings){ .n_owners = 0 });
	static const struct { const char *address, *expected; } t[] = {
		{ "list@example.org", "group:list@example.org" }, { "LIST@example.org", "group:list@example.org" },
		{ "list+tag@example.org", "group:list@example.org/tag" }, { "list-owner@example.org", "bob@example.org boss@example.net" },
		{ "list-request@example.org", "bob@example.org boss@example.net" }, { "List-Owner+x@example.org", "bob@example.org boss@example.net" },
		{ "list-bounces@example.org", "bounces:list@example.org" }, { "list-bounces+u=h.example@example.org", "bounces:list@example.org/+u=h.example" },
		{ "list-bounces-abc+u+v=h@example.org", "bounces:list@example.org/-abc+u+v=h" },
		{ "list-bounces+x-bounces=h@example.org", "bounces:list@example.org/+x-bounces=h" },
		{ "orphan-owner@example.org", "alice@example.org" }, { "everybody@example.org", "group:list@example.org carol@example.org" },
		{ "real-owner@example.org", "real-owner@example.org" }, { "nolist-owner@example.org", "not found" }, { "-owner@example.org", "not found" },
		{ "-bounces@example.org", "not found" }, { "list-other@example.org", "not found" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_resolves(f, t[i].address, t[i].expected);
	/* a catch-all takes what no group wants */
	assert_int_equal(directory_alias_add(f->d, STR("@example.org"), &STR("carol@example.org"), 1, NULL), 0);
	assert_resolves(f, "list-bounces@example.org", "bounces:list@example.org");
	assert_resolves(f, "nolist-owner@example.org", "carol@example.org");
	assert_int_equal(directory_may_send_as(f->d, STR("bob@example.org"), STR("list-owner@example.org")), 0);
	assert_int_equal(directory_may_send_as(f->d, STR("alice@example.org"), LIST), ERR_DENIED);
}

static void assert_expands(struct fixture *f, struct str name, const char *expected)
{
	struct directory_target *v;
	struct buf b = BUF_INIT(0);
	size_t n;
	assert_int_equal(directory_group_expand(f->d, &f->arena, name, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].role, DIRECTORY_MAIL);
		assert_true((v[i].account != 0) == str_ends(v[i].address, STR("@example.org")));
		buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(v[i].address));
	}
	if (!str_eq(buf_str(&b), str_from_c(expected)))
		fail_msg("%.*s is %.*s instead of %s", STR_ARG(name), (int)b.n, b.p, expected);
	buf_fini(&b);
}

static void test_expand(void **state)
{
	struct fixture *f = *state;
	struct directory_target *v;
	size_t n;
	begin(f);
	add(f, LIST, &(struct group_settings){ .owners = &STR("carol@example.org"), .n_owners = 1 });
	add(f, STR("inner@example.org"), &(struct group_settings){ .n_owners = 0 });
	assert_expands(f, LIST, "");
	assert_int_equal(directory_alias_add(f->d, STR("sales@example.org"), (struct str[]){ STR("bob@example.org"), STR("x@example.net"), LIST }, 3, NULL), 0);
	/* a group in a group and back again, an alias that leads to the group, a member twice, one that is gone, one with a detail */
	join(f, LIST, (const char *[]){ "a@example.net", "alice+list@example.org", "gone@example.org", "inner@example.org", "list@example.org",
									"list-bounces@example.org", "sales@example.org", NULL });
	join(f, STR("inner@example.org"), (const char *[]){ "alice@example.org", "list@example.org", "x@example.net", "list-owner@example.org", NULL });
	assert_expands(f, LIST, "a@example.net alice@example.org carol@example.org x@example.net bob@example.org");
	assert_expands(f, STR("inner@example.org"), "alice@example.org carol@example.org a@example.net bob@example.org x@example.net");
	assert_int_equal(directory_group_expand(f->d, &f->arena, STR("nolist@example.org"), &v, &n), ERR_NOT_FOUND);
}

/* ---- what comes back ---- */

static int last_member(void *arg, const struct group_member *m)
{
	struct group_member *out = arg;
	*out = *m;
	return 0;
}

static void test_bounces(void **state)
{
	struct fixture *f = *state;
	struct str member = STR("a@example.net");
	struct group_member m;
	int64_t now = 1000 * (int64_t)DAY;
	bool disabled;
	begin(f);
	add(f, LIST, &(struct group_settings){ .bounces_max = 3, .bounce_days = 5 });
	join(f, LIST, (const char *[]){ "a@example.net", NULL });
	assert_int_equal(directory_group_bounce(f->d, LIST, STR("b@example.net"), now, STR("5.1.1"), &disabled), ERR_NOT_FOUND);
	assert_int_equal(directory_group_bounce(f->d, STR("nolist@example.org"), member, now, STR("5.1.1"), &disabled), ERR_NOT_FOUND);
	static const struct { int after_days; unsigned count; bool disabled; } t[] = {
		{ 0, 1, false }, { 0, 1, false }, { 1, 2, false }, { 1, 2, false }, { 7, 1, false }, { 11, 2, false }, { 15, 3, true }, { 16, 3, false } };
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(directory_group_bounce(f->d, LIST, member, now + (int64_t)t[i].after_days * DAY + (int64_t)i, STR("5.1.1"), &disabled), 0);
		assert_int_equal(disabled, t[i].disabled);
		assert_int_equal(directory_group_members(f->d, LIST, last_member, &m), 0);
		assert_int_equal(m.bounces, t[i].count);
		assert_int_equal(m.disabled, i >= 6);
	}
	assert_int_equal(count(f).disabled, 1);
	assert_expands(f, LIST, "");
	/* a disabled member is one that may write; joining again forgets it all */
	assert_int_equal(directory_group_may_send(f->d, LIST, member, STR_NONE), 0);
	join(f, LIST, (const char *[]){ "a@example.net", NULL });
	assert_int_equal(directory_group_members(f->d, LIST, last_member, &m), 0);
	assert_true(m.bounces == 0 && !m.disabled && m.last_bounce == 0);
	assert_int_equal(count(f).disabled, 0);
	assert_expands(f, LIST, "a@example.net");
}

static void test_faults(void **state)
{
	struct fixture *f = *state;
	struct store_fault_plan plan = { .read_retry_percent = 1, .commit_unknown_percent = 30, .twice_percent = 50 };
	struct directory_target *v;
	char text[40];
	uint64_t changed;
	size_t n;
	begin(f);
	assert_int_equal(store_wrap_faults(&f->store, &plan), 0);
	fixture_reopen(f, NULL);
	add(f, LIST, &(struct group_settings){ .bounces_max = 1 });
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof(text), "m%d@example.net", i);
		assert_int_equal(directory_group_join(f->d, LIST, &(struct str){ text, strlen(text) }, 1, &changed, NULL), 0);
	}
	bool disabled;
	assert_int_equal(directory_group_bounce(f->d, LIST, STR("m7@example.net"), DAY, STR("5.1.1"), &disabled), 0);
	assert_true(disabled);
	assert_int_equal(directory_group_leave(f->d, LIST, &STR("m8@example.net"), 1, &changed, NULL), 0);
	assert_int_equal(directory_group_expand(f->d, &f->arena, LIST, &v, &n), 0);
	assert_int_equal(n, 10);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(test_settings),
		ON_BOTH(test_names),
		ON_BOTH(test_members),
		ON_BOTH(test_many),
		{ "test_too_many on lmdb", test_too_many, fixture_setup, fixture_teardown, &lmdb },
		ON_BOTH(test_may_send),
		ON_BOTH(test_resolve),
		ON_BOTH(test_expand),
		ON_BOTH(test_bounces),
		ON_BOTH(test_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
