#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

#include <errno.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const int all_codes[] = {
	ERR_INVALID,   ERR_NOT_FOUND, ERR_EXISTS, ERR_DENIED,  ERR_TOO_BIG, ERR_QUOTA,   ERR_CONFLICT,    ERR_NO_MEMORY,
	ERR_IO,        ERR_NO_SPACE,  ERR_BUSY,   ERR_TIMEOUT, ERR_RETRY,   ERR_UNKNOWN, ERR_CLOSED,      ERR_CORRUPT,
	ERR_VERSION,   ERR_UNSUPPORTED, ERR_CONFIG, ERR_BUG,
};

static void test_class(void **state)
{
	(void)state;
	static const struct {
		int code;
		enum err_class class;
	} table[] = {
		{ 0, ERR_CLASS_NONE },
		{ 5, ERR_CLASS_NONE },
		{ ERR_INVALID, ERR_CLASS_CLIENT },
		{ ERR_CONFLICT, ERR_CLASS_CLIENT },
		{ ERR_NO_MEMORY, ERR_CLASS_TEMPORARY },
		{ ERR_CLOSED, ERR_CLASS_TEMPORARY },
		{ ERR_CORRUPT, ERR_CLASS_PERMANENT },
		{ ERR_CONFIG, ERR_CLASS_PERMANENT },
		{ ERR_BUG, ERR_CLASS_BUG },
		{ -1, ERR_CLASS_BUG },
		{ -999, ERR_CLASS_BUG },
		{ INT32_MIN, ERR_CLASS_BUG },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(err_class(table[i].code), table[i].class);
}

static void test_every_code_has_its_own_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_codes); i++) {
		assert_string_not_equal(err_text(all_codes[i]), err_text(-1));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(err_text(all_codes[i]), err_text(all_codes[k]));
	}
	assert_string_equal(err_text(ERR_NOT_FOUND), "not found");
}

static void test_set(void **state)
{
	(void)state;
	struct err e = { 0 };
	assert_int_equal(err_set(&e, ERR_DENIED, "Authentication failed", "user %s from %d", "a\r\nb\x80", 7), ERR_DENIED);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.client, "Authentication failed");
	assert_string_equal(e.log, "user a??b? from 7");
	assert_int_equal(err_set(&e, ERR_QUOTA, NULL, "100%%"), ERR_QUOTA);
	assert_string_equal(e.client, err_text(ERR_QUOTA));
	assert_string_equal(e.log, "100%");
	/* The client text is no format, and no line break gets through to the wire. */
	err_set(&e, ERR_QUOTA, "50%s\r\n250 OK", "x");
	assert_string_equal(e.client, "50%s??250 OK");
	assert_int_equal(err_set(NULL, ERR_IO, "x", "%d", 1), ERR_IO);
}

static void test_long_texts_are_cut(void **state)
{
	(void)state;
	char text[400];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	struct err e = { 0 };
	err_set(&e, ERR_IO, text, "%s", text);
	assert_int_equal(strlen(e.client), sizeof(e.client) - 1);
	assert_int_equal(strlen(e.log), sizeof(e.log) - 1);
	err_from_errno(&e, EIO, "%s", text);
	assert_int_equal(strlen(e.log), sizeof(e.log) - 1);
}

static void test_from_errno(void **state)
{
	(void)state;
	static const struct {
		int number, code;
	} table[] = {
		{ ENOSPC, ERR_NO_SPACE }, { EDQUOT, ERR_NO_SPACE }, { ENOMEM, ERR_NO_MEMORY }, { ENOENT, ERR_NOT_FOUND },
		{ EEXIST, ERR_EXISTS },   { EACCES, ERR_DENIED },   { EPERM, ERR_DENIED },     { EIO, ERR_IO },
		{ EBADF, ERR_IO },        { 0, ERR_IO },            { 99999, ERR_IO },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct err e = { 0 };
		assert_int_equal(err_from_errno(&e, table[i].number, "open %s", "file"), table[i].code);
		assert_int_equal(e.code, table[i].code);
		assert_true(str_starts(str_from_c(e.log), STR("open file: ")));
		assert_string_equal(e.client, err_text(table[i].code));
		assert_int_equal(err_from_errno(NULL, table[i].number, "x"), table[i].code);
	}
	struct err e = { 0 };
	err_from_errno(&e, ENOSPC, "segment 3");
	assert_string_equal(e.log, "segment 3: No space left on device");
	err_from_errno(&e, 99999, "segment 3");
	assert_string_equal(e.log, "segment 3: errno 99999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_every_code_has_its_own_text),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_from_errno),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
