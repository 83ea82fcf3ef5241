#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/familiar.h"
#include "directory/limits.h"

static void test_record(void **state)
{
	(void)state;
	struct buf a = BUF_INIT(0), b = BUF_INIT(0);
	bool fresh;
	assert_false(familiar_has(STR_NONE, 7, 1000, &fresh));
	familiar_add(STR_NONE, 7, 1000, &a);
	assert_true(familiar_has(buf_str(&a), 7, 1000, &fresh));
	assert_true(fresh);
	assert_false(familiar_has(buf_str(&a), 8, 1000, &fresh));
	assert_true(familiar_has(buf_str(&a), 7, 1000 + FAMILIAR_RENEW_DAYS, &fresh));
	assert_false(fresh);
	assert_true(familiar_has(buf_str(&a), 7, 1000 + FAMILIAR_DAYS, &fresh));
	assert_false(familiar_has(buf_str(&a), 7, 1001 + FAMILIAR_DAYS, &fresh));
	/* the newest stay, each once, and old ones go */
	for (uint64_t i = 0; i < FAMILIAR_NETWORKS + 5; i++) {
		buf_reset(&b);
		familiar_add(buf_str(&a), 100 + i % (FAMILIAR_NETWORKS + 1), 1000 + FAMILIAR_DAYS / 2, &b);
		buf_reset(&a);
		buf_add_str(&a, buf_str(&b));
	}
	assert_int_equal(a.n, 1 + 12 * FAMILIAR_NETWORKS);
	assert_false(familiar_has(buf_str(&a), 7, 1000, &fresh));
	assert_true(familiar_has(buf_str(&a), 103, 1000, &fresh));
	buf_reset(&b);
	familiar_add(buf_str(&a), 7, 1000 + 2 * FAMILIAR_DAYS, &b);
	assert_int_equal(b.n, 1 + 12);
	/* what cannot be read knows nobody and is written anew */
	assert_false(familiar_has(STR("\1\7\0\0"), 7, 0, &fresh));
	assert_false(familiar_has(STR("\x63\7\0\0\0\0\0\0\0\0\0\0\0"), 7, 0, &fresh));
	buf_reset(&a);
	familiar_add(STR("\x63"), 7, 1000, &a);
	assert_true(familiar_has(buf_str(&a), 7, 1000, &fresh));
	buf_fini(&a);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_record) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
