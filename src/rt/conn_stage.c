/* The steps of a connection before and after its session. */
#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/proxy.h"
#include "rt/server_priv.h"

#include <errno.h>
#include <sys/socket.h>

bool conn_is_late(const struct conn *c) { return clock_mono_ms() >= c->stage_deadline; }

METRIC_COUNTER(late_proxy, TIMEOUTS, "stage=\"PROXY header\"", TIMEOUTS_HELP);
METRIC_COUNTER(late_handshake, TIMEOUTS, "stage=\"handshake\"", TIMEOUTS_HELP);
METRIC_COUNTER(bad_header, "troika_rt_bad_proxy_headers_total", "", "Connections of listed peers without a PROXY header that can be read.");

/* The server goes down: nobody waits for what has not even begun. */
static bool is_unwanted(struct conn *c, struct metric *late)
{
	if (c->dead || server_ends(c->server, c->listener))
		return true;
	if (!conn_is_late(c))
		return false;
	metric_add(late, 1);
	conn_log(c, LOG_INFO, "rt.late", LOG_LIST(LOG_C("stage", c->stage == STAGE_PROXY ? "PROXY header" : "handshake")));
	return true;
}

/* ---- the PROXY header ---- */

/* Everybody counts by the address that the header names. */
static bool adopt_addresses(struct conn *c, const struct proxy_header *h)
{
	if (h->has_addresses) {
		conn_view_change(c);
		c->peer = h->from;
		net_addr_format(&c->peer.addr, c->peer_text);
		conn_view_changed(c);
		c->local = h->to;
		net_addr_format(&c->local.addr, c->local_text);
	}
	if (net_addr_is_loopback(&c->peer.addr))
		return true;
	int r = admission_enter_addr(&c->server->admission, &c->peer.addr);
	if (r < 0) {
		server_note_refusal(c->server, &c->peer.addr, admission_refusal(r));
		return false;
	}
	c->counted_addr = true;
	return true;
}

/* Takes exactly the header from the socket, since TLS may begin behind it. Looks first, then takes: 1 done, 0 not all
 * there, ERR_INVALID, ERR_CLOSED. */
static int read_proxy_header(struct conn *c, struct proxy_header *h)
{
	char *gathered = c->in.p + c->in.at;
	size_t had = c->in.n - c->in.at;
	ssize_t n = recv(c->fd, gathered + had, PROXY_HEADER_MAX - had, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return ERR_CLOSED;
	int r = proxy_parse(str_make(gathered, had + (size_t)n), h);
	if (r < 0)
		return r;
	size_t take = r == 1 ? h->size - had : (size_t)n;
	if (recv(c->fd, gathered + had, take, MSG_DONTWAIT) != (ssize_t)take)
		return ERR_CLOSED;
	c->in.n += (uint32_t)take;
	return r;
}

enum turn conn_turn_proxy(struct conn *c)
{
	struct proxy_header h;
	if (is_unwanted(c, &late_proxy))
		return TURN_OVER;
	if ((c->news & (NEWS_IN | NEWS_END | NEWS_HANGUP)) == 0)
		return TURN_PARK;
	int r = read_proxy_header(c, &h);
	if (r == 0)
		return TURN_PARK;
	if (r == ERR_INVALID) {
		metric_add(&bad_header, 1);
		conn_log(c, LOG_WARN, "rt.proxy_header_bad", LOG_NOTHING);
	}
	if (r < 0 || !adopt_addresses(c, &h))
		return TURN_OVER;
	conn_in_forget(c);
	c->stage = c->listener->tls_first ? STAGE_HANDSHAKE : STAGE_SESSION;
	return TURN_NEXT;
}

/* ---- TLS ---- */

static bool begin_tls(struct conn *c)
{
	struct tls_context *context = server_tls(c->server);
	int r = context ? tls_conn_create(context, c->fd, &c->tls) : ERR_NOT_FOUND;
	tls_context_unref(&context);
	if (r < 0)
		conn_give_up(c, r == ERR_NOT_FOUND ? "no certificate" : "out of memory");
	return r == 0;
}

static enum turn handshake_failed(struct conn *c)
{
	atomic_fetch_add(&c->server->tls_failures, 1);
	conn_log(c, LOG_INFO, "rt.tls_failed", LOG_LIST(LOG_C("why", tls_conn_failure(c->tls))));
	return TURN_OVER;
}

enum turn conn_turn_handshake(struct conn *c)
{
	if (is_unwanted(c, &late_handshake))
		return TURN_OVER;
	/* Who connects and says nothing costs no TLS state. */
	if (!c->tls && (c->news & NEWS_EPOLL) == 0)
		return TURN_PARK;
	if (!c->tls && !begin_tls(c))
		return TURN_OVER;
	c->read_wants_out = false;
	switch (tls_conn_handshake(c->tls)) {
	case TLS_WANT_WRITE:
		c->read_wants_out = true;
		return TURN_PARK;
	case TLS_WANT_READ:
		return TURN_PARK;
	case TLS_END:
	case TLS_FAILED:
		return handshake_failed(c);
	case TLS_OK:
		break;
	}
	atomic_fetch_add(&c->server->tls_handshakes, 1);
	conn_view_change(c);
	c->view.tls = tls_conn_version(c->tls).p;        /* static */
	conn_view_changed(c);
	c->tls_done = true;
	c->handshaken = true;
	c->readable = true;        /* the first command may have come with the end of the handshake */
	c->stage = STAGE_SESSION;
	return TURN_NEXT;
}

/* ---- after the session ---- */

enum turn conn_turn_last_words(struct conn *c)
{
	c->news &= ~NEWS_TIMEOUT;
	bool gone = conn_out_offer(c);
	if (c->dead)
		return TURN_OVER;
	if (!gone) {
		if (clock_mono_ms() < c->out_since + c->server->config.write_timeout_ms)
			return TURN_PARK;
		conn_give_up(c, "peer does not read");
		return TURN_OVER;
	}
	if (c->tls_done)
		tls_conn_end(c->tls);
	tls_conn_destroy(&c->tls);
	c->tls_done = false;
	if (c->ended || shutdown(c->fd, SHUT_WR) < 0)
		return TURN_OVER;
	c->skipped_bytes = 0;
	c->stage_deadline = clock_mono_ms() + CONN_LINGER_MS;
	c->stage = STAGE_LINGER;
	return TURN_NEXT;
}

/* Closing a socket with unread input resets the connection, and the peer may never see our last words. */
enum turn conn_turn_linger(struct conn *c)
{
	if (conn_is_late(c) || conn_in_discard(c) == READ_END)
		return TURN_OVER;
	return TURN_PARK;
}

uint64_t conn_deadline(const struct conn *c)
{
	if (c->stage == STAGE_LAST_WORDS || (c->stage == STAGE_SESSION && conn_out_left(c) > 0))
		return c->out_since + c->server->config.write_timeout_ms;
	if (c->stage == STAGE_SESSION)
		return c->timeout_ms > 0 ? c->quiet_since + c->timeout_ms : 0;
	return c->stage_deadline;
}
