/* RFC 2046 5.1, RFC 2049 appendix A, and what is wrong with messages. */
#include "codec/mime/message.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A leaf is written type/subtype{body|lines}, a composite type/subtype[children]. */
static void describe(const struct mime_message *m, uint32_t index, struct buf *out)
{
	const struct mime_part *p = &m->part[index];
	buf_printf(out, "%.*s/%.*s", STR_ARG(p->type.type), STR_ARG(p->type.subtype));
	if (p->kind == MIME_LEAF) {
		buf_add_char(out, '{');
		buf_add_str(out, mime_part_body(m, p));
		buf_printf(out, "|%u}", p->lines);
		return;
	}
	buf_add_char(out, '[');
	uint32_t child = index + 1;
	for (uint32_t i = 0; i < p->children; i++) {
		if (i)
			buf_add_char(out, ' ');
		describe(m, child, out);
		assert_int_equal(m->part[child].parent, index);
		child = m->part[child].after;
	}
	assert_int_equal(child, p->after);
	buf_add_char(out, ']');
}

static void check(const char *message, size_t n, const char *structure, uint32_t defects)
{
	struct arena arena = ARENA_INIT(0);
	struct buf got = BUF_INIT(0);
	struct mime_message m;
	assert_int_equal(mime_message_parse(str_make(message, n), &arena, &m), 0);
	describe(&m, 0, &got);
	if (!str_eq(buf_str(&got), str_from_c(structure))) {
		buf_add_char(&got, '\0');
		assert_string_equal(got.p, structure);
	}
	if (m.defects != defects) {
		buf_reset(&got);
		mime_defects_format(m.defects, &got);
		fail_msg("%s: %.*s", message, STR_ARG(buf_str(&got)));
	}
	buf_fini(&got);
	arena_fini(&arena);
}

