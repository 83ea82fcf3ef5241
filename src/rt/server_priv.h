/* The server from inside: for server*.c, worker.c, listener.c and conn*.c. */
#ifndef RT_SERVER_PRIV_H
#define RT_SERVER_PRIV_H

#include "rt/admission.h"
#include "rt/conn_table.h"
#include "rt/local_socket.h"
#include "rt/limits.h"
#include "rt/ready.h"
#include "rt/server.h"
#include "rt/wheel.h"

#include <pthread.h>
#include <stdatomic.h>

/* Indices that epoll reports and that are no connection. */
#define KEY_READY UINT32_MAX
#define KEY_LISTENER (UINT32_MAX - SERVER_LISTENERS_MAX)        /* and the listener's number */
#define CONNS_CEILING ((uint32_t)1 << 24)

struct listener {
	struct conn_proto proto;
	void *ctx;
	int fd;
	struct local_socket local;      /* path: NULL for internet sockets */
	_Atomic uint64_t accepted, open;        /* connections that it let in; of these, those not closed yet */
	unsigned number;
	bool tls_first;
	bool watches;
	struct network *proxy_from;
	size_t proxy_count;
};

struct job {
	struct ready_item ready;
	struct server *server;
	void (*fn)(void *arg);
	void *arg;
	uint64_t period_ms;
	uint64_t next_ms;           /* of the carrier thread */
	_Atomic bool busy;          /* queued or running */
};

/* The threads. Lock: pool.lock, a leaf, for starting, ending and waiting for the end. */
struct pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned count;             /* under lock */
	pthread_t left;             /* under lock: the thread that left last, if any; whoever leaves after it joins it */
	bool any_left;
	_Atomic unsigned idle;      /* waiting for events, or just starting */
	_Atomic bool full;          /* no more may be started */
	_Atomic uint64_t retry_ms;  /* the last one could not be started: not before then; 0: it could */
};

struct server {
	struct server_config config;    /* without zeros */
	int epoll_fd;
	int carrier_fd;                 /* wakes server_run */
	_Atomic bool stopping;          /* no new connections */
	_Atomic bool stopping_all;      /* none of those who watch, either */
	_Atomic bool ending;            /* workers end when the queue is empty */
	struct ready ready;
	struct wheel wheel;
	struct conn_table table;
	struct admission admission;
	struct pool pool;

	struct listener *listeners[SERVER_LISTENERS_MAX];
	unsigned listener_count;
	pthread_mutex_t reserve_lock;   /* a leaf: reserve_fd */
	int reserve_fd;                 /* given up for a moment to refuse a connection when descriptors are out */
	struct job jobs[SERVER_JOBS_MAX];
	unsigned job_count;

	pthread_mutex_t view_locks[CONN_VIEW_LOCKS];      /* leaves: what others see of a connection */
	_Atomic uint64_t slow_ms;

	pthread_mutex_t tls_lock;       /* a leaf: tls */
	struct tls_context *tls;
	_Atomic bool has_tls;

	_Atomic uint64_t conns;         /* all; of these, without those of who watches: */
	_Atomic uint64_t working;
	_Atomic uint64_t watching;      /* those of who watches */
	_Atomic uint64_t held;          /* bytes that connections at rest keep in buffers */
	_Atomic bool shedding;          /* a thread looks for connections that may go; */
	_Atomic bool shed_again;        /* there was more for it to see since it began to look */
	_Atomic uint64_t shed_after_ms; /* not before then: there were none */
	_Atomic uint64_t conns_total, refused, tls_handshakes, tls_failures;
	_Atomic uint64_t refusal_logged_ms;
	_Atomic uint64_t refused_unlogged;
	_Atomic uint64_t last_id;
};

/* Handshakes have less time when memory grows scarce: those that never end must not keep the others out. */
static inline uint64_t conn_handshake_ms(const struct server *s)
{
	uint64_t ms = s->config.handshake_timeout_ms;
	return atomic_load_explicit(&s->held, memory_order_relaxed) > s->config.memory_max / 2 ? ms / 6 : ms;
}

/* ---- server.c ---- */
/* Nothing new begins on this listener. */
static inline bool server_ends(const struct server *s, const struct listener *l) { return atomic_load(l->watches ? &s->stopping_all : &s->stopping); }
struct tls_context *server_tls(struct server *s);      /* with a reference, or NULL */
/* Leaves news for the connection with that key, if it is still there, and queues it when it was parked. */
void server_post(struct server *s, uint64_t key, uint32_t news);
void server_wake_carrier(struct server *s);

/* ---- server_figures.c ---- */
/* Counts a refused connection; logs at most one a second. */
void server_note_refusal(struct server *s, const struct net_addr *peer, const char *why);
void server_collect(void *server, struct buf *out);

/* ---- listener.c ---- */
int listener_create(const struct listen_spec *spec, unsigned number, struct listener **out, uint16_t *port_out, struct err *e);
void listener_destroy(struct listener **l);
bool listener_expects_proxy(const struct listener *l, const struct net_addr *peer);
void listener_accept(struct server *s, struct listener *l);
void listener_stop(struct listener *l);                /* new connections are refused by the kernel from now on */

/* ---- worker.c ---- */
struct worker {
	struct server *server;
	char *in;                   /* WORKER_IN bytes, lent to the connection that it runs */
	struct buf out;             /* the same */
	struct deflater *deflater;  /* NULL until a connection wants it */
	bool sheds;                 /* it is in conn_shed */
	uint64_t waited_us;         /* for a peer to read, since the command began */
};
int pool_start(struct server *s, struct err *e);
/* For the carrier: when a thread was wanted and could not be started, tries again; when to come again, UINT64_MAX: no need. */
uint64_t pool_mend(struct server *s, uint64_t now_ms);
void pool_end(struct server *s);                       /* waits until all threads are gone */

#endif
