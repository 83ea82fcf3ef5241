#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	memcpy(a.sun_path, name, strlen(name) + 1);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	return fd;
}

static void expect(int fd, const char *state)
{
	char got[100];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, state);
}

static void test_tells(void **state)
{
	(void)state;
	char names[2][64], pid[16];
	snprintf(names[0], sizeof(names[0]), "/tmp/troika-notify-%d", (int)getpid());
	snprintf(names[1], sizeof(names[1]), "@troika-notify-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);
		setenv("NOTIFY_SOCKET", names[i], 1);
		setenv("WATCHDOG_USEC", "30000000", 1);
		snprintf(pid, sizeof(pid), "%d", (int)getpid() + i);        /* the second is another's watchdog */
		setenv("WATCHDOG_PID", pid, 1);
		supervisor_setup();
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_null(getenv("WATCHDOG_USEC"));
		assert_int_equal(supervisor_watchdog_ms(), i ? 0 : 30000);
		supervisor_tell("READY=1");
		expect(fd, "READY=1");
		supervisor_tell("WATCHDOG=1");
		expect(fd, "WATCHDOG=1");
		close(fd);
		supervisor_tell("STOPPING=1");        /* nobody there: nothing happens */
	}
	unlink(names[0]);
}

static void test_nobody(void **state)
{
	(void)state;
	static const char *const bad[] = { NULL, "", "relative", "@", "/" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i])
			setenv("NOTIFY_SOCKET", bad[i], 1);
		setenv("WATCHDOG_USEC", "30000000", 1);
		supervisor_setup();
		assert_int_equal(supervisor_watchdog_ms(), 0);
		supervisor_tell("READY=1");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tells), cmocka_unit_test(test_nobody) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
