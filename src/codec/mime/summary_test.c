/* The envelope by RFC 9051 7.5.2, body structures, string classes, limits, and reading of bad records. */
#include "codec/mime/summary.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void encode(struct str message, struct buf *record, struct mime_summary *s)
{
	struct arena arena = ARENA_INIT(0);
	struct mime_message m;
	assert_int_equal(mime_message_parse(message, &arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, message, record), 0);
	arena_fini(&arena);
	assert_int_equal(mime_summary_open(s, buf_str(record)), 0);
}

/* NIL, "plain", "esc\"aped" or {literal}. */
static void add_text(struct buf *out, struct mime_text t)
{
	if (t.class == MIME_TEXT_NIL)
		buf_add_c(out, "NIL");
	else if (t.class == MIME_TEXT_LITERAL)
		buf_printf(out, "{%.*s}", (int)t.n, t.p);
	else
		buf_printf(out, "%s%.*s\"", t.class == MIME_TEXT_ESCAPED ? "e\"" : "\"", (int)t.n, t.p);
}

static void add_list(struct buf *out, struct str list)
{
	struct mime_envelope_address a;
	buf_add_c(out, list.n ? " (" : " NIL");
	bool any = list.n > 0;
	while (mime_envelope_address(&list, &a)) {
		buf_add_char(out, '(');
		add_text(out, a.name);
		buf_add_char(out, ' ');
		add_text(out, a.route);
		buf_add_char(out, ' ');
		add_text(out, a.local);
		buf_add_char(out, ' ');
		add_text(out, a.domain);
		buf_add_char(out, ')');
	}
	if (any)
		buf_add_char(out, ')');
}

static void add_envelope(struct buf *out, const struct mime_envelope *e)
{
	buf_add_char(out, '(');
	add_text(out, e->date);
	buf_add_char(out, ' ');
	add_text(out, e->subject);
	add_list(out, e->from);
	add_list(out, mime_envelope_or_from(e, e->sender));
	add_list(out, mime_envelope_or_from(e, e->reply_to));
	add_list(out, e->to);
	add_list(out, e->cc);
	add_list(out, e->bcc);
	buf_add_char(out, ' ');
	add_text(out, e->in_reply_to);
	buf_add_char(out, ' ');
	add_text(out, e->message_id);
	buf_add_char(out, ')');
}

static const struct {
	const char *message, *envelope;
} envelopes[] = {
	/* the example of RFC 9051 7.5.2, FETCH response */
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
	  "Subject: IMAP4rev2 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
	  "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\nMessage-Id: "
	  "<B27397-0100000@cac.washington.edu>\r\n"
	  "MIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\""
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\"))"
	  " ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\"))"
	  " ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL"
	  " \"<B27397-0100000@cac.washington.edu>\")" },
	/* groups, a route, quoting removed; absent and empty differ for strings, not for lists */
	{ "Subject:\r\nTo: A Group:Ed <c@a.test>,j@w.test;, <@r.test:\"x y\"@z.test>, root\r\nCc: Undisclosed "
	  "recipients:;\r\nBcc: \r\n\r\n",
	  "(NIL \"\" NIL NIL NIL ((NIL NIL \"A Group\" NIL)(\"Ed\" NIL \"c\" \"a.test\")(NIL NIL \"j\" \"w.test\")(NIL NIL "
	  "NIL NIL)"
	  "(NIL \"@r.test\" \"x y\" \"z.test\")(NIL NIL \"root\" \"\")) ((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL "
	  "NIL NIL))"
	  " NIL NIL NIL)" },
	/* Sender and Reply-To of their own; an empty one is as absent */
	{ "From: a@b\r\nSender: s@t\r\nReply-To: ,\r\n\r\n", "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"s\" \"t\")) "
	                                                     "((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)" },
	/* classes; folding goes, encoded words stay */
	{ "Subject: say \"hi\"\r\n \\ =?utf-8?q?x?=\r\nFrom: \"J\xc3\xb6rg\" <j@b>\r\nMessage-ID: "
	  "caf\xe9\r\nIn-Reply-To:\r\n\t<a@b>\r\n"
	  "\t<c@d>\r\n\r\n",
	  "(NIL e\"say \"hi\" \\ =?utf-8?q?x?=\" (({J\xc3\xb6rg} NIL \"j\" \"b\")) (({J\xc3\xb6rg} NIL \"j\" \"b\"))"
	  " (({J\xc3\xb6rg} NIL \"j\" \"b\")) NIL NIL NIL \"<a@b>\t<c@d>\" {caf\xe9})" },
	/* RFC 5322 4.5.3 */
	{ "To: a@b\r\nSubject: one\r\nTo: c@d\r\nSubject: two\r\n\r\n", "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" "
	                                                                "\"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)" },
};

