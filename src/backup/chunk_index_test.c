#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/chunk_index.h"
#include "base/bytes.h"

static struct chunk_id id_of(uint32_t n)
{
	struct chunk_id id = { { 0 } };
	store_le32(id.b + 8, n * 2654435761u);
	store_le32(id.b + CHUNK_KEY_SIZE - 4, n);
	return id;
}

static void expect(const struct chunk_index *ix, uint32_t n, uint32_t beyond)
{
	for (uint32_t i = 0; i < beyond; i++) {
		struct chunk_id id = id_of(i);
		uint32_t at = chunk_index_find(ix, &id);
		assert_int_equal(at, i < n ? i : CHUNK_NONE);
		if (i < n) {
			assert_int_equal(chunk_index_at(ix, at)->pack, i / 7);
			assert_int_equal(chunk_index_at(ix, at)->offset, ~i);
		}
	}
}

static void fill(struct chunk_index *ix, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		struct chunk_id id = id_of(i);
		assert_int_equal(chunk_index_add(ix, &id, i / 7, ~i), 0);
	}
}

static void test_index(void **state)
{
	(void)state;
	struct chunk_index ix = { 0 };
	struct chunk_id id = id_of(0);
	assert_int_equal(chunk_index_find(&ix, &id), CHUNK_NONE);
	fill(&ix, 0, 1000);
	expect(&ix, 1000, 1100);
	fill(&ix, 1000, 200000);                      /* the slots are made anew several times */
	expect(&ix, 200000, 200100);
	chunk_index_fini(&ix);
	chunk_index_fini(&ix);
	fill(&ix, 0, 10);
	expect(&ix, 10, 20);
	chunk_index_fini(&ix);
}

/* The figure that repository.h gives. */
static void test_memory(void **state)
{
	(void)state;
	struct chunk_index ix = { 0 };
	uint64_t most = 0;
	for (uint32_t n = 100000; n <= 1000000; n += 50000) {
		fill(&ix, ix.n, n);
		uint64_t bytes = (uint64_t)n * sizeof(struct chunk_entry) + (uint64_t)ix.n_slots * sizeof(*ix.slots);
		most = bytes * 100 / n > most ? bytes * 100 / n : most;
	}
	assert_in_range(most, 3700, 4300);
	chunk_index_fini(&ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
