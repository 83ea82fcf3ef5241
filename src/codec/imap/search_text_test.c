#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/imap/needle.h"
#include "codec/imap/search_text.h"
#include "codec/mime/message.h"
#include "codec/mime/section.h"

static const char message[] =
	"From: =?iso-8859-1?Q?J=FCrgen?= <j@example.net>\r\n"
	"To: \"Smith, John\" <john@example.org>, Friends: a@example.org, b@example.org;\r\n"
	"Subject: =?UTF-8?B?R3LDvMOf?=\r\n =?UTF-8?Q?e?= folded\r\n"
	"X-Trace: one\r\n"
	"X-Trace: two\r\n"
	"Message-ID: <id@example.net>\r\n"
	"Content-Type: multipart/mixed; boundary=x\r\n"
	"\r\n"
	"preamble\r\n"
	"--x\r\n"
	"Content-Type: text/plain; charset=iso-8859-1\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n"
	"\r\n"
	"Sch=F6n, but l=\r\nong\r\n"
	"--x\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Content-Transfer-Encoding: base64\r\n"
	"\r\n"
	"0J/RgNC40LLQtdGC\r\n"
	"--x\r\n"
	"Content-Type: application/octet-stream\r\n"
	"\r\n"
	"attachment\r\n"
	"--x\r\n"
	"Content-Type: message/rfc822\r\n"
	"\r\n"
	"Subject: =?utf-8?q?inside?=\r\n"
	"\r\n"
	"the letter\r\n"
	"--x\r\n"
	"Content-Type: text/plain; charset=x-unknown\r\n"
	"\r\n"
	"strange\r\n"
	"--x\r\n"
	"Content-Type: text/html; charset=us-ascii\r\n"
	"\r\n"
	"<p>Caf&eacute; <b>bra</b>vo\r\n  here</p>\r\n"
	"--x\r\n"
	"Content-Type: application/pdf; name=\"=?utf-8?q?old=5Fbill?=.pdf\"\r\n"
	"Content-Disposition: attachment; filename*=utf-8''%D0%A1%D1%87%D1%91%D1%82.pdf\r\n"
	"\r\n"
	"%PDF\r\n"
	"--x--\r\n";

struct fixture {
	struct arena arena;
	struct buf record, out, source;
	struct mime_summary summary;
	struct imap_search_tools tools;
};

static void setup(struct fixture *f)
{
	struct mime_message m;
	*f = (struct fixture){ .arena = ARENA_INIT(0), .record = BUF_INIT(0), .out = BUF_INIT(0), .source = BUF_INIT(0), .tools = IMAP_SEARCH_TOOLS_INIT };
	assert_int_equal(mime_message_parse(str_from_c(message), &f->arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, str_from_c(message), &f->record), 0);
	assert_int_equal(mime_summary_open(&f->summary, buf_str(&f->record)), 0);
}

static void teardown(struct fixture *f)
{
	imap_search_tools_fini(&f->tools);
	buf_fini(&f->out);
	buf_fini(&f->source);
	buf_fini(&f->record);
	arena_fini(&f->arena);
}

static bool has(struct fixture *f, const char *text)
{
	struct imap_needle n;
	assert_int_equal(imap_needle_init(&n, &f->arena, str_from_c(text)), 0);
	return imap_needle_in_folded(&n, buf_str(&f->out));
}

static struct str header(struct fixture *f)
{
	struct mime_section s;
	assert_int_equal(mime_section_find(&f->summary, NULL, 0, MIME_SECTION_HEADER, &s), 0);
	return str_sub(str_from_c(message), s.at, s.n);
}

static void test_envelope_field(void **state)
{
	(void)state;
	static const struct { const char *field; const char *text; bool in; } cases[] = {
		{ "from", "J\xc3\x9cRGEN <j@example.net>", true }, { "From", "=FC", false }, { "to", "smith, john <john@", true },
		{ "to", "friends", true }, { "to", "b@example.org", true }, { "subject", "gr\xc3\xbc\xc3\x9f" "e folded", true },
		{ "message-id", "<id@example.net>", true }, { "subject", "two", false },
	};
	struct fixture f;
	setup(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&f.out);
		assert_true(imap_search_envelope_field(&f.tools, &f.summary, str_from_c(cases[i].field), &f.out));
		if (has(&f, cases[i].text) != cases[i].in)
			fail_msg("%s: %s in %.*s", cases[i].field, cases[i].text, STR_ARG(buf_str(&f.out)));
	}
	assert_false(imap_search_envelope_field(&f.tools, &f.summary, STR("cc"), &f.out));
	assert_false(imap_search_envelope_field(&f.tools, &f.summary, STR("date"), &f.out));
	assert_false(imap_search_envelope_field(&f.tools, &f.summary, STR("x-trace"), &f.out));
	teardown(&f);
}

static void test_header(void **state)
{
	(void)state;
	struct fixture f;
	setup(&f);
	assert_true(imap_search_header_field(&f.tools, header(&f), STR("x-trace"), &f.out));
	assert_true(has(&f, "one") && has(&f, "TWO") && !has(&f, "x-trace"));
	assert_false(imap_search_header_field(&f.tools, header(&f), STR("x-trac"), &f.out));
	buf_reset(&f.out);
	imap_search_header(&f.tools, header(&f), &f.out);
	assert_true(has(&f, "subject: gr\xc3\xbc\xc3\x9f" "e folded") && has(&f, "X-Trace: two") && !has(&f, "preamble"));
	/* Nothing is found across two fields. */
	assert_false(has(&f, "onex-trace"));
	teardown(&f);
}

/* RFC 3501 6.4.4: text and message parts, decoded. */
static void test_body(void **state)
{
	(void)state;
	static const struct { const char *text; bool in; } cases[] = {
		{ "sch\xc3\x96n, but long", true }, { "=f6", false }, { "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92", true }, { "0j/r", false },
		{ "attachment", false }, { "subject: inside", true }, { "The Letter", true }, { "strange", true }, { "j\xc3\xbcrgen", false },
		{ "preamble", false },
		{ "caf\xc3\x89 bravo here", true }, { "&eacute;", false }, { "</b>", false },
		{ "old_bill.PDF", true }, { "\xd1\x81\xd1\x87\xd1\x91\xd1\x82.pdf", true }, { "%pdf", false },
	};
	struct fixture f;
	setup(&f);
	assert_int_equal(imap_search_body(&f.tools, &f.summary, str_from_c(message), &f.out, &f.source), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (has(&f, cases[i].text) != cases[i].in)
			fail_msg("%s", cases[i].text);
	assert_true(str_find(buf_str(&f.source), STR("caf&eacute; <b>bra</b>vo\r\n  here</p>")) != STR_NPOS);
	assert_true(str_find(buf_str(&f.source), STR("strange")) == STR_NPOS);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope_field), cmocka_unit_test(test_header), cmocka_unit_test(test_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