static void test_envelopes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(envelopes); i++) {
		struct buf record = BUF_INIT(0), got = BUF_INIT(0);
		struct mime_summary s;
		struct mime_envelope e;
		encode(str_from_c(envelopes[i].message), &record, &s);
		assert_int_equal(s.size, strlen(envelopes[i].message));
		assert_int_equal(mime_summary_envelope(&s, &e), 0);
		add_envelope(&got, &e);
		buf_add_char(&got, '\0');
		assert_string_equal(got.p, envelopes[i].envelope);
		buf_fini(&got);
		buf_fini(&record);
	}
}

static void add_params(struct buf *out, struct str params)
{
	struct mime_text name, value;
	while (mime_summary_param(&params, &name, &value)) {
		buf_add_char(out, ';');
		add_text(out, name);
		buf_add_char(out, '=');
		add_text(out, value);
	}
}

static void add_parts(struct buf *out, const struct mime_summary *s)
{
	struct mime_summary_walk w;
	struct mime_summary_part p;
	struct mime_text t;
	int error;
	mime_summary_walk(s, &w);
	while (!(error = mime_summary_next(&w, &p))) {
		buf_printf(out, "%u k%u c%u %u+%u,%u+%u l%u ", p.depth, p.kind, p.children, p.header_at, p.header_n, p.body_at,
		           p.body_n, p.lines);
		add_text(out, p.type);
		buf_add_char(out, '/');
		add_text(out, p.subtype);
		add_params(out, p.params);
		buf_add_char(out, ' ');
		add_text(out, p.encoding);
		struct mime_text rest[] = { p.id, p.description, p.md5, p.disposition, p.location };
		for (size_t i = 0; i < COUNT(rest); i++)
			if (rest[i].class != MIME_TEXT_NIL) {
				buf_printf(out, " %zu", i);
				add_text(out, rest[i]);
			}
		add_params(out, p.disposition_params);
		while (mime_summary_text(&p.languages, &t)) {
			buf_add_c(out, " l");
			add_text(out, t);
		}
		if (p.envelope.n) {
			struct mime_envelope e;
			assert_int_equal(mime_summary_envelope_read(p.envelope, &e), 0);
			buf_add_char(out, ' ');
			add_envelope(out, &e);
		}
		buf_add_char(out, '\n');
	}
	assert_int_equal(error, ERR_NOT_FOUND);
}

static void test_parts(void **state)
{
	(void)state;
	struct str message = STR("Content-Type: multipart/mixed; boundary=\"b\\\"\"\r\nContent-Language: en, de\r\n\r\n"
	                         "--b\"\r\nContent-ID: <1@x>\r\nContent-Description: the \"first\"\r\nContent-MD5: "
	                         "Q2hlY2s=\r\n"
	                         "Content-Disposition: attachment; filename*=utf-8''%C3%A9\r\nContent-Location: a\r\n "
	                         "b\r\n\r\none\r\n"
	                         "--b\"\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Transfer-Encoding: "
	                         "8BIT\r\n\r\n\xc3\xa9\r\n\r\n--b\"--\r\n");
	struct buf record = BUF_INIT(0), got = BUF_INIT(0);
	struct mime_summary s;
	encode(message, &record, &s);
	add_parts(&got, &s);
	buf_add_char(&got, '\0');
	assert_string_equal(got.p, "0 k1 c2 0+75,75+272 l18 \"multipart\"/\"mixed\";\"boundary\"=e\"b\"\" \"7bit\" l\"en\" "
	                           "l\"de\"\n"
	                           "1 k0 c0 81+161,242+3 l0 \"text\"/\"plain\";\"charset\"=\"us-ascii\" \"7bit\" "
	                           "0\"<1@x>\" 1e\"the \"first\"\""
	                           " 2\"Q2hlY2s=\" 3\"attachment\" 4\"a b\";\"filename*\"=\"utf-8''%C3%A9\"\n"
	                           "1 k2 c1 253+32,285+52 l4 \"message\"/\"rfc822\" \"7bit\" (NIL \"in\" NIL NIL NIL NIL "
	                           "NIL NIL NIL NIL)\n"
	                           "2 k0 c0 285+48,333+4 l1 \"text\"/\"plain\";\"charset\"=\"us-ascii\" \"8BIT\"\n");
	buf_fini(&got);
	buf_fini(&record);
}

