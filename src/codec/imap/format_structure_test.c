/* ENVELOPE, BODY and BODYSTRUCTURE as the RFCs show them, from messages that read like theirs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/imap/format.h"
#include "codec/mime/message.h"

enum what { ENVELOPE, BODY, STRUCTURE };

static struct str record_of(struct arena *a, const char *message)
{
	struct mime_message m;
	struct buf record = BUF_INIT(0);
	assert_int_equal(mime_message_parse(str_from_c(message), a, &m), 0);
	assert_int_equal(mime_summary_encode(&m, str_from_c(message), &record), 0);
	struct str kept = arena_dup(a, buf_str(&record));
	buf_fini(&record);
	return kept;
}

static void check(const char *message, enum what what, bool utf8, const char *expected)
{
	struct arena a = ARENA_INIT(0);
	struct mime_summary s;
	struct buf b = BUF_INIT(0);
	assert_int_equal(mime_summary_open(&s, record_of(&a, message)), 0);
	int err = what == ENVELOPE ? imap_format_summary_envelope(&b, &s, utf8) : imap_format_body(&b, &s, what == STRUCTURE, utf8);
	assert_int_equal(err, 0);
	assert_false(b.failed);
	if (!str_eq(buf_str(&b), str_from_c(expected)))
		fail_msg("wrote\n%.*s\nnot\n%s", STR_ARG(buf_str(&b)), expected);
	buf_fini(&b);
	arena_fini(&a);
}

/* RFC 3501 section 8. */
static const char gray[] =
	"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
	"From: Terry Gray <gray@cac.washington.edu>\r\n"
	"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
	"To: imap@cac.washington.edu\r\n"
	"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
	"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
	"MIME-Version: 1.0\r\n"
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
	"\r\n"
	"one\r\ntwo\r\n";

static void test_rfc3501_example(void **state)
{
	(void)state;
	check(gray, ENVELOPE, false,
	      "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
	      "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	      "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
	      "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	      "\"<B27397-0100000@cac.washington.edu>\")");
	check(gray, BODY, false, "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2)");
	check(gray, STRUCTURE, false, "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2 NIL NIL NIL NIL)");
}

/* RFC 9051 7.5.2: two parts, the second an attachment with everything there can be. */
static const char mixed[] =
	"Content-Type: MULTIPART/MIXED; BOUNDARY=x\r\n"
	"Content-Language: en\r\n"
	"\r\n"
	"--x\r\n"
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
	"\r\n"
	"Hello\r\n"
	"--x\r\n"
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME=cc.diff\r\n"
	"Content-ID: <960723163407.20117h@cac.washington.edu>\r\n"
	"Content-Description: Compiler diff\r\n"
	"Content-Transfer-Encoding: BASE64\r\n"
	"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
	"Content-Disposition: attachment; filename=\"c\\\"c.diff\"\r\n"
	"Content-Language: de, fr\r\n"
	"Content-Location: http://example.org/cc\r\n"
	"\r\n"
	"SGVsbG8=\r\n"
	"--x--\r\n";

static void test_multipart(void **state)
{
	(void)state;
	check(mixed, BODY, false,
	      "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 5 0)"
	      "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \"<960723163407.20117h@cac.washington.edu>\" "
	      "\"Compiler diff\" \"BASE64\" 8 0) \"MIXED\")");
	check(mixed, STRUCTURE, false,
	      "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 5 0 NIL NIL NIL NIL)"
	      "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") \"<960723163407.20117h@cac.washington.edu>\" "
	      "\"Compiler diff\" \"BASE64\" 8 0 \"Q2hlY2sgSW50ZWdyaXR5IQ==\" (\"attachment\" (\"filename\" \"c\\\"c.diff\")) "
	      "(\"de\" \"fr\") \"http://example.org/cc\") \"MIXED\" (\"BOUNDARY\" \"x\") NIL (\"en\") NIL)");
}

/* RFC 9051 7.5.2: MESSAGE/RFC822 has envelope, body structure and lines after the basic fields; body-ext-1part behind. */
static void test_embedded(void **state)
{
	(void)state;
	static const char message[] =
		"Content-Type: multipart/digest; boundary=b\r\n\r\n"
		"--b\r\n\r\n"
		"Subject: inner\r\n\r\nHi\r\n\r\n"
		"--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-Disposition: inline\r\n\r\nx\r\n"
		"--b--\r\n";
	check(message, STRUCTURE, false,
	      "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 22 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	      "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
	      "(\"image\" \"png\" NIL NIL NIL \"binary\" 1 NIL (\"inline\" NIL) NIL NIL) "
	      "\"digest\" (\"boundary\" \"b\") NIL NIL NIL)");
	check(message, BODY, false,
	      "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 22 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	      "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1) 3)"
	      "(\"image\" \"png\" NIL NIL NIL \"binary\" 1) \"digest\")");
}

