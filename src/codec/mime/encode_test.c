/* RFC 2045 6.7 and 6.8; whatever is encoded comes out of the decoder again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/mime/encode.h"
#include "codec/mime/transfer.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_quoted_printable), cmocka_unit_test(test_base64) };
	return cmocka_run_group_tests_name("mime/encode", tests, NULL, NULL);
}
