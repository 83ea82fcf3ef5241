#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "outbound/test_peer.h"

#include "base/num.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
	struct scripted_peer *p;
	int fd;
	char in[65536];
	size_t n;
};

static void wrong(struct scripted_peer *p, const char *what, struct str where)
{
	if (!p->wrong[0])
		snprintf(p->wrong, sizeof p->wrong, "%s: %.*s", what, STR_ARG(where));
}

static bool fill(struct talk *t)
{
	ssize_t n = t->n < sizeof t->in ? recv(t->fd, t->in + t->n, sizeof t->in - t->n, 0) : 0;
	t->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void take(struct talk *t, size_t n)
{
	memmove(t->in, t->in + n, t->n - n);
	t->n -= n;
}

/* Without its CRLF, into heard. */
static bool hear_line(struct talk *t, char *line, size_t size)
{
	const char *end;

	while (!(end = memmem(t->in, t->n, "\r\n", 2)))
		if (!fill(t))
			return false;
	struct str s = str_make(t->in, (size_t)(end - t->in));
	str_copy_c(line, size, s);
	pthread_mutex_lock(&t->p->lock);
	if (t->p->heard.n)
		buf_add_char(&t->p->heard, '|');
	buf_add_str(&t->p->heard, s);
	pthread_mutex_unlock(&t->p->lock);
	take(t, s.n + 2);
	return true;
}

static void add_data(struct talk *t, size_t n)
{
	pthread_mutex_lock(&t->p->lock);
	buf_add(&t->p->data, t->in, n);
	pthread_mutex_unlock(&t->p->lock);
}

static bool hear_data(struct talk *t)
{
	/* The end mark also at the very beginning. */
	for (;;) {
		bool empty = t->n >= 3 && !memcmp(t->in, ".\r\n", 3);
		const char *end = empty ? t->in : memmem(t->in, t->n, "\r\n.\r\n", 5);
		if (end) {
			size_t n = (size_t)(end - t->in) + (empty ? 0 : 2);
			add_data(t, n);
			take(t, n + 3);
			return true;
		}
		/* Keep what may be the beginning of the mark. */
		if (t->n > 8192) {
			add_data(t, t->n - 8);
			take(t, t->n - 8);
		}
		if (!fill(t))
			return false;
	}
}

static bool hear_chunk(struct talk *t)
{
	char line[256];
	struct str word, rest;
	uint64_t n;

	if (!hear_line(t, line, sizeof line))
		return false;
	str_cut(str_from_c(line), ' ', &word, &rest);
	str_cut(rest, ' ', &rest, &word);
	if (!str_starts(str_from_c(line), STR("BDAT ")) || !num_parse_u64(rest, &n)) {
		wrong(t->p, "no BDAT", str_from_c(line));
		return false;
	}
	while (n > 0) {
		if (t->n == 0 && !fill(t))
			return false;
		size_t part = t->n < n ? t->n : n;
		add_data(t, part);
		take(t, part);
		n -= part;
	}
	return true;
}

static void wait_for_silence(struct talk *t)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	while (poll(&p, 1, 50) > 0 && fill(t))
		;
}

static void reset(struct talk *t)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void say(struct talk *t, const char *text)
{
	char line[4096];
	int n = snprintf(line, sizeof line, "%s\r\n", text);
	if (send(t->fd, line, (size_t)n, MSG_NOSIGNAL) < 0)
		return;
}

/* As a server should, until it is told to QUIT. */
static void be_good(struct talk *t)
{
	char line[4096];

	while (t->n >= 5 && !memcmp(t->in, "BDAT ", 5) ? hear_chunk(t) && (memcpy(line, "BDAT", 5), true) : hear_line(t, line, sizeof line)) {
		if (!strcmp(line, "DATA")) {
			say(t, "354 go");
			if (!hear_data(t))
				return;
		}
		bool quits = !strcmp(line, "QUIT");
		say(t, quits ? "221 bye" : "250 ok");
		if (quits)
			return;
		if (t->n == 0 && !fill(t))
			return;
	}
}

/* False: the connection is to be closed. */
static bool step(struct talk *t, const char *s)
{
	char line[4096];
	uint64_t ms = 0;

	switch (s[0]) {
	case 'S':
		say(t, s + 2);
		return true;
	case 'C':
		if (!hear_line(t, line, sizeof line)) {
			wrong(t->p, "heard nothing instead of", str_from_c(s));
			return false;
		}
		if (!str_starts(str_from_c(line), str_from_c(s + 2)))
			wrong(t->p, s, str_from_c(line));
		return true;
	case 'D':
		return hear_data(t);
	case 'B':
		return hear_chunk(t);
	case 'P':
		num_parse_u64(str_from_c(s + 2), &ms);
		usleep((useconds_t)ms * 1000);
		return true;
	case 'G':
		be_good(t);
		return false;
	case 'W':
		wait_for_silence(t);
		return true;
	case 'R':
		reset(t);
		return false;
	default:
		return false;
	}
}

static void play(struct talk *t, const struct script *script)
{
	char line[4096];

	for (size_t i = 0; i < STEPS_MAX && script->step[i]; i++)
		if (!step(t, script->step[i]))
			return;
	while (hear_line(t, line, sizeof line))
		if (!strcmp(line, "QUIT")) {
			say(t, "221 bye");
			return;
		}
}

struct connection {
	struct scripted_peer *p;
	int fd;
	const struct script *script;
};

static void *serve_one(void *arg)
{
	struct connection *c = arg;
	struct talk *t = calloc(1, sizeof *t);

	t->p = c->p;
	t->fd = c->fd;
	play(t, c->script);
	close(c->fd);
	free(t);
	free(c);
	return NULL;
}

static void *serve(void *arg)
{
	struct scripted_peer *p = arg;
	pthread_t threads[256];
	unsigned n = 0;

	for (int fd; n < 256 && (fd = accept(p->listener, NULL, NULL)) >= 0; n++) {
		struct timeval patience = { .tv_sec = 100 };
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		struct connection *c = malloc(sizeof *c);
		unsigned which = p->connections++;
		*c = (struct connection){ p, fd, &p->script[which < p->n_scripts ? which : p->n_scripts - 1] };
		pthread_create(&threads[n], NULL, serve_one, c);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return NULL;
}

void scripted_peer_start(struct scripted_peer *p, const char *address, uint16_t port, const struct script *scripts, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t size = sizeof a;
	int on = 1;

	memset(p, 0, sizeof *p);
	pthread_mutex_init(&p->lock, NULL);
	memcpy(p->script, scripts, n * sizeof *scripts);
	p->n_scripts = n;
	assert_int_equal(inet_pton(AF_INET, address ? address : "127.0.0.1", &a.sin_addr), 1);
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(p->listener, 64), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&a, &size), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

void scripted_peer_stop(struct scripted_peer *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
	buf_fini(&p->heard);
	buf_fini(&p->data);
	pthread_mutex_destroy(&p->lock);
	if (p->wrong[0])
		fail_msg("the script was not kept to: %s", p->wrong);
}
