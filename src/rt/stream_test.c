/* Plain connections to peers of every temper. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rt/fault.h"
#include "rt/stream.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/un.h>
#include <unistd.h>

/* A peer that accepts one connection and plays a part. */
struct peer {
	int listener, fd;
	uint16_t port;
	void (*play)(struct peer *p);
	pthread_t thread;
	char heard[64];
	struct sockaddr_storage from;
};

static void *peer_run(void *arg)
{
	struct peer *p = arg;
	socklen_t n = sizeof(p->from);
	p->fd = accept(p->listener, (struct sockaddr *)&p->from, &n);
	if (p->fd >= 0)
		p->play(p);
	close(p->fd);
	return NULL;
}

static void peer_listen(struct peer *p, const struct sockaddr *a, socklen_t n, int backlog)
{
	p->listener = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, a, n), 0);
	assert_int_equal(listen(p->listener, backlog), 0);
}

static void peer_start(struct peer *p, void (*play)(struct peer *p))
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	memset(p, 0, sizeof(*p));
	p->play = play;
	peer_listen(p, (struct sockaddr *)&a, sizeof(a), 4);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&a, &n), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static void peer_join(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->listener);
}

static void say(struct peer *p, const char *text) { assert_int_equal(send(p->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text)); }

static void hear(struct peer *p)
{
	size_t n = 0;
	for (ssize_t got; n < sizeof(p->heard) - 1 && (got = recv(p->fd, p->heard + n, sizeof(p->heard) - 1 - n, 0)) > 0;)
		n += (size_t)got;
}

static struct stream_target target(uint16_t port)
{
	struct stream_target t = { .peer.port = port };
	assert_true(net_addr_parse(STR("127.0.0.1"), 0, &t.peer.addr));
	return t;
}

static struct stream *open_stream(uint16_t port)
{
	struct stream_target t = target(port);
	struct stream *s;
	struct err e = { 0 };
	if (stream_connect(&t, &s, &e) < 0)
		fail_msg("%s", e.log);
	stream_set_timeout(s, 60000);
	return s;
}

static struct stream *open_local(struct peer *p, void (*play)(struct peer *p))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stream *s;
	memset(p, 0, sizeof(*p));
	p->play = play;
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/troika-stream-test-%d", (int)getpid());
	unlink(a.sun_path);        /* of one that was killed */
	peer_listen(p, (struct sockaddr *)&a, sizeof(a), 4);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
	struct stream_target t = { .path = a.sun_path };
	assert_int_equal(stream_connect(&t, &s, NULL), 0);
	stream_set_timeout(s, 60000);
	unlink(a.sun_path);
	return s;
}

static void expect_line(struct stream *s, const char *want)
{
	struct str line;
	assert_int_equal(stream_read_line(s, 100, &line), 0);
	assert_true(str_eq(line, str_from_c(want)));
}

/* ---- reading ---- */

static void play_lines(struct peer *p) { say(p, "220 hi\r\nbare\n\r\na\rb\r\n12345 678\r\ncut off"); }

static void test_lines(void **state)
{
	static const char *const plans[] = { NULL, "rt.short_io=1/1" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct peer p;
		struct str line;
		char exact[6];
		assert_int_equal(fault_setup(plans[i]), 0);
		peer_start(&p, play_lines);
		struct stream *s = open_stream(p.port);
		expect_line(s, "220 hi");
		expect_line(s, "bare");
		expect_line(s, "");
		expect_line(s, "a\rb");
		assert_int_equal(stream_read_exact(s, exact, 6), 0);
		assert_memory_equal(exact, "12345 ", 6);
		expect_line(s, "678");
		assert_int_equal(stream_read_line(s, 100, &line), ERR_CLOSED);        /* mid-line */
		assert_true(stream_readable(s));
		stream_close(&s);
		assert_null(s);
		stream_close(&s);
		peer_join(&p);
	}
	fault_setup(NULL);
}

static void play_long(struct peer *p)
{
	say(p, "1234567890\r\n12345678901\r\n");
	hear(p);
}

