/* The connection from inside: for conn*.c, worker.c and listener.c. All fields belong to the owner (conn_state.h), except
 * state, refs, timer and what says otherwise. */
#ifndef RT_CONN_PRIV_H
#define RT_CONN_PRIV_H

#include "rt/compress.h"
#include "rt/conn.h"
#include "rt/conn_state.h"
#include "rt/limits.h"
#include "rt/net.h"
#include "rt/ready.h"
#include "rt/tls_conn.h"
#include "rt/wheel.h"

#include <sys/uio.h>

#define TIMEOUTS "troika_rt_timeouts_total"
#define TIMEOUTS_HELP "Connections whose peer was silent for too long."

struct listener;
struct server;
struct worker;

enum conn_stage {
	STAGE_PROXY,          /* waits for the PROXY header */
	STAGE_HANDSHAKE,
	STAGE_SESSION,
	STAGE_LAST_WORDS,     /* the session is gone; its output still goes out */
	STAGE_LINGER,         /* our end of stream is sent; waits for the peer's */
};
enum conn_want { WANT_NOTHING, WANT_LINE, WANT_ANY };

/* Input that was received and not yet taken. While a worker runs the connection, the bytes are in the worker's buffer;
 * parked, they are in one of their own, if there are any. */
struct conn_in {
	char *p;
	uint32_t at;              /* taken up to here */
	uint32_t n;               /* received up to here */
	uint32_t cap;
	uint32_t seen;            /* bytes from `at` known to hold no LF */
	uint32_t taken;           /* by the newest conn_take_any */
	uint32_t wiped;           /* bytes from 0 that were taken and overwritten: conn_in_wipe */
	uint16_t head;            /* bytes from `at` that are the head of a line over its limit */
	bool lent;                /* p is the worker's */
	bool skipping;            /* in such a line, before its end */
	bool skipped;             /* at its end: conn_take_line has to tell */
};

struct conn {
	struct ready_item ready;
	struct wheel_timer timer;
	struct conn_state state;
	_Atomic bool listed;      /* may be looked at; changes under its view lock */
	_Atomic uint32_t refs;
	uint32_t index;           /* in the table */

	struct server *server;
	const struct listener *listener;
	struct worker *worker;    /* NULL unless one runs it */
	void *session;            /* NULL before CONN_OPEN and after fini */
	struct tls_conn *tls;
	struct compress *compress;    /* NULL: neither direction is compressed */
	struct compress *compress_next;      /* conn_start_compress: when output is sent */
	int fd;

	uint32_t news;            /* taken and not yet dealt with */
	uint32_t armed;           /* what epoll watches for just now */
	uint8_t stage;            /* enum conn_stage */
	uint8_t want;             /* enum conn_want */
	bool opened;              /* CONN_OPEN was run */
	bool handshaken;          /* CONN_TLS, or CONN_OPEN of a TLS listener, is owed */
	bool tls_asked;           /* conn_start_tls: when output is sent */
	bool tls_done;
	bool compress_ending;     /* conn_end_compress: when output is sent, and the peer's stream is at a flush */
	bool out_plain;           /* while compressing: output is not any more */
	bool dead;                /* the peer is gone or was given up: nothing more is sent or received */
	bool readable;            /* a read may give something */
	bool ended;               /* the peer's end of stream was read */
	bool half_closed;         /* ... or announced, with input before it that nobody wants yet */
	bool read_wants_out;      /* TLS must write before it can read, and the other way round */
	bool write_wants_in;
	bool registered;          /* with epoll */
	bool counted_addr;
	_Atomic uint32_t held;    /* bytes of buffers at rest, as counted in server->held; others read it */
	size_t line_max;

	struct conn_in in;
	struct buf out;
	size_t out_sent;          /* bytes of out that are gone already */
	size_t out_offer_at;      /* while a session runs: output is offered again when there is so much */
	uint64_t out_since;       /* the last time the peer took something */
	uint64_t quiet_since;
	uint64_t timeout_ms;
	uint64_t stage_deadline;  /* of the stages before and after the session */
	uint64_t skipped_bytes;   /* of a line over its limit, or lingering */

