/* Examples are those of RFC 3501 7 and 9051 7, and what servers in use send. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/cursor.h"
#include "codec/imap/response.h"

static void check_str(struct str is, const char *should)
{
	if (!str_eq(is, str_from_c(should)))
		fail_msg("read %.*s, not %s", STR_ARG(is), should);
}

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		bool ok;
		enum imap_response_kind kind;
		enum imap_status status;
		const char *code, *args, *text;
	} cases[] = {
		{ "* OK IMAP4rev1 server ready\r\n", true, IMAP_RESPONSE_STATUS, IMAP_OK, "", "", "IMAP4rev1 server ready" },
		{ "* OK [ALERT] System shutdown in 10 minutes\r\n", true, IMAP_RESPONSE_STATUS, IMAP_OK, "ALERT", "", "System shutdown in 10 minutes" },
		{ "* BAD Command line too long", true, IMAP_RESPONSE_STATUS, IMAP_BAD, "", "", "Command line too long" },
		{ "* PREAUTH IMAP4rev1 server logged in as Smith", true, IMAP_RESPONSE_STATUS, IMAP_PREAUTH, "", "", "IMAP4rev1 server logged in as Smith" },
		{ "* BYE Autologout; idle for too long\r\n", true, IMAP_RESPONSE_STATUS, IMAP_BYE, "", "", "Autologout; idle for too long" },
		{ "A222 NO COPY failed: disk is full\r\n", true, IMAP_RESPONSE_TAGGED, IMAP_NO, "", "", "COPY failed: disk is full" },
		{ "A142 OK [READ-WRITE] SELECT completed", true, IMAP_RESPONSE_TAGGED, IMAP_OK, "READ-WRITE", "", "SELECT completed" },
		{ "* OK [UIDVALIDITY 3857529045] UIDs valid", true, IMAP_RESPONSE_STATUS, IMAP_OK, "UIDVALIDITY", "3857529045", "UIDs valid" },
		{ "* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited", true, IMAP_RESPONSE_STATUS, IMAP_OK, "PERMANENTFLAGS", "(\\Deleted \\Seen \\*)", "Limited" },
		{ "* OK [REFERRAL \"imap://a]b\"] x", true, IMAP_RESPONSE_STATUS, IMAP_OK, "REFERRAL", "\"imap://a]b\"", "x" },
		{ "* OK [NEVER ENDS", true, IMAP_RESPONSE_STATUS, IMAP_OK, "", "", "[NEVER ENDS" },
		{ "A1 OK", true, IMAP_RESPONSE_TAGGED, IMAP_OK, "", "", "" },
		{ "+ Ready for additional command text\r\n", true, IMAP_RESPONSE_CONTINUE, 0, "", "", "Ready for additional command text" },
		{ "+", true, IMAP_RESPONSE_CONTINUE, 0, "", "", "" },
		{ "* SEARCH 2 3 6", true, IMAP_RESPONSE_OTHER, 0, "", "", "" },
		{ "* 22 EXPUNGE", true, IMAP_RESPONSE_EXPUNGE, 0, "", "", "" },
		{ "* 5 RECENT", true, IMAP_RESPONSE_OTHER, 0, "", "", "" },
		{ "* 23 exists", true, IMAP_RESPONSE_EXISTS, 0, "", "", "" },
		{ "* 99999999999 EXISTS", false, 0, 0, "", "", "" }, { "A1 PREAUTH x", false, 0, 0, "", "", "" }, { "A1 MAYBE", false, 0, 0, "", "", "" },
		{ "", false, 0, 0, "", "", "" }, { "\r\n", false, 0, 0, "", "", "" }, { "HTTP/1.1 400 Bad Request", false, 0, 0, "", "", "" },
		{ "garbage", false, 0, 0, "", "", "" }, { "*", false, 0, 0, "", "", "" }, { "* ", false, 0, 0, "", "", "" }, { "* 5", false, 0, 0, "", "", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct imap_response r;
		bool ok = imap_response_parse(str_from_c(cases[i].in), &r);
		if (ok != cases[i].ok)
			fail_msg("%s: %d", cases[i].in, ok);
		if (!ok)
			continue;
		if (r.kind != cases[i].kind || r.status != cases[i].status)
			fail_msg("%s: kind %u status %u", cases[i].in, r.kind, r.status);
		check_str(r.code, cases[i].code);
		check_str(r.code_args, cases[i].args);
		check_str(r.text, cases[i].text);
	}
}

static void test_literal(void **state)
{
	(void)state;
	uint64_t n;
	assert_true(imap_response_literal(STR("* 12 FETCH (BODY[] {342}"), &n) && n == 342);
	assert_true(imap_response_literal(STR("* LIST () \"/\" {0}"), &n) && n == 0);
	assert_true(imap_response_literal(STR("x ~{7}"), &n) && n == 7);
	assert_true(imap_response_literal(STR("x {7+}"), &n) && n == 7);
	assert_false(imap_response_literal(STR("x {}"), &n));
	assert_false(imap_response_literal(STR("x {-1}"), &n));
	assert_false(imap_response_literal(STR("x {99999999999999999999}"), &n));
	assert_false(imap_response_literal(STR("x {7} "), &n));
	assert_false(imap_response_literal(STR("}"), &n));
	assert_false(imap_response_literal(STR(""), &n));
}

static void test_list(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; unsigned attributes; char separator; const char *name; } cases[] = {
		{ "(\\Noselect) \"/\" ~/Mail/foo\r\n", true, IMAP_LIST_NOSELECT, '/', "~/Mail/foo" },
		{ "(\\Marked \\Drafts) \"/\" \"Drafts\"", true, IMAP_LIST_USE_DRAFTS, '/', "Drafts" },
		{ "(\\HasNoChildren \\All) \"/\" \"[Gmail]/All Mail\"", true, IMAP_LIST_USE_ALL, '/', "[Gmail]/All Mail" },
		{ "(\\HasNoChildren \\Important) \"/\" [Gmail]/Important", true, IMAP_LIST_USE_IMPORTANT, '/', "[Gmail]/Important" },
		{ "(\\HasNoChildren \\AllMail) \"/\" {3}\r\na\"b", true, IMAP_LIST_USE_ALL, '/', "a\"b" },
		{ "(\\HasNoChildren \\Starred \\Inbox) NIL INBOX", true, IMAP_LIST_USE_FLAGGED | IMAP_LIST_INBOX, '\0', "INBOX" },
		{ "() \"\\\\\" \"a\\\"b\"", true, 0, '\\', "a\"b" },
		{ "()  \".\"  INBOX.Sent Items", true, 0, '.', "INBOX.Sent Items" },
		{ "() \"/\" NIL", true, 0, '/', "NIL" }, { "() \"/\" foo(bar)", true, 0, '/', "foo(bar)" },
		{ "(\\NonExistent \\Subscribed) \"/\" \"gone\" (\"CHILDINFO\" (\"SUBSCRIBED\"))", true, IMAP_LIST_NOSELECT | IMAP_LIST_IS_SUBSCRIBED, '/', "gone" },
		{ "\"/\" INBOX", false, 0, 0, "" }, { "() \"//\" INBOX", false, 0, 0, "" }, { "() \"/\" \"open", false, 0, 0, "" },
		{ "() \"/\" ", false, 0, 0, "" }, { "() \"/\" {9}\r\nshort", false, 0, 0, "" }, { "(", false, 0, 0, "" }, { "", false, 0, 0, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_listed l;
		bool ok = imap_response_list(str_from_c(cases[i].in), &a, &l);
		if (ok != cases[i].ok || (ok && (l.attributes != cases[i].attributes || l.separator != cases[i].separator)))
			fail_msg("%s: %d %x", cases[i].in, ok, ok ? l.attributes : 0);
		if (ok)
			check_str(l.name, cases[i].name);
		arena_fini(&a);
	}
}

static void test_names(void **state)
{
	(void)state;
	static const struct { const char *wire, *name; } cases[] = {
		{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" }, { "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe" }, { "R & D", "R & D" }, { "R &- D", "R & D" },
		{ "Entw\xfcrfe", "Entw\xef\xbf\xbdrfe" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT(0);
		imap_response_name(str_from_c(cases[i].wire), &b);
		check_str(buf_str(&b), cases[i].name);
		buf_fini(&b);
	}
	static const struct { const char *name, *argument; bool literal; } arguments[] = {
		{ "INBOX", "\"INBOX\"", false }, { "a\"b\\c", "\"a\\\"b\\\\c\"", false }, { "\xc3\xbc", "{2}", true }, { "a\r\nb", "{4}", true }, { "", "\"\"", false },
	};
	for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
		struct buf b = BUF_INIT(0);
		bool literal;
		imap_response_argument(str_from_c(arguments[i].name), &b, &literal);
		check_str(buf_str(&b), arguments[i].argument);
		assert_int_equal(literal, arguments[i].literal);
		buf_fini(&b);
	}
}

static void test_namespace(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_namespaces n;
	/* RFC 2342 5: examples 3.1, 3.2, 3.6 */
	assert_true(imap_response_namespace(STR("((\"\" \"/\")) NIL NIL"), &a, &n));
	assert_int_equal(n.n, 1);
	assert_int_equal(n.v[0].prefix.n, 0);
	assert_true(imap_response_namespace(STR("NIL NIL ((\"\" \".\"))"), &a, &n));
	assert_true(n.n == 1 && n.v[0].kind == 2 && n.v[0].separator == '.');
	assert_true(imap_response_namespace(STR("((\"INBOX.\" \".\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) ((\"~\" \"/\")(\"#mh/\" \"/\")) ((\"#shared/\" \"/\"))\r\n"), &a, &n));
	assert_int_equal(n.n, 4);
	check_str(n.v[0].prefix, "INBOX.");
	assert_true(n.v[1].kind == 1 && n.v[2].kind == 1 && n.v[3].kind == 2);
	check_str(n.v[3].prefix, "#shared/");
	assert_false(imap_response_namespace(STR("((\"\" \"/\")) NIL"), &a, &n));
	assert_false(imap_response_namespace(STR("((\"\" \"/\""), &a, &n));
	uint32_t messages = 0;
	struct str name;
	assert_true(imap_response_mailbox_status(STR("blurdybloop (MESSAGES 231 UIDNEXT 44292)"), &a, &name, &messages));
	assert_int_equal(messages, 231);
	check_str(name, "blurdybloop");
	assert_false(imap_response_mailbox_status(STR("x (UIDNEXT 44292)"), &a, &name, &messages));
	assert_false(imap_response_mailbox_status(STR("x (MESSAGES -1)"), &a, &name, &messages));
	arena_fini(&a);
}

