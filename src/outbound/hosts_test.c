/* Connections are counted by address, who waits gets the place that becomes free, and who did not answer is left alone. And what a source sent today outlives
 * a restart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "outbound/hosts.h"
#include "outbound/limits.h"
#include "outbound/warmup.h"

#include <pthread.h>
#include <unistd.h>

static struct net_addr addr(const char *text)
{
	struct net_addr a;
	assert_true(net_addr_parse(str_from_c(text), 0, &a));
	return a;
}

static struct net_endpoint smtp_at(const char *text) { return (struct net_endpoint){ addr(text), 25 }; }

static void test_limit(void **state)
{
	(void)state;
	struct hosts *h;
	struct trouble t = { 0 };
	struct net_endpoint a = smtp_at("192.0.2.1"), b = smtp_at("192.0.2.2");

	assert_int_equal(hosts_create(&h), 0);
	assert_int_equal(hosts_enter(h, &a, 2, 0, 0, &t), 0);
	assert_int_equal(hosts_enter(h, &a, 2, 0, 0, &t), 0);
	assert_int_equal(hosts_enter(h, &a, 2, 10, 0, &t), ERR_TIMEOUT);
	assert_string_equal(t.status, "4.4.5");
	assert_int_equal(hosts_enter(h, &b, 2, 0, 0, &t), 0);
	hosts_leave(h, &a, NULL);
	assert_int_equal(hosts_enter(h, &a, 2, 0, 0, &t), 0);
	hosts_leave(h, &a, NULL);
	hosts_leave(h, &a, NULL);
	hosts_leave(h, &b, NULL);
	hosts_destroy(&h);
}

struct waiter {
	struct hosts *h;
	struct net_endpoint a;
	int result;
};

static void *wait_for_place(void *arg)
{
	struct waiter *w = arg;
	struct trouble t;
	w->result = hosts_enter(w->h, &w->a, 1, 100000, 0, &t);
	return NULL;
}

static void test_waiting(void **state)
{
	(void)state;
	struct waiter w = { .a = smtp_at("2001:db8::1"), .result = 1 };
	struct trouble t;
	pthread_t thread;

	assert_int_equal(hosts_create(&w.h), 0);
	assert_int_equal(hosts_enter(w.h, &w.a, 1, 0, 0, &t), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_place, &w), 0);
	usleep(20000);
	hosts_leave(w.h, &w.a, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(w.result, 0);
	hosts_destroy(&w.h);
}

static void test_back_off(void **state)
{
	(void)state;
	struct hosts *h;
	struct trouble t = { 0 }, failed = { 0 };
	struct net_endpoint a = smtp_at("192.0.2.1"), b = smtp_at("192.0.2.2");

	trouble_set(&failed, "4.4.1", "connection refused");
	assert_int_equal(hosts_create(&h), 0);
	assert_int_equal(hosts_enter(h, &a, 5, 0, 0, &t), 0);
	hosts_leave(h, &a, &failed);
	assert_int_equal(hosts_enter(h, &a, 5, 0, 0, &t), ERR_BUSY);
	assert_string_equal(t.text, "connection refused");
	assert_int_equal(hosts_enter(h, &b, 5, 0, 0, &t), 0);
	hosts_leave(h, &b, NULL);
	/* mail that met that failure is tried again, other mail only when that went well */
	assert_int_equal(hosts_enter(h, &a, 5, 0, clock_now() - 10, &t), ERR_BUSY);
	assert_int_equal(hosts_enter(h, &a, 5, 0, clock_now(), &t), 0);
	assert_int_equal(hosts_enter(h, &a, 5, 0, 0, &t), ERR_BUSY);
	hosts_answered(h, &a);
	assert_int_equal(hosts_enter(h, &a, 5, 0, 0, &t), 0);
	hosts_leave(h, &a, NULL);
	hosts_leave(h, &a, NULL);
	hosts_destroy(&h);
}

static void test_memory_is_bounded(void **state)
{
	(void)state;
	struct hosts *h;
	struct trouble t;
	struct net_endpoint a = smtp_at("2001:db8::");

	assert_int_equal(hosts_create(&h), 0);
	for (uint32_t i = 0; i < 3 * HOSTS_MAX; i++) {
		memcpy(a.addr.b + 12, &i, sizeof i);
		assert_int_equal(hosts_enter(h, &a, 5, 0, 0, &t), 0);
		hosts_leave(h, &a, NULL);
	}
	hosts_destroy(&h);
}

static void test_warmup_counts(void **state)
{
	(void)state;
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };
	struct store *s;
	struct warmup_counts *w;
	struct net_addr a = addr("192.0.2.1"), b = addr("2001:db8::1");

	assert_int_equal(store_open(&config, &s, NULL), 0);
	assert_int_equal(warmup_open(s, &w), 0);
	assert_false(warmup_take(w, &a, 100, 0));
	assert_true(warmup_take(w, &a, 100, 2));
	assert_true(warmup_has_room(w, &a, 100, 2));
	assert_true(warmup_take(w, &a, 100, 2));
	assert_false(warmup_has_room(w, &a, 100, 2));
	assert_false(warmup_take(w, &a, 100, 2));
	assert_true(warmup_take(w, &b, 100, 2));
	warmup_close(&w);
	assert_int_equal(warmup_open(s, &w), 0);
	assert_false(warmup_take(w, &a, 100, 2));
	assert_true(warmup_take(w, &a, 100, 3));
	assert_true(warmup_take(w, &b, 100, 2));
	/* Another day. */
	assert_true(warmup_take(w, &a, 101, 1));
	assert_false(warmup_take(w, &a, 101, 1));
	warmup_close(&w);
	store_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit), cmocka_unit_test(test_waiting), cmocka_unit_test(test_back_off), cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_warmup_counts),
	};
	return cmocka_run_group_tests_name("outbound/hosts", tests, NULL, NULL);
}
