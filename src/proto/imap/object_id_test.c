#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/imap/object_id.h"

static void what_is_written_is_read(void **state)
{
	(void)state;
	static const struct {
		uint64_t account, id;
		const char *text;
	} all[] = {
		{ 1, 1, "EMAILID (M1-1)" },
		{ 7, 10, "EMAILID (M7-10)" },
		{ UINT64_MAX, UINT64_MAX, "EMAILID (M18446744073709551615-18446744073709551615)" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf b = BUF_INIT(0);
		imap_object_id_write(&b, "EMAILID", IMAP_OBJECT_EMAIL, all[i].account, all[i].id);
		struct str text = buf_str(&b);
		assert_true(str_eq(text, str_from_c(all[i].text)));
		struct str id = str_sub(text, 9, text.n - 10);
		assert_int_equal(imap_object_id_read(id, IMAP_OBJECT_EMAIL, all[i].account), all[i].id);
		assert_int_equal(imap_object_id_read(id, IMAP_OBJECT_EMAIL, all[i].account - 1), 0);
		assert_int_equal(imap_object_id_read(id, IMAP_OBJECT_THREAD, all[i].account), 0);
		buf_fini(&b);
	}
}

static void all_else_is_none(void **state)
{
	(void)state;
	static const char *const none[] = {
		"", "M", "M1", "M1-", "M-1", "M1-0", "M1-01", "M01-1", "m1-1", "M1-1 ", "M1--1", "M1-1-1", "M1-x", "T1-1",
		"M1-18446744073709551616", "1-1",
	};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (imap_object_id_read(str_from_c(none[i]), IMAP_OBJECT_EMAIL, 1))
			fail_msg("%s", none[i]);
	assert_int_equal(imap_object_id_read(STR("M1-1"), IMAP_OBJECT_EMAIL, 1), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(all_else_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
