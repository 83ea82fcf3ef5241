#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/crypto.h"
#include "rt/fault.h"
#include "rt/server_priv.h"

#include <errno.h>
#include <sys/socket.h>

static size_t in_left(const struct conn_in *in) { return in->n - in->at; }

/* ---- passwords ---- */

/* They come before anybody is logged in; what is sent afterwards is no business of ours to hide from ourselves. */
static bool is_secret(const struct conn *c) { return !c->user; }

void conn_in_wipe(struct conn *c)
{
	struct conn_in *in = &c->in;
	if (in->at > in->wiped)
		crypto_wipe(in->p + in->wiped, in->at - in->wiped);
	in->wiped = in->at;
}

static void wipe_all(struct conn *c)
{
	if (is_secret(c) && c->in.n > 0)
		crypto_wipe(c->in.p, c->in.n);
}

/* Moves what is left to the front; behind it nothing stays. */
static void move_down(struct conn *c, char *to, char *from, size_t n)
{
	memmove(to, from, n);
	if (is_secret(c))
		crypto_wipe(to + n, (size_t)(from - to));
}

/* ---- whose memory it is ---- */

void conn_in_lend(struct conn *c)
{
	struct conn_in *in = &c->in;
	size_t left = in_left(in);
	if (left > CONN_IN_COPY_MAX)
		return;
	if (left > 0)
		memcpy(c->worker->in, in->p + in->at, left);
	wipe_all(c);
	free(in->p);
	in->p = c->worker->in;
	in->at = in->wiped = 0;
	in->n = (uint32_t)left;
	in->cap = WORKER_IN;
	in->lent = true;
}

void conn_in_keep(struct conn *c)
{
	struct conn_in *in = &c->in;
	size_t left = in_left(in);
	in->taken = 0;
	if (left > 0 && !in->lent)
		return;
	char *own = NULL;
	if (left > 0) {
		own = malloc(left);
		if (own)
			memcpy(own, in->p + in->at, left);
		else
			conn_give_up(c, "out of memory");
	}
	wipe_all(c);
	if (!in->lent)
		free(in->p);
	in->p = own;
	in->at = in->wiped = 0;
	in->n = in->cap = own ? (uint32_t)left : 0;
	in->lent = false;
}

void conn_in_forget(struct conn *c)
{
	c->in.at = c->in.n;
	c->in.seen = c->in.head = c->in.taken = 0;
	c->in.skipping = c->in.skipped = false;
}

/* Room for more at the end; grows beyond the worker's buffer only for lines longer than that. */
static bool make_room(struct conn *c)
{
	struct conn_in *in = &c->in;
	size_t left = in_left(in);
	if (in->at > 0) {
		move_down(c, in->p, in->p + in->at, left);
		in->at = in->wiped = 0;
		in->n = (uint32_t)left;
	}
	if (in->n < in->cap)
		return true;
	size_t cap = in->cap < WORKER_IN / 2 ? WORKER_IN : (size_t)in->cap * 2;
	bool copies = in->lent || is_secret(c);        /* realloc would leave a copy behind */
	char *grown = cap < UINT32_MAX ? realloc(copies ? NULL : in->p, cap) : NULL;
	if (!grown) {
		conn_give_up(c, "out of memory");
		return false;
	}
	if (copies) {
		memcpy(grown, in->p, left);
		wipe_all(c);
		if (!in->lent)
			free(in->p);
	}
	in->p = grown;
	in->cap = (uint32_t)cap;
	in->lent = false;
	return true;
}

/* ---- reading ---- */

/* 1: *got bytes; 0: none now; ERR_CLOSED: the end. */
static int read_plain(struct conn *c, char *p, size_t room, size_t *got)
{
	if (fault_hit("rt.short_io"))
		room = 1;
	ssize_t n = recv(c->fd, p, room, MSG_DONTWAIT);
	if (n > 0) {
		*got = (size_t)n;
		c->readable = *got == room;        /* level-triggered: more than this is reported again */
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		c->readable = errno == EINTR;
		return 0;
	}
	if (n < 0)
		c->dead = true;
	return ERR_CLOSED;
}

