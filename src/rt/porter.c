#include "rt/porter.h"

#include "base/clock.h"
#include "base/str.h"
#include "rt/limits.h"
#include "rt/log.h"
#include "rt/porter_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Process-wide: a program is started from deep inside search, and there is one porter. Written while there is one thread. */
static struct {
	int socket;                          /* to the porter, -1: none */
	pid_t warden;
	struct porter_program programs[PORTER_PROGRAMS_MAX];
	size_t n;
	struct porter_sandbox sandbox;
} porter = { .socket = -1 };

/* A request: which program, how many words follow, each with its NUL. With it come the channel, then in and out where they are given. */
struct head {
	uint32_t program, words;
	bool has_in, has_out;
};

/* ---- in the porter ---- */

/* The words in place behind argv[0]; false: they do not fit together. */
static bool read_words(char *text, size_t n, uint32_t words, char **argv)
{
	if (words > PORTER_WORDS_MAX || (n && text[n - 1]))
		return false;
	for (uint32_t i = 0; i < words; i++) {
		size_t length = n ? strlen(text) + 1 : 0;
		if (!length)
			return false;
		argv[i + 1] = text;
		text += length;
		n -= length;
	}
	argv[words + 1] = NULL;
	return n == 0;
}

/* True: there is one more process to wait for. */
static bool start_keeper(struct head *h, char *text, size_t n, const int *fds)
{
	char *argv[PORTER_WORDS_MAX + 2];
	if (h->program >= porter.n || !read_words(text, n, h->words, argv))
		return false;
	const struct porter_program *p = &porter.programs[h->program];
	argv[0] = (char *)(uintptr_t)p->path;
	pid_t child = fork();
	if (child != 0)
		return child > 0;
	close(porter.socket);
	porter_keep(p, &porter.sandbox, argv, fds[0], h->has_in ? fds[1] : -1, h->has_out ? fds[1 + h->has_in] : -1);
}