struct expectation {
	const char *message, *structure;
	uint32_t defects;
};
static void check_all(const struct expectation *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(table[i].message, strlen(table[i].message), table[i].structure, table[i].defects);
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static const struct expectation rfc_table[] = {
	/* RFC 2046 5.1.1 */
	{ "From: Nathaniel Borenstein <nsb@bellcore.com>\r\n"
	  "MIME-Version: 1.0\r\n"
	  "Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n"
	  "\r\n"
	  "This is the preamble.  It is to be ignored, though it\r\n"
	  "is a handy place for composition agents to include an\r\n"
	  "explanatory note to non-MIME conformant readers.\r\n"
	  "\r\n"
	  "--simple boundary\r\n"
	  "\r\n"
	  "This is implicitly typed plain US-ASCII text.\r\n"
	  "It does NOT end with a linebreak.\r\n"
	  "--simple boundary\r\n"
	  "Content-type: text/plain; charset=us-ascii\r\n"
	  "\r\n"
	  "This is explicitly typed plain US-ASCII text.\r\n"
	  "It DOES end with a linebreak.\r\n"
	  "\r\n"
	  "--simple boundary--\r\n"
	  "\r\n"
	  "This is the epilogue.  It is also to be ignored.\r\n",
	  "multipart/mixed["
	  "text/plain{This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.|1} "
	  "text/plain{This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n|2}]",
	  0 },
	/* RFC 2049 appendix A, its texts shortened */
	{ "MIME-Version: 1.0\r\n"
	  "Content-Type: multipart/mixed;\r\n"
	  "              boundary=unique-boundary-1\r\n"
	  "\r\n"
	  "This is the preamble area of a multipart message.\r\n"
	  "\r\n"
	  "--unique-boundary-1\r\n"
	  "\r\n"
	  "  ... Some text appears here ...\r\n"
	  "\r\n"
	  "--unique-boundary-1\r\n"
	  "Content-type: text/plain; charset=US-ASCII\r\n"
	  "\r\n"
	  "This could have been part of the previous part\r\n"
	  "\r\n"
	  "--unique-boundary-1\r\n"
	  "Content-Type: multipart/parallel; boundary=unique-boundary-2\r\n"
	  "\r\n"
	  "--unique-boundary-2\r\n"
	  "Content-Type: audio/basic\r\n"
	  "Content-Transfer-Encoding: base64\r\n"
	  "\r\n"
	  "  ...\r\n"
	  "\r\n"
	  "--unique-boundary-2\r\n"
	  "Content-Type: image/jpeg\r\n"
	  "Content-Transfer-Encoding: base64\r\n"
	  "\r\n"
	  "  ...\r\n"
	  "\r\n"
	  "--unique-boundary-2--\r\n"
	  "\r\n"
	  "--unique-boundary-1\r\n"
	  "Content-type: text/enriched\r\n"
	  "\r\n"
	  "This is <bold><italic>enriched.</italic></bold>\r\n"
	  "\r\n"
	  "--unique-boundary-1\r\n"
	  "Content-Type: message/rfc822\r\n"
	  "\r\n"
	  "From: (mailbox in US-ASCII)\r\n"
	  "Subject: (subject in US-ASCII)\r\n"
	  "Content-Type: Text/plain; charset=ISO-8859-1\r\n"
	  "Content-Transfer-Encoding: Quoted-printable\r\n"
	  "\r\n"
	  "  ... Additional\r\n"
	  "\r\n"
	  "--unique-boundary-1--\r\n",
	  "multipart/mixed["
	  "text/plain{  ... Some text appears here ...\r\n|1} "
	  "text/plain{This could have been part of the previous part\r\n|1} "
	  "multipart/parallel[audio/basic{  ...\r\n|1} image/jpeg{  ...\r\n|1}] "
	  "text/enriched{This is <bold><italic>enriched.</italic></bold>\r\n|1} "
	  "message/rfc822[Text/plain{  ... Additional\r\n|1}]]",
	  0 },
	/* RFC 2046 5.1.5 */
	{ "Content-Type: multipart/digest;\r\n"
	  " boundary=\"---- main boundary ----\"\r\n"
	  "\r\n"
	  "------ main boundary ----\r\n"
	  "Content-Type: multipart/mixed;\r\n"
	  "   boundary=\"---- next message ----\"\r\n"
	  "\r\n"
	  "------ next message ----\r\n"
	  "\r\n"
	  "...body...\r\n"
	  "------ next message ------\r\n"
	  "------ main boundary ----\r\n"
	  "\r\n"
	  "From: someone-else\r\n"
	  "Subject: my opinion\r\n"
	  "\r\n"
	  "...another message...\r\n"
	  "------ main boundary ------\r\n",
	  "multipart/digest["
	  "multipart/mixed[text/plain{...body...|0}] "
	  "message/rfc822[text/plain{...another message...|0}]]",
	  0 },
	/* RFC 2046 5.2.2 and others are leaves */
	{ "Content-Type: message/partial; id=x; number=1\r\n\r\nSubject: x\r\n\r\nbody",
	  "message/partial{Subject: x\r\n\r\nbody|2}", 0 },
	{ "Content-Type: message/global\r\n\r\nSubject: x\r\n\r\nbody\r\n", "message/global[text/plain{body\r\n|1}]",
	  0 },
};

static void test_rfc(void **state)
{
	(void)state;
	check_all(rfc_table, COUNT(rfc_table));
}

static void test_boundaries(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ MIXED "--b\r\n\r\none\r\n--b--", "multipart/mixed[text/plain{one|0}]", 0 },
		{ MIXED "--b  \t\r\n\r\none\r\n--b-- \r\n", "multipart/mixed[text/plain{one|0}]", 0 },
		/* RFC 2046 5.1.1: the line need not match as a whole */
		{ MIXED "--b and more\r\n\r\none\r\n--b--", "multipart/mixed[text/plain{one|0}]", 0 },
		/* only at the start of a line */
		{ MIXED "--b\r\n\r\n --b\r\nx--b\r\n-b\r\n--a\r\n--\r\n--b--",
		  "multipart/mixed[text/plain{ --b\r\nx--b\r\n-b\r\n--a\r\n--|4}]", 0 },
		/* after the end nothing counts */
		{ MIXED "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n", "multipart/mixed[text/plain{one|0}]", 0 },
		/* empty parts: without body, without anything */
		{ MIXED "--b\r\nA: b\r\n\r\n--b\r\n\r\n--b\r\nA: b\r\n--b--",
		  "multipart/mixed[text/plain{|0} text/plain{|0} text/plain{|0}]", MIME_NO_BLANK_LINE },
		{ MIXED "--b\r\n--b--", "multipart/mixed[text/plain{|0}]", MIME_NO_BLANK_LINE },
		{ MIXED "--b\r\n\r\n\r\n--b--", "multipart/mixed[text/plain{|0}]", 0 },
		{ MIXED "--b\r\n\r\n\r\n\r\n--b--", "multipart/mixed[text/plain{\r\n|1}]", 0 },
		/* one boundary the beginning of another */
		{ MIXED "--b\r\nContent-Type: multipart/mixed; "
		        "boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
		  "multipart/mixed[multipart/mixed[text/plain{one|0}] text/plain{two|0}]", 0 },
		{ "Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\nContent-Type: multipart/mixed; "
		  "boundary=b\r\n\r\n--b\r\n\r\none\r\n"
		  "--b--\r\n--bb--\r\n",
		  "multipart/mixed[multipart/mixed[text/plain{one|0}]]", 0 },
		/* the outer boundary ends what is inside, RFC 2046 5.1.2 */
		{ MIXED "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
		  "multipart/mixed[multipart/mixed[text/plain{one|0}] text/plain{two|0}]", MIME_NO_END },
		{ MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\none\r\n--b--\r\n",
		  "multipart/mixed[message/rfc822[text/plain{one|0}]]", 0 },
		/* the blank line of a header stays with it */
		{ MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--b--\r\n",
		  "multipart/mixed[message/rfc822[text/plain{|0}]]", 0 },
		/* in the middle of a header */
		{ MIXED "--b\r\nContent-Type: text/html\r\n--b\r\n\r\ntwo\r\n--b--",
		  "multipart/mixed[text/html{|0} text/plain{two|0}]", MIME_NO_BLANK_LINE },
		{ "Content-Type: multipart/mixed; boundary=\"b:c\"\r\n\r\n--b:c\r\nX: y\r\n--b:c\r\n\r\ntwo\r\n--b:c--\r\n",
		  "multipart/mixed[text/plain{|0} text/plain{two|0}]", MIME_NO_BLANK_LINE },
		/* truncated */
		{ MIXED "--b\r\n\r\none\r\n", "multipart/mixed[text/plain{one\r\n|1}]", MIME_NO_END },
		{ MIXED "--b\r\n\r\none\r\n-", "multipart/mixed[text/plain{one\r\n-|1}]", MIME_NO_END },
		{ MIXED "--b\r\nContent-Ty", "multipart/mixed[text/plain{Content-Ty|0}]", MIME_NO_END | MIME_NO_BLANK_LINE },
		{ MIXED "--b", "multipart/mixed[text/plain{|0}]", MIME_NO_END | MIME_NO_BLANK_LINE },
		/* without any part the text is the part */
		{ MIXED "text\r\n", "multipart/mixed[text/plain{text\r\n|1}]", MIME_NO_START | MIME_NO_END },
		{ MIXED, "multipart/mixed[text/plain{|0}]", MIME_NO_START | MIME_NO_END },
		{ "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n--b--\r\n",
		  "multipart/mixed[text/plain{--b\r\n\r\none\r\n--b--\r\n|4}]", MIME_NO_BOUNDARY | MIME_NO_START },
		{ "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n", "multipart/mixed[text/plain{--\r\n|1}]",
		  MIME_NO_BOUNDARY | MIME_NO_START },
		{ MIXED "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\ntext\r\n--b--",
		  "multipart/mixed[multipart/mixed[text/plain{text|0}]]", MIME_NO_END | MIME_NO_START },
	};
	check_all(table, COUNT(table));
}

