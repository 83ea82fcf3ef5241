/* Everything that is brought is done once, in batches no larger than allowed, by one leader at a time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/combine.h"

#include <stdlib.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 400
#define BATCH_MAX 5

struct job {
	struct combine_item item;
	unsigned done;
	unsigned order;
};

struct shop {
	struct combiner combiner;
	atomic_uint leaders, batches, afters, wrong;
	unsigned clock;                   /* the leader's: a data race here is a second leader */
	unsigned pause_us;
};

static void *run(void *arg, struct combine_item *batch)
{
	struct shop *shop = arg;
	if (atomic_fetch_add(&shop->leaders, 1) != 0)
		atomic_fetch_add(&shop->wrong, 1);
	unsigned n = 0;
	for (struct combine_item *at = batch; at; at = at->next) {
		struct job *job = (struct job *)at;
		job->done++;
		job->order = ++shop->clock;
		n++;
	}
	if (n == 0 || n > BATCH_MAX)
		atomic_fetch_add(&shop->wrong, 1);
	if (shop->pause_us)
		usleep(shop->pause_us);
	atomic_fetch_add(&shop->batches, 1);
	atomic_fetch_sub(&shop->leaders, 1);
	return shop;
}

static void after(void *arg, void *from_run)
{
	struct shop *shop = arg;
	if (from_run != shop)
		atomic_fetch_add(&shop->wrong, 1);
	atomic_fetch_add(&shop->afters, 1);
}

static const struct combine_ops ops = { .run = run, .after = after };

static void bring(struct shop *shop, struct job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		jobs[i] = (struct job){ .item.next = i + 1 < n ? &jobs[i + 1].item : NULL };
	combine(&shop->combiner, &jobs[0].item, &jobs[n - 1].item);
	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].done != 1 || (i > 0 && jobs[i].order <= jobs[i - 1].order))
			atomic_fetch_add(&shop->wrong, 1);
	}
}

static void *customer(void *arg)
{
	struct shop *shop = arg;
	struct job jobs[12];
	for (unsigned i = 0; i < ROUNDS; i++)
		bring(shop, jobs, i % 7 == 0 ? 12 : 1 + i % 3);
	return NULL;
}

static void play(unsigned threads, unsigned pause_us)
{
	struct shop *shop = calloc(1, sizeof *shop);
	pthread_t ids[THREADS];
	assert_non_null(shop);
	shop->pause_us = pause_us;
	combiner_init(&shop->combiner, &ops, shop, BATCH_MAX);
	for (unsigned i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, customer, shop), 0);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	unsigned brought = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		brought += i % 7 == 0 ? 12 : 1 + i % 3;
	assert_int_equal(shop->wrong, 0);
	assert_int_equal(shop->clock, brought * threads);
	assert_int_equal(shop->batches, shop->afters);
	combiner_fini(&shop->combiner);
	free(shop);
}

static void alone(void **state)
{
	(void)state;
	play(1, 0);
}

static void in_a_crowd(void **state)
{
	(void)state;
	play(THREADS, 0);
	play(THREADS, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(alone), cmocka_unit_test(in_a_crowd) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
