/* The keeper of one program. Between fork and exec of a process that had threads only calls are made that are safe there, where there is no porter; the porter
 * has one thread. */
#include "base/clock.h"
#include "rt/limits.h"
#include "rt/porter_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the program's process ---- */

static void limit(int what, rlim_t value)
{
	struct rlimit r = { value, value };
	setrlimit(what, &r);
}

static void enter_cage(const struct porter_program *p)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* A network of its own with nothing in it; without a namespace of users only root may have it. Where neither works, it goes on with what is there. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		(void)!unshare(CLONE_NEWNET);
	setpriority(PRIO_PROCESS, 0, PORTER_NICE);
	limit(RLIMIT_CPU, p->cpu_seconds);
	limit(RLIMIT_AS, p->memory);
	limit(RLIMIT_FSIZE, p->file);
	limit(RLIMIT_NOFILE, PORTER_FILES);
}

static _Noreturn void become(const struct porter_program *p, const struct porter_sandbox *s, char **argv, const char *dir, int in, int out)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", tmpdir[] = "TMPDIR=.", *environment[] = { path, tmpdir, NULL };
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	int null = open("/dev/null", O_RDWR);
	if (dup2(in >= 0 ? in : null, 0) < 0 || (out >= 0 && dup2(out, 1) < 0) || (p->caged && dup2(null, 2) < 0) || (dir && chdir(dir)))
		_exit(127);
	syscall(SYS_close_range, 3u, ~0u, 0u);
	limit(RLIMIT_CORE, 0);
	if (p->caged)
		enter_cage(p);
	if (p->caged && s->caged && s->caged(p->path, dir))
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (p->caged)
		execve(p->path, argv, environment);
	else
		execv(p->path, argv);
	_exit(127);
}

/* ---- the keeper ---- */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	(void)!remove(path);
	return 0;
}

/* False: its time is up, or the caller wants no more of it. */
static bool wait_for(pid_t child, int channel, uint64_t until, int *status)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	bool ended = false, unwanted = false;
	while (!(ended = waitpid(child, status, WNOHANG) == child) && !unwanted) {
		uint64_t now = clock_mono_ms();
		if (now >= until)
			break;
		struct pollfd p[] = { { .fd = channel, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
		int wait = until - now < PORTER_LOOK_MS || pidfd < 0 ? 5 : PORTER_LOOK_MS;
		unwanted = poll(p, 2, wait) > 0 && p[0].revents != 0;
	}
	if (pidfd >= 0)
		close(pidfd);
	return ended;
}

_Noreturn void porter_keep(const struct porter_program *p, const struct porter_sandbox *s, char **argv, int channel, int in, int out)
{
	char dir[] = "/tmp/troika-convert-XXXXXX";
	int status = 127 << 8;
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	bool ready = !p->caged || mkdtemp(dir);
	pid_t child = ready ? fork() : -1;
	if (child == 0)
		become(p, s, argv, p->caged ? dir : NULL, in, out);
	/* who reads what it writes must see it end with the program */
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (child > 0) {
		setpgid(child, child);
		bool ended = wait_for(child, channel, clock_mono_ms() + p->seconds * UINT64_C(1000), &status);
		kill(-child, SIGKILL);
		kill(ended ? -child : child, SIGKILL);
		while (!ended && waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (p->caged && ready)
		nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	(void)!write(channel, &status, sizeof(status));
	_exit(0);
}
