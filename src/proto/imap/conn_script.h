/* For the tests of this room: a connection without a socket. Input comes from a script, as much of it at a time as the test
 * likes; output gathers in `out`. Stands in for rt's conn.h and keeps its contract. */
#ifndef PROTO_IMAP_CONN_SCRIPT_H
#define PROTO_IMAP_CONN_SCRIPT_H

#include "proto/common/services.h"
#include "rt/conn.h"

struct conn {
	struct str in;                /* what has arrived; grows over the script */
	size_t taken;
	struct buf out;
	size_t line_max;
	enum { SCRIPT_WANTS_NOTHING, SCRIPT_WANTS_LINE, SCRIPT_WANTS_ANY } want;
	bool tls, tls_starting;
	bool woken;
	size_t any_max;               /* most bytes that were held back unread; a parked literal must not grow it */
	void *session;
	struct services *services;
};

/* Opens a session on c (zeroed by this) and takes the greeting. */
void script_open(struct conn *c, struct services *s, bool tls);
/* Plays the input, `step` bytes arriving at a time (0: all at once), until it is used up or the session
 * closes. True while it is open. */
bool script_play(struct conn *c, struct str input, size_t step);
bool script_event(struct conn *c, enum conn_event event);
void script_close(struct conn *c);

#endif
