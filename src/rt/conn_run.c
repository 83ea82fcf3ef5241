/* From an accepted socket to a closed one: turns on workers, parked in between. */
#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/conn_shed.h"
#include "rt/server_priv.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- beginning ---- */

static void turn_from_queue(struct worker *w, struct ready_item *item)
{
	struct conn *c = (struct conn *)((char *)item - offsetof(struct conn, ready));
	conn_state_run(&c->state);
	conn_turn(w, c);
}

static void begin(struct conn *c, struct server *s, const struct listener *l, int fd)
{
	c->ready.run = turn_from_queue;
	c->server = s;
	c->listener = l;
	c->fd = fd;
	c->out = (struct buf)BUF_INIT(CONN_OUT_HARD);
	c->id = atomic_fetch_add(&s->last_id, 1) + 1;
	c->quiet_since = clock_mono_ms();
	c->stage_deadline = c->quiet_since + conn_handshake_ms(s);
	net_addr_format(&c->peer.addr, c->peer_text);
	net_addr_format(&c->local.addr, c->local_text);
	conn_view_begin(c);
}

/* Who watches is counted apart: gets in also when there are too many others, and takes no place of theirs. */
static _Atomic uint64_t *count_of(struct server *s, const struct listener *l) { return l->watches ? &s->watching : &s->working; }

/* NULL, and why. */
static struct conn *enter(struct server *s, const struct listener *l, const char **refused_out)
{
	uint64_t most = l->watches ? CONN_WATCHERS_MAX : s->config.conns_max;
	bool may = atomic_fetch_add(count_of(s, l), 1) < most;
	struct conn *c = may ? conn_table_take(&s->table) : NULL;
	if (!c) {
		atomic_fetch_sub(count_of(s, l), 1);
		*refused_out = may ? "out of memory" : "too many connections";
	}
	return c;
}

void conn_accept(struct server *s, const struct listener *l, int fd, const struct net_endpoint *peer, const struct net_endpoint *local)
{
	bool proxied = listener_expects_proxy(l, &peer->addr);
	bool counted = !proxied && !net_addr_is_loopback(&peer->addr);
	const char *refused = NULL;
	struct conn *c = NULL;
	int r = counted ? admission_enter_addr(&s->admission, &peer->addr) : 0;
	if (r < 0) {
		counted = false;
		refused = admission_refusal(r);
	} else {
		c = enter(s, l, &refused);
	}
	if (refused) {
		if (counted)
			admission_leave_addr(&s->admission, &peer->addr);
		server_note_refusal(s, &peer->addr, refused);
		close(fd);
		return;
	}
	c->peer = *peer;
	c->local = *local;
	c->counted_addr = counted;
	c->stage = proxied ? STAGE_PROXY : l->tls_first ? STAGE_HANDSHAKE : STAGE_SESSION;
	begin(c, s, l, fd);
	atomic_fetch_add(&s->conns, 1);
	atomic_fetch_add(&s->conns_total, 1);
	atomic_fetch_add_explicit(&s->listeners[l->number]->accepted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->listeners[l->number]->open, 1, memory_order_relaxed);
	ready_push(&s->ready, &c->ready);
}

/* ---- the end ---- */

static void finish(struct conn *c)
{
	struct server *s = c->server;
	conn_session_end(c);
	tls_conn_destroy(&c->tls);
	compress_destroy(&c->compress);
	compress_destroy(&c->compress_next);
	conn_in_forget(c);
	conn_in_keep(c);
	conn_out_keep(c);
	buf_fini(&c->out);
	atomic_fetch_sub(&s->held, atomic_exchange(&c->held, 0));
	wheel_remove(&s->wheel, &c->timer);
	if (c->counted_addr)
		admission_leave_addr(&s->admission, &c->peer.addr);
	conn_view_end(c);
	conn_state_close(&c->state);
	close(c->fd);
	atomic_fetch_sub_explicit(&s->listeners[c->listener->number]->open, 1, memory_order_relaxed);
	atomic_fetch_sub(count_of(s, c->listener), 1);
	atomic_fetch_sub(&s->conns, 1);
	if (atomic_load(&s->stopping))
		server_wake_carrier(s);
	conn_unref(c);
}

/* ---- parking ---- */