static void test_fetch(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_fetched f;
	/* RFC 3501 7.4.2 */
	assert_true(imap_response_fetch(STR("(FLAGS (\\Seen) RFC822.SIZE 44827)"), &a, &f));
	assert_true(f.has_flags && f.flags == IMAP_SEEN && f.has_size && f.size == 44827 && f.uid == 0 && !f.has_body && !f.has_date);
	/* RFC 7162 3.1.4.1, the date of RFC 3501 8 */
	assert_true(imap_response_fetch(STR("(UID 4 MODSEQ (12121231000) FLAGS (\\Answered $Forwarded NonJunk \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")"), &a, &f));
	assert_true(f.uid == 4 && f.modseq == 12121231000 && f.flags == IMAP_ANSWERED && f.n_keywords == 2 && f.dropped == 0);
	check_str(f.keywords[1], "NonJunk");
	assert_true(f.has_date && f.date == 837596665);
	/* bytes of a literal mean nothing */
	assert_true(imap_response_fetch(STR("(UID 7 BODY[] {9}\r\na) {3}\r\nb FLAGS ())\r\n"), &a, &f));
	check_str(f.body, "a) {3}\r\nb");
	assert_true(f.has_flags && f.flags == 0);
	assert_true(imap_response_fetch(STR("(BODY[] NIL UID 7)"), &a, &f) && f.has_body && !f.body.p && f.uid == 7);
	assert_true(imap_response_fetch(STR("(BODY[] \"\" UID 7)"), &a, &f) && f.has_body && f.body.p && f.body.n == 0);
	assert_true(imap_response_fetch(STR("(BODY[] ~{2}\r\n\0a UID 7)"), &a, &f) && f.body.n == 2);
	/* Gmail and RFC 8474 5.1 */
	assert_true(imap_response_fetch(STR("(X-GM-MSGID 1278455344230334865 X-GM-LABELS (\\Inbox \"a (b\" foo) UID 3 FLAGS (\\Seen \\Important $x))"), &a, &f));
	check_str(f.email, "1278455344230334865");
	assert_int_equal(f.dropped, 1);
	assert_true(imap_response_fetch(STR("(EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))"), &a, &f));
	check_str(f.email, "M6d99ac3275bb4e");
	/* what is not asked for, and spaces where none should be */
	assert_true(imap_response_fetch(STR("( UID  9 ENVELOPE (\"Wed\" {2}\r\n)( ((NIL NIL \"a\" \"b\")) NIL) BODY[HEADER.FIELDS (DATE FROM)] {4}\r\nabcd FLAGS ( \\Seen ) )"), &a, &f));
	assert_true(f.uid == 9 && f.flags == IMAP_SEEN);
	static const char *const wrong[] = { "(UID 0)", "(UID 4294967296)", "(UID x)", "(FLAGS \\Seen)", "(BODY[] {5}\r\nabc)", "(BODY[] {5}abcde)", "(UID 5", "UID 5", "(FLAGS (\\Seen)",
		"(X (((()))", "(UID 1 BODY[] \"a\r\nb\")", "(RFC822.SIZE -5)", "(UID 1 BODY[] hello)", "" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (imap_response_fetch(str_from_c(wrong[i]), &a, &f))
			fail_msg("%s was taken", wrong[i]);
	arena_fini(&a);
}

static void test_date(void **state)
{
	(void)state;
	int64_t t;
	assert_true(imap_response_date(STR("17-Jul-1996 02:44:25 -0700"), &t) && t == 837596665);
	assert_true(imap_response_date(STR(" 1-Jul-1996 02:44:25 -0700"), &t));
	int64_t padded = t;
	assert_true(imap_response_date(STR("1-Jul-1996 02:44:25 -0700"), &t) && t == padded);
	assert_true(imap_response_date(STR("01-Jul-1996 09:44:25"), &t) && t == padded);
	assert_false(imap_response_date(STR("32-Jul-1996 02:44:25 -0700"), &t));
	assert_false(imap_response_date(STR("yesterday"), &t));
	assert_false(imap_response_date(STR(""), &t));
}

static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(imap_capabilities(STR("IMAP4rev1 STARTTLS auth=plain LOGINDISABLED")), IMAP_CAP_STARTTLS | IMAP_CAP_PLAIN | IMAP_CAP_LOGINDISABLED);
	assert_int_equal(imap_capabilities(STR(" QRESYNC  X-GM-EXT-1\r\n")), IMAP_CAP_CONDSTORE | IMAP_CAP_GMAIL);
	assert_int_equal(imap_capabilities(STR("STARTTLSX AUTH=PLAINER")), 0);
	assert_int_equal(imap_capabilities(STR("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_literal), cmocka_unit_test(test_list), cmocka_unit_test(test_names), cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_fetch), cmocka_unit_test(test_date), cmocka_unit_test(test_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