static void test_rest(void **state)
{
	(void)state;
	static const struct {
		const char *message, *references, *preview;
		int64_t sent;
		int zone;
		uint32_t defects;
		bool has_date;
	} table[] = {
		{ "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nReferences: <a@b>\r\n <c@d>\r\n\r\n one\r\n\r\n\t two ",
		  "[a@b][c@d]", "one two", 880127706, -360, MIME_NO_LAST_CRLF, true },
		{ "Date: Thu, 13 Feb 1969 23:32:54 +0530\r\n\r\n", "", "", -27755826, 330, 0, true },
		{ "Date: whenever\r\n\r\n", "", "", 0, 0, MIME_BAD_DATE, false },
		{ "From: nobody\r\n\r\n", "", "", 0, 0, MIME_BAD_ADDRESS, false },
		{ "\r\n", "", "", 0, 0, 0, false },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf record = BUF_INIT(0), ids = BUF_INIT(0);
		struct mime_summary s;
		encode(str_from_c(table[i].message), &record, &s);
		assert_true(s.has_date == table[i].has_date);
		assert_int_equal(s.sent, table[i].sent);
		assert_int_equal(s.zone_minutes, table[i].zone);
		assert_int_equal(s.defects, table[i].defects);
		assert_true(str_eq(s.preview, str_from_c(table[i].preview)));
		struct str id;
		while (mime_summary_reference(&s.references, &id))
			buf_printf(&ids, "[%.*s]", STR_ARG(id));
		assert_true(str_eq(buf_str(&ids), str_from_c(table[i].references)));
		buf_fini(&ids);
		buf_fini(&record);
	}
}

static void test_cut(void **state)
{
	(void)state;
	struct buf message = BUF_INIT(0), record = BUF_INIT(0);
	struct mime_summary s;
	struct mime_envelope e;
	/* a long subject is cut between characters */
	buf_add_c(&message, "Subject: a");
	for (int i = 0; i < 2 * MIME_TEXT_MAX; i++)
		buf_add_c(&message, "\xc3\xa9");
	buf_add_c(&message, "\r\nReferences:");
	for (int i = 0; i < 100; i++)
		buf_printf(&message, " <%d@x>", i);
	buf_add_c(&message, "\r\n\r\n");
	encode(buf_str(&message), &record, &s);
	assert_int_equal(mime_summary_envelope(&s, &e), 0);
	assert_int_equal(e.subject.n, MIME_TEXT_MAX - 1);
	assert_true(utf8_is_valid(mime_text_str(e.subject)));
	assert_true(s.defects & MIME_CUT);
	struct str id;
	for (int i = 0; i < MIME_REFERENCES_KEPT; i++) {
		char expected[16];
		snprintf(expected, sizeof(expected), "%d@x", i == 0 ? 0 : 100 - MIME_REFERENCES_KEPT + i);
		assert_true(mime_summary_reference(&s.references, &id));
		assert_true(str_eq(id, str_from_c(expected)));
	}
	assert_false(mime_summary_reference(&s.references, &id));

	/* however much there is, the record stays small, and the last part still has its type */
	buf_reset(&message);
	buf_add_c(&message, "Content-Type: multipart/mixed; boundary=b\r\nTo: G:");
	for (int i = 0; i < 5000; i++)
		buf_add_c(&message, "<>,");
	buf_add_c(&message, "\r\n\r\n");
	for (int i = 0; i < MIME_PARTS_MAX; i++) {
		buf_add_c(&message, "--b\r\nContent-Type: x/y\r\nContent-Description: ");
		for (int k = 0; k < 100; k++)
			buf_add_c(&message, "0123456789");
		buf_add_c(&message, "\r\n\r\n");
	}
	buf_reset(&record);
	encode(buf_str(&message), &record, &s);
	assert_true(record.n < MIME_SUMMARY_STRINGS_MAX + (size_t)MIME_PARTS_MAX * 40);
	assert_int_equal(mime_summary_envelope(&s, &e), 0);
	struct mime_envelope_address a = { .name = { NULL, 0, MIME_TEXT_NIL } };
	size_t count = 0;
	while (mime_envelope_address(&e.to, &a))
		count++;
	assert_in_range(count, MIME_ADDRESSES_MAX - 1, MIME_ADDRESSES_MAX + 1);
	assert_int_equal(a.local.class, MIME_TEXT_NIL); /* the end of the group */
	struct mime_summary_walk w;
	struct mime_summary_part p;
	mime_summary_walk(&s, &w);
	while (mime_summary_next(&w, &p) == 0)
		assert_true(p.type.n > 0 && p.subtype.n > 0 && p.encoding.n == 4);
	assert_int_equal(p.index, MIME_PARTS_MAX - 1);
	buf_fini(&message);
	buf_fini(&record);
}

