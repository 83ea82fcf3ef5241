#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/troika-local-test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);        /* fails when something was left behind */
}

/* It listens: somebody can come in, and only the owner could. */
static void expect_served(const char *path, int fd)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	int client = local_socket_connect(path);
	assert_true(client >= 0);
	int server = accept(fd, NULL, NULL);
	assert_true(server >= 0);
	close(server);
	close(client);
}

static void test_stale(void **state)
{
	(void)state;
	char path[128];
	struct local_socket a, b, c;
	int fd, other;
	struct err e;
	snprintf(path, sizeof(path), "%s/s", dir);
	umask(0);
	assert_int_equal(local_socket_listen(path, 5, &a, &fd, &e), 0);
	expect_served(path, fd);
	assert_int_equal(local_socket_listen(path, 5, &b, &other, &e), ERR_BUSY);        /* in use: left alone */
	expect_served(path, fd);
	close(fd);        /* as after a kill: the file stays */
	usleep(20000);    /* the clock of files ticks slowly */
	assert_int_equal(local_socket_connect(path), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(local_socket_listen(path, 5, &c, &fd, &e), 0);
	expect_served(path, fd);
	local_socket_remove(&a);        /* it is another's now */
	expect_served(path, fd);
	local_socket_remove(&c);
	assert_int_equal(access(path, F_OK), -1);
	local_socket_remove(&c);
	close(fd);
}

static void test_no_socket(void **state)
{
	(void)state;
	char path[128];
	struct local_socket l;
	int fd;
	struct err e;
	snprintf(path, sizeof(path), "%s/f", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(local_socket_listen(path, 5, &l, &fd, &e), ERR_EXISTS);
	assert_int_equal(unlink(path), 0);        /* it is still there */
	snprintf(path, sizeof(path), "%s/none/s", dir);
	assert_true(local_socket_listen(path, 5, &l, &fd, &e) < 0);
}

/* sun_path takes 107 octets; data directories may be deeper. */
static void test_long(void **state)
{
	(void)state;
	char deep[256], path[300];
	struct local_socket l;
	int fd;
	struct err e;
	snprintf(deep, sizeof(deep), "%s/%0150d", dir, 1);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(path, sizeof(path), "%s/s", deep);
	assert_int_equal(local_socket_listen(path, 5, &l, &fd, &e), 0);
	expect_served(path, fd);
	close(fd);
	int again;
	struct local_socket m;
	assert_int_equal(local_socket_listen(path, 5, &m, &again, &e), 0);
	expect_served(path, again);
	close(again);
	local_socket_remove(&m);
	local_socket_remove(&l);
	assert_int_equal(rmdir(deep), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stale), cmocka_unit_test(test_no_socket), cmocka_unit_test(test_long) };
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
