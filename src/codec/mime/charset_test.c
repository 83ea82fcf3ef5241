#include "codec/mime/charset.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/utf8.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *charset;
	struct str bytes;
	const char *utf8;
} table[] = {
	{ "utf-8", STR_INIT("caf\xc3\xa9"), "caf\xc3\xa9" },
	{ "UTF8", STR_INIT("a\xff\xc3"), "a\xef\xbf\xbd\xef\xbf\xbd" },
	{ "us-ascii", STR_INIT("plain"), "plain" },
	{ "us-ascii", STR_INIT("caf\xc3\xa9"), "caf\xc3\xa9" },
	{ "us-ascii", STR_INIT("caf\xe9"), "caf\xc3\xa9" },
	{ "", STR_INIT("caf\xe9"), "caf\xc3\xa9" },
	{ "ISO-8859-1", STR_INIT("\xa9 \x93x\x94"), "\xc2\xa9 \xe2\x80\x9cx\xe2\x80\x9d" },
	{ "iso-8859-2",
	  STR_INIT("\xb3\xf3"
	           "d\xbc"),
	  "\xc5\x82\xc3\xb3"
	  "d\xc5\xba" },
	{ "iso-8859-15", STR_INIT("\xa4"), "\xe2\x82\xac" },
	{ "windows-1251", STR_INIT("\xcf\xf0\xe8\xe2\xe5\xf2"), "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
	{ "koi8-r", STR_INIT("\xf0\xd2\xc9"), "\xd0\x9f\xd1\x80\xd0\xb8" },
	{ "iso-2022-jp", STR_INIT("\x1b$BF|K\\\x1b(B."), "\xe6\x97\xa5\xe6\x9c\xac." },
	{ "shift_jis", STR_INIT("\x93\xfa\x96\x7b"), "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "euc-kr", STR_INIT("\xc7\xd1"), "\xed\x95\x9c" },
	{ "gb2312", STR_INIT("\xd6\xd0"), "\xe4\xb8\xad" },
	{ "big5", STR_INIT("\xa4\xa4"), "\xe4\xb8\xad" },
	{ "utf-16be", STR_INIT("\x20\xac"), "\xe2\x82\xac" },
	{ "utf-16le", STR_INIT("\xac\x20"), "\xe2\x82\xac" },
	{ "utf-7", STR_INIT("+IKw-"), "\xe2\x82\xac" },
	{ "koi8-r", STR_INIT(""), "" },
};

static void test_known(void **state)
{
	(void)state;
	struct mime_charset kept = MIME_CHARSET_INIT;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < COUNT(table); i++) {
			struct buf out = BUF_INIT(0);
			assert_int_equal(mime_charset_to_utf8(&kept, str_from_c(table[i].charset), table[i].bytes, &out), 0);
			assert_int_equal(mime_charset_convert(str_from_c(table[i].charset), table[i].bytes, &out), 0);
			struct str utf8 = str_from_c(table[i].utf8), both = buf_str(&out);
			if (both.n != 2 * utf8.n || !str_starts(both, utf8) || !str_ends(both, utf8))
				fail_msg("%s: %.*s", table[i].charset, STR_ARG(buf_str(&out)));
			buf_fini(&out);
		}
	mime_charset_fini(&kept);
}

static void test_unknown(void **state)
{
	(void)state;
	static const char *const names[] = { "no-such-charset",  "x-unknown",
		                                 "unknown-8bit",     "../../etc/passwd",
		                                 "utf-16,version=1", "a name that is much longer than any charset",
		                                 "\xc3\xa9" };
	for (size_t i = 0; i < COUNT(names); i++) {
		struct buf out = BUF_INIT(0);
		assert_int_equal(mime_charset_convert(str_from_c(names[i]), STR("x"), &out), ERR_UNSUPPORTED);
		assert_int_equal(out.n, 0);
		buf_fini(&out);
	}
}

static void test_long(void **state)
{
	(void)state;
	/* over all internal pieces, and with every byte */
	static const char *const names[] = { "windows-1252", "koi8-r", "shift_jis", "iso-2022-jp",
		                                 "utf-7",        "utf-8",  "gb18030",   "us-ascii" };
	struct buf in = BUF_INIT(0);
	for (int i = 0; i < 100000; i++)
		buf_add_char(&in, (char)(i * 7 + i / 256));
	for (size_t i = 0; i < COUNT(names); i++) {
		struct buf out = BUF_INIT(0);
		assert_int_equal(mime_charset_convert(str_from_c(names[i]), buf_str(&in), &out), 0);
		assert_true(utf8_is_valid(buf_str(&out)));
		assert_true(out.n > 1000);
		buf_fini(&out);
	}
	struct buf tight = BUF_INIT(1000);
	assert_int_equal(mime_charset_convert(STR("koi8-r"), buf_str(&in), &tight), 0);
	assert_true(tight.failed);
	buf_fini(&tight);
	buf_fini(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
