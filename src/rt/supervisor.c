#include "rt/supervisor.h"

#include "base/num.h"
#include "base/str.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Process-wide by contract; written before there are other threads. */
static struct {
	int fd;                      /* opened at once: the file system may be out of reach later */
	struct sockaddr_un address;
	socklen_t size;              /* 0: there is none */
	uint64_t watchdog_ms;
} supervisor = { .fd = -1 };

/* "/path", or "@name" in the abstract namespace. */
static void set_address(struct str text)
{
	struct sockaddr_un *a = &supervisor.address;
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (text.n < 2 || (text.p[0] != '/' && text.p[0] != '@') || !str_copy_c(a->sun_path, sizeof(a->sun_path), text))
		return;
	supervisor.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + text.n);
	if (text.p[0] == '@')
		a->sun_path[0] = '\0';
}

void supervisor_setup(void)
{
	uint64_t us = 0, pid = 0;
	const char *period = getenv("WATCHDOG_USEC"), *who = getenv("WATCHDOG_PID");
	if (supervisor.fd >= 0)
		close(supervisor.fd);
	supervisor.fd = -1;
	supervisor.size = 0;
	set_address(str_from_c(getenv("NOTIFY_SOCKET")));
	if (supervisor.size > 0)
		supervisor.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool mine = !who || (num_parse_u64(str_from_c(who), &pid) && pid == (uint64_t)getpid());
	supervisor.watchdog_ms = mine && num_parse_u64(str_from_c(period), &us) ? us / 1000 : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void supervisor_tell(const char *state)
{
	if (supervisor.fd < 0)
		return;
	ssize_t n = sendto(supervisor.fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&supervisor.address, supervisor.size);
	(void)n;
}

uint64_t supervisor_watchdog_ms(void) { return supervisor.fd >= 0 ? supervisor.watchdog_ms : 0; }
