#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/limits.h"
#include "directory/verify_cache.h"

static struct verify_tag tag(const struct verify_cache *c, const char *name, const char *password, const char *record)
{
	struct verify_tag t;
	assert_int_equal(verify_cache_tag(c, str_from_c(name), str_from_c(password), str_from_c(record), &t), 0);
	return t;
}

static void test_expiry(void **state)
{
	(void)state;
	struct verify_cache *c;
	assert_int_equal(verify_cache_create(1000, &c), 0);
	struct verify_tag t = tag(c, "alice@x", "secret", "record 1");
	assert_false(verify_cache_has(c, &t, 5000));
	verify_cache_put(c, &t, 5000);
	assert_true(verify_cache_has(c, &t, 5000));
	assert_true(verify_cache_has(c, &t, 5999));
	assert_false(verify_cache_has(c, &t, 6000));
	verify_cache_destroy(&c);
	assert_null(c);
}

static void test_what_is_in_a_tag(void **state)
{
	(void)state;
	struct verify_cache *c, *other;
	assert_int_equal(verify_cache_create(1000, &c), 0);
	assert_int_equal(verify_cache_create(0, &other), 0);
	struct verify_tag t = tag(c, "alice@x", "secret", "record");
	static const char *const differ[][3] = {
		{ "alice@y", "secret", "record" }, { "alice@x", "Secret", "record" }, { "alice@x", "secret", "recorD" },
		{ "alice@xs", "ecret", "record" }, { "alice@x", "secretr", "ecord" }, { "", "alice@xsecret", "record" },
	};
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++) {
		struct verify_tag u = tag(c, differ[i][0], differ[i][1], differ[i][2]);
		assert_memory_not_equal(&t, &u, sizeof(t));
	}
	struct verify_tag same = tag(c, "alice@x", "secret", "record");
	struct verify_tag elsewhere = tag(other, "alice@x", "secret", "record");
	assert_memory_equal(&t, &same, sizeof(t));
	assert_memory_not_equal(&t, &elsewhere, sizeof(t));

	verify_cache_put(other, &elsewhere, 0);
	assert_false(verify_cache_has(other, &elsewhere, 0));     /* keeps nothing */
	verify_cache_destroy(&c);
	verify_cache_destroy(&other);
}

/* More than fits: the newest stay, nothing breaks. */
static void test_overflow(void **state)
{
	(void)state;
	struct verify_cache *c;
	uint64_t n = 4 * VERIFY_CACHE_SLOTS;
	assert_int_equal(verify_cache_create(1000, &c), 0);
	for (uint64_t i = 0; i < n; i++) {
		struct verify_tag t = { { 0 } };
		memcpy(t.bytes, &i, sizeof(i));
		verify_cache_put(c, &t, i / VERIFY_CACHE_SLOTS);
	}
	for (uint64_t i = 0; i < n; i++) {
		struct verify_tag t = { { 0 } };
		memcpy(t.bytes, &i, sizeof(i));
		assert_int_equal(verify_cache_has(c, &t, 10), i >= n - VERIFY_CACHE_SLOTS);
	}
	verify_cache_destroy(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_what_is_in_a_tag),
		cmocka_unit_test(test_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
