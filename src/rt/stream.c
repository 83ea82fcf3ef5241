#include "rt/stream_priv.h"

#include "base/clock.h"
#include "rt/fault.h"
#include "rt/limits.h"

#include <errno.h>
#include <poll.h>

/* ---- waiting ---- */

void stream_set_timeout(struct stream *s, uint64_t ms) { s->timeout_ms = ms ? ms : STREAM_TIMEOUT_MS; }
void stream_set_deadline(struct stream *s, uint64_t mono_ms) { s->deadline = mono_ms; }

bool stream_is_late(const struct stream *s) { return s->deadline && clock_mono_ms() >= s->deadline; }

/* Positive: what the socket is ready for. */
int stream_wait(const struct stream *s, short events)
{
	uint64_t now = clock_mono_ms(), until = now + s->timeout_ms;
	if (s->deadline && s->deadline < until)
		until = s->deadline;
	for (; now < until; now = clock_mono_ms()) {
		struct pollfd p = { .fd = s->fd, .events = events };
		uint64_t left = until - now, most = s->cancel ? STREAM_CANCEL_MS : INT32_MAX;
		if (s->cancel && *s->cancel)
			return ERR_CLOSED;
		int n = poll(&p, 1, left > most ? (int)most : (int)left);
		if (n > 0)
			return p.revents;
		if (n < 0 && errno != EINTR)
			return ERR_IO;
	}
	return ERR_TIMEOUT;
}

/* ---- bytes from and to the socket ---- */

static enum tls_io plain_result(ssize_t n)
{
	if (n > 0)
		return TLS_OK;
	if (n == 0)
		return TLS_END;
	return errno == EAGAIN || errno == EINTR ? TLS_WANT_READ : TLS_FAILED;
}

/* Adds what is there, without waiting. */
static enum tls_io take(struct stream *s, struct buf *into)
{
	size_t n = 0;
	char *p = s->ended ? NULL : buf_reserve(into, STREAM_READ);
	if (!p)
		return s->ended ? TLS_END : TLS_FAILED;
	enum tls_io io;
	if (s->tls) {
		io = tls_conn_read(s->tls, p, STREAM_READ, &n);
	} else {
		ssize_t got = recv(s->fd, p, fault_hit("rt.short_io") ? 1 : STREAM_READ, MSG_DONTWAIT);
		io = plain_result(got);
		n = got > 0 ? (size_t)got : 0;
	}
	into->n += n;
	s->bytes_in += n;
	s->ended = io == TLS_END || io == TLS_FAILED;
	return io;
}

static enum tls_io give(struct stream *s, const char *p, size_t n, size_t *n_out)
{
	*n_out = 0;
	if (s->tls)
		return tls_conn_write(s->tls, p, n, n_out);
	ssize_t done = send(s->fd, p, fault_hit("rt.short_io") ? 1 : n, MSG_DONTWAIT | MSG_NOSIGNAL);
	*n_out = done > 0 ? (size_t)done : 0;
	enum tls_io io = plain_result(done);
	return io == TLS_WANT_READ ? TLS_WANT_WRITE : io;
}

/* At least one byte more in s->in. */
static int fill(struct stream *s)
{
	while (!stream_is_late(s)) {
		enum tls_io io = take(s, &s->in);
		if (io == TLS_OK)
			return 0;
		if (io == TLS_END || io == TLS_FAILED)
			return io == TLS_END ? ERR_CLOSED : ERR_IO;
		int r = stream_wait(s, io == TLS_WANT_READ ? POLLIN : POLLOUT);
		if (r < 0)
			return r;
	}
	return ERR_TIMEOUT;
}

/* RFC 2920 3.1: a client that pipelines must not wait for a server that waits for it, so it listens while it cannot speak. */
static int wait_to_write(struct stream *s, short events)
{
	bool listen = !s->ended && s->ahead.n < STREAM_AHEAD_MAX;
	int ready = stream_wait(s, listen ? events | POLLIN : events);
	if (ready > 0 && listen && (ready & POLLIN))
		take(s, &s->ahead);
	return ready < 0 ? ready : 0;
}

