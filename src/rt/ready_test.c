#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/ready.h"

#include <sys/epoll.h>
#include <unistd.h>

static void test_order(void **state)
{
	(void)state;
	struct ready r;
	struct ready_item items[5];
	assert_int_equal(ready_init(&r), 0);
	assert_null(ready_pop(&r));
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 5; i++)
			ready_push(&r, &items[i]);
		for (size_t i = 0; i < 5; i++)
			assert_ptr_equal(ready_pop(&r), &items[i]);
		assert_null(ready_pop(&r));
	}
	ready_fini(&r);
}

/* Edges that come together are delivered as one: who pops must wake the next while there is more. */
static void test_everybody_is_woken(void **state)
{
	(void)state;
	struct ready r;
	struct ready_item items[3];
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(ready_init(&r), 0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, r.event_fd, &e);
	for (size_t i = 0; i < 3; i++)
		ready_push(&r, &items[i]);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(epoll_wait(epoll, &e, 1, 0), 1);
		assert_non_null(ready_pop(&r));
	}
	assert_int_equal(epoll_wait(epoll, &e, 1, 0), 0);
	ready_poke(&r);
	assert_int_equal(epoll_wait(epoll, &e, 1, 0), 1);
	ready_fini(&r);
	close(epoll);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_everybody_is_woken) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
