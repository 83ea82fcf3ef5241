#include "store/engine_lmdb/bell.h"

#include "base/err.h"
#include "base/signals.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

struct bell {
	int fd;                           /* of the bell file, or -1 when it may not be rung */
	char *path;
	bell_heard_fn *heard;
	void *arg;
	pthread_mutex_t lock;             /* guards starting */
	bool listening;
	int inotify, stop;                /* stop: an eventfd */
	pthread_t thread;
};

int bell_create(const char *path, int may_ring, bell_heard_fn *heard, void *arg, struct bell **out)
{
	*out = NULL;
	struct bell *b = calloc(1, sizeof *b);
	char *copy = b ? strdup(path) : NULL;
	if (!copy) {
		free(b);
		return ERR_NO_MEMORY;
	}
	*b = (struct bell){ .fd = -1, .path = copy, .heard = heard, .arg = arg, .inotify = -1, .stop = -1 };
	pthread_mutex_init(&b->lock, NULL);
	if (may_ring)
		b->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (may_ring && b->fd < 0) {
		int rc = err_from_errno(NULL, errno, "open bell");
		bell_destroy(&b);
		return rc;
	}
	*out = b;
	return 0;
}

void bell_destroy(struct bell **bell)
{
	struct bell *b = *bell;
	*bell = NULL;
	if (!b)
		return;
	if (b->listening) {
		eventfd_write(b->stop, 1);
		pthread_join(b->thread, NULL);
	}
	if (b->inotify >= 0)
		close(b->inotify);
	if (b->stop >= 0)
		close(b->stop);
	if (b->fd >= 0)
		close(b->fd);
	pthread_mutex_destroy(&b->lock);
	free(b->path);
	free(b);
}

void bell_ring(struct bell *b)
{
	/* The act of writing is the news, not the byte. When it fails, others hear late, by their slow polls. */
	if (b->fd >= 0 && pwrite(b->fd, "!", 1, 0) != 1)
		return;
}

/* Empties the inotify queue; what the events say is known already. */
static void drain(int fd)
{
	_Alignas(struct inotify_event) char events[4096];
	while (read(fd, events, sizeof events) > 0)
		;
}

static void *listen_thread(void *arg)
{
	struct bell *b = arg;
	struct pollfd fds[2] = { { .fd = b->inotify, .events = POLLIN }, { .fd = b->stop, .events = POLLIN } };
	struct pollfd pause = { .fd = b->stop, .events = POLLIN };
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (!(fds[0].revents & POLLIN))
			continue;
		drain(b->inotify);
		b->heard(b->arg);
		/* A busy neighbour rings a thousand times a second: hear it in bunches. */
		if (poll(&pause, 1, STORE_BELL_PAUSE_MS) > 0)
			return NULL;
	}
}

static int listen_start(struct bell *b)
{
	if (b->inotify < 0)
		b->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (b->inotify < 0)
		return errno == EMFILE || errno == ENFILE ? ERR_BUSY : ERR_UNSUPPORTED;
	if (inotify_add_watch(b->inotify, b->path, IN_MODIFY) < 0)
		return errno == ENOSPC ? ERR_BUSY : ERR_UNSUPPORTED;
	if (b->stop < 0)
		b->stop = eventfd(0, EFD_CLOEXEC);
	if (b->stop < 0)
		return ERR_BUSY;
	/* Signals are for the threads that expect them. */
	sigset_t all, old;
	signals_all_but_faults(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&b->thread, NULL, listen_thread, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc ? ERR_NO_MEMORY : 0;
}

int bell_listen(struct bell *b)
{
	pthread_mutex_lock(&b->lock);
	int rc = b->listening ? 0 : listen_start(b);
	b->listening = rc == 0;
	pthread_mutex_unlock(&b->lock);
	return rc;
}
