/* Not to disturb the server beside it: the least priority for processor and disk, and pauses: as many as were asked for, or for as long as the work took. One thread. */
#ifndef BACKUP_PACE_H
#define BACKUP_PACE_H

#include <stdint.h>

#define PACE_FULL UINT64_MAX
struct pace {
	uint64_t rate;                        /* bytes a second; 0: half of the time; PACE_FULL: as fast as it goes */
	uint64_t began_us, bytes;             /* private: since then so many */
};
/* Lowers the priority of the calling thread's process for good. */
void pace_give_way(void);
/* So many bytes were read or written: sleeps until that is due. Not while a read of the store is open. */
void pace_spend(struct pace *p, uint64_t bytes);

#endif