static void test_long_line(void **state)
{
	struct peer p;
	struct str line;
	(void)state;
	peer_start(&p, play_long);
	struct stream *s = open_stream(p.port);
	assert_int_equal(stream_read_line(s, 10, &line), 0);
	assert_int_equal(line.n, 10);
	assert_int_equal(stream_read_line(s, 10, &line), ERR_TOO_BIG);
	stream_close(&s);
	peer_join(&p);
}

static void play_endless(struct peer *p)
{
	while (send(p->fd, "xxxxxxxx", 8, MSG_NOSIGNAL) > 0)
		;
}

static void test_endless_line(void **state)
{
	struct peer p;
	struct str line;
	(void)state;
	peer_start(&p, play_endless);
	struct stream *s = open_stream(p.port);
	assert_int_equal(stream_read_line(s, 50000, &line), ERR_TOO_BIG);
	stream_close(&s);
	peer_join(&p);
}

/* A line stays where it is while we write, also when the peer goes on talking. */
static void play_talker(struct peer *p)
{
	static char many[60000];
	memset(many, '.', sizeof(many));
	say(p, "one\r\n");
	usleep(20000);
	send(p->fd, many, sizeof(many), MSG_NOSIGNAL);
	say(p, "\r\nlast\r\n");
	hear(p);
}

static void test_line_stays(void **state)
{
	struct peer p;
	struct str line, dots;
	(void)state;
	peer_start(&p, play_talker);
	struct stream *s = open_stream(p.port);
	assert_int_equal(stream_read_line(s, 100, &line), 0);
	while (!stream_readable(s))
		usleep(1000);
	assert_int_equal(stream_write_str(s, line), 0);
	assert_int_equal(stream_flush(s), 0);
	assert_true(str_eq(line, STR("one")));
	assert_true(stream_has_pending(s));
	assert_int_equal(stream_read_line(s, 60000, &dots), 0);
	assert_int_equal(dots.n, 60000);
	expect_line(s, "last");
	assert_false(stream_has_pending(s));
	stream_close(&s);
	peer_join(&p);
	assert_string_equal(p.heard, "one");
}

/* ---- time ---- */

static void play_silent(struct peer *p) { hear(p); }

static void test_timeout(void **state)
{
	struct peer p;
	struct str line;
	(void)state;
	peer_start(&p, play_silent);
	struct stream *s = open_stream(p.port);
	stream_set_timeout(s, 30);
	assert_false(stream_readable(s));
	assert_int_equal(stream_read_line(s, 100, &line), ERR_TIMEOUT);
	stream_close(&s);
	peer_join(&p);
}

static _Atomic bool cancelled;

static void *cancel_soon(void *arg)
{
	usleep(20000);
	cancelled = true;
	return arg;
}

/* Somebody else decides that it is over; without that these calls would wait for minutes. */
static void test_cancel(void **state)
{
	struct peer p;
	struct str line;
	struct stream *s;
	pthread_t canceller;
	(void)state;
	peer_start(&p, play_silent);
	struct stream_target t = target(p.port);
	t.cancel = &cancelled;
	assert_int_equal(stream_connect(&t, &s, NULL), 0);
	assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, NULL), 0);
	assert_int_equal(stream_read_line(s, 100, &line), ERR_CLOSED);
	pthread_join(canceller, NULL);
	assert_int_equal(stream_read_line(s, 100, &line), ERR_CLOSED);
	stream_close(&s);
	peer_join(&p);
}

static void play_slow(struct peer *p)
{
	while (send(p->fd, "x", 1, MSG_NOSIGNAL) > 0)
		usleep(2000);
}

/* Always some progress, never a line. */
static void test_deadline(void **state)
{
	struct peer p;
	struct str line;
	(void)state;
	peer_start(&p, play_slow);
	struct stream *s = open_stream(p.port);
	stream_set_deadline(s, clock_mono_ms() + 100);
	assert_int_equal(stream_read_line(s, 1000000, &line), ERR_TIMEOUT);
	stream_close(&s);
	peer_join(&p);
	peer_start(&p, play_endless);
	s = open_stream(p.port);
	stream_set_deadline(s, clock_mono_ms());
	assert_int_equal(stream_read_line(s, SIZE_MAX - 1, &line), ERR_TIMEOUT);
	stream_close(&s);
	peer_join(&p);
}

static _Atomic bool seen_enough;

