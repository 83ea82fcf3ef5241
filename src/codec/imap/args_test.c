/* The arguments of STORE, SELECT, STATUS, LIST, ID and the quota commands. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/imap/append_args.h"
#include "codec/imap/id.h"
#include "codec/imap/list_args.h"
#include "codec/imap/metadata_args.h"
#include "codec/imap/quota_args.h"
#include "codec/imap/select_args.h"
#include "codec/imap/status_att.h"
#include "codec/imap/store_args.h"
#include "codec/imap/url_args.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* RFC 3501 9 append, RFC 3502 append-message; the announcement of the literal is not part of it. */
static void test_append(void **state)
{
	(void)state;
	static const struct { const char *in; uint64_t system; size_t keywords; bool has_date; int64_t date; enum imap_append_form form; } good[] = {
		{ "", 0, 0, false, 0, IMAP_APPEND_LITERAL },
		{ "() ", 0, 0, false, 0, IMAP_APPEND_LITERAL },
		{ "(\\Seen $Label1 x) ", IMAP_SEEN, 2, false, 0, IMAP_APPEND_LITERAL },
		{ "\"17-Jul-1996 02:44:25 -0700\" ", 0, 0, true, 837596665, IMAP_APPEND_LITERAL },
		{ "(\\Draft) \" 7-Feb-1994 22:43:04 -0800\" ", IMAP_DRAFT, 0, true, 760689784, IMAP_APPEND_LITERAL },
		{ "UTF8 (", 0, 0, false, 0, IMAP_APPEND_UTF8 },
		{ "(\\Seen) utf8 (", IMAP_SEEN, 0, false, 0, IMAP_APPEND_UTF8 },
		{ "(\\Seen) CATENATE (", IMAP_SEEN, 0, false, 0, IMAP_APPEND_CATENATE },
		{ "catenate (URL x)", 0, 0, false, 0, IMAP_APPEND_CATENATE },
	};
	static const char *const bad[] = {
		"()", "(", "(\\Seen", "(\\Recent) ", "(\\Seen)\"17-Jul-1996 02:44:25 -0700\" ", "\"17-Jul-1996 02:44:25 -0700\"", "\"x\" ",
		"\"17-Jul-1996 02:44:25 -0700\" (\\Seen) ", "UTF8", "UTF8 ", "UTF8(", "UTF8 () ", "UTF8 ( ", "x", " ", "() x", "{3}",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_append_message m;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_append_message(&c, &m);
		if (ok != (i < COUNT(good)) || (!ok && !c.error))
			fail_msg("%s: %d", in, ok);
		if (ok && (m.flags.system != good[i].system || m.flags.keyword_count != good[i].keywords || m.has_date != good[i].has_date ||
		           m.date != good[i].date || m.form != good[i].form))
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

/* RFC 4469 5 */
static void test_append_part(void **state)
{
	(void)state;
	static const struct { const char *in; enum imap_append_part part; const char *url; } good[] = {
		{ "TEXT ", IMAP_PART_TEXT, NULL }, { "text ", IMAP_PART_TEXT, NULL }, { "UTF8 (", IMAP_PART_UTF8, NULL },
		{ "URL \"/Drafts/;UID=1\")", IMAP_PART_URL, "/Drafts/;UID=1" }, { "url {3}\r\n/ab ", IMAP_PART_URL, "/ab" }, { "URL /a)", IMAP_PART_URL, "/a" },
		{ "URL ", IMAP_PART_URL, NULL },
	};
	static const char *const bad[] = { "", "TEXT", "URL", "TEXT x", "UTF8", "UTF8 ", "FOO ", "URL (", "URL \"", ")", " " };
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		enum imap_append_part part;
		struct str url;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_append_part(&c, &part, &url);
		if (ok != (i < COUNT(good)) || ok == (c.error != NULL))
			fail_msg("%s: %d", in, ok);
		if (ok && (part != good[i].part || !str_eq(url, str_from_c(good[i].url)) || !url.p != !good[i].url))
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

/* RFC 4467 9, RFC 5524 5 */
static void test_url_args(void **state)
{
	(void)state;
	static const struct { const char *in; size_t n; unsigned items; } fetches[] = {
		{ "imap://a", 1, 0 }, { "\"imap://a\" {1}\r\nx (y)", 3, 0 }, { "(x BODY)", 1, IMAP_URLFETCH_BODY },
		{ "(x bodypartstructure BINARY)", 1, IMAP_URLFETCH_BINARY | IMAP_URLFETCH_STRUCTURE }, { "x (y BODYPARTSTRUCTURE)", 2, IMAP_URLFETCH_STRUCTURE },
		{ "", 0, 0 }, { "x ", 0, 0 }, { "(x", 0, 0 }, { "(x )", 0, 0 }, { "()", 0, 0 }, { "(x BODY BODY)", 0, 0 }, { "(x BODY BINARY)", 0, 0 }, { "(x FOO)", 0, 0 },
		{ "x  y", 0, 0 }, { "x)", 0, 0 },
	};
	static const struct { const char *in; size_t n; } generates[] = {
		{ "x INTERNAL", 1 }, { "x INTERNAL \"y\" foo", 2 }, { "x", 0 }, { "x ", 0 }, { "x INTERNAL y", 0 }, { "", 0 }, { "x \"INTERNAL\"", 0 },
	};
	static const struct { const char *in; bool ok, internal; } resets[] = {
		{ "INBOX", true, true }, { "INBOX internal", true, true }, { "a INTERNAL XSAMPLE", true, false }, { "", false, false }, { "a ", false, false }, { "a (", false, false },
	};
	for (size_t i = 0; i < COUNT(fetches) + COUNT(generates) + COUNT(resets); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_urlfetch *f;
		struct imap_genurlauth *g;
		struct str mailbox;
		bool internal, good;
		size_t n = 0, k = i - COUNT(fetches), m = k - COUNT(generates);
		const char *in = i < COUNT(fetches) ? fetches[i].in : k < COUNT(generates) ? generates[k].in : resets[m].in;
		imap_cursor_init(&c, str_from_c(in), &a, false);
		if (i < COUNT(fetches))
			good = imap_urlfetch_args(&c, &f, &n) ? n == fetches[i].n && f[n - 1].items == fetches[i].items : fetches[i].n == 0;
		else if (k < COUNT(generates))
			good = imap_genurlauth_args(&c, &g, &n) ? n == generates[k].n : generates[k].n == 0;
		else
			good = imap_resetkey_args(&c, &mailbox, &internal) ? resets[m].ok && internal == resets[m].internal : !resets[m].ok;
		if (!good)
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

static void test_store(void **state)
{
	(void)state;
	static const struct { const char *in; enum imap_store_op op; bool silent; uint64_t system; size_t keywords; bool conditional; } good[] = {
		/* RFC 3501 6.4.6, RFC 7162 3.1.3. */
		{ "+FLAGS (\\Deleted)", IMAP_STORE_ADD, false, IMAP_DELETED, 0, false },
		{ "+FLAGS.SILENT (\\Deleted $Processed)", IMAP_STORE_ADD, true, IMAP_DELETED, 1, false },
		{ "(UNCHANGEDSINCE 12121230045) -FLAGS.SILENT (\\Deleted)", IMAP_STORE_REMOVE, true, IMAP_DELETED, 0, true },
		{ "flags ()", IMAP_STORE_REPLACE, false, 0, 0, false },
		{ "-flags.silent \\Seen a b", IMAP_STORE_REMOVE, true, IMAP_SEEN, 2, false },
		{ "(unchangedsince 0) FLAGS \\Draft", IMAP_STORE_REPLACE, false, IMAP_DRAFT, 0, true },
	};
	static const char *const bad[] = {
		"", "FLAGS", "FLAGS ", "+ FLAGS ()", "*FLAGS ()", "+FLAGSX ()", "FLAGS.LOUD ()", "+FLAGS(\\Seen)", "FLAGS (\\Seen) x", "FLAGS \\Recent",
		"() FLAGS ()", "(UNCHANGEDSINCE) FLAGS ()", "(UNCHANGEDSINCE 1 FLAGS ()", "(UNCHANGEDSINCE 1)FLAGS ()", "(FOO 1) FLAGS ()",
		"(UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS ()", "FLAGS () (UNCHANGEDSINCE 1)",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_store s;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_store_args(&c, &s);
		if (ok != (i < COUNT(good)))
			fail_msg("%s: %d", in, ok);
		if (ok && (s.op != good[i].op || s.silent != good[i].silent || s.flags.system != good[i].system ||
		           s.flags.keyword_count != good[i].keywords || s.conditional != good[i].conditional))
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

static void test_select(void **state)
{
	(void)state;
	static const struct { const char *in; bool condstore, qresync, known, sample; } good[] = {
		{ "", false, false, false, false },
		{ " (CONDSTORE)", true, false, false, false },
		{ " (condstore CONDSTORE)", true, false, false, false },
		/* RFC 7162 3.2.5. */
		{ " (QRESYNC (67890007 20050715194045000 41,43:211,214:541))", false, true, true, false },
		{ " (QRESYNC (1 1))", false, true, false, false },
		{ " (QRESYNC (67890007 90060115194045000 1:29997 (5000,7500,9000,9990:9999 15000,22500,27000,29970,29973,29976,29979,29982,"
		  "29985,29988,29991,29994,29997)))", false, true, true, true },
		{ " (QRESYNC (1 1 (1:4294967295 1:4294967295)) CONDSTORE)", true, true, false, true },
		{ " (CONDSTORE qresync (4294967295 9223372036854775807 9:7))", true, true, true, false },
	};
	static const char *const bad[] = {
		" ", " ()", " (CONDSTORE", " CONDSTORE", "x", " (CONDSTORE) x", " (FOO)", " (QRESYNC)", " (QRESYNC ())", " (QRESYNC (1))", " (QRESYNC (0 1))",
		" (QRESYNC (1 0))", " (QRESYNC (1 1 ))", " (QRESYNC (1 1 *))", " (QRESYNC (1 1 1:*))", " (QRESYNC (1 1 $))", " (QRESYNC (1 1 1) QRESYNC (1 1))",
		" (QRESYNC (1 1 1:3 ()))", " (QRESYNC (1 1 1:3 (1)))", " (QRESYNC (1 1 1:3 (1 1:2)))", " (QRESYNC (1 1 1:3 (1:2 1)))",
		" (QRESYNC (1 1 1:3 (2,1 1,2)))", " (QRESYNC (1 1 1:3 (1,2 2,1)))", " (QRESYNC (1 1 1:3 (1,1 1,2)))", " (QRESYNC (1 1 1:3 (2:1 1:2)))",
		" (QRESYNC (1 1 1:3 (* 1)))", " (QRESYNC (1 1 1:3 (1 *)))", " (QRESYNC (1 1 (1 1) 1:3))", " (QRESYNC (1 1 1:3 (1 1) ))", " (QRESYNC (1 1)",
		" (QRESYNC (1 9223372036854775808))",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_select s;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_select_args(&c, &s);
		if (ok != (i < COUNT(good)))
			fail_msg("%s: %d", in, ok);
		if (ok && (s.condstore != good[i].condstore || s.has_qresync != good[i].qresync || s.qresync.has_known != good[i].known ||
		           s.qresync.has_sample != good[i].sample))
			fail_msg("%s: read wrongly", in);
		arena_fini(&a);
	}
}

/* Ranges of both sets end where they like. */
static void test_sample(void **state)
{
	(void)state;
	static const struct imap_sample want[] = { { 1, 10, 2 }, { 3, 20, 1 }, { 7, 21, 1 }, { 8, 30, 1 }, { 9, 4294967295, 1 } };
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct imap_select s;
	imap_cursor_init(&c, STR(" (QRESYNC (1 1 (1:3,7:8,9 10:11,20:21,30,4294967295)))"), &a, false);
	assert_true(imap_select_args(&c, &s));
	struct imap_sample_walk walk = { .q = &s.qresync };
	struct imap_sample run;
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(imap_sample_next(&walk, &run));
		assert_memory_equal(&run, &want[i], sizeof(run));
	}
	assert_false(imap_sample_next(&walk, &run));
	imap_cursor_init(&c, STR(" (QRESYNC (1 1 (1:4294967295 1:4294967295)))"), &a, false);
	assert_true(imap_select_args(&c, &s));
	walk = (struct imap_sample_walk){ .q = &s.qresync };
	assert_true(imap_sample_next(&walk, &run));
	assert_true(run.number == 1 && run.uid == 1 && run.count == UINT32_MAX);
	assert_false(imap_sample_next(&walk, &run));
	arena_fini(&a);
}

static void test_unchanged_since(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct imap_store s;
	imap_cursor_init(&c, STR("(UNCHANGEDSINCE 12121230045) FLAGS ()"), &a, false);
	assert_true(imap_store_args(&c, &s) && s.unchanged_since == 12121230045u);
	arena_fini(&a);
}

static void test_status(void **state)
{
	(void)state;
	static const struct { const char *in; uint32_t items; } cases[] = {
		{ "(UIDNEXT MESSAGES)", IMAP_STATUS_UIDNEXT | IMAP_STATUS_MESSAGES },
		{ "(recent uidvalidity unseen deleted size highestmodseq)",
		  IMAP_STATUS_RECENT | IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_UNSEEN | IMAP_STATUS_DELETED | IMAP_STATUS_SIZE |
		  IMAP_STATUS_HIGHESTMODSEQ },
		{ "(MESSAGES MESSAGES)", IMAP_STATUS_MESSAGES },
		{ "()", 0 }, { "MESSAGES", 0 }, { "(MESSAGES", 0 }, { "(FOO)", 0 }, { "(MESSAGES )", 0 }, { "(MESSAGES) x", 0 }, { "", 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		uint32_t items;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_status_args(&c, &items);
		if (ok != (cases[i].items != 0) || (ok && items != cases[i].items))
			fail_msg("%s", cases[i].in);
		arena_fini(&a);
	}
}

static void test_list(void **state)
{
	(void)state;
	static const struct { const char *in; const char *reference; const char *pattern; } cases[] = {
		/* RFC 3501 6.3.8. */
		{ "\"\" \"\"", "", "" }, { "#news.comp.mail.misc \"\"", "#news.comp.mail.misc", "" }, { "/usr/staff/jones \"\"", "/usr/staff/jones", "" },
		{ "~/Mail/ %", "~/Mail/", "~/Mail/%" }, { "\"\" *", "", "*" }, { "\"\" &AOk-/%", "", "\xc3\xa9/%" },
		{ "\"\"", NULL, NULL }, { "* \"\"", NULL, NULL }, { "\"\" * x", NULL, NULL }, { "", NULL, NULL },
		{ "\"\" %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%", NULL, NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_list l;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_lsub_args(&c, &l);
		if (ok != (cases[i].pattern != NULL))
			fail_msg("LSUB %s: %d", cases[i].in, ok);
		if (ok && (!str_eq(l.reference, str_from_c(cases[i].reference)) || !str_eq(l.pattern[0], str_from_c(cases[i].pattern))))
			fail_msg("LSUB %s: read wrongly", cases[i].in);
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		if (imap_list_args(&c, &l) != (cases[i].pattern != NULL) || (ok && (l.extended || l.pattern_count != 1)))
			fail_msg("LIST %s", cases[i].in);
		arena_fini(&a);
	}
}

/* RFC 5258 6, RFC 5819 4, RFC 6154 6. */
static void test_list_extended(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		unsigned select, returns;
		uint32_t status;
		const char *patterns;            /* with a blank behind each */
	} good[] = {
		{ "() \"\" %", 0, 0, 0, "% " },
		{ "() \"\" \"\"", 0, 0, 0, "" },
		{ "\"\" (\"INBOX\" \"Drafts\" \"Sent/%\")", 0, 0, 0, "INBOX Drafts Sent/% " },
		{ "\"\" (\"\" foo \"\")", 0, 0, 0, "foo " },
		{ "a/ (% b)", 0, 0, 0, "a/% a/b " },
		{ "(SUBSCRIBED) \"\" *", IMAP_LIST_SUBSCRIBED, IMAP_LIST_RETURN_SUBSCRIBED, 0, "* " },
		{ "(REMOTE subscribed Remote) \"\" *", IMAP_LIST_SUBSCRIBED | IMAP_LIST_REMOTE, IMAP_LIST_RETURN_SUBSCRIBED, 0, "* " },
		{ "(RECURSIVEMATCH SUBSCRIBED) \"\" *", IMAP_LIST_SUBSCRIBED | IMAP_LIST_RECURSIVE, IMAP_LIST_RETURN_SUBSCRIBED, 0, "* " },
		{ "(SPECIAL-USE RECURSIVEMATCH) \"\" %", IMAP_LIST_SPECIAL_USE | IMAP_LIST_RECURSIVE, 0, 0, "% " },
		{ "\"\" % RETURN ()", 0, 0, 0, "% " },
		{ "\"\" % return (children SUBSCRIBED CHILDREN)", 0, IMAP_LIST_RETURN_CHILDREN | IMAP_LIST_RETURN_SUBSCRIBED, 0, "% " },
		{ "\"\" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE)", 0, IMAP_LIST_RETURN_STATUS | IMAP_LIST_RETURN_SPECIAL_USE,
		  IMAP_STATUS_MESSAGES | IMAP_STATUS_UNSEEN, "% " },
		{ "\"\" % RETURN (MYRIGHTS children)", 0, IMAP_LIST_RETURN_MYRIGHTS | IMAP_LIST_RETURN_CHILDREN, 0, "% " },
		{ "\"\" % RETURN (METADATA (/shared/comment \"/private/x\") CHILDREN)", 0, IMAP_LIST_RETURN_METADATA | IMAP_LIST_RETURN_CHILDREN, 0, "% " },
		{ "\"\" % RETURN (STATUS (SIZE) STATUS (DELETED))", 0, IMAP_LIST_RETURN_STATUS, IMAP_STATUS_SIZE | IMAP_STATUS_DELETED, "% " },
	};
	static const char *const bad[] = {
		"\"\" % RETURN (METADATA)", "\"\" % RETURN (METADATA ())", "\"\" % RETURN (METADATA (comment))", "\"\" % RETURN (METADATA /shared/x)",
		"(RECURSIVEMATCH) \"\" %", "(REMOTE RECURSIVEMATCH) \"\" %", "(X) \"\" %", "(CHILDREN) \"\" %", "(SUBSCRIBED \"\" %", "(SUBSCRIBED)\"\" %",
		"(SUBSCRIBED ) \"\" %", "(SUBSCRIBED)", "\"\" ()", "\"\" (a", "\"\" (a )", "\"\" (a)b", "\"\" % RETURN", "\"\" % RETURN SUBSCRIBED",
		"\"\" % RETURN (REMOTE)", "\"\" % RETURN (STATUS)", "\"\" % RETURN (STATUS ())", "\"\" % RETURN (STATUS (X))",
		"\"\" % RETURN (STATUS (SIZE)", "\"\" % RETURN () x", "\"\" %  RETURN ()", "\"\" % RETURNS ()",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_list l;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_list_args(&c, &l);
		if (ok != (i < COUNT(good)))
			fail_msg("%s: %d", in, ok);
		struct buf patterns = BUF_INIT(0);
		for (size_t k = 0; ok && k < l.pattern_count; k++) {
			buf_add_str(&patterns, l.pattern[k]);
			buf_add_char(&patterns, ' ');
		}
		if (ok && (!l.extended || l.select != good[i].select || l.returns != good[i].returns || l.status != good[i].status
				   || !str_eq(buf_str(&patterns), str_from_c(good[i].patterns))))
			fail_msg("%s: read wrongly", in);
		buf_fini(&patterns);
		arena_fini(&a);
	}
}

static void test_list_patterns(void **state)
{
	(void)state;
	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT(0);
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_list l;
		buf_add_lit(&b, "\"\" (a");
		for (unsigned i = 1; i < IMAP_LIST_PATTERNS_MAX + extra; i++)
			buf_add_lit(&b, " b");
		buf_add_char(&b, ')');
		imap_cursor_init(&c, buf_str(&b), &a, false);
		assert_int_equal(imap_list_args(&c, &l), extra == 0);
		if (extra == 0)
			assert_true(imap_list_match_any(&l, STR("b"), '/') && !imap_list_match_any(&l, STR("c"), '/'));
		arena_fini(&a);
		buf_fini(&b);
	}
}

/* Patterns with wildcards have one limit together. */
static void test_list_wild_bytes(void **state)
{
	(void)state;
	static const struct { const char *last; bool ok; } cases[] = { { "\"\"", true }, { "*", true }, { "%*", false } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(0);
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_list l;
		buf_add_lit(&b, "\"\" (*");
		for (unsigned k = 2; k < IMAP_LIST_PATTERN_MAX; k++)
			buf_add_char(&b, 'a');
		buf_printf(&b, " aaaa %s)", cases[i].last);
		imap_cursor_init(&c, buf_str(&b), &a, false);
		assert_int_equal(imap_list_args(&c, &l), cases[i].ok);
		arena_fini(&a);
		buf_fini(&b);
	}
}

static void test_list_match(void **state)
{
	(void)state;
	static const struct { const char *pattern; const char *name; bool matches; } cases[] = {
		{ "*", "a/b/c", true }, { "%", "a", true }, { "%", "a/b", false }, { "%/%", "a/b", true }, { "%/%", "a/b/c", false },
		{ "a*", "a/b", true }, { "a%", "a/b", false }, { "a/%", "a/b", true }, { "a/%", "a", false }, { "*b", "a/b", true },
		{ "*/c", "a/b/c", true }, { "%/c", "a/b/c", false }, { "*%", "a/b", true }, { "%*", "a/b", true }, { "", "", true }, { "", "a", false },
		{ "inbox", "INBOX", true }, { "InB%", "INBOX", true }, { "inbox/a", "INBOX/a", true }, { "INBOX/A", "INBOX/a", false },
		{ "in", "in", true }, { "IN", "in", false }, { "inbox", "INBOXES", false }, { "a%b%c", "aXbXbYc", true }, { "a%b*d", "aXb/c/d", true },
		{ "*a%c", "xa/yabc", true }, { "%%%", "abc", true }, { "*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
		{ "\xc3\xa9*", "\xc3\xa9t\xc3\xa9", true }, { "*b%", "ab/bc", true }, { "*b%", "ab/cc", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		if (imap_list_match(str_from_c(cases[i].pattern), str_from_c(cases[i].name), '/') != cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].name);
}

static void test_id(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; size_t pairs; } cases[] = {
		/* RFC 2971 3.1. */
		{ "(\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\")", true, 3 },
		{ "NIL", true, 0 }, { "()", true, 0 }, { "(\"name\" NIL)", true, 1 }, { "(\"name\" {1}\r\na)", true, 1 },
		{ "", false, 0 }, { "(\"name\")", false, 0 }, { "(name \"a\")", false, 0 }, { "(\"name\" \"a\"", false, 0 }, { "NIL x", false, 0 },
		{ "(\"1234567890123456789012345678901\" \"a\")", false, 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_id_pair *v;
		size_t n;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_id_args(&c, &v, &n);
		if (ok != cases[i].ok || (ok && n != cases[i].pairs))
			fail_msg("%s", cases[i].in);
		arena_fini(&a);
	}
}

static void test_id_pairs(void **state)
{
	(void)state;
	for (unsigned extra = 0; extra < 2; extra++) {
		struct buf b = BUF_INIT(0);
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_id_pair *v;
		size_t n;
		buf_add_lit(&b, "(\"a\" NIL");
		for (unsigned i = 1; i < IMAP_ID_PAIRS_MAX + extra; i++)
			buf_add_lit(&b, " \"a\" \"b\"");
		buf_add_char(&b, ')');
		imap_cursor_init(&c, buf_str(&b), &a, false);
		assert_int_equal(imap_id_args(&c, &v, &n), extra == 0);
		if (extra == 0)
			assert_true(v[0].value.p == NULL && str_eq(v[1].value, STR("b")));
		arena_fini(&a);
		buf_fini(&b);
	}
}

/* RFC 5464 3.2 and 5, with its examples. */
static void test_get_metadata(void **state)
{
	(void)state;
	static const struct { const char *in; const char *mailbox; int64_t maxsize /* -1: none */; enum imap_metadata_depth depth; const char *entries; } good[] = {
		{ "\"\" /shared/comment", "", -1, IMAP_DEPTH_0, "/shared/comment " },
		{ "\"inbox\" (/shared/comment /private/comment)", "INBOX", -1, IMAP_DEPTH_0, "/shared/comment /private/comment " },
		{ "\"INBOX\" (MAXSIZE 1024) (/shared/comment /private/comment)", "INBOX", 1024, IMAP_DEPTH_0, "/shared/comment /private/comment " },
		{ "\"INBOX\" (DEPTH 1) (/private/filters/values)", "INBOX", -1, IMAP_DEPTH_1, "/private/filters/values " },
		{ "(depth INFINITY maxsize 0) INBOX /private", "INBOX", 0, IMAP_DEPTH_INFINITY, "/private " },
		{ "(DEPTH 0) INBOX (\"/private/vendor/x/y z\")", "INBOX", -1, IMAP_DEPTH_0, "/private/vendor/x/y z " },
		{ "INBOX /private/comment /shared/comment", "INBOX", -1, IMAP_DEPTH_0, "/private/comment /shared/comment " },
		{ "INBOX ({15}\r\n/shared/comment)", "INBOX", -1, IMAP_DEPTH_0, "/shared/comment " },
	};
	static const char *const bad[] = {
		"", "INBOX", "INBOX ()", "INBOX comment", "INBOX /comment", "INBOX /privates/x", "INBOX /shared/", "INBOX /shared//x", "INBOX \"/shared/*\"",
		"INBOX \"/shared/%\"", "INBOX {10}\r\n/shared/\xc3\xa9", "INBOX \"/shared/a\tb\"", "INBOX (/shared/x", "INBOX (/shared/x) y", "INBOX (DEPTH 2) /shared/x",
		"INBOX (DEPTH) /shared/x", "INBOX (MAXSIZE) /shared/x", "INBOX (MAXSIZE -1) /shared/x", "INBOX (SIZE 1) /shared/x", "INBOX (MAXSIZE 1)",
		"(MAXSIZE 1) INBOX (DEPTH 1) /shared/x", "INBOX (/shared/x MAXSIZE 1)", "INBOX (MAXSIZE 1 /shared/x)",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_get_metadata get;
		const char *in = i < COUNT(good) ? good[i].in : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		bool ok = imap_get_metadata_args(&c, &get);
		if (ok != (i < COUNT(good)))
			fail_msg("%s: %s", in, ok ? "taken" : c.error);
		struct buf entries = BUF_INIT(0);
		for (size_t k = 0; ok && k < get.count; k++) {
			buf_add_str(&entries, get.entry[k]);
			buf_add_char(&entries, ' ');
		}
		if (ok && (!str_eq(get.mailbox, str_from_c(good[i].mailbox)) || get.has_maxsize != (good[i].maxsize >= 0) || get.depth != good[i].depth
				   || (get.has_maxsize && get.maxsize != good[i].maxsize) || !str_eq(buf_str(&entries), str_from_c(good[i].entries))))
			fail_msg("%s: read wrongly", in);
		buf_fini(&entries);
		arena_fini(&a);
	}
}

static void test_set_metadata(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; const char *last; const char *value; } cases[] = {
		{ "INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines.)", true, "/private/comment", "My new comment across\r\ntwo lines." },
		{ "INBOX (/private/comment NIL)", true, "/private/comment", NULL },
		{ "INBOX (/private/comment \"\")", true, "/private/comment", "" },
		{ "INBOX (/private/comment \"My new comment\" /shared/comment \"This one is for you!\")", true, "/shared/comment", "This one is for you!" },
		{ "\"\" (/shared/vendor/x/y ~{2}\r\na\\)", true, "/shared/vendor/x/y", "a\\" },
		{ "INBOX (/private NIL)", false, NULL, NULL }, { "INBOX (/shared/vendor NIL)", false, NULL, NULL },
		{ "INBOX (/shared/Vendor/x NIL)", false, NULL, NULL }, { "INBOX ()", false, NULL, NULL }, { "INBOX /shared/x NIL", false, NULL, NULL },
		{ "INBOX (/shared/x)", false, NULL, NULL }, { "INBOX (/shared/x atom)", false, NULL, NULL }, { "INBOX (/shared/x NIL", false, NULL, NULL },
		{ "INBOX (/shared/x NIL) y", false, NULL, NULL }, { "INBOX (/shared/x {1}\r\n\xff /shared//x NIL)", false, NULL, NULL }, { "INBOX", false, NULL, NULL },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_set_metadata set;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_set_metadata_args(&c, &set);
		if (ok != cases[i].ok)
			fail_msg("%s: %s", cases[i].in, ok ? "taken" : c.error);
		const struct imap_metadata_value *last = ok ? &set.v[set.count - 1] : NULL;
		if (ok && (!str_eq(last->name, str_from_c(cases[i].last)) || (last->value.p == NULL) != (cases[i].value == NULL)
				   || !str_eq(last->value, str_from_c(cases[i].value))))
			fail_msg("%s: read wrongly", cases[i].in);
		arena_fini(&a);
	}
}

static void test_metadata_names(void **state)
{
	(void)state;
	static const struct { const char *entry; enum imap_metadata_depth depth; const char *name; bool matches; } cases[] = {
		{ "/shared/a", IMAP_DEPTH_0, "/SHARED/A", true }, { "/shared/a", IMAP_DEPTH_0, "/shared/a/b", false }, { "/shared/a", IMAP_DEPTH_1, "/shared/a", true },
		{ "/shared/a", IMAP_DEPTH_1, "/shared/A/b", true }, { "/shared/a", IMAP_DEPTH_1, "/shared/a/b/c", false }, { "/shared/a", IMAP_DEPTH_1, "/shared/ab", false },
		{ "/shared/a", IMAP_DEPTH_INFINITY, "/shared/a/b/c", true }, { "/shared/a", IMAP_DEPTH_INFINITY, "/shared/ab/c", false },
		{ "/private", IMAP_DEPTH_INFINITY, "/private/x/y", true }, { "/private", IMAP_DEPTH_INFINITY, "/shared/x", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		if (imap_metadata_matches(str_from_c(cases[i].entry), cases[i].depth, str_from_c(cases[i].name)) != cases[i].matches)
			fail_msg("%s %s", cases[i].entry, cases[i].name);
	assert_true(imap_metadata_is_private(STR("/Private/x")) && !imap_metadata_is_private(STR("/shared/private")));
}

/* RFC 9208 7. */
static void test_quota(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; const char *root; int storage, message, mailbox /* -1: not named */; const char *unknown; } cases[] = {
		{ "\"#user/alice\" (STORAGE 510)", true, "#user/alice", 510, -1, -1, "" },
		{ "\"\" ()", true, "", -1, -1, -1, "" },
		{ "a@b.c (mailbox 0 MESSAGE 1000 storage 7)", true, "a@b.c", 7, 1000, 0, "" },
		{ "a (ANNOTATION-STORAGE 1 STORAGE 2)", true, "a", 2, -1, -1, "ANNOTATION-STORAGE" },
		{ "a", false, "", 0, 0, 0, "" }, { "a (STORAGE)", false, "", 0, 0, 0, "" }, { "a (STORAGE -1)", false, "", 0, 0, 0, "" },
		{ "a (STORAGE 1 STORAGE 1)", false, "", 0, 0, 0, "" }, { "a (STORAGE 1", false, "", 0, 0, 0, "" }, { "a (STORAGE 1) x", false, "", 0, 0, 0, "" },
		{ "a (STORAGE 9223372036854775808)", false, "", 0, 0, 0, "" }, { "(STORAGE 1)", false, "", 0, 0, 0, "" }, { "a STORAGE 1", false, "", 0, 0, 0, "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_set_quota set;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_set_quota_args(&c, &set);
		const int limits[] = { cases[i].storage, cases[i].message, cases[i].mailbox };
		if (ok != cases[i].ok || (ok && (!str_eq(set.root, str_from_c(cases[i].root)) || !str_eq(set.unknown, str_from_c(cases[i].unknown)))))
			fail_msg("%s", cases[i].in);
		for (unsigned k = 0; ok && k < IMAP_QUOTA_RESOURCES; k++)
			if (set.has[k] != (limits[k] >= 0) || (limits[k] >= 0 && set.limit[k] != (uint64_t)limits[k]))
				fail_msg("%s: %s", cases[i].in, imap_quota_resource_name(k));
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append), cmocka_unit_test(test_append_part), cmocka_unit_test(test_url_args),
		cmocka_unit_test(test_store), cmocka_unit_test(test_select), cmocka_unit_test(test_sample), cmocka_unit_test(test_unchanged_since), cmocka_unit_test(test_status), cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_extended), cmocka_unit_test(test_list_patterns),
		cmocka_unit_test(test_list_wild_bytes), cmocka_unit_test(test_list_match), cmocka_unit_test(test_id), cmocka_unit_test(test_id_pairs),
		cmocka_unit_test(test_quota), cmocka_unit_test(test_get_metadata), cmocka_unit_test(test_set_metadata),
		cmocka_unit_test(test_metadata_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