static int send_all(struct stream *s, const char *p, size_t n)
{
	int r = 0;
	while (n > 0 && r == 0) {
		size_t done;
		errno = 0;
		enum tls_io io = stream_is_late(s) ? TLS_FAILED : give(s, p, n, &done);
		if (stream_is_late(s))
			r = ERR_TIMEOUT;
		else if (io == TLS_WANT_READ || io == TLS_WANT_WRITE)
			r = wait_to_write(s, io == TLS_WANT_READ ? POLLIN : POLLOUT);
		else if (io != TLS_OK)
			r = errno == EPIPE || io == TLS_END ? ERR_CLOSED : ERR_IO;
		else
			p += done, n -= done, s->bytes_out += done;
	}
	s->write_error = r;
	return r;
}

/* ---- reading ---- */

/* What the last read handed out goes, what came meanwhile joins. */
static int begin_read(struct stream *s)
{
	int r = stream_flush(s);
	buf_consume(&s->in, s->taken);
	s->taken = 0;
	buf_add_str(&s->in, buf_str(&s->ahead));
	buf_fini(&s->ahead);
	if (s->in.failed)
		return ERR_NO_MEMORY;
	return r == ERR_CLOSED || r == ERR_IO ? 0 : r;        /* the peer's last words */
}

int stream_read_line(struct stream *s, size_t max, struct str *line_out)
{
	int r = begin_read(s);
	*line_out = STR_NONE;
	for (size_t seen = 0; r == 0; r = fill(s)) {
		const char *end = s->in.n > seen ? memchr(s->in.p + seen, '\n', s->in.n - seen) : NULL;
		seen = s->in.n;
		if (!end && seen > max + 1)
			return ERR_TOO_BIG;
		if (!end)
			continue;
		struct str line = str_make(s->in.p, (size_t)(end - s->in.p));
		s->taken = line.n + 1;
		if (str_ends(line, STR("\r")))
			line.n--;
		if (line.n > max)
			return ERR_TOO_BIG;
		*line_out = line;
		return 0;
	}
	return r;
}

int stream_read_exact(struct stream *s, void *p, size_t n)
{
	char *to = p;
	int r = begin_read(s);
	while (r == 0) {
		size_t part = n < s->in.n ? n : s->in.n;
		if (part > 0)
			memcpy(to, s->in.p, part);
		buf_consume(&s->in, part);
		to += part, n -= part;
		if (n == 0)
			break;
		r = fill(s);
	}
	return r;
}

bool stream_readable(struct stream *s)
{
	if (s->in.n > s->taken || s->ahead.n > 0 || s->ended)
		return true;
	enum tls_io io = take(s, &s->ahead);
	return io != TLS_WANT_READ && io != TLS_WANT_WRITE;
}

bool stream_has_pending(const struct stream *s)
{
	char byte;
	if (s->in.n > s->taken || s->ahead.n > 0)
		return true;
	return !s->tls && recv(s->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

/* ---- writing ---- */

int stream_flush(struct stream *s)
{
	if (s->write_error)
		return s->write_error;
	if (s->out.failed)
		return s->write_error = ERR_NO_MEMORY;
	int r = send_all(s, s->out.p, s->out.n);
	buf_reset(&s->out);
	return r;
}

int stream_write(struct stream *s, const void *p, size_t n)
{
	int r = s->write_error;
	if (r == 0 && s->out.n + n > STREAM_OUT)
		r = stream_flush(s);
	if (r == 0 && n >= STREAM_OUT)
		return send_all(s, p, n);
	if (r == 0)
		buf_add(&s->out, p, n);
	return r;
}

int stream_printf(struct stream *s, const char *format, ...)
{
	va_list ap;
	if (s->write_error)
		return s->write_error;
	va_start(ap, format);
	buf_vprintf(&s->out, format, ap);
	va_end(ap);
	return s->out.failed || s->out.n > STREAM_OUT ? stream_flush(s) : 0;
}

uint64_t stream_bytes_in(const struct stream *s) { return s->bytes_in; }
uint64_t stream_bytes_out(const struct stream *s) { return s->bytes_out; }