static void test_bad_records(void **state)
{
	(void)state;
	struct buf record = BUF_INIT(0);
	struct mime_summary s;
	assert_int_equal(mime_summary_open(&s, STR("")), ERR_CORRUPT);
	assert_int_equal(mime_summary_open(&s, STR("\x02\0\0\0\0\0")), ERR_VERSION);
	encode(str_from_c(envelopes[0].message), &record, &s);
	/* every beginning of a good record */
	for (size_t n = 0; n < record.n; n++) {
		struct mime_summary_walk w;
		struct mime_summary_part p;
		char *copy = malloc(n + 1); /* exactly n bytes that may be read, for the sanitizer */
		memcpy(copy, record.p, n);
		if (mime_summary_open(&s, str_make(copy, n)) == 0) {
			mime_summary_walk(&s, &w);
			assert_int_equal(mime_summary_next(&w, &p), ERR_CORRUPT);
		}
		free(copy);
	}
	/* a part that reaches out of the message: the one byte of size, at its place in the header */
	encode(STR("A: b\r\n\r\nbody"), &record, &s);
	buf_reset(&record);
	encode(STR("A: b\r\n\r\nbody"), &record, &s);
	struct mime_summary_walk w;
	struct mime_summary_part p;
	assert_int_equal(record.p[6], 12);
	record.p[6] = 11;
	assert_int_equal(mime_summary_open(&s, buf_str(&record)), 0);
	mime_summary_walk(&s, &w);
	assert_int_equal(mime_summary_next(&w, &p), ERR_CORRUPT);
	buf_fini(&record);
}

static void test_size(void **state)
{
	(void)state;
	/* what a list of mail needs of a common message: 500 to 900 bytes are aimed at */
	struct buf record = BUF_INIT(0);
	struct mime_summary s;
	encode(STR("Received: from a by b; Mon, 23 Nov 2026 18:54:32 +0000\r\nDate: Mon, 23 Nov 2026 18:54:32 +0000\r\n"
	           "From: Some Body <some.body@example.org>\r\nTo: Any Body <any.body@example.com>\r\nSubject: Re: the "
	           "usual matter\r\n"
	           "Message-ID: <0123456789abcdef@mail.example.org>\r\nIn-Reply-To: <fedcba9876543210@mail.example.com>\r\n"
	           "References: <fedcba9876543210@mail.example.com>\r\nMIME-Version: 1.0\r\n"
	           "Content-Type: multipart/alternative; boundary=\"=_0123456789abcdef\"\r\n\r\n--=_0123456789abcdef\r\n"
	           "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	           "Some text that is long enough for a preview to be cut from it, and which goes on for a while, so that "
	           "there is a second\r\n"
	           "line of it, too, and then even a third one, after which the two hundred bytes should be reached, more "
	           "or less.\r\n"
	           "--=_0123456789abcdef\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
	           "base64\r\n\r\nPGI+\r\n"
	           "--=_0123456789abcdef--\r\n"),
	       &record, &s);
	assert_in_range(record.n, 400, 900);
	assert_in_range(s.preview.n, MIME_PREVIEW_MAX - 10, MIME_PREVIEW_MAX);
	buf_fini(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelopes), cmocka_unit_test(test_parts),       cmocka_unit_test(test_rest),
		cmocka_unit_test(test_cut),       cmocka_unit_test(test_bad_records), cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
