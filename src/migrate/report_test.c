/* The lines of a report: one for each trouble, whatever a server put into it. */
#include "migrate/report.h"

#include "migrate/limits.h"

#include <stdlib.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static size_t count_lines(const struct report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->troubles.n; i++)
		n += r->troubles.p[i] == '\n';
	return n;
}

static void no_line_is_the_servers(void **state)
{
	(void)state;
	struct report r;
	report_init(&r);
	report_trouble(&r, "%s: becomes %s", "a\n\n  0 failed\n", "b");
	assert_true(str_eq(buf_str(&r.troubles), STR("a??  0 failed?: becomes b\n")));
	report_fini(&r);
}

/* Names without end do not keep later lines out. */
static void all_have_room(void **state)
{
	(void)state;
	struct report sum, part;
	char *name = malloc(1 << 20);
	assert_non_null(name);
	memset(name, 'x', 1 << 20);
	report_init(&sum);
	for (unsigned i = 0; i < MIGRATE_TROUBLES_MAX - 1; i++)
		report_trouble(&sum, "%.*s: message %u failed", 1 << 20, name, i);
	report_init(&part);
	for (unsigned i = 0; i < MIGRATE_TROUBLES_MAX + 5; i++)
		report_trouble(&part, "%.*s: message %u failed", 1 << 20, name, i);
	assert_int_equal(count_lines(&part), MIGRATE_TROUBLES_MAX);
	report_add(&sum, &part);
	assert_int_equal(count_lines(&sum), 2 * MIGRATE_TROUBLES_MAX - 1);
	assert_int_equal(sum.n_troubles, 2 * MIGRATE_TROUBLES_MAX + 4);
	assert_false(sum.troubles.failed);
	report_fini(&part);
	report_fini(&sum);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_line_is_the_servers), cmocka_unit_test(all_have_room) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
