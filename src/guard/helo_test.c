#include "guard/helo.h"

#include "guard/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_points(void **state)
{
	static const struct { const char *name; int points; } table[] = {
		{ "client.example.net", 0 }, { "[192.0.2.1]", 0 }, { "[IPv6:2001:db8::1]", 0 }, { "MX.example.org", HELO_POINTS_OURS },
		{ "192.0.2.1", HELO_POINTS_ADDRESS }, { "2001:db8::1", HELO_POINTS_ADDRESS }, { "localhost", HELO_POINTS_LABEL }, { "PC-1", HELO_POINTS_LABEL },
		{ "-bad-.example", HELO_POINTS_INVALID }, { "a b", HELO_POINTS_INVALID }, { "", HELO_POINTS_INVALID }, { "[300.1.1.1]", HELO_POINTS_INVALID },
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int points = helo_points(str_from_c(table[i].name), STR("mx.example.org"), &why);
		if (points != table[i].points)
			fail_msg("%s: %d points", table[i].name, points);
		assert_true((why != NULL) == (points != 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_points) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