static uint32_t interest(const struct conn *c)
{
	switch ((enum conn_stage)c->stage) {
	case STAGE_PROXY: return EPOLLIN;
	case STAGE_HANDSHAKE: return c->read_wants_out ? EPOLLOUT : EPOLLIN;
	case STAGE_LAST_WORDS: return c->write_wants_in ? EPOLLIN : EPOLLOUT;
	case STAGE_LINGER: return EPOLLIN;
	case STAGE_SESSION: break;
	}
	if (conn_out_left(c) > 0)
		return c->write_wants_in ? EPOLLIN : EPOLLOUT;
	if (c->want == WANT_NOTHING)
		return c->half_closed ? 0 : EPOLLRDHUP;
	return c->read_wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/* False: news came meanwhile, or it was given up, and the connection is still ours. After true it may already be somebody else's, or gone. */
static bool park(struct conn *c)
{
	struct server *s = c->server;
	uint32_t events = interest(c);
	if (events != c->armed || !c->registered) {
		struct epoll_event e = { .events = events | EPOLLONESHOT, .data.u64 = conn_key(c) };
		if (epoll_ctl(s->epoll_fd, c->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e) < 0) {
			conn_give_up(c, errno == ENOMEM ? "out of memory" : "cannot be watched");
			return false;
		}
		c->registered = true;
		c->armed = events;
	}
	if (wheel_set(&s->wheel, &c->timer, conn_deadline(c)))
		server_wake_carrier(s);
	return conn_state_park(&c->state);
}

static void take_news(struct conn *c)
{
	c->news = (c->news & ~NEWS_EPOLL) | conn_state_take(&c->state);
	if (c->news & NEWS_EPOLL)
		c->armed = UINT32_MAX;        /* one-shot: it watches for nothing any more */
	if (c->news & (NEWS_IN | NEWS_HANGUP))
		c->readable = true;
	if ((c->news & NEWS_OUT) && c->read_wants_out)
		c->readable = true;
	if ((c->news & NEWS_SHED) && !c->user)
		conn_give_up(c, "memory ceiling");
	c->news &= ~NEWS_SHED;
	if (c->news & NEWS_KILL)
		c->dead = true;
}

static enum turn step(struct conn *c)
{
	switch ((enum conn_stage)c->stage) {
	case STAGE_PROXY: return conn_turn_proxy(c);
	case STAGE_HANDSHAKE: return conn_turn_handshake(c);
	case STAGE_SESSION: return conn_turn_session(c);
	case STAGE_LAST_WORDS: return conn_turn_last_words(c);
	case STAGE_LINGER: return c->dead ? TURN_OVER : conn_turn_linger(c);
	}
	return TURN_OVER;
}

/* Buffers that stay with a connection at rest are bounded for each, and for all together: a crowd that does not read its answers, or never ends its lines,
 * is cut off before the memory is. Near the ceiling those go that nobody has logged in on (conn_shed.h); beyond it, whoever wants more,
 * users only when nobody else is left. */
static void count_held(struct conn *c)
{
	struct server *s = c->server;
	uint32_t held = (uint32_t)c->out.cap + (c->in.lent ? 0 : c->in.cap), before = atomic_load_explicit(&c->held, memory_order_relaxed);
	if (c->stage == STAGE_HANDSHAKE && c->tls)
		held += CONN_HANDSHAKE_COST;
	if (held == before)
		return;
	atomic_store_explicit(&c->held, held, memory_order_relaxed);
	uint64_t all = atomic_fetch_add(&s->held, (uint64_t)held - before) + held - before;
	if (held < before || all <= SHED_HIGH(s->config.memory_max))
		return;
	bool relief = conn_shed(c->worker);
	if (atomic_load(&s->held) > s->config.memory_max && !(c->user && relief))
		conn_give_up(c, "memory ceiling");
}

static enum turn take_turn(struct worker *w, struct conn *c)
{
	enum turn t;
	c->worker = w;
	conn_in_lend(c);
	conn_out_lend(c);
	do
		t = step(c);
	while (t == TURN_NEXT);
	conn_in_keep(c);
	conn_out_keep(c);
	if (t != TURN_OVER)
		count_held(c);
	return t;
}

void conn_turn(struct worker *w, struct conn *c)
{
	for (;;) {
		take_news(c);
		enum turn t = take_turn(w, c);
		if (t == TURN_OVER) {
			finish(c);
			return;
		}
		c->worker = NULL;
		if (t == TURN_YIELD) {
			conn_state_queue(&c->state);
			ready_push(&c->server->ready, &c->ready);
			return;
		}
		if (!c->dead && park(c))
			return;
	}
}
