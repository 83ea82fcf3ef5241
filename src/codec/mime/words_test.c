/* RFC 2047 section 8 and RFC 2231 section 5. */
#include "codec/mime/words.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct expectation {
	const char *raw, *utf8;
};

static void check_all(const struct expectation *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf out = BUF_INIT(0);
		mime_words_decode(str_from_c(table[i].raw), &out);
		buf_add_char(&out, '\0');
		assert_string_equal(out.p, table[i].utf8);
		buf_fini(&out);
	}
}
#define CHECK_ALL(table) check_all(table, sizeof(table) / sizeof((table)[0]))

static void test_rfc2047(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "=?US-ASCII?Q?Keith_Moore?=", "Keith Moore" },
		{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld J\xc3\xb8rn Simonsen" },
		{ "=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard" },
		{ " =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
		  "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
		  "If you can read this you understand the example." },
		{ "=?ISO-8859-1?Q?Olle_J=E4rnefors?=", "Olle J\xc3\xa4rnefors" },
		{ "=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=", "Patrik F\xc3\xa4ltstr\xc3\xb6m" },
		{ "Time for ISO 10646?", "Time for ISO 10646?" },
		/* Hebrew, as its letters stand in the bytes */
		{ "(=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=)", "(\xd7\x9d\xd7\x95\xd7\x9c\xd7\xa9 \xd7\x9f\xd7\x91 "
		                                             "\xd7\x99\xd7\x9c\xd7\x98\xd7\xa4\xd7\xa0)" },
		{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
		{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
		{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
		{ "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)" },
		{ "(=?ISO-8859-1?Q?a?=\r\n       =?ISO-8859-1?Q?b?=)", "(ab)" },
		{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
		{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
		/* RFC 2231 5 */
		{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
	};
	CHECK_ALL(table);
}

static void test_joining(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "", "" },
		/* a character split over two words, against RFC 2047 5 but common */
		{ "=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "caf\xc3\xa9" },
		{ "=?UTF-8?B?4oI=?= =?utf-8?Q?=AC?= x", "\xe2\x82\xac x" },
		/* every word of ISO-2022-JP begins in ASCII: "nihon go" */
		{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCOGwbKEI=?=", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		/* blanks before and after other text stay */
		{ "a  =?utf-8?q?b?=  c", "a  b  c" },
		{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c" },
		{ "Re:=?utf-8?q?a?=b", "Re:ab" },
		{ "=?utf-8?q?\?=", "" },
		{ "=?utf-8?q?x_?= =?utf-8?q?_y?=", "x  y" },
		{ "=?utf-8?Q?=5F=3F=3D?=", "_?=" },
		{ "fold\r\n\ted  text", "fold\ted  text" },
	};
	CHECK_ALL(table);
}

static void test_bad(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "=?", "=?" },
		{ "=?utf-8?q?unfinished", "=?utf-8?q?unfinished" },
		{ "=?utf-8?q?unfinished?", "=?utf-8?q?unfinished?" },
		{ "=?utf-8?x?text?=", "=?utf-8?x?text?=" },
		{ "=??q?text?=", "=??q?text?=" },
		{ "=?utf-8?q?two words?=", "=?utf-8?q?two words?=" },
		{ "=?utf-8?q?=4?= ok", "=?utf-8?q?=4?= ok" },
		{ "=?utf-8?q?=zz?=", "=?utf-8?q?=zz?=" },
		{ "=?utf-8?b?a*b?=", "=?utf-8?b?a*b?=" },
		{ "=?no-such-charset?q?a?=", "=?no-such-charset?q?a?=" },
		{ "=?no-such?q?a?= =?no-such?q?b?= =?utf-8?q?c?=", "=?no-such?q?a?= =?no-such?q?b?=c" },
		{ "=?../../x?q?a?=", "=?../../x?q?a?=" },
		{ "=?x?=?utf-8?q?a?=", "=?x?a" },
		/* what was decoded cannot start a new header line, nor end a string */
		{ "=?utf-8?q?a=0D=0AB:=00c?=", "a  B: c" },
		{ "=?utf-8?q?=FF?=", "\xef\xbf\xbd" },
		/* bytes without encoding: UTF-8, else windows-1252 */
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "caf\xe9 \x80", "caf\xc3\xa9 \xe2\x82\xac" },
		{ "caf\xe9 =?utf-8?q?=C3=A9?=", "caf\xc3\xa9 \xc3\xa9" },
	};
	CHECK_ALL(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc2047),
		cmocka_unit_test(test_joining),
		cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
