/* What the store counts for who watches: errors by call and cause, and how long syncs take. Any thread. */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include <stdint.h>

enum store_call { STORE_CALL_COMMIT, STORE_CALL_PUT, STORE_CALL_READ, STORE_CALL_BLOB };
/* Counts rc when it is the machine's fault, not the caller's, and returns it. */
int store_trouble(enum store_call call, int rc);

/* A value fails its checksum; `sum` stands for its key. Each is told of once in the log, and counted in troika_store_damaged_records until the process ends. */
void store_damaged(const char *what, uint32_t sum);

enum store_sync { STORE_SYNC_INDEX, STORE_SYNC_BLOBS };
/* A sync that began at that clock_mono_us is done: counted, and logged when it was slow (STORE_SLOW_SYNC_MS). */
void store_synced(enum store_sync what, uint64_t began_us);

#endif