/* False: the server is gone. */
static bool take_request(unsigned *jobs)
{
	static char text[PORTER_REQUEST_MAX];        /* one thread; not for the stack */
	union { struct cmsghdr align; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control;
	struct head h;
	struct iovec v[] = { { &h, sizeof(h) }, { text, sizeof(text) } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	int fds[3] = { -1, -1, -1 };
	ssize_t n = recvmsg(porter.socket, &m, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	size_t count = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	if (count)
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	if ((size_t)n >= sizeof(h) && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && count == 1u + h.has_in + h.has_out)
		*jobs += start_keeper(&h, text, (size_t)n - sizeof(h), fds);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return true;
}

/* Dies with its parent. */
static void be_child(const char *name, pid_t parent)
{
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

static _Noreturn void run_porter(pid_t warden)
{
	unsigned jobs = 0;
	be_child("troika-porter", warden);
	do {
		struct pollfd p = { .fd = porter.socket, .events = POLLIN };
		int r = jobs < PORTER_JOBS_MAX ? poll(&p, 1, PORTER_LOOK_MS) : (int)usleep(PORTER_LOOK_MS * 1000);
		while (jobs && waitpid(-1, NULL, WNOHANG) > 0)
			jobs--;
		if (r <= 0 || jobs >= PORTER_JOBS_MAX)
			continue;
		if (!take_request(&jobs))
			break;
	} while (true);
	_exit(0);
}

/* ---- in the warden ---- */

/* The server can start no process any more, so it cannot start another porter. The warden can: it does nothing else, and hears of nobody but its child. Requests
 * wait in the socket meanwhile, and programs that run have their keepers. */
static _Noreturn void run_warden(pid_t server)
{
	sigset_t all;
	be_child("troika-warden", server);
	sigfillset(&all);                            /* the server's signals are not for us: it closes the socket when it ends */
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	if (porter.sandbox.porter && porter.sandbox.porter())
		_exit(1);
	for (;;) {
		int status = 0;
		pid_t self = getpid(), child = fork();
		if (child == 0)
			run_porter(self);
		while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (child > 0 && WIFEXITED(status))
			_exit(WEXITSTATUS(status));
		log_event(LOG_WARN, "porter.died", LOG_LIST(LOG_U("signal", child > 0 ? (unsigned)WTERMSIG(status) : 0), LOG_C("means", "another one is started")));
		usleep(PORTER_LOOK_MS * 1000);
	}
}

/* ---- in the server ---- */

static int copy_programs(const struct porter_program *programs, size_t n)
{
	if (n > PORTER_PROGRAMS_MAX)
		return ERR_TOO_BIG;
	for (size_t i = 0; i < n; i++) {
		porter.programs[i] = programs[i];
		porter.programs[i].path = strdup(programs[i].path);
		porter.n = i + 1;
		if (!porter.programs[i].path)
			return ERR_NO_MEMORY;
	}
	return 0;
}

static void forget_programs(void)
{
	while (porter.n)
		free((char *)(uintptr_t)porter.programs[--porter.n].path);
}

int porter_start(const struct porter_program *programs, size_t n, const struct porter_sandbox *sandbox, struct err *e)
{
	int pair[2];
	pid_t parent = getpid();
	int r = copy_programs(programs, n);
	porter.sandbox = sandbox ? *sandbox : (struct porter_sandbox){ NULL, NULL };
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		r = err_from_errno(e, errno, "cannot make a socket");
	if (r) {
		forget_programs();
		return r;
	}
	porter.warden = fork();
	if (porter.warden == 0) {
		close(pair[0]);
		porter.socket = pair[1];
		run_warden(parent);
	}
	close(pair[1]);
	if (porter.warden < 0) {
		close(pair[0]);
		forget_programs();
		return err_from_errno(e, errno, "cannot start a process");
	}
	porter.socket = pair[0];
	return 0;
}

void porter_stop(void)
{
	if (porter.socket < 0)
		return;
	close(porter.socket);
	porter.socket = -1;
	while (waitpid(porter.warden, NULL, 0) < 0 && errno == EINTR)
		;
	forget_programs();
}

static size_t find_program(const char *path)
{
	size_t i = 0;
	while (i < porter.n && strcmp(porter.programs[i].path, path) != 0)
		i++;
	return i;
}

/* Fills text; the number of words, or -1. */
static int write_words(const char *const *args, char *text, size_t *n_out)
{
	int words = 0;
	size_t n = 0;
	for (; args[words]; words++) {
		size_t length = strlen(args[words]) + 1;
		if (words == PORTER_WORDS_MAX || length > PORTER_REQUEST_MAX - n)
			return -1;
		memcpy(text + n, args[words], length);
		n += length;
	}
	*n_out = n;
	return words;
}

static int ask_porter(const struct porter_program *p, const char *const *args, int channel, int in, int out)
{
	union { struct cmsghdr align; char bytes[CMSG_SPACE(3 * sizeof(int))]; } control = { .bytes = { 0 } };
	char text[PORTER_REQUEST_MAX];
	size_t n = 0, count = 0, which = find_program(p->path);
	int words = write_words(args, text, &n), fds[3];
	if (which == porter.n)
		return ERR_NOT_FOUND;
	if (words < 0)
		return ERR_TOO_BIG;
	struct head h;
	memset(&h, 0, sizeof(h));                    /* with its padding: it goes to another process */
	h.program = (uint32_t)which;
	h.words = (uint32_t)words;
	h.has_in = in >= 0;
	h.has_out = out >= 0;
	fds[count++] = channel;
	if (in >= 0)
		fds[count++] = in;
	if (out >= 0)
		fds[count++] = out;
	struct iovec v[] = { { &h, sizeof(h) }, { text, n } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	ssize_t sent = sendmsg(porter.socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent >= 0 ? 0 : errno == EAGAIN ? ERR_BUSY : ERR_IO;
}

/* Twice forked, so that nobody has to wait for the keeper. */
static int start_here(const struct porter_program *p, const char *const *args, int channel, int in, int out)
{
	static const struct porter_sandbox none = { NULL, NULL };
	char *argv[PORTER_WORDS_MAX + 2];
	int words = 0;
	argv[0] = (char *)(uintptr_t)p->path;
	for (; args[words]; words++) {
		if (words == PORTER_WORDS_MAX)
			return ERR_TOO_BIG;
		argv[words + 1] = (char *)(uintptr_t)args[words];
	}
	argv[words + 1] = NULL;
	pid_t child = fork();
	if (child < 0)
		return ERR_IO;
	if (child == 0 && fork() == 0)
		porter_keep(p, &none, argv, channel, in, out);
	if (child == 0)
		_exit(0);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int porter_begin(const struct porter_program *p, const char *const *args, int in, int out, int *job_out)
{
	int pair[2];
	*job_out = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return ERR_IO;
	int r = porter.socket >= 0 ? ask_porter(p, args, pair[1], in, out) : start_here(p, args, pair[1], in, out);
	close(pair[1]);
	if (r)
		close(pair[0]);
	else
		*job_out = pair[0];
	return r;
}

int porter_end(int job, uint64_t until_ms, const _Atomic bool *stop, int *status_out)
{
	int r = 0;
	uint64_t kill_by = 0;
	*status_out = 0;
	for (;;) {
		uint64_t now = clock_mono_ms();
		bool stopped = stop && *stop;
		if (!kill_by && (stopped || now >= until_ms)) {
			r = stopped ? ERR_CLOSED : ERR_TIMEOUT;
			shutdown(job, SHUT_WR);              /* the keeper kills, and tells when it is done */
			kill_by = now + PORTER_KILL_MS;
		}
		if (kill_by && now >= kill_by)
			break;
		struct pollfd p = { .fd = job, .events = POLLIN };
		if (poll(&p, 1, PORTER_LOOK_MS) <= 0)
			continue;
		if (read(job, status_out, sizeof(*status_out)) != (ssize_t)sizeof(*status_out) && r == 0)
			r = ERR_IO;
		break;
	}
	close(job);
	return r;
}
