#include "proto/smtp/command.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_sorted(void **state)
{
	(void)state;
	size_t n;
	const struct smtp_command *t = smtp_commands(&n);

	for (size_t i = 0; i < n; i++) {
		assert_non_null(t[i].run);
		assert_non_null(t[i].rfc);
		assert_int_not_equal(t[i].where, 0);
		assert_ptr_equal(smtp_command_find(str_from_c(t[i].verb)), &t[i]);
		if (i)
			assert_true(strcmp(t[i - 1].verb, t[i].verb) < 0);
	}
}

static void test_find(void **state)
{
	(void)state;
	assert_ptr_equal(smtp_command_find(STR("data")), smtp_command_find(STR("DATA")));
	assert_null(smtp_command_find(STR("DAT")));
	assert_null(smtp_command_find(STR("DATAX")));
	assert_null(smtp_command_find(STR("")));
	assert_null(smtp_command_find(STR("TURN")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sorted), cmocka_unit_test(test_find) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
