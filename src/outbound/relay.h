/* From a destination to open sessions, one after the other: hosts by preference, their addresses, TLS by policy with what RFC 7435 calls falling back, and
 * a memory of who did not answer. For one job; one thread. */
#ifndef OUTBOUND_RELAY_H
#define OUTBOUND_RELAY_H

#include "base/arena.h"
#include "outbound/client.h"
#include "outbound/policy.h"
#include "outbound/setup.h"

struct relay {
	struct outbound *o;
	const struct setup *setup;
	const struct route *route;
	const struct queue_job *job;
	struct arena *arena;              /* for names and policies; until the job is done */
	struct str domain;                /* next hop */
	bool literal, started;
	struct mx_list *list;             /* NULL: the route names the host, or an address does */
	struct mx_addresses addresses;
	struct sts_answer sts;
	size_t host_at, address_at;
	bool resolved;                    /* addresses are those of host_at */
	unsigned connects, sessions;
	bool reached;                     /* some host answered as an SMTP server should */
	struct trouble trouble;           /* why there is no session (any more) */
};
void relay_init(struct relay *r, struct outbound *o, const struct setup *s, const struct route *route, const struct queue_job *j, struct arena *a);
/* The next session. 0; ERR_NOT_FOUND: none any more, r->trouble says why; ERR_NO_MEMORY. *share_out: it may be kept for other messages. */
int relay_next(struct relay *r, struct client **out, bool *share_out);
/* Is there perhaps another host? */
bool relay_has_more(const struct relay *r);

#endif
