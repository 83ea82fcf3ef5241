#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int sign(int v) { return (v > 0) - (v < 0); }

static void test_compare(void **state)
{
	(void)state;
	static const struct {
		struct str a, b;
		int order, iorder;
	} table[] = {
		{ STR_INIT(""), STR_INIT(""), 0, 0 },
		{ { NULL, 0 }, STR_INIT(""), 0, 0 },
		{ { NULL, 0 }, STR_INIT("a"), -1, -1 },
		{ STR_INIT("a"), STR_INIT("ab"), -1, -1 },
		{ STR_INIT("b"), STR_INIT("ab"), 1, 1 },
		{ STR_INIT("INBOX"), STR_INIT("inbox"), -1, 0 },
		{ STR_INIT("Content-Type"), STR_INIT("CONTENT-TYPE"), 1, 0 },
		{ STR_INIT("content-transfer-encoding"), STR_INIT("Content-Transfer-Encoding"), 1, 0 },
		{ STR_INIT("content-transfer-encodinG"), STR_INIT("Content-Transfer-Encodinh"), 1, -1 },
		{ STR_INIT("a\0b"), STR_INIT("a\0c"), -1, -1 },
		{ STR_INIT("\xff"), STR_INIT("a"), 1, 1 },
		/* The neighbours of the letters, and letters of other sets, keep their case. */
		{ STR_INIT("@[`{@[`{"), STR_INIT("`{@[`{@["), -1, -1 },
		{ STR_INIT("\xc3\x84pfel-torte"), STR_INIT("\xc3\xa4pfel-torte"), -1, -1 },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct str a = table[i].a, b = table[i].b;
		assert_int_equal(sign(str_cmp(a, b)), table[i].order);
		assert_int_equal(sign(str_cmp(b, a)), -table[i].order);
		assert_int_equal(sign(str_icmp(a, b)), table[i].iorder);
		assert_int_equal(sign(str_icmp(b, a)), -table[i].iorder);
		assert_int_equal(str_eq(a, b), table[i].order == 0);
		assert_int_equal(str_ieq(a, b), table[i].iorder == 0);
		assert_int_equal(str_eq_secret(a, b), table[i].order == 0);
	}
}

/* Every pair of bytes, at every place of a string long enough for the word loop and its rest. */
static void test_ieq_every_byte(void **state)
{
	(void)state;
	char a[11], b[11];
	for (size_t at = 0; at < sizeof(a); at++) {
		memset(a, 'x', sizeof(a));
		memset(b, 'X', sizeof(b));
		for (int x = 0; x < 256; x++) {
			for (int y = 0; y < 256; y++) {
				a[at] = (char)x;
				b[at] = (char)y;
				bool letters = (x | 32) >= 'a' && (x | 32) <= 'z' && (x | 32) == (y | 32) && x < 128;
				assert_int_equal(str_ieq(str_make(a, sizeof(a)), str_make(b, sizeof(b))), x == y || letters);
			}
		}
	}
}

static void test_starts_ends(void **state)
{
	(void)state;
	static const struct {
		struct str s, part;
		bool starts, istarts, ends, iends;
	} table[] = {
		{ STR_INIT("abcABC"), STR_INIT(""), true, true, true, true },
		{ { NULL, 0 }, STR_INIT(""), true, true, true, true },
		{ { NULL, 0 }, STR_INIT("a"), false, false, false, false },
		{ STR_INIT("abcABC"), STR_INIT("abc"), true, true, false, true },
		{ STR_INIT("abcABC"), STR_INIT("ABC"), false, true, true, true },
		{ STR_INIT("abc"), STR_INIT("abcd"), false, false, false, false },
		{ STR_INIT("abc"), STR_INIT("abc"), true, true, true, true },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_int_equal(str_starts(table[i].s, table[i].part), table[i].starts);
		assert_int_equal(str_istarts(table[i].s, table[i].part), table[i].istarts);
		assert_int_equal(str_ends(table[i].s, table[i].part), table[i].ends);
		assert_int_equal(str_iends(table[i].s, table[i].part), table[i].iends);
	}
}

static void test_find(void **state)
{
	(void)state;
	static const struct {
		struct str s, needle;
		size_t at, iat;
	} table[] = {
		{ { NULL, 0 }, { NULL, 0 }, 0, 0 },
		{ { NULL, 0 }, STR_INIT("a"), STR_NPOS, STR_NPOS },
		{ STR_INIT("abc"), STR_INIT(""), 0, 0 },
		{ STR_INIT("abc"), STR_INIT("abcd"), STR_NPOS, STR_NPOS },
		{ STR_INIT("abc"), STR_INIT("c"), 2, 2 },
		{ STR_INIT("aabaab"), STR_INIT("ab"), 1, 1 },
		{ STR_INIT("Subject: Re: RE: re"), STR_INIT("re"), 17, 9 },
		{ STR_INIT("Subject: Re: RE: re"), STR_INIT("RE:"), 13, 9 },
		{ STR_INIT("a\0b\0c"), STR_INIT("\0c"), 3, 3 },
		{ STR_INIT("NnNnNnNy"), STR_INIT("nY"), STR_NPOS, 6 },
		{ STR_INIT("...::.:"), STR_INIT(":.:"), 4, 4 },
		{ STR_INIT("\xc3\x84"), STR_INIT("\xc3\xa4"), STR_NPOS, STR_NPOS },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_int_equal(str_find(table[i].s, table[i].needle), table[i].at);
		assert_int_equal(str_ifind(table[i].s, table[i].needle), table[i].iat);
	}
}

