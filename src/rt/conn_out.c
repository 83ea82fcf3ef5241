#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/fault.h"
#include "rt/server_priv.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- whose memory it is ---- */

void conn_out_lend(struct conn *c)
{
	if (c->out.p)
		return;        /* a slow reader's, still full */
	c->out = c->worker->out;
	c->worker->out = (struct buf)BUF_INIT(CONN_OUT_HARD);
	buf_reset(&c->out);
	c->out_sent = 0;
	c->out_offer_at = CONN_OUT_SOFT;
}

void conn_out_keep(struct conn *c)
{
	if (c->compress)
		compress_rest(c->compress);
	if (conn_out_left(c) > 0 && !c->dead)
		return;
	if (!c->worker->out.p && c->out.cap <= WORKER_OUT_KEPT) {
		c->worker->out = c->out;
		c->out.p = NULL;
	}
	buf_fini(&c->out);
	c->out = (struct buf)BUF_INIT(CONN_OUT_HARD);
	c->out_sent = 0;
}

/* ---- sending ---- */

static int send_plain(struct conn *c, const struct iovec *v, int count, size_t *done_out)
{
	struct iovec first = { v->iov_base, 1 };
	if (fault_hit("rt.short_io"))
		v = &first, count = 1;
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)count };
	ssize_t done = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return 0;
	if (done < 0) {
		c->dead = true;
		return ERR_CLOSED;
	}
	*done_out = (size_t)done;
	return 0;
}

static int send_tls(struct conn *c, const struct iovec *v, size_t *done_out)
{
	enum tls_io io = tls_conn_write(c->tls, v->iov_base, v->iov_len, done_out);
	c->write_wants_in = io == TLS_WANT_READ;
	if (io != TLS_END && io != TLS_FAILED)
		return 0;
	conn_tls_lost(c);
	return ERR_CLOSED;
}

/* One send of what is at v: *done_out bytes went, 0 when the socket is full. 0 or ERR_CLOSED. */
static int send_some(struct conn *c, const struct iovec *v, int count, size_t *done_out)
{
	*done_out = 0;
	int r = c->tls_done ? send_tls(c, v, done_out) : send_plain(c, v, count, done_out);
	if (*done_out > 0) {
		conn_count_add(&c->bytes_sent, *done_out);
		c->out_since = clock_mono_ms();
	}
	return r;
}

/* Blocks until the socket takes more. Only inside a long command: a worker is spent on it. */
static int wait_for_peer(struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = c->write_wants_in ? POLLIN : POLLOUT };
	uint64_t timeout = c->server->config.write_timeout_ms;
	while (!c->dead) {
		uint64_t before = clock_mono_us();
		int ready = poll(&p, 1, SERVER_KILL_MS);
		c->worker->waited_us += clock_mono_us() - before;
		if (ready > 0)
			return 0;
		if (conn_state_has(&c->state, NEWS_KILL))
			conn_give_up(c, "server stops");
		else if (!c->user && conn_state_has(&c->state, NEWS_SHED))
			conn_give_up(c, "memory ceiling");
		else if (clock_mono_ms() > c->out_since + timeout)
			conn_give_up(c, "peer does not read");
	}
	return ERR_CLOSED;
}

/* The next of n bytes in compressed form; how many of them, 0 when that is impossible. */
static size_t pack(struct conn *c, const char *p, size_t n)
{
	struct worker *w = c->worker;
	if (n > COMPRESS_CHUNK)
		n = COMPRESS_CHUNK;
	int r = w->deflater ? 0 : deflater_create(&w->deflater);
	if (r == 0)
		r = compress_deflate(c->compress, w->deflater, p, n);
	if (r == 0)
		return n;
	conn_give_up(c, "out of memory");
	return 0;
}

/* As conn_out_offer. What is compressed already goes first, and no more is compressed before it is gone. */
static bool offer_compressed(struct conn *c)
{
	while (!c->dead && conn_out_left(c) > 0) {
		struct str packed = compress_out(c->compress);
		struct iovec v = { (void *)(uintptr_t)packed.p, packed.n };
		size_t done;
		if (packed.n == 0) {
			c->out_sent += pack(c, c->out.p + c->out_sent, c->out.n - c->out_sent);
			continue;
		}
		if (send_some(c, &v, 1, &done) < 0)
			break;
		if (done == 0)
			return false;
		compress_out_sent(c->compress, done);
	}
	buf_reset(&c->out);
	c->out_sent = 0;
	return true;
}

