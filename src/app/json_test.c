#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/json.h"

static void test_json(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	buf_add_char(&b, '{');
	json_add_member(&b, "a", STR("say \"hi\" \\ \r\n\x1b \xc3\xbc \xff \xc2\x9b"));
	json_add_number(&b, "n", -5);
	json_add_bool(&b, "t", true);
	json_add_name(&b, "list");
	buf_add_char(&b, '[');
	json_add_comma(&b);
	json_add_str(&b, str_make("\0", 1));
	json_add_comma(&b);
	json_add_str(&b, STR_NONE);
	buf_add_lit(&b, "]}");
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, "{\"a\":\"say \\\"hi\\\" \\\\ \\u000d\\u000a\\u001b \xc3\xbc \xef\xbf\xbd \\u009b\",\"n\":-5,\"t\":true,\"list\":[\"\\u0000\",\"\"]}");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_json) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
