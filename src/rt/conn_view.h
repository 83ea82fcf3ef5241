/* The connections as somebody sees them who looks from outside: who is there and what is done for them. Any thread, at any time. */
#ifndef RT_CONN_VIEW_H
#define RT_CONN_VIEW_H

#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

struct server;

#define CONN_VIEW_USER_MAX 256

struct conn_view {
	uint64_t id;                     /* conn_id */
	const char *proto;               /* struct conn_proto.name; this one and the next three are static */
	const char *tls;                 /* "TLSv1.3"; NULL: none */
	const char *state;               /* conn_note; NULL: none yet */
	const char *command;             /* conn_command_begin; NULL: none is under way */
	uint64_t since_ms;               /* how long the command takes already, or how long there has been none */
	uint64_t open_ms;                /* since it was accepted */
	uint64_t bytes_in, bytes_out;    /* on the wire */
	bool running;                    /* a thread works for it just now */
	char peer[NET_TEXT_MAX];
	uint16_t peer_port;              /* 0: it came by a local socket */
	char user[CONN_VIEW_USER_MAX];   /* "": nobody is logged in */
};

/* Calls fn for each, with a copy, and without a lock held. A connection that comes or goes meanwhile may be missing. */
void server_each_conn(struct server *s, void (*fn)(void *arg, const struct conn_view *v), void *arg);

#endif
