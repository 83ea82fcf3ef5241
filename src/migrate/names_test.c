#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "migrate/names.h"
#include "migrate/place.h"

static void test_patterns(void **state)
{
	(void)state;
	static const struct { const char *pattern, *name; bool match; } cases[] = {
		{ "*", "", true }, { "*", "a/b", true }, { "a", "a", true }, { "a", "ab", false }, { "a*", "ab", true }, { "*b", "ab", true }, { "a?c", "abc", true },
		{ "a?c", "ac", false }, { "Work/*", "Work", false }, { "Work*", "Work/2020", true }, { "*a*b*c", "xaxbxbxc", true }, { "*a*b*c", "xaxbxbxcd", false }, { "", "", true }, { "", "a", false },
		{ "************************a", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (names_match(str_from_c(cases[i].pattern), str_from_c(cases[i].name)) != cases[i].match)
			fail_msg("%s %s", cases[i].pattern, cases[i].name);
}

/* Whatever comes out is a name that the model takes. */
static void test_clean(void **state)
{
	(void)state;
	char deep[200], wide[3000];
	for (size_t i = 0; i < sizeof deep - 1; i++)
		deep[i] = i % 2 ? '/' : 'a';
	deep[sizeof deep - 1] = '\0';
	memset(wide, 'w', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	const struct { const char *in, *out; } cases[] = {
		{ "a/b", "a/b" }, { "50% off*", "50_ off_" }, { "a//b", "a/_/b" }, { "/a", "_/a" }, { "a/", "a/_" }, { "", "_" }, { "tab\there", "tab_here" },
		{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" }, { deep, NULL }, { wide, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT(0);
		struct arena a = ARENA_INIT(0);
		struct str canonical;
		bool changed = names_clean(str_from_c(cases[i].in), &b);
		if (cases[i].out && !str_eq(buf_str(&b), str_from_c(cases[i].out)))
			fail_msg("%s became %.*s", cases[i].in, STR_ARG(buf_str(&b)));
		assert_int_equal(mailbox_name_check(&a, buf_str(&b), &canonical, NULL), 0);
		assert_int_equal(changed, i != 0);
		arena_fini(&a);
		buf_fini(&b);
	}
}

/* ---- plans ---- */

static const struct mailbox ours[] = {
	{ .name = STR_INIT("INBOX") }, { .name = STR_INIT("Archive"), .use = MAILBOX_USE_ARCHIVE }, { .name = STR_INIT("Drafts"), .use = MAILBOX_USE_DRAFTS },
	{ .name = STR_INIT("Junk"), .use = MAILBOX_USE_JUNK }, { .name = STR_INIT("Sent"), .use = MAILBOX_USE_SENT }, { .name = STR_INIT("Trash"), .use = MAILBOX_USE_TRASH },
};

static void check_plan(const struct names_rules *rules, bool emails, bool gmail, const struct source_folder *folders, size_t n, const char *const *targets)
{
	struct arena a = ARENA_INIT(0);
	struct planned *plan;
	assert_int_equal(names_plan(rules, emails, gmail, folders, n, ours, sizeof ours / sizeof *ours, &a, &plan, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		size_t k = (size_t)(plan[i].folder - folders);
		if (!targets[k] != (plan[i].skip != NULL))
			fail_msg("%.*s: %s", STR_ARG(folders[k].name), plan[i].skip ? plan[i].skip : "not skipped");
		if (targets[k] && !str_eq(plan[i].target, str_from_c(targets[k])))
			fail_msg("%.*s: %.*s, not %s", STR_ARG(folders[k].name), STR_ARG(plan[i].target), targets[k]);
	}
	if (emails && n)
		assert_true(!plan[0].rest || n == 1);
	arena_fini(&a);
}

#define F(n_, ...) { .wire = STR_INIT(n_), .name = STR_INIT(n_), ##__VA_ARGS__ }

static void test_gmail(void **state)
{
	(void)state;
	const struct names_rules none = { 0 };
	static const struct source_folder v[] = {
		F("INBOX"), F("[Gmail]", .no_select = true), F("[Gmail]/All Mail", .use = MAILBOX_USE_ALL), F("[Gmail]/Sent Mail", .use = MAILBOX_USE_SENT),
		F("[Gmail]/Spam", .use = MAILBOX_USE_JUNK), F("[Gmail]/Starred", .use = MAILBOX_USE_FLAGGED), F("[Gmail]/Important", .use = MAILBOX_USE_IMPORTANT),
		F("[Gmail]/Trash", .use = MAILBOX_USE_TRASH), F("Travel"), F("Travel/50%") };
	static const char *const targets[] = { "INBOX", NULL, "Archive", "Sent", "Junk", NULL, NULL, "Trash", "Travel", "Travel/50_" };
	check_plan(&none, true, true, v, sizeof v / sizeof *v, targets);
	struct arena a = ARENA_INIT(0);
	struct planned *plan;
	assert_int_equal(names_plan(&none, true, true, v, 10, ours, 6, &a, &plan, NULL), 0);
	assert_true(plan[9].rest);               /* \All comes last */
	arena_fini(&a);
}

static void test_by_name(void **state)
{
	(void)state;
	const struct names_rules none = { 0 };
	/* the attribute counts more than the name; a second name of the same use keeps its own, and children go with their parents */
	static const struct source_folder v[] = {
		F("INBOX"), F("Sent Items", .use = MAILBOX_USE_SENT), F("Gesendete Objekte"), F("Sent Items/2020"), F("Deleted Messages"), F("deleted items"), F("Archives"),
		F("Entw\xc3\xbcrfe"), F("Work/Sent"), F("other/joe", .foreign = true) };
	static const char *const targets[] = { "INBOX", "Sent", "Gesendete Objekte", "Sent/2020", "Deleted Messages", "Trash", "Archive", "Drafts", "Work/Sent", NULL };
	check_plan(&none, false, false, v, sizeof v / sizeof *v, targets);
}

static void test_rules(void **state)
{
	(void)state;
	static const struct names_map map[] = { { STR_INIT("Old"), STR_INIT("Past/Old") }, { STR_INIT("Sent"), STR_INIT("My sent") } };
	static const struct str exclude[] = { STR_INIT("Trash*") }, only[] = { STR_INIT("shared/*"), STR_INIT("Old*") };
	const struct names_rules mapped = { .map = map, .n_map = 2, .exclude = exclude, .n_exclude = 1 }, chosen = { .only = only, .n_only = 2 };
	static const struct source_folder v[] = { F("INBOX"), F("Old"), F("Old/1999"), F("Sent"), F("Trash"), F("Trash/x"), F("shared/a", .foreign = true), F("Older") };
	static const char *const one[] = { "INBOX", "Past/Old", "Past/Old/1999", "My sent", NULL, NULL, NULL, "Older" };
	static const char *const two[] = { NULL, "Old", "Old/1999", NULL, NULL, NULL, "shared/a", "Older" };
	check_plan(&mapped, false, false, v, 8, one);
	check_plan(&chosen, false, false, v, 8, two);
}

/* Two that would become one stay two; two that are one elsewhere by their own name too. */
static void test_collisions(void **state)
{
	(void)state;
	const struct names_rules none = { 0 };
	static const struct source_folder v[] = { F("a_b"), F("a%b"), F("a*b"), F("c/d"), F("c_d", .altered = true), F("c_d") };
	static const char *const targets[] = { "a_b", "a_b~2", "a_b~3", "c/d", "c_d", "c_d" };
	check_plan(&none, false, false, v, 6, targets);
}

/* Nothing can be put into the bin or below it: what is called so there gets another name, with what is below it. */
static void test_bin(void **state)
{
	(void)state;
	const struct names_rules none = { 0 };
	static const struct names_map map[] = { { STR_INIT("Old"), STR_INIT("Recently Deleted/Old") } };
	const struct names_rules mapped = { .map = map, .n_map = 1 };
	static const struct mailbox with_bin[] = { { .name = STR_INIT("INBOX") }, { .name = STR_INIT("Recently Deleted"), .bin = true } };
	static const struct source_folder v[] = { F("INBOX"), F("Recently Deleted/x"), F("Recently Deleted"), F("Recently Deletedly"), F("Old") };
	static const char *const targets[] = { "INBOX", "Recently Deleted~2/x", "Recently Deleted~2", "Recently Deletedly", "Old" };
	struct arena a = ARENA_INIT(0);
	struct planned *plan;
	struct err e = { 0 };
	assert_int_equal(names_plan(&none, false, false, v, 5, with_bin, 2, &a, &plan, NULL), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_true(str_eq(plan[i].target, str_from_c(targets[i])));
		assert_int_equal(plan[i].renamed, i == 1 || i == 2);
	}
	assert_int_equal(names_plan(&mapped, false, false, v, 5, with_bin, 2, &a, &plan, &e), ERR_DENIED);
	assert_non_null(strstr(e.log, "--mailbox-map"));
	arena_fini(&a);
}

/* ---- places ---- */

static void test_places(void **state)
{
	(void)state;
	static const struct { const char *in, *out, *user; } cases[] = {
		{ "imaps://joe@mail.example.org", "imaps://mail.example.org:993", "joe" }, { "imaps://joe@mail.example.org:1993/", "imaps://mail.example.org:1993", "joe" },
		{ "IMAP://joe%40example.org@h", "imap://h:143", "joe@example.org" }, { "pop3s://joe@example.org@h", "pop3s://h:995", "joe@example.org" },
		{ "pop3://h", "pop3://h:110", "" }, { "imap://j@[::1]:14", "imap://[::1]:14", "j" }, { "imap-pipe: dovecot -x ", "imap-pipe:dovecot -x", "" },
		{ "imap://j:secret@h", NULL, NULL }, { "http://h", NULL, NULL }, { "imap://", NULL, NULL }, { "imap://j@", NULL, NULL }, { "imap://h:0", NULL, NULL }, { "imap://h:65536", NULL, NULL },
		{ "imap://h:", NULL, NULL }, { "imap://%zz@h", NULL, NULL }, { "imap://a%0ab@h", NULL, NULL }, { "imap://h/INBOX", NULL, NULL }, { "imap-pipe:", NULL, NULL }, { "imap://[::1", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct place p;
		struct err e = { 0 };
		struct buf b = BUF_INIT(0);
		int r = place_parse(cases[i].in, &p, &e);
		if ((r == 0) != (cases[i].out != NULL))
			fail_msg("%s: %d %s", cases[i].in, r, e.log);
		if (r) {
			assert_true(e.log[0]);
			assert_null(strstr(e.log, "secret"));
			continue;
		}
		place_format(&p, &b);
		if (!str_eq(buf_str(&b), str_from_c(cases[i].out)))
			fail_msg("%s became %.*s", cases[i].in, STR_ARG(buf_str(&b)));
		assert_string_equal(p.user, cases[i].user);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_clean), cmocka_unit_test(test_gmail), cmocka_unit_test(test_by_name), cmocka_unit_test(test_rules),
		cmocka_unit_test(test_collisions), cmocka_unit_test(test_bin), cmocka_unit_test(test_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
