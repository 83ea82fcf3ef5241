#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/conn_shed.h"

/* Each is named by its key. */
static struct shed_holder holder(uint64_t key, const char *peer, uint64_t opened, uint64_t held)
{
	struct net_addr addr;
	assert_true(net_addr_parse(str_from_c(peer), 0, &addr));
	return (struct shed_holder){ .key = key, .opened_us = opened, .held = held, .network = shed_network(&addr) };
}

static void assert_order(struct shed_holder *all, size_t n)
{
	shed_order(all, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(all[i].key, i + 1);
}

/* One each: the oldest. */
static void test_strangers(void **state)
{
	(void)state;
	struct shed_holder all[] = { holder(3, "192.0.2.1", 30, 84), holder(1, "198.51.100.1", 10, 84), holder(2, "2001:db8:1::1", 20, 84) };
	assert_order(all, 3);
}

/* A network that holds more than others pays first, with its own oldest, until it holds no more than they do; addresses of one network are one crowd. */
static void test_crowd(void **state)
{
	(void)state;
	struct shed_holder all[] = {
		holder(3, "203.0.113.9", 5, 84),                                          /* older than all the crowd, and alone */
		holder(2, "192.0.2.2", 20, 84), holder(1, "192.0.2.1", 10, 84), holder(4, "192.0.2.3", 30, 84),
		holder(5, "2001:db8::1", 99, 84),
	};
	assert_order(all, 5);
	struct shed_holder six[] = {
		holder(2, "2001:db8:0:1::1", 2, 84), holder(1, "2001:db8:0:2::1", 1, 84), holder(4, "2001:db8:0:3::1", 3, 84), holder(3, "2001:db8:1::1", 1, 84),
	};
	assert_order(six, 4);
}

/* Who holds little goes after who holds much. */
static void test_small(void **state)
{
	(void)state;
	struct shed_holder all[] = { holder(2, "192.0.2.1", 1, 2), holder(1, "198.51.100.1", 50, 84) };
	assert_order(all, 2);
	shed_order(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_strangers), cmocka_unit_test(test_crowd), cmocka_unit_test(test_small) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
