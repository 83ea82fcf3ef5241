/* Who goes when connections at rest hold nearly as much as they may: those that nobody has logged in on, the deepest in the pile of their own network first,
 * and of equals the oldest. So a crowd of stalled handshakes pays for itself, and who comes next finds room. Any thread. */
#ifndef RT_CONN_SHED_H
#define RT_CONN_SHED_H

#include "rt/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

/* One that may go. */
struct shed_holder {
	uint64_t key;                /* conn_key */
	uint64_t opened_us;
	uint64_t held;               /* bytes */
	struct net_addr network;     /* shed_network of its peer */
	uint64_t depth;              /* out: bytes that it and the younger ones of its network hold */
};

/* What counts as one crowd: an IPv4 /24, an IPv6 /48 (what a site is given: RFC 6177 2). */
struct net_addr shed_network(const struct net_addr *peer);
/* Into the order in which they go. */
void shed_order(struct shed_holder *all, size_t n);

/* More than SHED_HIGH is held: ends as many at once as bring it down to SHED_LOW, or half of them where that is enough for SHED_HIGH; those that other threads run end after their turn.
 * Between two turns of the worker. Looks at every connection, so it is not done again for SHED_PAUSE_MS when that was in vain. True: what is held is below
 * SHED_HIGH again, or will be soon. */
bool conn_shed(struct worker *w);

#endif