/* RFC 5524 3.2: one part; what is sent decoded says so. */
static void test_body_part(void **state)
{
	(void)state;
	static const char message[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYQo=\r\n"
								  "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n";
	struct arena a = ARENA_INIT(0);
	struct mime_summary s;
	struct imap_decoded_size size = { 2, 1 };
	static const struct { uint32_t path[2]; size_t n; bool decoded; const char *out; } table[] = {
		{ { 1 }, 1, false, "(\"text\" \"plain\" NIL NIL NIL \"base64\" 4 0)" },
		{ { 1 }, 1, true, "(\"text\" \"plain\" NIL NIL NIL \"BINARY\" 2 1)" },
		{ { 2 }, 1, true, "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 16 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) 2)" },
		{ { 3 }, 1, false, NULL },
	};
	assert_int_equal(mime_summary_open(&s, record_of(&a, message)), 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf b = BUF_INIT(0);
		int rc = imap_format_body_part(&b, &s, table[i].path, table[i].n, table[i].decoded ? &size : NULL, false);
		assert_int_equal(rc, table[i].out ? 0 : ERR_NOT_FOUND);
		if (table[i].out && !str_eq(buf_str(&b), str_from_c(table[i].out)))
			fail_msg("%zu: %.*s", i, STR_ARG(buf_str(&b)));
		buf_fini(&b);
	}
	arena_fini(&a);
}

/* RFC 9051 7.5.2: group syntax, routes, empty and absent fields. */
static void test_envelope_forms(void **state)
{
	(void)state;
	check("To: A Group:Ed Jones <joe@where.test>,john@one.test;\r\nCc: Undisclosed recipients:;\r\n\r\n", ENVELOPE, false,
	      "(NIL NIL NIL NIL NIL ((NIL NIL \"A Group\" NIL)(\"Ed Jones\" NIL \"joe\" \"where.test\")(NIL NIL \"john\" \"one.test\")"
	      "(NIL NIL NIL NIL)) ((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL)");
	check("From: <@node.test,@other.test:mary@example.net>\r\nSender: s@x.test\r\nReply-To: r@x.test\r\nSubject:\r\n\r\n", ENVELOPE, false,
	      "(NIL \"\" ((NIL \"@node.test,@other.test\" \"mary\" \"example.net\")) ((NIL NIL \"s\" \"x.test\")) "
	      "((NIL NIL \"r\" \"x.test\")) NIL NIL NIL NIL NIL)");
	check("Subject: a \"b\" \\c\r\n  folded\r\nIn-Reply-To: <a@b>\r\n\r\n", ENVELOPE, false,
	      "(NIL \"a \\\"b\\\" \\\\c  folded\" NIL NIL NIL NIL NIL NIL \"<a@b>\" NIL)");
}

/* RFC 3501 4.3: 8-bit is a literal; RFC 9755 3: or quoted, if it is UTF-8. */
static void test_8bit(void **state)
{
	(void)state;
	check("Subject: caf\xc3\xa9 \"x\"\r\n\r\n", ENVELOPE, false, "(NIL {9}\r\ncaf\xc3\xa9 \"x\" NIL NIL NIL NIL NIL NIL NIL NIL)");
	check("Subject: caf\xc3\xa9 \"x\"\r\n\r\n", ENVELOPE, true, "(NIL \"caf\xc3\xa9 \\\"x\\\"\" NIL NIL NIL NIL NIL NIL NIL NIL)");
	check("Subject: caf\xe9\r\n\r\n", ENVELOPE, true, "(NIL {4}\r\ncaf\xe9 NIL NIL NIL NIL NIL NIL NIL NIL)");
}

/* RFC 9051 7.5.2 and RFC 2231: decoded for who takes UTF-8. */
static void test_extended(void **state)
{
	(void)state;
	static const char message[] = "Content-Type: text/plain; name*=utf-8''%e2%82%ac%20rates; foo*0*=iso-8859-1'de'%e4; foo*1=b; x*=us-ascii''a%0d%00\r\n"
		"Content-Disposition: attachment; filename*0=one; filename*1=two\r\n\r\nx\r\n";
	check(message, STRUCTURE, true, "(\"text\" \"plain\" (\"name\" \"\xe2\x82\xac rates\" \"foo\" \"\xc3\xa4" "b\" \"x\" {3}\r\na\r?)"
		" NIL NIL \"7bit\" 3 1 NIL (\"attachment\" (\"filename\" \"onetwo\")) NIL NIL)");
	check(message, STRUCTURE, false, "(\"text\" \"plain\" (\"name*\" \"utf-8''%e2%82%ac%20rates\" \"foo*\" \"iso-8859-1'de'%e4b\" \"x*\" \"us-ascii''a%0d%00\")"
		" NIL NIL \"7bit\" 3 1 NIL (\"attachment\" (\"filename\" \"onetwo\")) NIL NIL)");
}

static void test_full_buffer(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct mime_summary s;
	assert_int_equal(mime_summary_open(&s, record_of(&a, mixed)), 0);
	for (size_t max = 1; max < 400; max += 7) {
		struct buf b = BUF_INIT(max);
		imap_format_body(&b, &s, true, false);
		assert_true(b.n <= max);
		assert_true(b.failed);
		buf_fini(&b);
	}
	arena_fini(&a);
}

static void test_appends(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct mime_summary s;
	struct buf b = BUF_INIT(0);
	assert_int_equal(mime_summary_open(&s, record_of(&a, gray)), 0);
	for (unsigned i = 0; i < 100; i++) {
		buf_add_lit(&b, "BODY ");
		imap_format_body(&b, &s, false, false);
	}
	static const char one[] = "BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2)";
	assert_int_equal(b.n, 100 * (sizeof(one) - 1));
	for (unsigned i = 0; i < 100; i++)
		assert_memory_equal(b.p + i * (sizeof(one) - 1), one, sizeof(one) - 1);
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_part),
		cmocka_unit_test(test_rfc3501_example), cmocka_unit_test(test_multipart), cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_envelope_forms), cmocka_unit_test(test_8bit), cmocka_unit_test(test_extended), cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_appends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
