#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/buf.h"
#include "codec/imap/search_key.h"

/* Writes the tree the way it reads: "!" negates, AND is "(a b)", OR is "{a b}". */
static void dump(const struct imap_search_key *k, struct buf *b)
{
	static const char *const names[] = {
		"all", "", "", "seq", "uid", "flag", "keyword", "recent", "date", "saved", "sent", "larger", "smaller", "older", "younger", "modseq", "header",
		"from", "to", "cc", "bcc", "subject", "body", "text", "emailid", "threadid",
	};
	if (k->negated)
		buf_add_char(b, '!');
	if (k->fuzzy)
		buf_add_char(b, '~');
	buf_add_c(b, names[k->kind]);
	switch (k->kind) {
	case IMAP_SEARCH_AND:
	case IMAP_SEARCH_OR:
		buf_add_c(b, k->kind == IMAP_SEARCH_AND ? "(" : "{");
		for (const struct imap_search_key *child = k->child; child; child = child->next) {
			dump(child, b);
			if (child->next)
				buf_add_char(b, ' ');
		}
		buf_add_c(b, k->kind == IMAP_SEARCH_AND ? ")" : "}");
		break;
	case IMAP_SEARCH_SEQSET:
	case IMAP_SEARCH_UIDSET: {
		struct rangeset set = RANGESET_INIT;
		buf_add_char(b, '=');
		assert_int_equal(imap_seqset_uids(&k->set, 100, &set), 0);
		rangeset_format(&set, b);
		rangeset_fini(&set);
		break;
	}
	case IMAP_SEARCH_FLAG:
		buf_printf(b, "=%u", (unsigned)k->flag);
		break;
	case IMAP_SEARCH_KEYWORD:
		buf_printf(b, "=%.*s", STR_ARG(k->name));
		break;
	case IMAP_SEARCH_DATE:
	case IMAP_SEARCH_SAVED:
	case IMAP_SEARCH_SENT:
		if (k->day_from != IMAP_SEARCH_DAY_MIN)
			buf_printf(b, ">=%lld", (long long)k->day_from);
		if (k->day_until != IMAP_SEARCH_DAY_MAX)
			buf_printf(b, "<%lld", (long long)k->day_until);
		break;
	case IMAP_SEARCH_LARGER:
	case IMAP_SEARCH_SMALLER:
	case IMAP_SEARCH_OLDER:
	case IMAP_SEARCH_YOUNGER:
	case IMAP_SEARCH_MODSEQ:
		buf_printf(b, "=%llu", (unsigned long long)k->number);
		break;
	case IMAP_SEARCH_HEADER:
		buf_printf(b, "=%.*s:%.*s", STR_ARG(k->name), STR_ARG(k->text));
		break;
	case IMAP_SEARCH_ALL:
	case IMAP_SEARCH_RECENT:
		break;
	default:
		buf_printf(b, "=%.*s", STR_ARG(k->text));
	}
}