static int read_tls(struct conn *c, char *p, size_t room, size_t *got)
{
	enum tls_io io = tls_conn_read(c->tls, p, room, got);
	c->readable = tls_conn_has_more(c->tls);
	c->read_wants_out = io == TLS_WANT_WRITE;
	switch (io) {
	case TLS_OK: return 1;
	case TLS_WANT_READ: return 0;
	case TLS_WANT_WRITE: c->readable = false; return 0;
	case TLS_END: return ERR_CLOSED;
	case TLS_FAILED: conn_tls_lost(c); return ERR_CLOSED;
	}
	return ERR_CLOSED;
}

static int read_wire(struct conn *c, char *p, size_t room, size_t *got)
{
	int r = c->tls_done ? read_tls(c, p, room, got) : read_plain(c, p, room, got);
	if (r == 1)
		conn_count_add(&c->bytes_in, *got);
	return r;
}

/* What the inflater answered; errors end the connection. */
static int inflated(struct conn *c, int r)
{
	if (r == ERR_INVALID)
		conn_give_up(c, "broken compression");
	else if (r == ERR_NO_MEMORY)
		conn_give_up(c, "out of memory");
	c->readable = c->readable || compress_has_more(c->compress);
	return r;
}

/* More input for the inflater: as read_plain. */
static int feed(struct conn *c)
{
	size_t room, got;
	char *raw = compress_in_room(c->compress, &room);
	if (!raw) {
		conn_give_up(c, "out of memory");
		return ERR_CLOSED;
	}
	int r = read_wire(c, raw, room, &got);
	if (r == 1)
		compress_in_add(c->compress, got);
	return r;
}

/* As read_plain, of what was compressed. Never more is read than the inflater wants. */
static int read_compressed(struct conn *c, char *p, size_t room, size_t *got)
{
	int r;
	while ((r = inflated(c, compress_inflate(c->compress, p, room, got))) == 0)
		if ((r = feed(c)) != 1)
			return r;
	return r;
}

/* Reads on to where the peer flushed its stream behind the command that ended it; 1: there, 0: not yet, ERR_CLOSED. */
static int read_to_flush(struct conn *c)
{
	int r;
	while ((r = inflated(c, compress_skip_to_flush(c->compress))) == 0)
		if ((r = feed(c)) != 1)
			return r;
	return r;
}

bool conn_turn_compress(struct conn *c)
{
	struct conn_in *in = &c->in;
	if (c->compress_next) {
		c->compress = c->compress_next;
		c->compress_next = NULL;
		return true;
	}
	c->out_plain = true;
	int r = read_to_flush(c);
	if (r < 0)
		c->dead = true;
	if (r != 1)
		return false;
	/* conn_end_compress threw away what was there, so there is room: the buffer is never smaller than what the inflater reads. */
	struct str rest = compress_in_rest(c->compress);
	if (rest.n > in->cap) {
		conn_give_up(c, "out of memory");
		return false;
	}
	memcpy(in->p, rest.p, rest.n);
	in->at = in->wiped = 0;
	in->n = (uint32_t)rest.n;
	compress_destroy(&c->compress);
	c->compress_ending = c->out_plain = false;
	return true;
}

enum conn_read conn_in_read(struct conn *c)
{
	if (!make_room(c))
		return READ_END;
	size_t got = 0;
	char *to = c->in.p + c->in.n;
	size_t room = c->in.cap - c->in.n;
	int r = c->compress ? read_compressed(c, to, room, &got) : read_wire(c, to, room, &got);
	if (r == 0)
		return READ_NOTHING;
	if (r < 0) {
		c->ended = true;
		c->readable = false;
		return READ_END;
	}
	c->in.n += (uint32_t)got;
	c->quiet_since = clock_mono_ms();
	return READ_SOME;
}

enum conn_read conn_in_discard(struct conn *c)
{
	size_t got = 0;
	while (c->skipped_bytes < CONN_LINGER_BYTES) {
		int r = read_plain(c, c->worker->in, WORKER_IN, &got);
		if (r < 0)
			return READ_END;
		if (r == 0)
			return READ_NOTHING;
		crypto_wipe(c->worker->in, got);
		c->skipped_bytes += got;
	}
	return READ_END;
}

/* ---- looking for lines ---- */

