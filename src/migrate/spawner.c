#include "migrate/spawner.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct spawner {
	pid_t pid;
	int fd;
	pthread_mutex_t lock;
};

/* ---- in the process of its own ---- */

static bool write_all(int fd, const char *p, ssize_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, (size_t)n);
		if (done < 0)
			return false;
		p += done;
		n -= done;
	}
	return true;
}

/* What the command says goes through a pipe first: Dovecot's imap takes a socket on standard output for a mistake. */
static void relay(int from, int to)
{
	static char bytes[64 << 10];
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	while ((n = read(from, bytes, sizeof bytes)) > 0 && write_all(to, bytes, n)) {}
	_exit(0);
}

static void run(const char *command, int fd)
{
	int out[2];

	if (pipe(out))
		_exit(127);
	pid_t pid = fork();
	if (pid == 0) {
		close(out[1]);
		relay(out[0], fd);
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (pid < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
		_exit(127);
	close(out[0]);
	close(out[1]);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* An octet, and the descriptor with it unless it is negative. */
static bool answer(int to, int fd)
{
	char byte = fd >= 0 ? 'y' : 'n';
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { &byte, 1 };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof control.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == 1;
}

static void serve(int fd, const char *const *commands, size_t n)
{
	uint32_t index;

	signal(SIGCHLD, SIG_IGN);               /* nobody asks how they ended */
	signal(SIGINT, SIG_IGN);                /* ends when its master does */
	while (recv(fd, &index, sizeof index, MSG_WAITALL) == (ssize_t)sizeof index) {
		int pair[2] = { -1, -1 };
		if (index < n && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
			pid_t pid = fork();
			if (pid == 0) {
				close(pair[0]);           /* else the command's input would not end with the stream */
				close(fd);
				run(commands[index], pair[1]);
			}
			close(pair[1]);
			if (pid < 0) {
				close(pair[0]);
				pair[0] = -1;
			}
		}
		bool ok = answer(fd, pair[0]);
		if (pair[0] >= 0)
			close(pair[0]);
		if (!ok)
			break;
	}
	_exit(0);
}

/* ---- here ---- */

int spawner_create(const char *const *commands, size_t n, struct spawner **out, struct err *e)
{
	int pair[2];
	struct spawner *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s)
		return ERR_NO_MEMORY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		free(s);
		return err_from_errno(e, errno, "cannot make a pair of sockets");
	}
	pthread_mutex_init(&s->lock, NULL);
	s->fd = pair[0];
	s->pid = fork();
	if (s->pid == 0) {
		close(pair[0]);
		serve(pair[1], commands, n);
	}
	close(pair[1]);
	*out = s;
	if (s->pid > 0)
		return 0;
	int r = err_from_errno(e, errno, "cannot start a process");
	spawner_destroy(out);
	return r;
}

static int receive(int from)
{
	char byte = 'n';
	int fd = -1;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { &byte, 1 };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room };
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (byte == 'y' && c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

int spawner_start(struct spawner *s, size_t index, int *fd_out, struct err *e)
{
	uint32_t number = (uint32_t)index;

	pthread_mutex_lock(&s->lock);
	*fd_out = send(s->fd, &number, sizeof number, MSG_NOSIGNAL) == (ssize_t)sizeof number ? receive(s->fd) : -1;
	pthread_mutex_unlock(&s->lock);
	return *fd_out >= 0 ? 0 : err_set(e, ERR_IO, NULL, "cannot start the command of the pipe");
}

void spawner_destroy(struct spawner **sp)
{
	struct spawner *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	close(s->fd);
	if (s->pid > 0)
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) {}
	pthread_mutex_destroy(&s->lock);
	free(s);
}
