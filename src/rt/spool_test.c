#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/fault.h"
#include "rt/spool.h"

#include <dirent.h>
#include <unistd.h>

static char dir[] = "/tmp/troika-spool-test.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);        /* fails when a file is left */
}

static char byte_at(size_t i) { return (char)(i * 31 + i / 251); }

static void fill(struct spool *s, size_t size, size_t piece)
{
	char *p = malloc(piece);
	for (size_t at = 0; at < size;) {
		size_t n = size - at < piece ? size - at : piece;
		for (size_t i = 0; i < n; i++)
			p[i] = byte_at(at + i);
		assert_int_equal(spool_write(s, p, n), 0);
		at += n;
	}
	free(p);
}

static void expect_bytes(struct spool *s, size_t size)
{
	struct str all;
	assert_int_equal(spool_bytes(s, &all), 0);
	assert_int_equal(all.n, size);
	assert_int_equal(spool_size(s), size);
	for (size_t i = 0; i < size; i++)
		if (all.p[i] != byte_at(i))
			fail_msg("byte %zu of %zu is wrong", i, size);
}

/* Around the bounds where memory becomes a file, in pieces of any size. */
static void test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 1000, SPOOL_MEMORY_MAX - 1, SPOOL_MEMORY_MAX, SPOOL_MEMORY_MAX + 1, 1000000, 3000000 };
	static const size_t pieces[] = { 7, 1000, 65535, 65536, 65537, 1 << 20 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct spool *s;
			assert_int_equal(spool_create(dir, 10000000, &s), 0);
			fill(s, sizes[i], pieces[k]);
			expect_bytes(s, sizes[i]);
			expect_bytes(s, sizes[i]);        /* a second look changes nothing */
			spool_destroy(&s);
			assert_null(s);
		}
	}
}

static void test_write_after_look(void **state)
{
	(void)state;
	struct spool *s;
	assert_int_equal(spool_create(dir, 10000000, &s), 0);
	fill(s, 400000, 400000);
	expect_bytes(s, 400000);
	for (size_t i = 400000; i < 400100; i++) {
		char c = byte_at(i);
		assert_int_equal(spool_write(s, &c, 1), 0);
	}
	expect_bytes(s, 400100);
	spool_destroy(&s);
	spool_destroy(&s);
}

static void test_max(void **state)
{
	(void)state;
	struct spool *s;
	assert_int_equal(spool_create(dir, 300000, &s), 0);
	fill(s, 300000, 5000);
	assert_int_equal(spool_write(s, "x", 1), ERR_TOO_BIG);
	spool_destroy(&s);
}

/* The front changes, in memory and in a file, and what follows stays where it is. */
static void test_front(void **state)
{
	(void)state;
	static const size_t sizes[] = { 5, 1000, SPOOL_MEMORY_MAX - 100, SPOOL_MEMORY_MAX + 1, 1000000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct spool *s;
		struct str all;
		assert_int_equal(spool_create(dir, 1000000, &s), 0);
		assert_int_equal(spool_reserve_front(s, 100), 0);
		assert_int_equal(spool_size(s), 0);
		fill(s, sizes[i], 70000);
		expect_bytes(s, sizes[i]);
		assert_int_equal(spool_front(s, 0, "0123456789", 10), 0);
		assert_int_equal(spool_front(s, 0, "abc", 3), 0);
		assert_int_equal(spool_size(s), sizes[i] + 13);
		assert_int_equal(spool_bytes(s, &all), 0);
		assert_memory_equal(all.p, "abc0123456789", 13);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(all.p[13 + k], byte_at(k));
		assert_int_equal(spool_front(s, 5, "Z", 1), 0);
		assert_int_equal(spool_bytes(s, &all), 0);
		assert_memory_equal(all.p, "Z23456789", 9);
		assert_int_equal(spool_front(s, 9, NULL, 0), 0);
		expect_bytes(s, sizes[i]);
		char big[101] = { 0 };
		assert_int_equal(spool_front(s, 0, big, 101), ERR_TOO_BIG);
		assert_int_equal(spool_front(s, sizes[i] + 1, big, 0), ERR_TOO_BIG);
		expect_bytes(s, sizes[i]);
		assert_int_equal(spool_front(s, sizes[i], "x", 1), 0);
		assert_int_equal(spool_size(s), 1);
		spool_destroy(&s);
	}
}

static void test_no_space(void **state)
{
	(void)state;
	struct spool *s;
	assert_int_equal(fault_setup("spool.write=2"), 0);
	assert_int_equal(spool_create(dir, 10000000, &s), 0);
	char *p = calloc(1, 300000);
	assert_int_equal(spool_write(s, p, 300000), 0);
	assert_int_equal(spool_write(s, p, 300000), ERR_NO_SPACE);
	free(p);
	spool_destroy(&s);
	assert_int_equal(fault_setup(NULL), 0);
}

static void test_no_dir(void **state)
{
	(void)state;
	struct spool *s;
	assert_int_equal(spool_create("/nonexistent", 10000000, &s), 0);
	char *p = calloc(1, 300000);
	assert_int_equal(spool_write(s, p, 1000), 0);
	assert_true(spool_write(s, p, 300000) < 0);
	free(p);
	spool_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_write_after_look), cmocka_unit_test(test_max),
		cmocka_unit_test(test_front), cmocka_unit_test(test_no_space), cmocka_unit_test(test_no_dir),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
