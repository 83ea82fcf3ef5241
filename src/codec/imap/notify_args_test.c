/* What NOTIFY asks for, by the grammar of RFC 5465 8 and the rules of its sections 3.1, 5 and 6. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/imap/notify_args.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse(struct arena *a, const char *in, struct imap_notify_args *out)
{
	struct imap_cursor c;
	imap_cursor_init(&c, str_from_c(in), a, false);
	int rc = imap_notify_args(&c, out);
	assert_int_equal(rc == ERR_INVALID, c.error != NULL);
	return rc;
}

static void show_group(const struct imap_notify_group *g, struct buf *b)
{
	static const char *const filters[] = { "selected", "delayed", "inboxes", "personal", "subscribed", "subtree", "mailboxes" };
	buf_printf(b, "%s", filters[g->filter]);
	for (size_t i = 0; i < g->name_count; i++)
		buf_printf(b, " <%.*s>", STR_ARG(g->name[i]));
	buf_printf(b, " %u", g->events);
	if (g->has_fetch)
		buf_printf(b, " items %u sections %zu", g->fetch.items, g->fetch.section_count);
	buf_add_lit(b, "; ");
}

static void well_formed(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } cases[] = {
		{ "NONE", "none" },
		{ "none", "none" },
		{ "SET (selected NONE)", "selected 0; " },
		{ "SET (SELECTED (MessageNew MessageExpunge))", "selected 3; " },
		{ "set (selected-delayed (messagenew messageexpunge flagchange))", "delayed 7; " },
		{ "SET STATUS (INBOXES (MessageNew MessageExpunge)) (personal (MailboxName SubscriptionChange))", "status inboxes 3; personal 24; " },
		{ "SET (subscribed (MailboxMetadataChange ServerMetadataChange))", "subscribed 96; " },
		{ "SET (subtree Lists (MessageExpunge MessageNew))", "subtree <Lists> 3; " },
		{ "SET (mailboxes (INBOX \"a b\" inbox) (FlagChange MessageNew MessageExpunge))", "mailboxes <INBOX> <a b> <INBOX> 7; " },
		{ "SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From To Subject)]) MessageExpunge))", "selected 3 items 2 sections 1; " },
		{ "SET (selected (MessageExpunge MessageNew (UID FLAGS)))", "selected 3 items 3 sections 0; " },
		/* As in the examples of RFC 5465 3.1. */
		{ "set status (selected MessageNew (uid) MessageExpunge) (subtree Lists MessageNew MessageExpunge)",
		  "status selected 3 items 2 sections 0; subtree <Lists> 3; " },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_notify_args n;
		struct buf b = BUF_INIT(0);
		if (parse(&a, cases[i].in, &n))
			fail_msg("%s", cases[i].in);
		buf_add_c(&b, n.none ? "none" : n.status ? "status " : "");
		for (size_t k = 0; k < n.group_count; k++)
			show_group(&n.group[k], &b);
		if (!str_eq(buf_str(&b), str_from_c(cases[i].out)))
			fail_msg("%s: %.*s", cases[i].in, STR_ARG(buf_str(&b)));
		buf_fini(&b);
		arena_fini(&a);
	}
}

static void wrong(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", "SET", "SET ", "NONE x", "GET", "SET STATUS", "SET STATUS ", "SET ()", "SET (selected)", "SET (selected ())", "SET (selected (MessageNew))",
		"SET (selected MessageExpunge)", "SET (selected (MessageNew MessageExpunge)", "SET (selected (MessageNew MessageExpunge)) ",
		"SET (personal (FlagChange))", "SET (personal (FlagChange MessageNew))", "SET (personal (FlagChange MessageExpunge))",
		"SET (selected (MailboxName))", "SET (selected-delayed (MessageNew MessageExpunge SubscriptionChange))",
		"SET (selected NONE) (selected-delayed NONE)", "SET (personal (MessageNew (UID) MessageExpunge))", "SET (everything NONE)", "SET (subtree NONE)",
		"SET (subtree () NONE)", "SET (mailboxes (a b NONE)", "SET (selected (MessageNew () MessageExpunge))", "SET (selected (MessageNew (ALL) MessageExpunge))",
		"SET (selected (MessageNew (UID) MessageNew (UID) MessageExpunge))", "SET (selected (MessageNew UID MessageExpunge)",
		"SET (personal NONE)(inboxes NONE)", "SETX (personal NONE)",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_notify_args n;
		if (parse(&a, cases[i], &n) != ERR_INVALID)
			fail_msg("%s", cases[i]);
		arena_fini(&a);
	}
}

/* RFC 5465 3.1: not BAD, whatever else is there. */
static void unknown_events(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"SET (personal (AnnotationChange))", "SET (selected (MessageNew MessageExpunge AnnotationChange))", "SET (personal (MailboxName X-Foo))",
		"SET (personal NONE) (subscribed (Foo Bar))", "SET (personal (Foo FlagChange))",
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_notify_args n;
		if (parse(&a, cases[i], &n) != ERR_UNSUPPORTED)
			fail_msg("%s", cases[i]);
		arena_fini(&a);
	}
}

static void limits(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_notify_args n;
	for (unsigned over = 0; over < 2; over++) {
		struct buf b = BUF_INIT(0);
		buf_add_lit(&b, "SET");
		for (unsigned i = 0; i < IMAP_NOTIFY_GROUPS_MAX + over; i++)
			buf_add_lit(&b, " (personal NONE)");
		buf_add_char(&b, '\0');
		assert_int_equal(parse(&a, b.p, &n), over ? ERR_INVALID : 0);
		buf_reset(&b);
		buf_add_lit(&b, "SET (mailboxes (a");
		for (unsigned i = 1; i < IMAP_NOTIFY_NAMES_MAX + over; i++)
			buf_add_lit(&b, " b");
		buf_add_lit(&b, ") NONE)");
		buf_add_char(&b, '\0');
		assert_int_equal(parse(&a, b.p, &n), over ? ERR_INVALID : 0);
		buf_fini(&b);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed), cmocka_unit_test(wrong), cmocka_unit_test(unknown_events), cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
