/* A page that cannot be read becomes zeros, and the mapping knows; other faults still end the process. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "store/blob_segment/bus_error.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 4

/* Pages behind the end of a file fault just as those that a disk cannot give. */
static char *map_file(int fd, size_t page)
{
	assert_int_equal(ftruncate(fd, (off_t)(PAGES * page)), 0);
	for (int i = 0; i < PAGES; i++)
		assert_int_equal(pwrite(fd, "x", 1, (off_t)((size_t)i * page)), 1);
	char *base = mmap(NULL, PAGES * page, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(base != MAP_FAILED);
	return base;
}

static char peek(const char *p) { return *(const volatile char *)p; }

static void a_lost_page_becomes_zeros(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("lost", MFD_CLOEXEC), other_fd = memfd_create("other", MFD_CLOEXEC);
	char *base = map_file(fd, page), *other = map_file(other_fd, page);
	atomic_bool damaged = false, other_damaged = false;
	assert_int_equal(bus_error_catch(), 0);
	assert_int_equal(bus_error_catch(), 0);
	bus_error_add(base, PAGES * page, &damaged);
	bus_error_add(other, PAGES * page, &other_damaged);
	assert_int_equal(peek(base + 3 * page), 'x');
	assert_false(damaged);
	assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
	assert_int_equal(peek(base + page), 'x');
	assert_int_equal(peek(base + 3 * page), 0);
	assert_int_equal(peek(base + 2 * page + 17), 0);
	assert_true(damaged);
	assert_int_equal(peek(other + 3 * page), 'x');
	assert_false(other_damaged);
	bus_error_remove(base);
	bus_error_remove(other);
	munmap(base, PAGES * page);
	munmap(other, PAGES * page);
	close(fd);
	close(other_fd);
}

static void other_faults_stay_deadly(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		signal(SIGBUS, SIG_DFL);
		if (bus_error_catch())
			_exit(1);
		int fd = memfd_create("lost", MFD_CLOEXEC);
		char *base = map_file(fd, page);
		if (ftruncate(fd, 0))
			_exit(2);
		_exit(peek(base));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_lost_page_becomes_zeros),
										cmocka_unit_test(other_faults_stay_deadly) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
