/* How much the index grows while a read of the store is held, since nobody can use pages again that it may still want; and how long that lasts. One thread. */
#ifndef BACKUP_GROWTH_H
#define BACKUP_GROWTH_H

#include "store/store.h"

struct growth {
	uint64_t bytes, ms;                   /* out: since it began, as was seen last */
	struct store *store;                  /* private from here */
	uint64_t size, began_ms, looked_ms, bytes_max, ms_max;
	unsigned pairs;
};
/* UINT64_MAX: no bound. */
void growth_begin(struct growth *g, struct store *s, uint64_t bytes_max, uint64_t ms_max);
void growth_look(struct growth *g);
/* Beyond a bound? Looks each SHOT_LOOK_MS. */
bool growth_is_over(struct growth *g);
/* The same after each pair: looks each GROWTH_LOOK_PAIRS, and is never over before. */
bool growth_is_over_at_pair(struct growth *g);

#endif
