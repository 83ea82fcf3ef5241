/* The turn of a session: input is read while its want is not met, and it is run while there is something to run it for. */
#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/server_priv.h"

#define NO_EVENT (-1)

METRIC_COUNTER(late_session, TIMEOUTS, "stage=\"session\"", TIMEOUTS_HELP);

/* What to run the session for; NO_EVENT: it has to wait. */
static int next_event(struct conn *c)
{
	if (!c->opened)
		return CONN_OPEN;
	if (c->handshaken)
		return CONN_TLS;
	if (c->listener->watches)
		c->news &= ~NEWS_DRAIN;        /* may go on looking; NEWS_KILL ends it */
	if (c->news & NEWS_DRAIN)
		return CONN_DRAIN;
	if (c->news & NEWS_WAKE)
		return CONN_WAKE;
	if (conn_in_is_met(c))
		return CONN_INPUT;
	bool may_read = c->want != WANT_NOTHING && c->readable;
	if ((c->news & NEWS_TIMEOUT) && !may_read && c->timeout_ms > 0 && clock_mono_ms() >= c->quiet_since + c->timeout_ms)
		return CONN_TIMEOUT;
	return NO_EVENT;
}

static void event_done(struct conn *c, enum conn_event event)
{
	switch (event) {
	case CONN_OPEN:
		c->opened = true;
		c->handshaken = false;
		break;
	case CONN_TLS: c->handshaken = false; break;
	case CONN_DRAIN: c->news &= ~NEWS_DRAIN; break;
	case CONN_WAKE: c->news &= ~NEWS_WAKE; break;
	case CONN_TIMEOUT:
		c->news &= ~NEWS_TIMEOUT;
		metric_add(&late_session, 1);
		break;
	case CONN_INPUT: break;
	}
}

static enum conn_next run_session(struct conn *c, enum conn_event event)
{
	const struct conn_proto *proto = &c->listener->proto;
	event_done(c, event);
	bool secret = !c->user;        /* also of the command that logs in */
	enum conn_next next = proto->run(c, c->session, c->listener->ctx, event);
	c->in.taken = 0;
	if (secret)
		conn_in_wipe(c);
	if (event != CONN_WAKE)        /* news for the client does not show that the client is there */
		c->quiet_since = clock_mono_ms();
	return next;
}

static bool open_session(struct conn *c)
{
	if (server_ends(c->server, c->listener))
		return false;
	size_t size = c->listener->proto.session_size;
	c->session = calloc(1, size > 0 ? size : 1);
	if (!c->session)
		conn_give_up(c, "out of memory");
	return c->session;
}

void conn_session_end(struct conn *c)
{
	if (c->session && c->opened)
		c->listener->proto.fini(c, c->session, c->listener->ctx);
	free(c->session);
	c->session = NULL;
	conn_unset_user(c);
}

/* fini comes before the last bytes go out: who sees them may count on everything being released. */
static enum turn close_session(struct conn *c)
{
	conn_session_end(c);
	conn_in_forget(c);
	c->out_since = clock_mono_ms();
	c->stage = STAGE_LAST_WORDS;
	return TURN_NEXT;
}

/* RFC 3207 4.2, RFC 9051 6.2.1, RFC 2595 4: what came in the clear must not count as said under TLS. */
static enum turn turn_to_tls(struct conn *c)
{
	conn_in_forget(c);
	c->tls_asked = false;
	c->news &= ~(NEWS_TIMEOUT | NEWS_EPOLL);
	c->stage_deadline = clock_mono_ms() + conn_handshake_ms(c->server);
	c->stage = STAGE_HANDSHAKE;
	return TURN_NEXT;
}

/* Until the peer has taken what was written, the session is not run. */
static enum turn wait_for_output(struct conn *c)
{
	if (c->dead)
		return close_session(c);
	if ((c->news & NEWS_TIMEOUT) && clock_mono_ms() >= c->out_since + c->server->config.write_timeout_ms) {
		conn_give_up(c, "peer does not read");
		return close_session(c);
	}
	return TURN_PARK;
}

/* Compression ends behind what has not come yet. */
static enum turn wait_for_flush(struct conn *c)
{
	if ((c->news & NEWS_TIMEOUT) && c->timeout_ms > 0 && clock_mono_ms() >= c->quiet_since + c->timeout_ms)
		conn_give_up(c, "endless compression");
	return c->dead ? close_session(c) : TURN_PARK;
}

/* Nothing to run it for: reads. TURN_NEXT: there is more input now. */
static enum turn read_more(struct conn *c)
{
	if (c->want == WANT_NOTHING) {
		/* Input may stand before the end of stream, and the answer is still to come: only a broken connection ends it. */
		if (c->news & NEWS_HANGUP)
			c->dead = true;
		c->half_closed = c->half_closed || (c->news & NEWS_END) != 0;
		return TURN_PARK;
	}
	if (!c->readable)
		return TURN_PARK;
	switch (conn_in_read(c)) {
	case READ_SOME: return TURN_NEXT;
	case READ_NOTHING: return TURN_PARK;
	case READ_END: return TURN_OVER;
	}
	return TURN_OVER;
}

static bool offer_when(struct conn *c, size_t at_least)
{
	if (conn_out_left(c) < at_least && !c->out.failed)
		return true;
	c->out_since = clock_mono_ms();
	return conn_out_offer(c);
}

enum turn conn_turn_session(struct conn *c)
{
	if (!c->opened && !c->session && !open_session(c))
		return TURN_OVER;
	if (conn_out_left(c) > 0) {
		if (!conn_out_offer(c))
			return wait_for_output(c);
		c->quiet_since = clock_mono_ms();        /* who reads slowly is not silent */
	}
	for (unsigned steps = 0; !c->dead; steps++) {
		if (c->tls_asked)
			return offer_when(c, 1) ? turn_to_tls(c) : wait_for_output(c);
		if (c->compress_next || c->compress_ending) {
			if (!offer_when(c, 1))
				return wait_for_output(c);
			if (!conn_turn_compress(c))
				return wait_for_flush(c);
		}
		if (steps == CONN_STEPS_PER_TURN)
			return offer_when(c, 1) ? TURN_YIELD : wait_for_output(c);
		int event = next_event(c);
		if (event == NO_EVENT) {
			enum turn t = read_more(c);
			if (t == TURN_OVER)
				break;
			if (t == TURN_PARK)
				return offer_when(c, 1) && !c->dead ? TURN_PARK : wait_for_output(c);
			continue;
		}
		if (run_session(c, (enum conn_event)event) == CONN_CLOSE)
			break;
		if (!offer_when(c, CONN_OUT_SOFT))
			return wait_for_output(c);
	}
	return close_session(c);
}