/* Reads nothing, and stays. */
static void play_deaf(struct peer *p)
{
	int small = 4096;
	setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (!seen_enough)
		usleep(1000);
}

static void test_peer_does_not_read(void **state)
{
	static char block[1 << 20];
	struct peer p;
	int r = 0;
	(void)state;
	peer_start(&p, play_deaf);
	struct stream *s = open_stream(p.port);
	stream_set_timeout(s, 50);
	for (unsigned i = 0; i < 64 && r == 0; i++)
		r = stream_write(s, block, sizeof(block));
	assert_int_equal(r, ERR_TIMEOUT);
	assert_int_equal(stream_write(s, "x", 1), ERR_TIMEOUT);
	assert_int_equal(stream_flush(s), ERR_TIMEOUT);
	seen_enough = true;
	stream_close(&s);
	peer_join(&p);
}

/* ---- both ways ---- */

static void play_half_open(struct peer *p)
{
	say(p, "bye\r\n");
	shutdown(p->fd, SHUT_WR);
	hear(p);
}

static void test_half_open(void **state)
{
	struct peer p;
	struct str line;
	(void)state;
	peer_start(&p, play_half_open);
	struct stream *s = open_stream(p.port);
	expect_line(s, "bye");
	assert_int_equal(stream_read_line(s, 100, &line), ERR_CLOSED);
	assert_int_equal(stream_printf(s, "still %d\r\n", 1), 0);
	assert_int_equal(stream_flush(s), 0);
	stream_close(&s);
	peer_join(&p);
	assert_string_equal(p.heard, "still 1\r\n");
}

/* Echoes one piece at a time. What a local socket holds does not grow: whoever only writes locks up with it. */
static void play_echo(struct peer *p)
{
	char piece[16384];
	for (ssize_t n; (n = recv(p->fd, piece, sizeof(piece), 0)) > 0;)
		if (send(p->fd, piece, (size_t)n, MSG_NOSIGNAL) != n)
			break;
}

static void test_megabyte(void **state)
{
	enum { SIZE = 1 << 20 };
	char *sent = malloc(SIZE), *got = malloc(SIZE);
	struct peer p;
	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 251);
	struct stream *s = open_local(&p, play_echo);
	for (size_t at = 0, step = 1; at < SIZE; at += step, step = step * 3 % 50021) {
		step = step < SIZE - at ? step : SIZE - at;
		assert_int_equal(stream_write(s, sent + at, step), 0);
	}
	assert_int_equal(stream_read_exact(s, got, SIZE), 0);
	assert_memory_equal(sent, got, SIZE);
	assert_int_equal(stream_bytes_in(s), SIZE);
	assert_int_equal(stream_bytes_out(s), SIZE);
	stream_close(&s);
	peer_join(&p);
	free(sent);
	free(got);
}

static void play_last_words(struct peer *p) { say(p, "421 going down\r\n"); }        /* and closes with what we sent unread: a reset */

static void test_last_words(void **state)
{
	static char block[1 << 18];
	struct peer p;
	struct str line;
	int r = 0;
	(void)state;
	peer_start(&p, play_last_words);
	struct stream *s = open_stream(p.port);
	for (unsigned i = 0; i < 1000 && r == 0; i++)
		r = stream_write(s, block, sizeof(block));
	assert_true(r == ERR_CLOSED || r == ERR_IO);        /* and no SIGPIPE */
	expect_line(s, "421 going down");
	r = stream_read_line(s, 100, &line);
	assert_true(r == ERR_CLOSED || r == ERR_IO);
	stream_close(&s);
	peer_join(&p);
}

/* ---- opening ---- */

static void test_refused(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	struct stream *s;
	struct err e = { 0 };
	(void)state;
	/* a port that is ours, so that nobody else listens there */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	struct stream_target t = target(ntohs(a.sin_port));
	assert_int_equal(stream_connect(&t, &s, &e), ERR_IO);
	close(fd);
	assert_null(s);
	assert_non_null(strstr(e.log, "127.0.0.1:"));
	t = (struct stream_target){ .path = "/nonexistent/socket" };
	assert_int_equal(stream_connect(&t, &s, &e), ERR_IO);
	t.path = "/a/path/that/is/longer/than/a/local/socket/may/have/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	assert_int_equal(stream_connect(&t, &s, &e), ERR_INVALID);
}