	uint64_t id;
	_Atomic uint64_t bytes_in;        /* conn_count_add */
	_Atomic uint64_t bytes_sent;
	struct {
		uint64_t opened_us;
		const char *tls;          /* changes under the view lock */
		_Atomic uint64_t since_us;
		_Atomic(const char *) command;
		_Atomic(const char *) state;
	} view;
	char *user;                       /* this one, peer and peer_text change under the view lock */
	struct net_endpoint peer;
	struct net_endpoint local;
	char peer_text[NET_TEXT_MAX];
	char local_text[NET_TEXT_MAX];
};

/* Figures that one thread writes and others may read. */
static inline uint64_t conn_count_read(const _Atomic uint64_t *n) { return atomic_load_explicit(n, memory_order_relaxed); }
static inline void conn_count_add(_Atomic uint64_t *n, uint64_t more) { atomic_store_explicit(n, conn_count_read(n) + more, memory_order_relaxed); }

/* ---- conn_view.c ---- */
void conn_view_begin(struct conn *c);              /* it may be looked at from now on */
void conn_view_end(struct conn *c);                /* nobody looks at it any more */
void conn_view_change(struct conn *c);             /* around changes of what is marked so above */
void conn_view_changed(struct conn *c);

/* ---- conn_in.c ---- */
enum conn_read { READ_SOME, READ_NOTHING, READ_END };
void conn_in_lend(struct conn *c);                 /* from its own memory into the worker's */
void conn_in_keep(struct conn *c);                 /* and back; nothing kept when nothing is left */
void conn_in_forget(struct conn *c);
/* Overwrites what was taken. Until somebody is logged in, input may hold passwords. */
void conn_in_wipe(struct conn *c);
/* Compression begins or ends; all output is sent. False: the peer's stream has not come to its end yet. */
bool conn_turn_compress(struct conn *c);
bool conn_in_is_met(struct conn *c);               /* what the session wants is there */
enum conn_read conn_in_read(struct conn *c);
enum conn_read conn_in_discard(struct conn *c);    /* lingering */

/* ---- conn_out.c ---- */
static inline size_t conn_out_left(const struct conn *c)
{
	return c->out.n - c->out_sent + (c->compress ? compress_out(c->compress).n : 0);
}
void conn_out_lend(struct conn *c);
void conn_out_keep(struct conn *c);
/* Offers output to the socket without waiting. True when all is gone (or the peer is). */
bool conn_out_offer(struct conn *c);

/* ---- server_figures.c ---- */
void conn_give_up(struct conn *c, const char *why);    /* marks it dead, counts it and says why in the log; once */

void conn_tls_lost(struct conn *c);                    /* TLS_FAILED in a session: the same, unless the peer is just gone */

/* ---- conn_run.c ---- */
/* Makes a connection of an accepted socket and queues it for its first turn. Takes the socket: closed when refused. */
void conn_accept(struct server *s, const struct listener *l, int fd, const struct net_endpoint *peer, const struct net_endpoint *local);
/* One turn of a connection that is RUNNING and owned by the caller. */
void conn_turn(struct worker *w, struct conn *c);

/* ---- conn_stage.c: one step each; the session's is in conn_session.c ---- */
enum turn {
	TURN_NEXT,            /* the stage has changed: look again */
	TURN_PARK,            /* until there is news */
	TURN_YIELD,           /* has more to do, after others */
	TURN_OVER,            /* close it */
};
enum turn conn_turn_proxy(struct conn *c);
enum turn conn_turn_handshake(struct conn *c);
enum turn conn_turn_session(struct conn *c);
enum turn conn_turn_last_words(struct conn *c);
enum turn conn_turn_linger(struct conn *c);
void conn_session_end(struct conn *c);             /* fini, once, if it was opened */
bool conn_is_late(const struct conn *c);           /* the stage's own deadline has passed */
/* The deadline of the present wait, 0 for none. */
uint64_t conn_deadline(const struct conn *c);

#endif
