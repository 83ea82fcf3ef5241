#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void assert_buf(const struct buf *b, struct str expected)
{
	assert_false(b->failed);
	assert_true(str_eq(buf_str(b), expected));
}

static void test_add(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	assert_buf(&b, STR(""));
	buf_add(&b, NULL, 0);
	buf_add_str(&b, STR_NONE);
	buf_add_c(&b, NULL);
	assert_buf(&b, STR(""));
	buf_add(&b, "a\0b", 3);
	buf_add_char(&b, '\xff');
	buf_add_str(&b, STR("cd"));
	buf_add_c(&b, "ef");
	buf_add_lit(&b, "gh");
	buf_add_u64(&b, 0);
	buf_add_u64(&b, UINT64_MAX);
	buf_printf(&b, "<%d %s>", -7, "x");
	assert_buf(&b, STR("a\0b\xff" "cdefgh018446744073709551615<-7 x>"));
	buf_reset(&b);
	assert_buf(&b, STR(""));
	buf_fini(&b);
	buf_add_lit(&b, "again");
	assert_buf(&b, STR("again"));
	buf_fini(&b);
	assert_null(b.p);
}

static void test_growth_keeps_content(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	for (uint32_t i = 0; i < 100000; i++)
		buf_add_char(&b, (char)(i * 7));
	assert_int_equal(b.n, 100000);
	assert_true(b.cap < 400000);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (char)(i * 7));
	buf_fini(&b);
}

/* What was in it is gone from the memory that is still ours to look at. */
static void test_wipe(void **state)
{
	(void)state;
	static const char zeros[64];
	struct buf b = BUF_INIT(0);
	b.wipe = true;
	buf_add_lit(&b, "a secret of some length");
	size_t n = b.n;
	buf_consume(&b, 9);
	assert_buf(&b, STR("of some length"));
	assert_memory_equal(b.p + b.n, zeros, n - b.n);
	buf_reset(&b);
	assert_memory_equal(b.p, zeros, n);
	for (unsigned i = 0; i < 1000; i++)
		buf_add_lit(&b, "grows");
	assert_int_equal(b.n, 5000);
	assert_memory_equal(b.p + 4995, "grows", 5);
	buf_fini(&b);
	assert_true(b.wipe);
}

static void test_reserve(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	assert_non_null(buf_reserve(&b, 0));
	char *to = buf_reserve(&b, 1000);
	memset(to, 'x', 1000);
	b.n += 1000;
	assert_ptr_equal(buf_reserve(&b, 0), b.p + 1000);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	assert_int_equal(buf_error(&b), ERR_TOO_BIG);
	buf_fini(&b);
}

static void test_ceiling(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(10);
	buf_add_lit(&b, "0123456789");
	assert_buf(&b, STR("0123456789"));
	buf_add_char(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.n, 10);
	/* What fails once stays failed, also for what would fit. */
	buf_consume(&b, 10);
	buf_add_char(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.n, 0);
	buf_reset(&b);
	/* The terminator that printf writes does not count. */
	buf_printf(&b, "%s", "0123456789");
	assert_buf(&b, STR("0123456789"));
	buf_printf(&b, "%s", "");
	assert_false(b.failed);
	buf_printf(&b, "%d", 1);
	assert_true(b.failed);
	assert_int_equal(b.max, 10);
	buf_fini(&b);
	assert_int_equal(b.max, 10);
	assert_false(b.failed);
}

static void test_printf_long(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	for (int width = 0; width < 600; width += 7) {
		buf_reset(&b);
		buf_printf(&b, "%*d|", width, 5);
		assert_int_equal(b.n, (width ? width : 1) + 1);
		assert_int_equal(b.p[b.n - 1], '|');
		assert_int_equal(b.p[b.n - 2], '5');
	}
	buf_fini(&b);
}

static void test_consume_take(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(100);
	buf_consume(&b, 5);
	buf_add_lit(&b, "abcdef");
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	assert_buf(&b, STR("cdef"));
	char *p;
	size_t n;
	buf_take(&b, &p, &n);
	assert_int_equal(n, 4);
	assert_memory_equal(p, "cdef", 4);
	free(p);
	assert_null(b.p);
	buf_add_lit(&b, "next");
	buf_consume(&b, 100);
	assert_buf(&b, STR(""));
	buf_fini(&b);
	buf_take(&b, &p, &n);
	assert_null(p);
	assert_int_equal(n, 0);
}

static void test_fixed_width(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	buf_add_u8(&b, 0xfe);
	buf_add_le32(&b, 0x01020304);
	buf_add_le64(&b, UINT64_C(0x0102030405060708));
	assert_buf(&b, STR("\xfe\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01"));
	buf_fini(&b);
}

static void test_varint(void **state)
{
	(void)state;
	/* 624485 is the usual worked example of LEB128. */
	static const struct {
		uint64_t v;
		struct str bytes;
	} table[] = {
		{ 0, STR_INIT("\x00") },
		{ 1, STR_INIT("\x01") },
		{ 127, STR_INIT("\x7f") },
		{ 128, STR_INIT("\x80\x01") },
		{ 624485, STR_INIT("\xe5\x8e\x26") },
		{ UINT64_MAX, STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf b = BUF_INIT(0);
		buf_add_varint(&b, table[i].v);
		assert_buf(&b, table[i].bytes);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),          cmocka_unit_test(test_growth_keeps_content),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_reserve),      cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_printf_long),  cmocka_unit_test(test_consume_take),
		cmocka_unit_test(test_fixed_width),  cmocka_unit_test(test_varint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
