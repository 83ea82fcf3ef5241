/* Open sessions that rest until there is more for them. Any thread. */
#ifndef OUTBOUND_IDLE_H
#define OUTBOUND_IDLE_H

#include "base/err.h"
#include "base/str.h"
#include "outbound/client.h"

#include <stddef.h>
#include <stdint.h>

struct idle;
int idle_create(struct idle **out);
void idle_destroy(struct idle **i);           /* empty by then; accepts NULL */
/* Keeps the session until `until` (clock_mono_ms). False: no room, it is still the caller's. */
bool idle_put(struct idle *i, struct str key, struct client *c, uint64_t until);
/* The one of that key that came last; NULL: none. It may have been closed by the peer. */
struct client *idle_take(struct idle *i, struct str key);
/* Any one to that address, for the caller to close; NULL: none. */
struct client *idle_take_peer(struct idle *i, const struct net_endpoint *peer);
/* Up to max of those whose time is over at `now` (UINT64_MAX: all); the caller closes them. */
size_t idle_expired(struct idle *i, uint64_t now, struct client **out, size_t max);
size_t idle_count(struct idle *i);

#endif