/* A listener whose queue is full does not answer. */
static void test_connect_timeout(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	struct stream *s[16] = { NULL };
	struct peer p = { 0 };
	struct err e;
	int r = 0;
	(void)state;
	peer_listen(&p, (struct sockaddr *)&a, sizeof(a), 0);
	assert_int_equal(getsockname(p.listener, (struct sockaddr *)&a, &n), 0);
	struct stream_target t = target(ntohs(a.sin_port));
	t.timeout_ms = 100;
	for (unsigned i = 0; i < 16 && r == 0; i++)
		r = stream_connect(&t, &s[i], &e);
	assert_int_equal(r, ERR_TIMEOUT);
	for (unsigned i = 0; i < 16; i++)
		stream_close(&s[i]);
	close(p.listener);
}

static void test_source_address(void **state)
{
	struct net_addr source;
	struct net_endpoint seen;
	struct stream *s;
	struct peer p;
	char text[NET_TEXT_MAX];
	(void)state;
	peer_start(&p, play_silent);
	struct stream_target t = target(p.port);
	assert_true(net_addr_parse(STR("127.0.0.5"), 0, &source));
	t.source = &source;
	assert_int_equal(stream_connect(&t, &s, NULL), 0);
	struct net_endpoint local = stream_local(s);
	stream_close(&s);
	peer_join(&p);
	assert_true(net_endpoint_from_sockaddr(&p.from, &seen));
	assert_int_equal(seen.port, local.port);
	net_addr_format(&seen.addr, text);
	assert_string_equal(text, "127.0.0.5");
	assert_memory_equal(&seen.addr, &local.addr, sizeof(seen.addr));
	/* an address that is not ours */
	assert_true(net_addr_parse(STR("192.0.2.1"), 0, &source));
	assert_int_equal(stream_connect(&t, &s, NULL), ERR_IO);
}

static void test_local_socket(void **state)
{
	struct peer p;
	(void)state;
	struct stream *s = open_local(&p, play_lines);
	expect_line(s, "220 hi");
	stream_close(&s);
	peer_join(&p);
}

static void test_ipv6(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t n = sizeof(a);
	struct peer p = { .play = play_lines };
	struct stream_target t = { 0 };
	struct stream *s;
	(void)state;
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = probe >= 0 && bind(probe, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(probe);
	if (!has)
		skip();
	peer_listen(&p, (struct sockaddr *)&a, sizeof(a), 4);
	assert_int_equal(getsockname(p.listener, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(pthread_create(&p.thread, NULL, peer_run, &p), 0);
	assert_true(net_addr_parse(STR("::1"), 0, &t.peer.addr));
	t.peer.port = ntohs(a.sin6_port);
	assert_int_equal(stream_connect(&t, &s, NULL), 0);
	expect_line(s, "220 hi");
	stream_close(&s);
	peer_join(&p);
}

/* One end of a pair is as good as a connection. */
static void test_adopt(void **state)
{
	(void)state;
	int pair[2];
	struct str line;
	struct stream *s;
	struct err e = { 0 };
	char heard[8];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(stream_adopt(pair[0], NULL, &s, &e), 0);
	assert_int_equal(send(pair[1], "one\r\ntwo\n", 9, 0), 9);
	assert_int_equal(stream_printf(s, "hello"), 0);
	assert_int_equal(stream_read_line(s, 100, &line), 0);
	assert_true(str_eq(line, STR("one")));
	assert_int_equal(recv(pair[1], heard, sizeof(heard), 0), 5);
	assert_int_equal(stream_read_line(s, 100, &line), 0);
	assert_true(str_eq(line, STR("two")));
	stream_close(&s);
	assert_int_equal(recv(pair[1], heard, sizeof(heard), 0), 0);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopt), cmocka_unit_test(test_lines), cmocka_unit_test(test_long_line), cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_line_stays), cmocka_unit_test(test_timeout), cmocka_unit_test(test_cancel), cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_peer_does_not_read), cmocka_unit_test(test_half_open), cmocka_unit_test(test_megabyte),
		cmocka_unit_test(test_last_words), cmocka_unit_test(test_refused), cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_source_address), cmocka_unit_test(test_local_socket), cmocka_unit_test(test_ipv6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