static void test_chr(void **state)
{
	(void)state;
	assert_int_equal(str_chr(STR("a.b.c"), '.'), 1);
	assert_int_equal(str_rchr(STR("a.b.c"), '.'), 3);
	assert_int_equal(str_chr(STR("a\0b"), 'b'), 2);
	assert_int_equal(str_chr(STR("\xff"), '\xff'), 0);
	assert_int_equal(str_chr(STR("abc"), 'x'), STR_NPOS);
	assert_int_equal(str_rchr(STR("abc"), 'x'), STR_NPOS);
	assert_int_equal(str_chr(STR_NONE, 'x'), STR_NPOS);
	assert_int_equal(str_rchr(STR_NONE, 'x'), STR_NPOS);
}

static void test_parts(void **state)
{
	(void)state;
	static const struct {
		struct str s;
		size_t from, n;
		struct str part;
	} table[] = {
		{ STR_INIT("abcdef"), 0, 6, STR_INIT("abcdef") },
		{ STR_INIT("abcdef"), 2, 2, STR_INIT("cd") },
		{ STR_INIT("abcdef"), 4, 9, STR_INIT("ef") },
		{ STR_INIT("abcdef"), 6, 1, STR_INIT("") },
		{ STR_INIT("abcdef"), 7, 1, STR_INIT("") },
		{ STR_INIT("abcdef"), SIZE_MAX, SIZE_MAX, STR_INIT("") },
		{ STR_INIT("abcdef"), 1, SIZE_MAX, STR_INIT("bcdef") },
		{ { NULL, 0 }, 3, 3, STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_true(str_eq(str_sub(table[i].s, table[i].from, table[i].n), table[i].part));
		assert_true(str_starts(str_from(table[i].s, table[i].from), table[i].part));
	}
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(str_eq(str_trim(STR(" \t\r\na b\r\n \t")), STR("a b")));
	assert_true(str_eq(str_trim(STR("\v\fa\v")), STR("\v\fa\v")));
	assert_true(str_eq(str_trim(STR(" \r\n")), STR("")));
	assert_true(str_eq(str_trim(STR_NONE), STR("")));
	assert_true(str_eq(str_trim(STR("\0 ")), STR("\0")));
}

static void test_cut(void **state)
{
	(void)state;
	static const struct {
		struct str s;
		bool found;
		struct str head, tail;
	} table[] = {
		{ STR_INIT("user@host"), true, STR_INIT("user"), STR_INIT("host") },
		{ STR_INIT("a@b@c"), true, STR_INIT("a"), STR_INIT("b@c") },
		{ STR_INIT("@"), true, STR_INIT(""), STR_INIT("") },
		{ STR_INIT("user"), false, STR_INIT("user"), STR_INIT("") },
		{ { NULL, 0 }, false, STR_INIT(""), STR_INIT("") },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct str head, tail;
		assert_int_equal(str_cut(table[i].s, '@', &head, &tail), table[i].found);
		assert_true(str_eq(head, table[i].head));
		assert_true(str_eq(tail, table[i].tail));
	}
	struct str s = STR("a,b,c"), item;
	str_cut(s, ',', &item, &s);     /* input and output may be the same */
	assert_true(str_eq(item, STR("a")) && str_eq(s, STR("b,c")));
}

static void test_copies(void **state)
{
	(void)state;
	char *copy = str_dup_c(STR("abc"));
	assert_string_equal(copy, "abc");
	free(copy);
	copy = str_dup_c(STR_NONE);
	assert_string_equal(copy, "");
	free(copy);

	char dst[4];
	assert_true(str_copy_c(dst, sizeof(dst), STR("abc")));
	assert_string_equal(dst, "abc");
	assert_false(str_copy_c(dst, sizeof(dst), STR("abcd")));
	assert_string_equal(dst, "abc");
	assert_true(str_copy_c(dst, sizeof(dst), STR_NONE));
	assert_string_equal(dst, "");
	assert_false(str_copy_c(dst, 1, STR("a")));
	assert_string_equal(dst, "");
	assert_false(str_copy_c(NULL, 0, STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare), cmocka_unit_test(test_ieq_every_byte), cmocka_unit_test(test_starts_ends),
		cmocka_unit_test(test_find),    cmocka_unit_test(test_chr),            cmocka_unit_test(test_parts),
		cmocka_unit_test(test_trim),    cmocka_unit_test(test_cut),            cmocka_unit_test(test_copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
