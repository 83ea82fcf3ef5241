/* Greylisting (RFC 6647): who comes for the first time with this sender for this recipient is asked to come again. Known by a triplet of network,
 * sender and recipient; a network whose triplets have passed often enough is known itself. Everything lies in one ledger. Any thread. */
#ifndef GUARD_GREYLIST_H
#define GUARD_GREYLIST_H

#include "base/buf.h"
#include "guard/ledger.h"

struct greylist_times {
	uint32_t delay_s;            /* before the second attempt */
	uint32_t window_s;           /* and no later than that */
	uint32_t life_s;             /* known for so long after the last time */
	uint32_t known_after;        /* passed triplets until the network is known; 0: never */
};
/* Seconds until it may come again; 0: let it pass. The hashes are those of guard (keyed, the same after a restart), not 0. */
uint32_t greylist_ask(struct ledger *l, const struct greylist_times *t, uint64_t network, uint64_t triplet, int64_t now);

/* The sender as it counts: lower case, digits that change from message to message as '#', without "+detail" and without the tag of BATV
 * ("prvs=0123456789=user@..."). Appends. */
void greylist_sender(struct str sender, struct buf *out);

#endif