static const struct { const char *in; const char *tree; } good[] = {
	{ "ALL", "(all)" },
	/* RFC 3501 6.4.4. */
	{ "FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", "(flag=4 date>=8797 !from=Smith)" },
	{ "TEXT \"string not in mailbox\"", "(text=string not in mailbox)" },
	{ "CHARSET UTF-8 TEXT {6}\r\n\xc3\xa9\xc3\xa9\xc3\xa9", "(text=\xc3\xa9\xc3\xa9\xc3\xa9)" },
	{ "DELETED FROM \"SMITH\" SINCE 1-Feb-1994", "(flag=8 from=SMITH date>=8797)" },
	{ "ANSWERED DRAFT SEEN", "(flag=2 flag=16 flag=1)" },
	{ "unanswered UNDELETED UNDRAFT UNFLAGGED UNSEEN", "(!flag=2 !flag=8 !flag=16 !flag=4 !flag=1)" },
	{ "NEW", "((recent !flag=1))" },
	{ "NOT NEW", "(!(recent !flag=1))" },
	{ "OLD RECENT", "(!recent recent)" },
	{ "NOT OLD", "(recent)" },
	{ "NOT NOT SEEN", "(flag=1)" },
	{ "NOT UNSEEN", "(flag=1)" },
	{ "BCC a CC b TO c SUBJECT d BODY e", "(bcc=a cc=b to=c subject=d body=e)" },
	{ "BEFORE 2-Jan-1970 ON 2-Jan-1970 SINCE 2-Jan-1970", "(date<1 date>=1<2 date>=1)" },
	{ "SENTBEFORE \"2-Jan-1970\" SENTON 2-Jan-1970 SENTSINCE 2-Jan-1970", "(sent<1 sent>=1<2 sent>=1)" },
	{ "SAVEDBEFORE 2-Jan-1970 NOT SAVEDON 2-Jan-1970 SAVEDSINCE \"2-Jan-1970\"", "(saved<1 !saved>=1<2 saved>=1)" },
	{ "SAVEDATESUPPORTED NOT SAVEDATESUPPORTED", "(all !all)" },
	{ "HEADER Message-Id \"\"", "(header=Message-Id:)" },
	{ "KEYWORD $Junk UNKEYWORD Work", "(keyword=$Junk !keyword=Work)" },
	{ "LARGER 10 SMALLER 4294967296", "(larger=10 smaller=4294967296)" },
	{ "OR SEEN (DELETED OR TO a TO b)", "({flag=1 (flag=8 {to=a to=b})})" },
	{ "1,3:5 UID 7:* *", "(seq=1,3:5 uid=7:100 seq=100)" },
	{ "((SEEN))", "(((flag=1)))" },
	{ "NOT (SEEN DELETED)", "(!(flag=1 flag=8))" },
	/* RFC 7162 3.1.5. */
	{ "MODSEQ \"/flags/\\\\draft\" all 620162338", "(modseq=620162338)" },
	/* RFC 5032. */
	/* RFC 6203 7. */
	{ "FUZZY SUBJECT a FROM b", "(~subject=a from=b)" },
	{ "NOT fuzzy (BODY a NOT OR TEXT b SEEN)", "(!~(~body=a !~{~text=b ~flag=1}))" },
	{ "UIDAFTER 7 UIDBEFORE 3", "(uid=8:4294967295 uid=1:2)" },
	{ "UIDBEFORE 1 UIDAFTER 4294967295", "(uid= uid=)" },
	{ "UNSEEN YOUNGER 259200", "(!flag=1 younger=259200)" },
	{ "OR OLDER 1 NOT older 4294967295", "({older=1 !older=4294967295})" },
	{ "MODSEQ 0 NOT MODSEQ 5", "(modseq=0 !modseq=5)" },
	{ "CHARSET US-ASCII SUBJECT a", "(subject=a)" },
	{ "CHARSET iso-8859-1 SUBJECT {1}\r\n\xe9 FROM {1}\r\n\xe8", "(subject=\xc3\xa9 from=\xc3\xa8)" },
	{ "CHARSET ISO-2022-JP TEXT {10}\r\n\x1b$B4A;z\x1b(B", "(text=\xe6\xbc\xa2\xe5\xad\x97)" },
};