bool conn_out_offer(struct conn *c)
{
	if (c->out.failed)
		conn_give_up(c, "too much output at once");
	if (c->compress && !c->out_plain)
		return offer_compressed(c);
	while (!c->dead && conn_out_left(c) > 0) {
		struct iovec v = { c->out.p + c->out_sent, conn_out_left(c) };
		size_t done;
		if (send_some(c, &v, 1, &done) < 0)
			break;
		if (done == 0)
			return false;
		c->out_sent += done;
	}
	buf_reset(&c->out);
	c->out_sent = 0;
	return true;
}

static int flush_below(struct conn *c, size_t left)
{
	c->out_since = clock_mono_ms();
	while (!conn_out_offer(c) && conn_out_left(c) > left)
		if (wait_for_peer(c) < 0)
			break;
	/* What is sent already must not make the buffer grow. */
	buf_consume(&c->out, c->out_sent);
	c->out_sent = 0;
	c->out_offer_at = c->out.n + CONN_OUT_SOFT;
	return c->dead ? ERR_CLOSED : 0;
}

int conn_flush(struct conn *c) { return flush_below(c, 0); }

int conn_out_check(struct conn *c)
{
	size_t left = conn_out_left(c), bound = c->server->config.out_bound;
	if (left < c->out_offer_at && left <= bound && !c->out.failed)
		return c->dead ? ERR_CLOSED : 0;
	return flush_below(c, bound);
}

/* ---- writing ---- */

void conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->dead)
		return;
	if (n >= c->server->config.out_bound) {
		conn_write_large(c, p, n);
		return;
	}
	buf_add(&c->out, p, n);
	conn_out_check(c);
}

void conn_write_str(struct conn *c, struct str s) { conn_write(c, s.p, s.n); }

void conn_printf(struct conn *c, const char *format, ...)
{
	va_list ap;
	if (c->dead)
		return;
	va_start(ap, format);
	buf_vprintf(&c->out, format, ap);
	va_end(ap);
	conn_out_check(c);
}

struct buf *conn_out(struct conn *c) { return &c->out; }

/* What the socket did not take goes behind what is buffered. */
static int keep_rest(struct conn *c, const char *p, size_t n)
{
	buf_consume(&c->out, c->out_sent);
	c->out_sent = 0;
	if (c->dead)
		return ERR_CLOSED;
	buf_add(&c->out, p, n);
	return 0;
}

/* Sends buffer and payload together until what is left of both may wait in the buffer. */
static int write_beyond(struct conn *c, const char *p, size_t n)
{
	while (n > 0 && !c->dead) {
		size_t buffered = conn_out_left(c), done;
		struct iovec v[2] = { { c->out.p + c->out_sent, buffered }, { (void *)(uintptr_t)p, n } };
		bool payload_only = buffered == 0;
		if (send_some(c, v + payload_only, 2 - payload_only, &done) < 0)
			break;
		size_t of_buffer = done < buffered ? done : buffered;
		c->out_sent += of_buffer;
		p += done - of_buffer;
		n -= done - of_buffer;
		if (done > 0)
			continue;
		if (conn_out_left(c) + n <= c->server->config.out_bound)
			break;
		if (wait_for_peer(c) < 0)
			break;
	}
	return keep_rest(c, p, n);
}

/* As write_beyond: the payload is compressed from where it lies. */
static int write_compressed_beyond(struct conn *c, const char *p, size_t n)
{
	while (n > 0 && !c->dead) {
		if (conn_out_offer(c)) {
			size_t done = pack(c, p, n);
			p += done;
			n -= done;
			continue;
		}
		if (conn_out_left(c) + n <= c->server->config.out_bound)
			break;
		if (wait_for_peer(c) < 0)
			break;
	}
	return keep_rest(c, p, n);
}

int conn_write_large(struct conn *c, const void *p, size_t n)
{
	if (c->dead)
		return ERR_CLOSED;
	if (n < CONN_LARGE_MIN) {
		buf_add(&c->out, p, n);
		return conn_out_check(c);
	}
	if (c->out.failed)
		return flush_below(c, 0);
	c->out_since = clock_mono_ms();
	return c->compress && !c->out_plain ? write_compressed_beyond(c, p, n) : write_beyond(c, p, n);
}

void conn_abort(struct conn *c) { c->dead = true; }

/* A server that goes down waits for nobody who asks here. */
bool conn_is_dead(const struct conn *c) { return c->dead || conn_state_has(&c->state, NEWS_KILL); }

bool conn_peer_gone(struct conn *c)
{
	char byte;
	if (conn_is_dead(c) || c->ended)
		return true;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n > 0 && c->tls_done) {
		/* What stands before the end may be no more than the TLS goodbye. */
		struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
		return poll(&p, 1, 0) > 0;
	}
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