static void test_headers(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "", "text/plain{|0}", MIME_NO_BLANK_LINE },
		{ "\r\n", "text/plain{|0}", 0 },
		{ "\r\nbody", "text/plain{body|0}", 0 },
		{ "body\r\n", "text/plain{body\r\n|1}", MIME_NO_BLANK_LINE },
		{ "A: b\r\nbody\r\n", "text/plain{body\r\n|1}", MIME_NO_BLANK_LINE },
		{ "A: b\r\n", "text/plain{|0}", MIME_NO_BLANK_LINE },
		{ "A: b\n\nbody\n", "text/plain{body\n|1}", MIME_BARE_LF },
		{ "A: b\r\n\r\nbody\n", "text/plain{body\n|1}", MIME_BARE_LF },
		{ "A: b\rc\r\n\r\nbody\r\n", "text/plain{body\r\n|1}", MIME_BARE_CR },
		{ "From x\r\nA: b\r\n\r\n", "text/plain{|0}", MIME_STRAY_LINE },
		{ "A: caf\xc3\xa9\r\n\r\n", "text/plain{|0}", MIME_HEADER_8BIT },
		{ "A: caf\xe9\r\n\r\n", "text/plain{|0}", MIME_HEADER_8BIT | MIME_HEADER_NOT_UTF8 },
		{ "Subject: a\r\nSubject: b\r\n\r\n", "text/plain{|0}", MIME_REPEATED_FIELD },
		{ "Received: a\r\nReceived: b\r\n\r\n", "text/plain{|0}", 0 },
		/* RFC 2045 5.2 */
		{ "Content-Type: text\r\n\r\n", "text/plain{|0}", MIME_BAD_TYPE },
		{ "Content-Type: text/html; x\r\n\r\n", "text/html{|0}", MIME_BAD_PARAM },
		{ "Content-Transfer-Encoding: x-uuencode\r\n\r\n", "text/plain{|0}", MIME_BAD_ENCODING },
		{ "Content-Transfer-Encoding:\r\n\r\n", "text/plain{|0}", 0 },
		/* RFC 2045 6.4 */
		{ "Content-Transfer-Encoding: base64\r\n" MIXED "--b\r\n\r\none\r\n--b--", "multipart/mixed[text/plain{one|0}]",
		  MIME_ENCODED_COMPOSITE },
		/* MIME works without MIME-Version, and case does not matter */
		{ "CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=B\r\n\r\n--B\r\n\r\none\r\n--B--",
		  "MULTIPART/MIXED[text/plain{one|0}]", 0 },
		{ "content-type: Message/RFC822\n\nA: b\n\nc\n", "Message/RFC822[text/plain{c\n|1}]", MIME_BARE_LF },
		{ MIXED "--b\n\none\n--b--\n", "multipart/mixed[text/plain{one|0}]", MIME_BARE_LF },
	};
	check_all(table, COUNT(table));
	check("A: b\0\r\n\r\nc", 10, "text/plain{c|0}", MIME_HAS_NUL);
}

