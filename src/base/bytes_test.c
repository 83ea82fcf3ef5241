#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_reads(void **state)
{
	(void)state;
	struct cursor c = cursor_make(STR("\xfe\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01\xe5\x8e\x26" "abcd"));
	assert_int_equal(cursor_left(&c), 20);
	assert_int_equal(cursor_u8(&c), 0xfe);
	assert_int_equal(cursor_le32(&c), 0x01020304);
	assert_int_equal(cursor_le64(&c), UINT64_C(0x0102030405060708));
	assert_int_equal(cursor_varint(&c), 624485);
	assert_true(str_eq(cursor_bytes(&c, 3), STR("abc")));
	assert_true(str_eq(cursor_bytes(&c, 0), STR("")));
	assert_int_equal(cursor_left(&c), 1);
	assert_false(c.bad);
}

static void test_bad_is_sticky(void **state)
{
	(void)state;
	struct cursor c = cursor_make(STR("\x01\x02\x03"));
	assert_int_equal(cursor_le32(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_varint(&c), 0);
	struct str none = cursor_bytes(&c, 1);
	assert_int_equal(none.n, 0);
	none = cursor_bytes(&c, 0);
	assert_int_equal(none.n, 0);
	assert_true(c.bad);

	c = cursor_make(STR("abc"));
	none = cursor_bytes(&c, SIZE_MAX);
	assert_int_equal(none.n, 0);
	assert_true(c.bad);
	c = cursor_make(STR("1234567"));
	assert_int_equal(cursor_le64(&c), 0);
	assert_true(c.bad);
}

static void test_empty(void **state)
{
	(void)state;
	struct cursor c = cursor_make(STR_NONE);
	assert_int_equal(cursor_left(&c), 0);
	struct str none = cursor_bytes(&c, 0);
	assert_int_equal(none.n, 0);
	assert_false(c.bad);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);
}

static void test_varint(void **state)
{
	(void)state;
	static const struct {
		struct str bytes;
		bool bad;
		uint64_t v;
	} table[] = {
		{ STR_INIT("\x00"), false, 0 },
		{ STR_INIT("\x7f"), false, 127 },
		{ STR_INIT("\x80\x01"), false, 128 },
		{ STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, UINT64_MAX },
		{ STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), true, 0 },      /* bit 64 */
		{ STR_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), true, 0 },  /* 11 bytes */
		{ STR_INIT("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x00"), true, 0 },
		{ STR_INIT("\x80"), true, 0 },
		{ STR_INIT(""), true, 0 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct cursor c = cursor_make(table[i].bytes);
		assert_int_equal(cursor_varint(&c), table[i].v);
		assert_int_equal(c.bad, table[i].bad);
		if (!c.bad)
			assert_int_equal(cursor_left(&c), 0);
	}
}

static void test_loads(void **state)
{
	(void)state;
	uint8_t bytes[9] = { 0xaa, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87 }, out[9];
	assert_int_equal(load_le32(bytes + 1), 0x83828180);
	assert_int_equal(load_be32(bytes + 1), 0x80818283);
	assert_int_equal(load_le64(bytes + 1), UINT64_C(0x8786858483828180));
	assert_int_equal(load_be64(bytes + 1), UINT64_C(0x8081828384858687));
	out[0] = 0xaa;
	store_le64(out + 1, load_le64(bytes + 1));
	assert_memory_equal(out, bytes, sizeof(bytes));
	store_be64(out + 1, load_be64(bytes + 1));
	assert_memory_equal(out, bytes, sizeof(bytes));
	store_be32(out + 1, 0x80818283);
	store_le32(out + 5, 0x87868584);
	assert_memory_equal(out, bytes, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),  cmocka_unit_test(test_bad_is_sticky), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_varint), cmocka_unit_test(test_loads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
