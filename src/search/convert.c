#include "search/convert.h"

#include "base/clock.h"
#include "base/err.h"
#include "search/limits.h"

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

#define POLL_MS 200
#define NICE 10

bool convert_wants(struct str type, struct str subtype, struct str name)
{
	static const char *const subtypes[] = { "pdf", "msword", "rtf", "epub+zip", "vnd.ms-", "vnd.openxmlformats-", "vnd.oasis.opendocument.", NULL };
	static const char *const endings[] = { ".pdf", ".doc", ".docx", ".rtf", ".epub", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".odp", NULL };
	if (!str_ieq(type, STR("application")))
		return false;
	for (const char *const *s = subtypes; *s; s++)
		if (str_istarts(subtype, str_from_c(*s)))
			return true;
	for (const char *const *e = endings; *e; e++)
		if (str_iends(name, str_from_c(*e)))
			return true;
	return false;
}

/* ---- the child: only calls that are safe between fork and exec ---- */

static void limit(int what, rlim_t value)
{
	struct rlimit r = { value, value };
	setrlimit(what, &r);
}

static void become_converter(const char *program, const char *type, const char *name, const char *dir, int in, int out)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)type, (char *)(uintptr_t)name, NULL };
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", tmpdir[] = "TMPDIR=.", *environment[] = { path, tmpdir, NULL };
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	int null = open("/dev/null", O_WRONLY);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0 || chdir(dir))
		_exit(127);
	syscall(SYS_close_range, 3u, ~0u, 0u);
	/* A network of its own with nothing in it; without a namespace of users only root may have it. Where neither works, it goes on with what is there. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		(void)!unshare(CLONE_NEWNET);
	setpriority(PRIO_PROCESS, 0, NICE);
	limit(RLIMIT_CPU, CONVERT_CPU_SECONDS);
	limit(RLIMIT_AS, CONVERT_MEMORY_BYTES);
	limit(RLIMIT_FSIZE, CONVERT_FILE_BYTES);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, 64);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execve(program, argv, environment);
	_exit(127);
}

/* ---- the parent ---- */

/* The attachment as a file without a name: the child reads at its own speed, and may seek. */
static int open_input(struct str attachment)
{
	int fd = (int)syscall(SYS_memfd_create, "attachment", 1u /* close on exec */);
	size_t at = 0;
	while (fd >= 0 && at < attachment.n) {
		ssize_t n = write(fd, attachment.p + at, attachment.n - at);
		if (n <= 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Reads until the end, the time, or enough. */
static int read_output(int fd, const _Atomic bool *stop, struct buf *out)
{
	uint64_t until = clock_mono_ms() + CONVERT_SECONDS * UINT64_C(1000);
	size_t had = out->n;
	for (;;) {
		if (stop && *stop)
			return ERR_CLOSED;
		if (clock_mono_ms() >= until)
			return ERR_TIMEOUT;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		char *to = buf_reserve(out, 65536);
		if (!to)
			return ERR_NO_MEMORY;
		ssize_t n = read(fd, to, 65536);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return ERR_IO;
		out->n += n > 0 ? (size_t)n : 0;
		if (out->n - had >= CONVERT_OUTPUT_MAX) {
			out->n = had + CONVERT_OUTPUT_MAX;
			return 1;
		}
	}
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	(void)!remove(path);
	return 0;
}

static int finish(pid_t child, int read_result, const _Atomic bool *stop)
{
	int status = 0;
	uint64_t until = clock_mono_ms() + CONVERT_SECONDS * UINT64_C(1000);
	/* It may close its output and go on: that is given the same time again, no more. */
	while (read_result == 0 && waitpid(child, &status, WNOHANG) == 0) {
		if (clock_mono_ms() >= until || (stop && *stop)) {
			read_result = ERR_TIMEOUT;
			break;
		}
		poll(NULL, 0, 2);
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	if (read_result) {
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		return read_result > 0 ? 0 : read_result;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ERR_NOT_FOUND;
}

int convert_run(const char *program, const char *type, const char *name, struct str attachment, const _Atomic bool *stop, struct buf *out)
{
	char dir[] = "/tmp/troika-convert-XXXXXX";
	int fds[2] = { -1, -1 }, in = open_input(attachment);
	size_t had = out->n;
	if (in < 0 || !mkdtemp(dir)) {
		if (in >= 0)
			close(in);
		return ERR_IO;
	}
	int r = pipe2(fds, O_CLOEXEC) == 0 ? 0 : ERR_IO;
	if (!r) {
		pid_t child = fork();
		if (child == 0)
			become_converter(program, type, name, dir, in, fds[1]);
		close(fds[1]);
		if (child > 0) {
			setpgid(child, child);
			r = finish(child, read_output(fds[0], stop, out), stop);
		} else {
			r = ERR_IO;
		}
		close(fds[0]);
	}
	close(in);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	if (r)
		out->n = had;
	return r;
}
