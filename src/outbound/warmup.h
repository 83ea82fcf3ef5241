/* How many messages each source address has sent today (UTC), for routes that warm addresses up. Kept over restarts, but for the last few. Any thread. */
#ifndef OUTBOUND_WARMUP_H
#define OUTBOUND_WARMUP_H

#include "base/err.h"
#include "rt/net.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct warmup_counts;
int warmup_open(struct store *s, struct warmup_counts **out);
void warmup_close(struct warmup_counts **w);      /* saves first; accepts NULL */
/* Counts one message if that is allowed today. day: since 1970. */
bool warmup_take(struct warmup_counts *w, const struct net_addr *source, int64_t day, uint32_t allowance);
/* Is anything left? */
bool warmup_has_room(struct warmup_counts *w, const struct net_addr *source, int64_t day, uint32_t allowance);
/* Writes down what changed since the last time. */
void warmup_save(struct warmup_counts *w);

#endif
