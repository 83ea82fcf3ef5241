/* RFC 5322 2.2, 4.5; RFC 9051 6.4.5.1 HEADER.FIELDS. */
#include "codec/mime/header.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_walk(void **state)
{
	(void)state;
	static const struct {
		struct str header;
		const char *fields; /* {name|body} */
		size_t after;
		unsigned stray;
		bool blank;
	} table[] = {
		{ STR_INIT(""), "", 0, 0, false },
		{ STR_INIT("\r\n"), "", 2, 0, true },
		{ STR_INIT("\n"), "", 1, 0, true },
		{ STR_INIT("A: b\r\nC:d\r\n\r\nbody: x\r\n"), "{A| b}{C|d}", 13, 0, true },
		{ STR_INIT("A: b\nC:d\n\nbody"), "{A| b}{C|d}", 10, 0, true },
		{ STR_INIT("A: b\r\n c\r\n\td\r\nE: f\r\n"), "{A| b\r\n c\r\n\td}{E| f}", 20, 0, false },
		/* a line of blanks only goes on, RFC 5322 4.2 */
		{ STR_INIT("A: b\r\n \r\n c\r\n\r\n"), "{A| b\r\n \r\n c}", 15, 0, true },
		{ STR_INIT("A \t: b\r\n\r\n"), "{A| b}", 10, 0, true },
		{ STR_INIT("A:\r\n\r\n"), "{A|}", 6, 0, true },
		{ STR_INIT("A: last"), "{A| last}", 7, 0, false },
		{ STR_INIT("A: b\r\nno field here\r\n\r\n"), "{A| b}", 6, 0, false },
		{ STR_INIT("no field\r\n"), "", 0, 0, false },
		{ STR_INIT("caf\xc3\xa9: x\r\n"), "", 0, 0, false },
		{ STR_INIT("two words: x\r\n"), "", 0, 0, false },
		{ STR_INIT("From a@b Mon Nov 23 18:54:32 2026\r\nA: b\r\n\r\n"), "{A| b}", 43, 1, true },
		{ STR_INIT(">From a@b Mon Nov 23 18:54:32 2026\r\nA: b\r\n\r\n"), "{A| b}", 44, 1, true },
		{ STR_INIT("A: b\r\nFrom a\r\n"), "{A| b}", 6, 0, false },
		{ STR_INIT(" lost\r\nA: b\r\n: nameless\r\nC: d\r\n\r\n"), "{A| b}{C| d}", 33, 2, true },
		{ STR_INIT("A: b\0c\r\n\r\n"), "{A| b\0c}", 10, 0, true },
		{ STR_INIT("A: b\rC: d\r\n\r\n"), "{A| b\rC: d}", 13, 0, true },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct mime_header_walk w = mime_header_walk(table[i].header);
		struct mime_header_field f;
		struct buf got = BUF_INIT(0);
		while (mime_header_next(&w, &f)) {
			buf_add_char(&got, '{');
			buf_add_str(&got, f.name);
			buf_add_char(&got, '|');
			buf_add_str(&got, f.body);
			buf_add_char(&got, '}');
			assert_ptr_equal(f.raw.p, table[i].header.p + f.at);
		}
		/* a NUL ends what is written here, not what was got */
		if (!str_starts(buf_str(&got), str_from_c(table[i].fields)))
			fail_msg("%zu: %.*s", i, STR_ARG(buf_str(&got)));
		assert_int_equal(w.at, table[i].after);
		assert_int_equal(w.stray, table[i].stray);
		assert_true(w.blank == table[i].blank);
		assert_false(mime_header_next(&w, &f));
		buf_fini(&got);
	}
}

static void test_find(void **state)
{
	(void)state;
	struct str header = STR("Subject: one\r\nsubject: two\r\n\r\nX-Body: no\r\n"), body;
	assert_true(mime_header_find(header, STR("SUBJECT"), &body));
	assert_true(str_eq(body, STR(" one")));
	assert_false(mime_header_find(header, STR("Subj"), &body));
	assert_false(mime_header_find(header, STR("X-Body"), &body));
}

static void test_unfold(void **state)
{
	(void)state;
	static const struct {
		struct str folded, unfolded;
	} table[] = {
		{ STR_INIT(" This is a test"), STR_INIT("This is a test") },
		/* RFC 5322 2.2.3 */
		{ STR_INIT(" This\r\n is a test"), STR_INIT("This is a test") },
		{ STR_INIT("a\r\n\t b\n c"), STR_INIT("a\t b c") },
		{ STR_INIT(" \r\n  a \r\n "), STR_INIT("a") },
		{ STR_INIT("a\r\n \r\n b"), STR_INIT("a  b") },
		{ STR_INIT("a\0b\rc"), STR_INIT("a b c") },
		{ STR_INIT("a\r\nb"), STR_INIT("a  b") },
		{ STR_INIT("a\r\r\n b"), STR_INIT("a  b") },
		{ STR_INIT(""), STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf out = BUF_INIT(0);
		mime_header_unfold(table[i].folded, &out);
		if (!str_eq(buf_str(&out), table[i].unfolded))
			fail_msg("%zu: %.*s", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
	assert_true(mime_header_is_plain(STR(" a b \r\n")));
	assert_false(mime_header_is_plain(STR("a\r\n b")));
	assert_false(mime_header_is_plain(STR("a\0b")));
}

static void test_select(void **state)
{
	(void)state;
	struct str header = STR("From: a\r\nTo: b,\r\n c\r\nSUBJECT : d\r\nto: e\r\n\r\n");
	struct str names[] = { STR("to"), STR("Subject") };
	static const struct {
		size_t count;
		bool except;
		const char *text;
	} table[] = {
		{ 2, false, "To: b,\r\n c\r\nSUBJECT : d\r\nto: e\r\n\r\n" },
		{ 2, true, "From: a\r\n\r\n" },
		{ 1, false, "To: b,\r\n c\r\nto: e\r\n\r\n" },
		{ 1, true, "From: a\r\nSUBJECT : d\r\n\r\n" },
		{ 0, false, "\r\n" },
		{ 0, true, "From: a\r\nTo: b,\r\n c\r\nSUBJECT : d\r\nto: e\r\n\r\n" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf out = BUF_INIT(0);
		mime_header_select(header, names, table[i].count, table[i].except, &out);
		if (!str_eq(buf_str(&out), str_from_c(table[i].text)))
			fail_msg("%zu: %.*s", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
	/* RFC 9051 6.4.5.1: no blank line when the message has no body and no blank line */
	struct buf out = BUF_INIT(0);
	mime_header_select(STR("A: b\r\nTo: x\r\n"), names, 1, false, &out);
	assert_true(str_eq(buf_str(&out), STR("To: x\r\n")));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unfold),
		cmocka_unit_test(test_select),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