static void test_offsets(void **state)
{
	(void)state;
	struct str message = STR("Subject: x\r\n" MIXED "pre\r\n--b\r\nA: b\r\n\r\none\r\ntwo\r\n--b\r\nContent-Type: "
	                                                "message/rfc822\r\n\r\n"
	                         "To: y\r\n\r\nz\r\n\r\n--b--\r\nepilogue\r\n");
	static const struct {
		const char *header, *body;
		uint32_t lines;
	} table[] = {
		{ "Subject: x\r\n" MIXED, NULL, 15 },
		{ "A: b\r\n\r\n", "one\r\ntwo", 1 },
		{ "Content-Type: message/rfc822\r\n\r\n", "To: y\r\n\r\nz\r\n", 3 },
		{ "To: y\r\n\r\n", "z\r\n", 1 },
	};
	struct arena arena = ARENA_INIT(0);
	struct mime_message m;
	assert_int_equal(mime_message_parse(message, &arena, &m), 0);
	assert_int_equal(m.part_count, COUNT(table));
	for (size_t i = 0; i < COUNT(table); i++) {
		const struct mime_part *p = &m.part[i];
		assert_true(str_eq(mime_part_header(&m, p), str_from_c(table[i].header)));
		assert_int_equal(p->body_at, p->header_at + p->header_n);
		assert_int_equal(p->lines, table[i].lines);
		struct str body = table[i].body ? str_from_c(table[i].body) : str_from(message, p->body_at);
		assert_true(str_eq(mime_part_body(&m, p), body));
	}
	assert_true(mime_part_is_message(&m, &m.part[0]) && mime_part_is_message(&m, &m.part[3]));
	assert_false(mime_part_is_message(&m, &m.part[1]) || mime_part_is_message(&m, &m.part[2]));
	arena_fini(&arena);
}