/* Throws away what arrived of a line over its limit, behind its head. */
static void skip_line(struct conn *c)
{
	struct conn_in *in = &c->in;
	char *from = in->p + in->at + in->head;
	size_t n = in_left(in) - in->head;
	char *end = n > 0 ? memchr(from, '\n', n) : NULL;
	size_t gone = end ? (size_t)(end - from) + 1 : n;
	move_down(c, from, from + gone, n - gone);
	in->n -= (uint32_t)gone;
	in->skipping = !end;
	in->skipped = end;
	c->skipped_bytes += gone;
	if (c->skipped_bytes > CONN_SKIP_MAX)
		conn_give_up(c, "endless line");
}

/* The size of the line at hand with its end, or 0. Over max bytes it is skipped, maybe to its end: then 0 too. */
static size_t find_line(struct conn *c, size_t max)
{
	struct conn_in *in = &c->in;
	if (in->skipping)
		skip_line(c);
	if (in->skipping || in->skipped)
		return 0;
	size_t left = in_left(in);
	const char *from = in->p + in->at;
	if (in->seen > left)
		in->seen = 0;
	const char *end = left > in->seen ? memchr(from + in->seen, '\n', left - in->seen) : NULL;
	size_t size = end ? (size_t)(end - from) + 1 : 0;
	if (size > max || (!end && left >= max)) {
		in->head = left < CONN_LINE_HEAD ? (uint16_t)left : CONN_LINE_HEAD;
		if (size > 0 && in->head >= size)
			in->head = (uint16_t)(size - 1);
		in->seen = 0;
		c->skipped_bytes = 0;
		skip_line(c);
		return 0;
	}
	in->seen = (uint32_t)(end ? size - 1 : left);
	return size;
}

bool conn_in_is_met(struct conn *c)
{
	switch ((enum conn_want)c->want) {
	case WANT_LINE: return find_line(c, c->line_max) > 0 || c->in.skipped;
	case WANT_ANY:
		if (c->in.skipping)
			skip_line(c);
		return conn_pending(c) > 0;
	case WANT_NOTHING: break;
	}
	return false;
}

/* ---- taking ---- */

static void take_head(struct conn_in *in, struct str *line_out)
{
	*line_out = str_make(in->p + in->at, in->head);
	in->at += in->head;
	in->head = 0;
	in->skipped = false;
}

int conn_take_line(struct conn *c, struct str *line_out, bool *bare_lf_out)
{
	struct conn_in *in = &c->in;
	size_t size = find_line(c, c->line_max ? c->line_max : CONN_LINE_DEFAULT);
	*line_out = STR_NONE;
	in->taken = 0;
	if (bare_lf_out)
		*bare_lf_out = false;
	if (in->skipped) {
		take_head(in, line_out);
		return ERR_TOO_BIG;
	}
	if (size == 0)
		return 0;
	const char *line = in->p + in->at;
	in->at += (uint32_t)size;
	in->seen = 0;
	bool crlf = size > 1 && line[size - 2] == '\r';
	if (bare_lf_out)
		*bare_lf_out = !crlf;
	*line_out = str_make(line, size - (crlf ? 2 : 1));
	return 1;
}

size_t conn_pending(struct conn *c) { return c->in.skipping ? 0 : in_left(&c->in) - c->in.head; }

bool conn_take_any(struct conn *c, size_t max, struct str *bytes_out)
{
	struct conn_in *in = &c->in;
	*bytes_out = STR_NONE;
	in->taken = 0;
	size_t n = conn_pending(c);
	if (n > max)
		n = max;
	if (n == 0)
		return false;
	if (in->skipped)
		take_head(in, bytes_out);        /* a session that turns from lines to bytes does not ask for it any more */
	*bytes_out = str_make(in->p + in->at, n);
	in->at += (uint32_t)n;
	in->seen = 0;
	in->taken = (uint32_t)n;
	return true;
}

void conn_untake(struct conn *c, size_t n)
{
	if (n > c->in.taken)
		n = c->in.taken;
	c->in.at -= (uint32_t)n;
	c->in.taken -= (uint32_t)n;
	c->in.seen = 0;
}

/* ---- what the session waits for ---- */

void conn_want_line(struct conn *c, size_t max)
{
	c->want = WANT_LINE;
	c->line_max = max;
}

void conn_want_any(struct conn *c) { c->want = WANT_ANY; }
void conn_want_nothing(struct conn *c) { c->want = WANT_NOTHING; }

void conn_set_timeout(struct conn *c, uint64_t ms)
{
	c->timeout_ms = ms;
	c->quiet_since = clock_mono_ms();
}
