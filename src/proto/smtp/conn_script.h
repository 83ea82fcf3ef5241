/* For the tests of this room: a connection without a socket, and a house behind it: model, directory and queue in memory. Input comes from a script, as
 * much of it at a time as the test likes; output gathers in `out`. Stands in for rt's conn.h and keeps its contract. */
#ifndef PROTO_SMTP_CONN_SCRIPT_H
#define PROTO_SMTP_CONN_SCRIPT_H

#include "proto/smtp/smtp.h"
#include "queue/queue.h"

struct conn {
	struct str in;                /* what has arrived; grows over the script */
	size_t taken;
	struct buf out;
	size_t line_max;
	enum { SCRIPT_WANTS_NOTHING, SCRIPT_WANTS_LINE, SCRIPT_WANTS_ANY } want;
	uint64_t timeout_ms;
	bool tls, tls_starting;
	void *session;
	const char *ip;
	const struct smtp_service *service;
};

struct script_house {
	struct store *store;
	struct model *model;
	struct directory *directory;
	struct queue *queue;
	struct services *services;
};

/* Domain example.org with the users alice (1), bob (2) and carol (3); aliases: away > friend@elsewhere.test, both > alice and
 * friend@elsewhere.test, team > alice and bob. */
void script_house_open(struct script_house *h);
void script_house_close(struct script_house *h);

/* Opens a session on c (zeroed by this) from that address and takes the greeting. */
void script_open(struct conn *c, const struct smtp_service *service, const char *ip);
/* Plays the input, `step` bytes arriving at a time (0: all at once), until it is used up or the session closes; a
 * session that wants nothing gets its timeout at once. True while it is open. */
bool script_play(struct conn *c, struct str input, size_t step);
bool script_event(struct conn *c, enum conn_event event);
void script_close(struct conn *c);

#endif
