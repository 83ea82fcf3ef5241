/* Workers, listeners, limits: what carries the sessions. Made once by app/, which is the only caller. */
#ifndef RT_SERVER_H
#define RT_SERVER_H

#include "base/err.h"
#include "base/str.h"
#include "rt/conn.h"

#include <stdbool.h>
#include <stdint.h>

struct server;
struct tls_context;

struct server_config {
	unsigned workers_min;             /* threads kept; 0: 2 a core, at least 4 */
	unsigned workers_max;             /* threads at most while others block; 0: 256 */
	unsigned conns_max;               /* 0: 60000, lowered to what RLIMIT_NOFILE allows */
	unsigned conns_per_ip;            /* 0: 1000; loopback is exempt from it */
	unsigned conns_per_user;          /* 0: 100 */
	uint64_t out_bound;               /* bytes buffered for a slow reader before its thread blocks; 0: 256 KB */
	uint64_t memory_max;              /* bytes that all connections together may hold at rest in buffers (unread input, unsent output, TLS handshakes under way); 0: 512 MB */
	uint64_t write_timeout_ms;        /* 0: 120 s without a byte taken by the peer */
	uint64_t handshake_timeout_ms;    /* 0: 30 s */
	uint64_t slow_ms;                 /* commands that take so long are logged; 0: none */
	uint64_t drain_ms;                /* how long SIGTERM waits for commands in flight; 0: 10 s */
};

int server_create(const struct server_config *c, struct server **out, struct err *e);
void server_destroy(struct server **s);           /* after server_run has returned; accepts NULL */

struct listen_spec {
	const struct conn_proto *proto;
	void *ctx;                        /* given to run and fini */
	const char *address;              /* "127.0.0.1", "::", "*" (both families), "unix:/path/of/socket" (for the owner alone; peers count as loopback) */
	uint16_t port;                    /* 0: any; see *port_out. Of a socket without one: 0 */
	bool tls_first;                   /* implicit TLS */
	bool watches;                     /* for who watches the server: goes on while it drains, without CONN_DRAIN; the end waits for no such connection */
	const struct str *proxy_from;     /* networks ("192.0.2.0/24") that must send a PROXY v1 or v2 header; others must not */
	size_t n_proxy_from;
};
/* Binds and listens; sessions start with server_run. ERR_DENIED: no right to the port; ERR_BUSY: taken. ERR_EXISTS: a file that is no socket has the name. */
int server_listen(struct server *s, const struct listen_spec *spec, uint16_t *port_out, struct err *e);

/* The certificate for handshakes from now on (NULL: none); running connections keep theirs. Any thread. Takes a reference. */
void server_set_tls(struct server *s, struct tls_context *t);

/* struct server_config.slow_ms from now on. Any thread. */
void server_set_slow(struct server *s, uint64_t ms);

/* tls_context_expires of the certificates in use; 0: there are none, or it is unknown. Any thread. */
int64_t server_tls_expires(struct server *s);

/* Runs until server_stop; then drains: no new connections, CONN_DRAIN to all, waits up to drain_ms, closes the rest. 0 or an error. */
int server_run(struct server *s, struct err *e);
void server_stop(struct server *s);               /* any thread, and signal handlers */
/* Calls fn on a worker every period, first after one; never twice at once; not after server_run has returned. Before server_run only. */
int server_every(struct server *s, uint64_t period_ms, void (*fn)(void *arg), void *arg);

/* server_stop was called. */
bool server_is_stopping(struct server *s);
struct server_stats {
	uint64_t conns, conns_total, conns_max, refused;
	uint64_t workers, workers_busy, workers_max, queued;      /* queued: connections and jobs that wait for a thread */
	uint64_t listeners, tls_handshakes, tls_failures;
};
void server_stats(struct server *s, struct server_stats *out);

#endif
