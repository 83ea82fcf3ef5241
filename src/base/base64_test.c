#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_vectors(void **state)
{
	(void)state;
	static const struct {
		struct str plain, base64, hex;
	} table[] = {
		/* RFC 4648 section 10 */
		{ STR_INIT(""), STR_INIT(""), STR_INIT("") },
		{ STR_INIT("f"), STR_INIT("Zg=="), STR_INIT("66") },
		{ STR_INIT("fo"), STR_INIT("Zm8="), STR_INIT("666f") },
		{ STR_INIT("foo"), STR_INIT("Zm9v"), STR_INIT("666f6f") },
		{ STR_INIT("foob"), STR_INIT("Zm9vYg=="), STR_INIT("666f6f62") },
		{ STR_INIT("fooba"), STR_INIT("Zm9vYmE="), STR_INIT("666f6f6261") },
		{ STR_INIT("foobar"), STR_INIT("Zm9vYmFy"), STR_INIT("666f6f626172") },
		/* section 9 */
		{ STR_INIT("\x14\xfb\x9c\x03\xd9\x7e"), STR_INIT("FPucA9l+"), STR_INIT("14fb9c03d97e") },
		{ STR_INIT("\x14\xfb\x9c\x03\xd9"), STR_INIT("FPucA9k="), STR_INIT("14fb9c03d9") },
		{ STR_INIT("\x14\xfb\x9c\x03"), STR_INIT("FPucAw=="), STR_INIT("14fb9c03") },
		/* RFC 4616 section 4 as it travels in AUTH PLAIN, and both characters that "URL safe" replaces */
		{ STR_INIT("\0tim\0tanstaaftanstaaf"), STR_INIT("AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
		  STR_INIT("0074696d0074616e737461616674616e7374616166") },
		{ STR_INIT("\xff\xff\xfe\xfb\xef"), STR_INIT("///+++8="), STR_INIT("fffffefbef") },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf b = BUF_INIT(0);
		base64_encode(&b, table[i].plain);
		assert_true(str_eq(buf_str(&b), table[i].base64));
		buf_reset(&b);
		assert_int_equal(base64_decode(&b, table[i].base64), 0);
		assert_true(str_eq(buf_str(&b), table[i].plain));
		buf_reset(&b);
		hex_encode(&b, table[i].plain);
		assert_true(str_eq(buf_str(&b), table[i].hex));
		buf_reset(&b);
		assert_int_equal(hex_decode(&b, table[i].hex), 0);
		assert_true(str_eq(buf_str(&b), table[i].plain));
		assert_false(b.failed);
		buf_fini(&b);
	}
}

static void test_whole_alphabet(void **state)
{
	(void)state;
	/* RFC 4648 table 1, in order: the digits 0..63 are 48 bytes. */
	struct str alphabet = STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	struct buf b = BUF_INIT(0);
	assert_int_equal(base64_decode(&b, alphabet), 0);
	assert_int_equal(b.n, 48);
	for (unsigned i = 0; i < 64; i++) {
		unsigned at = i * 6, high = (uint8_t)b.p[at / 8], low = at / 8 + 1 < 48 ? (uint8_t)b.p[at / 8 + 1] : 0;
		assert_int_equal((high << 8 | low) >> (10 - at % 8) & 63, i);
	}
	struct buf text = BUF_INIT(0);
	base64_encode(&text, buf_str(&b));
	assert_true(str_eq(buf_str(&text), alphabet));
	buf_fini(&text);
	buf_fini(&b);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct str table[] = {
		STR_INIT("Z"),        STR_INIT("Zg"),       STR_INIT("Zg="),      STR_INIT("="),
		STR_INIT("===="),     STR_INIT("A==="),     STR_INIT("Zg==Zg=="), STR_INIT("Zm8=Zm9v"),
		STR_INIT("Z=g="),     STR_INIT("=Zg="),     STR_INIT("Zm9v "),    STR_INIT("Zm 9v==="),
		STR_INIT("Zm9v\r\n=="), STR_INIT("Zm9-"),   STR_INIT("Zm9_"),     STR_INIT("Zm9\0"),
		STR_INIT("Zm9\xff"),  STR_INIT("\xda" "m9v"), STR_INIT("*"),      STR_INIT("Zm9vZg=x"),
		/* section 3.5: stray bits */
		STR_INIT("Zh=="),     STR_INIT("Zn=="),     STR_INIT("Zm9="),     STR_INIT("Zm+="),
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf b = BUF_INIT(0);
		buf_add_lit(&b, "before");
		assert_int_equal(base64_decode(&b, table[i]), ERR_INVALID);
		assert_true(str_eq(buf_str(&b), STR("before")));
		buf_fini(&b);
	}
	static const struct str hex[] = { STR_INIT("0"), STR_INIT("0g"), STR_INIT("g0"), STR_INIT("00 "), STR_INIT("0x00") };
	for (size_t i = 0; i < COUNT(hex); i++) {
		struct buf b = BUF_INIT(0);
		assert_int_equal(hex_decode(&b, hex[i]), ERR_INVALID);
		assert_int_equal(b.n, 0);
		buf_fini(&b);
	}
}

/* Each single wrong character at each place. */
static void test_every_byte(void **state)
{
	(void)state;
	struct str alphabet = STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	struct buf b = BUF_INIT(0);
	for (size_t at = 0; at < 8; at++) {
		for (int c = 0; c < 256; c++) {
			char text[] = "Zm9vYmFy";
			text[at] = (char)c;
			bool fine = str_chr(alphabet, (char)c) != STR_NPOS;
			/* "Zm9vYmF=" ends in the stray bits 01 */
			assert_int_equal(base64_decode(&b, str_make(text, 8)), fine ? 0 : ERR_INVALID);
		}
	}
	buf_fini(&b);
}

static void test_hex_case(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	assert_int_equal(hex_decode(&b, STR("deADBEef")), 0);
	assert_true(str_eq(buf_str(&b), STR("\xde\xad\xbe\xef")));
	buf_fini(&b);
}

static void test_ceiling(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(3);
	assert_int_equal(base64_decode(&b, STR("Zm9v")), 0);
	assert_false(b.failed);
	base64_encode(&b, STR("f"));
	assert_true(b.failed);
	assert_int_equal(b.n, 3);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),    cmocka_unit_test(test_whole_alphabet), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_hex_case),       cmocka_unit_test(test_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
