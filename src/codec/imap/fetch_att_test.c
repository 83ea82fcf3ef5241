#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/imap/fetch_att.h"

#define FAST (IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE)

static const struct {
	const char *in;
	uint32_t items;
	const char *labels;      /* all of them, each followed by ";" */
	bool sets_seen;
} good[] = {
	{ "ALL", FAST | IMAP_FETCH_ENVELOPE, "", false },
	{ "fast", FAST, "", false },
	{ "Full", FAST | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY, "", false },
	{ "FLAGS", IMAP_FETCH_FLAGS, "", false },
	{ "(FLAGS FLAGS uid)", IMAP_FETCH_FLAGS | IMAP_FETCH_UID, "", false },
	{ "(BODY BODYSTRUCTURE)", IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE, "", false },
	{ "(MODSEQ RFC822.SIZE INTERNALDATE ENVELOPE)",
	  IMAP_FETCH_MODSEQ | IMAP_FETCH_SIZE | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_ENVELOPE, "", false },
	{ "SaveDate", IMAP_FETCH_SAVEDATE, "", false },
	{ "(EMAILID threadid)", IMAP_FETCH_EMAILID | IMAP_FETCH_THREADID, "", false },
	/* RFC 8970 6. */
	{ "PREVIEW", IMAP_FETCH_PREVIEW, "", false },
	{ "preview (lazy)", IMAP_FETCH_PREVIEW, "", false },
	{ "PREVIEW (LAZY) (CHANGEDSINCE 1)", IMAP_FETCH_PREVIEW | IMAP_FETCH_MODSEQ, "", false },
	{ "PREVIEW (CHANGEDSINCE 1)", IMAP_FETCH_PREVIEW | IMAP_FETCH_MODSEQ, "", false },
	{ "(PREVIEW (LAZY LAZY) UID)", IMAP_FETCH_PREVIEW | IMAP_FETCH_UID, "", false },
	{ "(UID PREVIEW)", IMAP_FETCH_PREVIEW | IMAP_FETCH_UID, "", false },
	{ "BODY[]", 0, "BODY[];", true },
	{ "BODY.PEEK[]", 0, "BODY[];", false },
	{ "RFC822", 0, "RFC822;", true },
	{ "RFC822.HEADER", 0, "RFC822.HEADER;", false },
	{ "rfc822.text", 0, "RFC822.TEXT;", true },
	/* RFC 3501 6.4.5. */
	{ "(FLAGS BODY[HEADER.FIELDS (DATE FROM)])", IMAP_FETCH_FLAGS, "BODY[HEADER.FIELDS (DATE FROM)];", true },
	{ "body.peek[header.fields.not (\"a b\" {1}\r\nx)]", 0, "BODY[HEADER.FIELDS.NOT (\"a b\" x)];", false },
	{ "BODY[]<0.2048>", 0, "BODY[]<0>;", true },
	{ "BODY[TEXT]<100.1>", 0, "BODY[TEXT]<100>;", true },
	{ "BODY[1]", 0, "BODY[1];", true },
	{ "BODY[4.2.2.1]", 0, "BODY[4.2.2.1];", true },
	{ "BODY[4.2.HEADER]", 0, "BODY[4.2.HEADER];", true },
	{ "BODY[4.1.MIME]", 0, "BODY[4.1.MIME];", true },
	{ "BODY[4.2.TEXT]", 0, "BODY[4.2.TEXT];", true },
	{ "BODY[3.HEADER.FIELDS (Subject)]<1.2>", 0, "BODY[3.HEADER.FIELDS (Subject)]<1>;", true },
	{ "(BODY.PEEK[HEADER] BODY[TEXT] UID)", IMAP_FETCH_UID, "BODY[HEADER];BODY[TEXT];", true },
	/* RFC 3516 4.2 */
	{ "BINARY[]", 0, "BINARY[];", true },
	{ "binary.peek[1.2]", 0, "BINARY[1.2];", false },
	{ "(UID BINARY[1]<0.100> BINARY.SIZE[1])", IMAP_FETCH_UID, "BINARY[1]<0>;BINARY.SIZE[1];", true },
	{ "(BODY BINARY.SIZE[])", IMAP_FETCH_BODY, "BINARY.SIZE[];", false },
	{ "FLAGS (CHANGEDSINCE 12345)", IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ, "", false },
	{ "(FLAGS) (CHANGEDSINCE 12345 VANISHED)", IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ, "", false },
	{ "FLAGS (PARTIAL -1:-30 CHANGEDSINCE 98305)", IMAP_FETCH_FLAGS | IMAP_FETCH_MODSEQ, "", false },
	{ "(UID FLAGS) (partial 5:1)", IMAP_FETCH_FLAGS | IMAP_FETCH_UID, "", false },
	{ "UID (vanished changedsince 0)", IMAP_FETCH_UID | IMAP_FETCH_MODSEQ, "", false },
};

