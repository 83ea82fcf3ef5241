/* For the tests and fuzzers of protocols: a connection without a socket. Input comes from a script, as much of it at a time as the test likes; output gathers
 * in `out`. Stands in for rt's connections and keeps the contract of conn.h, without TLS bytes, compression and threads. */
#ifndef RT_CONN_SCRIPT_H
#define RT_CONN_SCRIPT_H

#include "base/buf.h"
#include "rt/conn.h"

struct conn {
	struct str in;                /* what has arrived; grows over the script */
	size_t taken;
	struct buf out;
	size_t line_max;
	enum { SCRIPT_WANTS_NOTHING, SCRIPT_WANTS_LINE, SCRIPT_WANTS_ANY } want;
	uint64_t timeout_ms;
	const char *ip;
	bool tls, tls_starting;
	bool woken;
	bool impatient;               /* a session that wants nothing gets its timeout at once */
	size_t any_max;               /* most bytes that were held back unread; a parked literal must not grow it */
	void *session;
	const struct conn_proto *proto;
	void *ctx;
};

/* Opens a session on c (zeroed by this) and takes the greeting. */
void script_open(struct conn *c, const struct conn_proto *proto, void *ctx, const char *ip, bool tls);
/* Plays the input, `step` bytes arriving at a time (0: all at once), until it is used up or the session
 * closes. True while it is open. */
bool script_play(struct conn *c, struct str input, size_t step);
bool script_event(struct conn *c, enum conn_event event);
void script_close(struct conn *c);

#endif
