/* A job of the server: the index of the store is looked through in the background, a little every second, round after round; for one that is too large to be
 * looked through at each start (STORE_INSPECT_BYTES). What is found is logged, counted, and told by /health. */
#ifndef APP_PATROL_H
#define APP_PATROL_H

#include "store/store.h"

#define PATROL_PERIOD_MS 1000u
#define PATROL_BYTES ((uint64_t)2 << 20)          /* of the index at each time: 10 GB in 90 minutes */
#define PATROL_PAUSE_MS (UINT64_C(6) * 3600 * 1000)      /* after a round */
#define PATROL_LINES_MAX 16u                      /* faults of a round that are logged one by one */

struct patrol {
	struct store *store;
	uint64_t rest_until_ms;                       /* clock_mono_ms */
	uint64_t faults;                              /* of the round under way */
	uint64_t last;                                /* of the one before it */
};
/* server_every calls it; arg is the struct patrol, one thread at a time. */
void patrol_step(void *arg);

#endif
