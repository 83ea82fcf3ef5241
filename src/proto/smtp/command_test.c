#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"

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

/* Keywords and parameters have one row each, and all parameters a bit of params_seen. */
static void test_extensions(void **state)
{
	(void)state;
	size_t n, params = 0;
	const struct smtp_extension *t = smtp_extensions(&n);

	for (size_t i = 0; i < n; i++) {
		assert_non_null(t[i].rfc);
		assert_int_not_equal(t[i].where, 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(t[i].keyword, t[k].keyword);
		for (size_t k = 0; t[i].parameters[k].name; k++, params++) {
			assert_true(k < SMTP_PARAMETERS_MAX - 1);
			assert_non_null(t[i].parameters[k].take);
		}
	}
	assert_true(params <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sorted), cmocka_unit_test(test_find), cmocka_unit_test(test_extensions) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
