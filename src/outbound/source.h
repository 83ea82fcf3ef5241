/* From which of our addresses a connection is made. Any thread. */
#ifndef OUTBOUND_SOURCE_H
#define OUTBOUND_SOURCE_H

#include "outbound/route.h"
#include "outbound/setup.h"
#include "outbound/trouble.h"

/* One of the peer's family that may send something today, chosen at random. 0, with *out NULL when the kernel chooses; ERR_NOT_FOUND: none of that family is
 * configured; ERR_BUSY: all have sent what they may today. *t says so. */
int source_choose(struct outbound *o, const struct setup *s, const struct route *route, const struct net_addr *peer, const struct net_addr **out, struct trouble *t);
/* Counts a message about to be sent from that address. False: it has sent what it may today. */
bool source_take(struct outbound *o, const struct route *route, const struct net_addr *local);

#endif
