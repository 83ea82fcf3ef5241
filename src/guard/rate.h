/* How often something happened lately: counts in a sliding window, kept in a ledger. The window before counts by how much of it still lies within
 * one window's length. Any thread. */
#ifndef GUARD_RATE_H
#define GUARD_RATE_H

#include "guard/ledger.h"

/* Adds and returns the sum, rounded down. window_s: the same for every call with this hash. add 0: only looks. */
uint32_t rate_count(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now, uint32_t add);
/* Adds one, if the sum is below `most`: looked at and counted in one step, so that as many as come at once find no more room than there is. False: nothing
 * was added. */
bool rate_take(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now, uint32_t most);
/* Takes back what rate_take added a moment ago. */
void rate_give_back(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now);

#endif
