/* RFC 2045 6.7 and 6.8; whatever is encoded comes out of the decoder again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/mime/address.h"
#include "codec/mime/encode.h"
#include "codec/mime/transfer.h"
#include "codec/mime/words.h"

static void check_lines(struct str s)
{
	struct str line;

	while (s.n) {
		str_cut(s, '\n', &line, &s);
		if (str_ends(line, STR("\r")))
			line.n--;
		assert_true(line.n <= 76);
		assert_false(str_ends(line, STR(" ")) || str_ends(line, STR("\t")));
	}
}

static void test_quoted_printable(void **state)
{
	(void)state;
	static const struct { struct str in; const char *out; } cases[] = {
		{ STR_INIT("plain\r\n"), "plain\r\n" },
		{ STR_INIT("plain"), "plain" },
		{ STR_INIT("a=b\r\n"), "a=3Db\r\n" },
		{ STR_INIT("gr\303\274n"), "gr=C3=BCn" },
		{ STR_INIT("end \r\nend\t\r\n"), "end=20\r\nend=09\r\n" },
		{ STR_INIT("in side\tit"), "in side\tit" },
		{ STR_INIT("end "), "end=20" },
		{ STR_INIT("a\rb\nc"), "a=0Db=0Ac" },
		{ STR_INIT("a\0b\x7f"), "a=00b=7F" },
		{ STR_INIT("\r\n\r\n"), "\r\n\r\n" },
		{ STR_INIT("\r"), "=0D" },
		/* 76 fit, 77 do not; the break counts */
		{ STR_INIT("0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n"),
		  "0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n" },
		{ STR_INIT("01234567890123456789012345678901234567890123456789012345678901234567890123456"),
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n56" },
		{ STR_INIT("0123456789012345678901234567890123456789012345678901234567890123456789012\303"),
		  "0123456789012345678901234567890123456789012345678901234567890123456789012=C3" },
		{ STR_INIT("0123456789012345678901234567890123456789012345678901234567890123456789012\303x"),
		  "0123456789012345678901234567890123456789012345678901234567890123456789012=\r\n=C3x" },
		/* no boundary by accident */
		{ STR_INIT("012345678901234567890123456789012345678901234567890123456789012345678901234--x"),
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n=2D-x" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = BUF_INIT(0), back = BUF_INIT(0);
		mime_encode_quoted_printable(cases[i].in, &out);
		if (!str_eq(buf_str(&out), str_from_c(cases[i].out)))
			fail_msg("case %zu: '%.*s'", i, STR_ARG(buf_str(&out)));
		check_lines(buf_str(&out));
		assert_true(mime_transfer_decode(MIME_QUOTED_PRINTABLE, buf_str(&out), &back));
		assert_true(str_eq(buf_str(&back), cases[i].in));
		buf_fini(&out);
		buf_fini(&back);
	}
}

static void test_base64(void **state)
{
	(void)state;
	char in[300];

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 7);
	for (size_t n = 0; n <= sizeof in; n++) {
		struct buf out = BUF_INIT(0), back = BUF_INIT(0);
		mime_encode_base64(str_make(in, n), &out);
		check_lines(buf_str(&out));
		assert_false(str_ends(buf_str(&out), STR("\n")));
		assert_true(mime_transfer_decode(MIME_BASE64, buf_str(&out), &back));
		assert_true(str_eq(buf_str(&back), str_make(in, n)));
		buf_fini(&out);
		buf_fini(&back);
	}
}

static void test_phrase(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } t[] = {
		{ "Joe Doe", "Joe Doe" }, { "Doe, Joe", "\"Doe, Joe\"" }, { "a\"b\\c.", "\"a\\\"b\\\\c.\"" }, { "", "\"\"" },
		{ "x\r\nBcc: y", "\"x  Bcc: y\"" }, { "\xd0\xaf", "=?UTF-8?B?0K8=?=" }, { "\xff", "=?UTF-8?B?77+9?=" },
		{ "=?us-ascii?q?x?=", "=?UTF-8?B?PT91cy1hc2NpaT9xP3g/PQ==?=" },
	};
	struct buf b = BUF_INIT(0), long_name = BUF_INIT(0), field = BUF_INIT(0), back = BUF_INIT(0);

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_reset(&b);
		mime_encode_phrase(str_from_c(t[i].in), &b);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].out)));
	}
	for (size_t n = 0; n < 100; n++) {
		buf_add_lit(&long_name, "\xd1\x8f.");
		buf_reset(&b);
		mime_encode_phrase(buf_str(&long_name), &b);
		check_lines(buf_str(&b));
		buf_reset(&field);
		buf_reset(&back);
		buf_add_str(&field, buf_str(&b));
		buf_add_lit(&field, " <a@example.org>");
		struct arena a = ARENA_INIT(0);
		struct mime_address *v;
		size_t count;
		assert_int_equal(mime_addresses_parse(buf_str(&field), &a, &v, &count, NULL), 0);
		assert_true(count == 1 && str_eq(v->local, STR("a")) && str_eq(v->domain, STR("example.org")));
		mime_words_decode(v->name, &back);
		assert_true(str_eq(buf_str(&back), buf_str(&long_name)));
		arena_fini(&a);
	}
	buf_fini(&b);
	buf_fini(&long_name);
	buf_fini(&field);
	buf_fini(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_quoted_printable), cmocka_unit_test(test_base64), cmocka_unit_test(test_phrase) };
	return cmocka_run_group_tests_name("mime/encode", tests, NULL, NULL);
}
