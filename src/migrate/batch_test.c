/* What a server sends when it was asked for a batch: kept as far as room was made for it, whatever it had announced. */
#include "migrate/batch.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define LARGE ((size_t)1 << 20)

static struct found found[2 * MIGRATE_BATCH];

/* n messages from that UID on, of which the server says that they have `size` octets. */
static struct batch *asked_for(uint32_t first, size_t n, uint64_t size)
{
	struct batch *b = calloc(1, sizeof *b);
	assert_non_null(b);
	for (size_t i = 0; i < n; i++) {
		struct found *f = &found[first + i - 1];
		*f = (struct found){ .uid = first + (uint32_t)i, .size = size };
		b->items[i] = (struct item){ .f = f };
		arena_init(&b->items[i].arena, 0);
	}
	b->n = n;
	b->bytes = n * size;
	return b;
}

static uint64_t kept(const struct batch *b)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < b->n; i++)
		sum += b->items[i].message.n;
	return sum;
}

static void drop(struct batch **b)
{
	batch_clear(*b);
	free(*b);
	*b = NULL;
}

static char text[LARGE];
static struct str message(size_t n)
{
	memset(text, 'x', sizeof text);
	memcpy(text, "A: b\r\n\r\n", 8);
	memcpy(text + n - 2, "\r\n", 2);
	return str_make(text, n);
}

static void honest(void **state)
{
	(void)state;
	struct batch *now = asked_for(1, 8, LARGE), *then = asked_for(9, 0, 0);
	struct batch_taking t = { now, then };
	for (uint32_t uid = 1; uid <= 8; uid++)
		assert_int_equal(batch_arrive(&t, uid, message(LARGE), 0), 0);
	assert_int_equal(batch_arrived(now), 8);
	assert_int_equal(kept(now), 8 * LARGE);
	assert_int_equal(batch_arrive(&t, 3, message(LARGE), 0), 0);       /* once more */
	assert_int_equal(batch_arrive(&t, 77, message(LARGE), 0), 0);      /* nobody asked */
	assert_int_equal(kept(now) + kept(then), 8 * LARGE);
	drop(&now);
	drop(&then);
}

/* Messages of 1 MB of which it was said that they have an octet, or nothing: two whole batches would be 128 MB. */
static void announced_too_small(void **state)
{
	(void)state;
	for (uint64_t size = 0; size <= 1; size++) {
		struct batch *now = asked_for(1, MIGRATE_BATCH, size), *then = asked_for(MIGRATE_BATCH + 1, MIGRATE_BATCH, size);
		struct batch_taking t = { now, then };
		for (uint32_t uid = 1; uid <= 2 * MIGRATE_BATCH; uid++)
			assert_int_equal(batch_arrive(&t, uid, message(LARGE), 0), 0);
		assert_true(batch_arrived(now) > 0 && batch_arrived(then) > 0);
		assert_true(kept(now) <= 2 * MIGRATE_BATCH_BYTES && kept(then) <= 2 * MIGRATE_BATCH_BYTES);
		/* the others are as if the server had not given them: they are asked for alone, and then taken */
		assert_true(batch_arrived(now) < MIGRATE_BATCH);
		assert_int_equal(now->items[MIGRATE_BATCH - 1].result, 0);
		drop(&now);
		drop(&then);
		now = asked_for(1, 1, size);
		then = asked_for(2, 0, 0);
		t = (struct batch_taking){ now, then };
		assert_int_equal(batch_arrive(&t, 1, message(LARGE), 0), 0);
		assert_int_equal(batch_arrived(now), 1);
		drop(&now);
		drop(&then);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(honest), cmocka_unit_test(announced_too_small) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