static void test_fields(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct mime_message m;
	/* RFC 5322 4.5.3: destinations that occur twice are one list */
	struct str message = STR("To: a@b\r\nFrom: f@g\r\nTO : c@d\r\nCc:\r\nFrom: h@i\r\n\r\n");
	assert_int_equal(mime_message_parse(message, &arena, &m), 0);
	struct mime_part *p = m.part;
	assert_true(str_eq(mime_part_addresses(&m, p, MIME_FIELD_TO, &arena), STR(" a@b, c@d")));
	assert_true(str_eq(mime_part_addresses(&m, p, MIME_FIELD_FROM, &arena), STR(" f@g")));
	assert_non_null(p->field[MIME_FIELD_CC].p);
	assert_int_equal(p->field[MIME_FIELD_CC].n, 0);
	assert_null(p->field[MIME_FIELD_BCC].p);
	assert_int_equal(p->repeated, 1u << MIME_FIELD_TO | 1u << MIME_FIELD_FROM);
	arena_fini(&arena);
}

static void add_nested(struct buf *b, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_printf(b, "Content-Type: multipart/mixed; boundary=x%d.\r\n\r\n--x%d.\r\n", i, i);
	buf_add_c(b, "\r\ninnermost\r\n");
}

static void test_limits(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct mime_message m;
	add_nested(&b, MIME_DEPTH_MAX);
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), 0);
	assert_int_equal(m.part_count, MIME_DEPTH_MAX + 1);
	assert_false(m.defects & MIME_TOO_DEEP);
	buf_reset(&b);
	add_nested(&b, MIME_DEPTH_MAX + 5);
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), 0);
	assert_int_equal(m.part_count, MIME_DEPTH_MAX + 1);
	assert_true(m.defects & MIME_TOO_DEEP);
	assert_true(str_eq(m.part[MIME_DEPTH_MAX].type.subtype, STR("octet-stream")));

	buf_reset(&b);
	for (int i = 0; i < MIME_DEPTH_MAX + 5; i++)
		buf_add_c(&b, "Content-Type: message/rfc822\r\n\r\n");
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), 0);
	assert_int_equal(m.part_count, MIME_DEPTH_MAX + 1);

	buf_reset(&b);
	buf_add_c(&b, MIXED);
	for (int i = 0; i < MIME_PARTS_MAX + 5; i++)
		buf_add_c(&b, "--b\r\n\r\nx\r\n");
	buf_add_c(&b, "--b--\r\n");
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), 0);
	assert_int_equal(m.part_count, MIME_PARTS_MAX);
	assert_int_equal(m.defects, MIME_TOO_MANY_PARTS);

	buf_reset(&b);
	for (int i = 0; i < MIME_FIELDS_MAX; i++)
		buf_add_c(&b, "A: b\r\n");
	buf_add_c(&b, "Subject: late\r\n\r\nbody");
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), 0);
	assert_int_equal(m.defects, MIME_TOO_MANY_FIELDS);
	assert_true(str_eq(mime_part_body(&m, m.part), STR("body")));
	assert_null(m.part[0].field[MIME_FIELD_SUBJECT].p);

	assert_int_equal(mime_message_parse(str_make(b.p, MIME_MESSAGE_MAX + 1), &arena, &m), ERR_TOO_BIG);
	arena_fini(&arena);
	arena_init(&arena, 100);
	assert_int_equal(mime_message_parse(buf_str(&b), &arena, &m), ERR_NO_MEMORY);
	arena_fini(&arena);
	buf_fini(&b);
}

static void test_defect_names(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(0);
	for (int i = 0; i < MIME_DEFECT_COUNT; i++)
		assert_non_null(mime_defect_name(1u << i));
	assert_null(mime_defect_name(0));
	assert_null(mime_defect_name(3));
	assert_null(mime_defect_name(1u << MIME_DEFECT_COUNT));
	assert_string_equal(mime_defect_name(MIME_CUT), "cut");
	mime_defects_format(MIME_BARE_LF | MIME_NO_END, &out);
	assert_true(str_eq(buf_str(&out), STR("bare-lf no-end")));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc),          cmocka_unit_test(test_boundaries), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_offsets),      cmocka_unit_test(test_fields),     cmocka_unit_test(test_limits),
		cmocka_unit_test(test_defect_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
