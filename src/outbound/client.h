/* A session with an SMTP or LMTP server, from its greeting to QUIT: RFC 5321, 2033 and the extensions of codec/smtp/ehlo.h. One thread at a time;
 * every call may block for the peer, for as long as RFC 5321 4.5.3.2 says. */
#ifndef OUTBOUND_CLIENT_H
#define OUTBOUND_CLIENT_H

#include "base/err.h"
#include "base/str.h"
#include "codec/smtp/ehlo.h"
#include "outbound/message.h"
#include "outbound/trouble.h"
#include "queue/queue.h"
#include "rt/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

enum client_tls {
	CLIENT_TLS_NEVER,
	CLIENT_TLS_TRY,                   /* when it is offered */
	CLIENT_TLS_MUST,
};
struct client_setup {
	struct net_endpoint peer;
	const char *path;                 /* a local socket instead */
	const struct net_addr *source;
	struct str host;                  /* the peer's name, for logs and statuses */
	struct str helo;                  /* ours */
	bool lmtp, no_chunking;
	enum client_tls tls;
	struct tls_client_policy tls_policy;
	struct str user, password;        /* AUTH; empty: none */
	const _Atomic bool *cancel;
};

/* How far it came. */
enum client_stage {
	CLIENT_CONNECT, CLIENT_GREETING, CLIENT_EHLO,
	CLIENT_STARTTLS,                  /* not offered or refused, and it must be */
	CLIENT_HANDSHAKE,                 /* TLS failed; the connection is gone */
	CLIENT_AUTH,
	CLIENT_READY,
};
struct client_opening {
	enum client_stage stage;
	struct trouble trouble;           /* unless READY */
	struct net_addr local;            /* once connected */
	char helo[256];                   /* what the server calls itself in its greeting; "" when it says nothing */
	bool tls_tried;
	struct tls_client_result tls;     /* when tls_tried; strings but for `failure` and `detail` live with the client */
};
/* 0: *out is READY. Otherwise an error, *out is NULL and o->trouble says why. */
int client_open(const struct client_setup *s, struct client **out, struct client_opening *o, struct err *e);
/* QUIT and a short wait for the answer (RFC 5321 4.1.1.10). In two steps, so that many can be closed in the time of one. */
void client_say_quit(struct client *c);
void client_drop(struct client *c);           /* no QUIT will be said */
void client_close(struct client **c);         /* after client_say_quit or a failure; accepts NULL */

struct str client_host(const struct client *c);           /* the peer's name */
const struct net_endpoint *client_peer(const struct client *c);
const struct net_addr *client_local(const struct client *c);
const struct smtp_ehlo *client_ehlo(const struct client *c);
bool client_has_tls(const struct client *c);
bool client_is_verified(const struct client *c);          /* TLS, and it is the peer that the policy names */
const char *client_tls_text(const struct client *c);      /* "TLSv1.3 verified", "TLSv1.2", "none" */
/* Can another transaction begin? False after a failure, a 421, or its share of transactions; also when the peer has spoken or gone meanwhile. */
bool client_is_usable(struct client *c);
unsigned client_transactions(const struct client *c);

/* One transaction. */
struct client_mail {
	struct queue_job *job;
	struct str sender;                /* the job's, or made for this one recipient */
	struct message *message;
	struct queue_job_recipient **recipients;
	size_t n;                         /* at most RELAY_RECIPIENTS_MAX */
	bool lost_after_data;             /* out: the peer went without an answer to the end of data */
};
/* Fills the results of the recipients; outcome 0 is left where the server had no room for more of them in one transaction (at least one was taken then). Strings of results
 * live in the job's arena. 0, or an error: the session is over; all results are set, but for ERR_RETRY: nothing was begun, since a session that had
 * rested was closed by the peer: a new one should be opened. */
int client_send(struct client *c, struct client_mail *m);

#endif