static const char *const bad[] = {
	"", "FOO", "SEEN ", "SEEN  DELETED", "(", "()", "(SEEN", "SEEN)", "NOT", "NOT ", "FUZZY", "FUZZY ", "FUZZY ()", "FUZZYBODY x", "OR SEEN", "OR SEEN ", "FROM", "FROM ",
	"HEADER a", "KEYWORD", "KEYWORD \\Seen", "OLDER", "OLDER 0", "OLDER -1", "YOUNGER x", "UIDAFTER", "UIDAFTER *", "UIDBEFORE 0", "UIDBEFORE 1:2", "YOUNGER 4294967296", "LARGER", "LARGER -1", "LARGER x", "SINCE", "SINCE 1-Feb", "SINCE 30-Feb-2000", "SAVEDSINCE", "SAVEDON 1",
	"UID", "UID x", "0", "1:", "CHARSET", "CHARSET UTF-8", "CHARSET UTF-8 ", "MODSEQ", "MODSEQ \"/flags/a\" 1",
	"MODSEQ \"/flags/a\" none 1", "MODSEQ 9223372036854775808", "SUBJECT \"\xc3\xa9\"", "SEEN CHARSET UTF-8", "SUBJECT {3}\r\nab",
};

static int parse(struct arena *a, struct str in, bool utf8, struct imap_search *s)
{
	struct imap_cursor c;
	imap_cursor_init(&c, in, a, utf8);
	int err = imap_search_args(&c, s);
	assert_true(err != ERR_INVALID || c.error);
	return err;
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_search s;
		struct buf b = BUF_INIT(0);
		if (parse(&a, str_from_c(good[i].in), false, &s))
			fail_msg("refused: %s", good[i].in);
		dump(s.root, &b);
		if (!str_eq(buf_str(&b), str_from_c(good[i].tree)))
			fail_msg("%s: %.*s", good[i].in, STR_ARG(buf_str(&b)));
		assert_int_equal(s.has_modseq, strstr(good[i].in, "MODSEQ") != NULL);
		buf_fini(&b);
		arena_fini(&a);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_search s;
		if (parse(&a, str_from_c(bad[i]), false, &s) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
		arena_fini(&a);
	}
}

static void test_charset(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_search s;
	assert_int_equal(parse(&a, STR("CHARSET KLINGON TEXT a"), false, &s), ERR_UNSUPPORTED);
	/* RFC 9755 3: BAD once UTF8=ACCEPT is enabled. */
	assert_int_equal(parse(&a, STR("CHARSET UTF-8 TEXT a"), true, &s), ERR_INVALID);
	assert_int_equal(parse(&a, STR("TEXT \"\xc3\xa9\""), true, &s), 0);
	arena_fini(&a);
}

static int parse_repeated(const char *before, const char *repeated, unsigned times, const char *after)
{
	struct buf b = BUF_INIT(0);
	struct arena a = ARENA_INIT(0);
	struct imap_search s;
	buf_add_c(&b, before);
	for (unsigned i = 0; i < times; i++)
		buf_add_c(&b, repeated);
	buf_add_c(&b, after);
	int err = parse(&a, buf_str(&b), false, &s);
	arena_fini(&a);
	buf_fini(&b);
	return err;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("", "NOT ", IMAP_SEARCH_DEPTH_MAX - 1, "SEEN"), 0);
	assert_int_equal(parse_repeated("", "NOT ", IMAP_SEARCH_DEPTH_MAX, "SEEN"), ERR_INVALID);
	assert_int_equal(parse_repeated("", "(", IMAP_SEARCH_DEPTH_MAX, "SEEN"), ERR_INVALID);
	assert_int_equal(parse_repeated("", "OR SEEN ", IMAP_SEARCH_DEPTH_MAX, "SEEN"), ERR_INVALID);
	assert_int_equal(parse_repeated("", "(", 100000, ""), ERR_INVALID);
	assert_int_equal(parse_repeated("SEEN", " SEEN", IMAP_SEARCH_KEYS_MAX - 2, ""), 0);
	assert_int_equal(parse_repeated("SEEN", " SEEN", IMAP_SEARCH_KEYS_MAX - 1, ""), ERR_INVALID);
	assert_int_equal(parse_repeated("BODY ", "a", IMAP_SEARCH_TEXT_MAX, ""), 0);
	assert_int_equal(parse_repeated("BODY ", "a", IMAP_SEARCH_TEXT_MAX + 1, ""), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_charset), cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
