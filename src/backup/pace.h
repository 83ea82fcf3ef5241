/* Not to disturb the server beside it: the least priority for processor and disk; pauses, as many as were asked for, or for as long as the work took; and
 * giving way while commits take longer than they did before. One thread. */
#ifndef BACKUP_PACE_H
#define BACKUP_PACE_H

#include "store/store.h"

#define PACE_FULL UINT64_MAX
struct pace {
	struct store *store;                  /* whose commits are watched */
	uint64_t rate;                        /* bytes a second; 0: half of the time; PACE_FULL: as fast as it goes, and nobody is given way */
	uint64_t yields, yielded_us;          /* out: how often, and how long, it gave way */
	uint64_t began_us, bytes;             /* private: since then so many */
	uint64_t usual_us, syncs, unlooked;   /* private: what syncs took before; those seen so far; bytes since it looked */
};
/* Lowers the priority of the calling thread's process for good. */
void pace_lower(void);
void pace_begin(struct pace *p, struct store *store, uint64_t rate);
/* So many bytes were read or written: sleeps until that is due. Not while a read of the store is open. */
void pace_spend(struct pace *p, uint64_t bytes);
/* So many bytes of work: pauses for a moment if somebody's commits take long. Also while a read is open. */
void pace_yield(struct pace *p, uint64_t bytes);

/* Do commits take long? Of `usual` microseconds before; those since `syncs` count. For tests. */
bool pace_is_slow(const struct store_pulse *now, uint64_t usual_us, uint64_t syncs);

#endif
