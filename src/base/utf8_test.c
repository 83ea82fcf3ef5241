#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_validity(void **state)
{
	(void)state;
	static const struct {
		struct str s;
		bool valid;
	} table[] = {
		{ { NULL, 0 }, true },
		{ STR_INIT("plain ASCII, longer than one word \0\x7f"), true },
		/* RFC 3629 section 7 */
		{ STR_INIT("\x41\xe2\x89\xa2\xce\x91\x2e"), true },
		{ STR_INIT("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"), true },
		{ STR_INIT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), true },
		{ STR_INIT("\xef\xbb\xbf\xf0\xa3\x8e\xb4"), true },
		/* first and last of each length (section 4) */
		{ STR_INIT("\xc2\x80"), true },
		{ STR_INIT("\xdf\xbf"), true },
		{ STR_INIT("\xe0\xa0\x80"), true },
		{ STR_INIT("\xef\xbf\xbf"), true },
		{ STR_INIT("\xf0\x90\x80\x80"), true },
		{ STR_INIT("\xf4\x8f\xbf\xbf"), true },
		/* around the surrogates */
		{ STR_INIT("\xed\x9f\xbf"), true },
		{ STR_INIT("\xed\xa0\x80"), false },
		{ STR_INIT("\xed\xbf\xbf"), false },
		{ STR_INIT("\xee\x80\x80"), true },
		{ STR_INIT("\xed\xa1\x8c\xed\xbe\xb4"), false },        /* CESU-8 */
		/* over U+10FFFF */
		{ STR_INIT("\xf4\x90\x80\x80"), false },
		{ STR_INIT("\xf5\x80\x80\x80"), false },
		{ STR_INIT("\xf8\x88\x80\x80\x80"), false },
		{ STR_INIT("\xfe"), false },
		{ STR_INIT("\xff"), false },
		/* overlong; C0 80 is the example of section 10 */
		{ STR_INIT("\xc0\x80"), false },
		{ STR_INIT("\xc1\xbf"), false },
		{ STR_INIT("\xe0\x9f\xbf"), false },
		{ STR_INIT("\xf0\x8f\xbf\xbf"), false },
		{ STR_INIT("\x2f\xc0\xae\x2e\x2f"), false },
		/* cut off, alone, interrupted */
		{ STR_INIT("\xc3"), false },
		{ STR_INIT("\xe2\x82"), false },
		{ STR_INIT("\xf0\x9f\x98"), false },
		{ STR_INIT("\x80"), false },
		{ STR_INIT("\xc3\x28"), false },
		{ STR_INIT("\xe2\x28\xa1"), false },
		{ STR_INIT("\xf0\x9f\x28\x80"), false },
		{ STR_INIT("\xf0\x9f\x98\xc0"), false },
		{ STR_INIT("0123456789abcdef\x80"), false },
		{ STR_INIT("0123456\xc3\xa4" "89abcde\xc3"), false },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(utf8_is_valid(table[i].s), table[i].valid);
}

/* Every code point there and back; exactly the scalar values survive. */
static void test_every_codepoint(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	for (uint32_t c = 0; c <= 0x110010; c++) {
		buf_reset(&b);
		utf8_add(&b, c);
		bool scalar = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		size_t length = !scalar ? 3 : c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		assert_int_equal(b.n, length);
		assert_true(utf8_is_valid(buf_str(&b)));
		assert_int_equal(utf8_is_ascii(buf_str(&b)), c < 0x80);
		size_t pos = 0;
		assert_int_equal(utf8_next(buf_str(&b), &pos), scalar ? c : 0xfffd);
		assert_int_equal(pos, length);
	}
	buf_fini(&b);
}

/* All 3-byte inputs over the interesting bytes: utf8_next and utf8_is_valid agree. */
static void test_next_agrees(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf,
	                                 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
	for (size_t i = 0; i < COUNT(bytes) * COUNT(bytes) * COUNT(bytes); i++) {
		uint8_t text[3] = { bytes[i % COUNT(bytes)], bytes[i / COUNT(bytes) % COUNT(bytes)],
		                    bytes[i / COUNT(bytes) / COUNT(bytes)] };
		struct str s = str_make(text, 3);
		bool clean = true;
		for (size_t pos = 0, before = 0; pos < 3; before = pos) {
			uint32_t c = utf8_next(s, &pos);
			assert_true(pos > before && pos <= 3);
			if (c == 0xfffd && !(text[before] == 0xef && pos - before == 3)) {
				clean = false;
				assert_int_equal(pos - before, 1);
			}
		}
		assert_int_equal(utf8_is_valid(s), clean);
	}
}

static void test_next(void **state)
{
	(void)state;
	struct str s = STR("A\xe2\x89\xa2\xff\xf0\xa3\x8e\xb4\xe2\x82");
	static const struct {
		uint32_t c;
		size_t pos;
	} table[] = { { 'A', 1 }, { 0x2262, 4 }, { 0xfffd, 5 }, { 0x233b4, 9 }, { 0xfffd, 10 }, { 0xfffd, 11 } };
	size_t pos = 0;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_int_equal(utf8_next(s, &pos), table[i].c);
		assert_int_equal(pos, table[i].pos);
	}
}

static void test_is_ascii(void **state)
{
	(void)state;
	char text[40];
	memset(text, 0x7f, sizeof(text));
	assert_true(utf8_is_ascii(STR_NONE));
	for (size_t n = 0; n <= sizeof(text); n++) {
		assert_true(utf8_is_ascii(str_make(text, n)));
		for (size_t at = 0; at < n; at++) {
			text[at] = '\x80';
			assert_false(utf8_is_ascii(str_make(text, n)));
			text[at] = 0x7f;
		}
	}
}

static void test_clip(void **state)
{
	(void)state;
	static const struct {
		struct str s;
		size_t max, n;
	} table[] = {
		{ STR_INIT("abc"), 10, 3 },
		{ STR_INIT("abc"), 2, 2 },
		{ STR_INIT("a\xc3\xa4z"), 3, 3 },
		{ STR_INIT("a\xc3\xa4z"), 2, 1 },
		{ STR_INIT("\xf0\x9f\x98\x80"), 3, 0 },
		{ STR_INIT("\xf0\x9f\x98\x80"), 4, 4 },
		{ STR_INIT("ab\xff" "cd"), 5, 2 },
		{ { NULL, 0 }, 5, 0 },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(utf8_clip(table[i].s, table[i].max).n, table[i].n);
}

static void test_add_at_the_ceiling(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(3);
	utf8_add(&b, 0x20ac);        /* fits exactly */
	assert_false(b.failed);
	assert_true(str_eq(buf_str(&b), STR("\xe2\x82\xac")));
	utf8_add(&b, 'x');
	assert_true(b.failed);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validity),    cmocka_unit_test(test_every_codepoint),
		cmocka_unit_test(test_next_agrees), cmocka_unit_test(test_next),
		cmocka_unit_test(test_is_ascii),    cmocka_unit_test(test_clip),
		cmocka_unit_test(test_add_at_the_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