static const char *const bad[] = {
	"BINARY", "BINARY.SIZE", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY[1.]", "BINARY[0]", "BINARY[1", "BINARY.SIZE[1]<0.1>", "BINARY[1]<0.0>", "BINARY.PEEK",
	"", "(", "()", "FLAGS)", "(FLAGS", "(FLAGS ALL)", "(ALL)", "FLAGS UID", "(FLAGS  UID)", "FOO", "BODY[", "BODY[]<", "BODY[]<0>",
	"BODY[]<0.0>", "BODY[]<.1>", "BODY[MIME]", "BODY[0]", "BODY[1.]", "BODY[1.0]", "BODY[.1]", "BODY[1.FOO]", "BODY[1TEXT]",
	"BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (a)", "BODY[HEADER.FIELDS(a)]", "BODY[TEXT (a)]",
	"BODY[1 ]", "BODY.PEEK", "BODYSTRUCTURE[]", "RFC822.PEEK", "FLAGS (CHANGEDSINCE)", "FLAGS (CHANGEDSINCE 1", "FLAGS ()",
	"FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)", "FLAGS (VANISHED)", "FLAGS (PARTIAL)", "FLAGS (PARTIAL 1)", "FLAGS (PARTIAL 0:1)", "FLAGS (PARTIAL 1:*)", "FLAGS (PARTIAL -1:3)", "FLAGS (PARTIAL 1:-3)", "FLAGS (PARTIAL 1:2 PARTIAL 1:2)", "FLAGS (CHANGEDSINCE 1 VANISHED VANISHED)", "FLAGS (CHANGEDSINCE 1 VANISHEDX)", "FLAGS (FOO 1)", "FLAGS (CHANGEDSINCE 9223372036854775808)", "BODY[1..2]",
	"(PREVIEW (FOO))", "PREVIEW (LAZY", "PREVIEW (LAZY FOO)", "PREVIEW ()", "(PREVIEW ())", "PREVIEW(LAZY)", "EMAILID (x)",
	"BODY[TEXT]<1.99999999999999999999>", "BODY[HEADER.]", "BODY[4294967296]",
};

static bool parse(struct arena *a, const char *in, struct imap_fetch *f)
{
	struct imap_cursor c;
	imap_cursor_init(&c, str_from_c(in), a, false);
	bool ok = imap_fetch_args(&c, f);
	assert_int_equal(ok, c.error == NULL);
	return ok;
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_fetch f;
		struct buf labels = BUF_INIT(0);
		if (!parse(&a, good[i].in, &f))
			fail_msg("refused: %s", good[i].in);
		for (size_t k = 0; k < f.section_count; k++)
			buf_printf(&labels, "%.*s;", STR_ARG(f.section[k].label));
		if (f.items != good[i].items || f.sets_seen != good[i].sets_seen || !str_eq(buf_str(&labels), str_from_c(good[i].labels)))
			fail_msg("%s: items %x, seen %d, labels %.*s", good[i].in, f.items, f.sets_seen, STR_ARG(buf_str(&labels)));
		buf_fini(&labels);
		arena_fini(&a);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_fetch f;
		if (parse(&a, bad[i], &f))
			fail_msg("accepted: %s", bad[i]);
		arena_fini(&a);
	}
}

static void test_section(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_fetch f;
	assert_true(parse(&a, "BODY[4.20.HEADER.FIELDS.NOT (Date X-Y)]<7.8> (CHANGEDSINCE 0)", &f));
	const struct imap_section *s = f.section;
	assert_int_equal(s->kind, IMAP_SECTION_FIELDS_NOT);
	assert_true(s->path_count == 2 && s->path[0] == 4 && s->path[1] == 20);
	assert_true(s->field_count == 2 && str_eq(s->field[1], STR("X-Y")));
	assert_true(s->partial && s->offset == 7 && s->count == 8);
	assert_true(f.has_changed_since && f.changed_since == 0);
	arena_fini(&a);
}

static void test_section_text(void **state)
{
	(void)state;
	static const struct { const char *in; bool ok; } table[] = {
		{ "HEADER", true }, { "1.2.MIME", true }, { "TEXT", true }, { "1", true }, { "HEADER.FIELDS (Date)", true }, { "", true },
		{ "MIME", false }, { "1.", false }, { "1]", false }, { "x", false }, { "HEADER.FIELDS", false }, { "TEXT<0.1>", false },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_section s;
		imap_cursor_init(&c, str_from_c(table[i].in), &a, false);
		if (imap_section_text(&c, &s) != table[i].ok)
			fail_msg("%s", table[i].in);
		arena_fini(&a);
	}
}

/* RFC 3501 6.4.5: what the old names mean. */
static void test_old_names(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_fetch f;
	assert_true(parse(&a, "(RFC822 RFC822.HEADER RFC822.TEXT)", &f));
	assert_int_equal(f.section[0].kind, IMAP_SECTION_ALL);
	assert_int_equal(f.section[1].kind, IMAP_SECTION_HEADER);
	assert_int_equal(f.section[2].kind, IMAP_SECTION_TEXT);
	arena_fini(&a);
}

static bool parse_repeated(const char *before, const char *repeated, unsigned times, const char *after)
{
	struct buf b = BUF_INIT(0);
	struct arena a = ARENA_INIT(0);
	struct imap_fetch f;
	buf_add_c(&b, before);
	for (unsigned i = 0; i < times; i++)
		buf_add_c(&b, repeated);
	buf_add_c(&b, after);
	buf_add_char(&b, '\0');
	bool ok = parse(&a, b.p, &f);
	arena_fini(&a);
	buf_fini(&b);
	return ok;
}

static void test_limits(void **state)
{
	(void)state;
	assert_true(parse_repeated("(UID", " BODY[1]", IMAP_FETCH_SECTIONS_MAX, ")"));
	assert_false(parse_repeated("(UID", " BODY[1]", IMAP_FETCH_SECTIONS_MAX + 1, ")"));
	assert_true(parse_repeated("BODY[1", ".1", IMAP_SECTION_PATH_MAX - 1, "]"));
	assert_false(parse_repeated("BODY[1", ".1", IMAP_SECTION_PATH_MAX, "]"));
	assert_true(parse_repeated("BODY[HEADER.FIELDS (a", " a", IMAP_SECTION_FIELDS_MAX - 1, ")]"));
	assert_false(parse_repeated("BODY[HEADER.FIELDS (a", " a", IMAP_SECTION_FIELDS_MAX, ")]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_section), cmocka_unit_test(test_section_text),
		cmocka_unit_test(test_old_names), cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
