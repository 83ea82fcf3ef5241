/* A page of memory that all processes share who have the store open (DIR/pulse): how long syncs take, who gave way, and from when on dead blobs are held. It is
 * no record of anything: what is in it when nobody has the store open means nothing, and without it (no room, a read-only store) all goes on. Any thread.
 */
#ifndef STORE_ENGINE_LMDB_PULSE_H
#define STORE_ENGINE_LMDB_PULSE_H

#include "store/store.h"

enum pulse_lane { PULSE_INDEX, PULSE_SMALL, PULSE_BULK, PULSE_LANES };      /* of a process one at a time in each */

struct pulse;
/* *out stays NULL where there can be none. */
void pulse_open(const char *path, struct pulse **out);
void pulse_close(struct pulse **p);               /* accepts NULL, as all below do */

/* Around a sync. */
uint64_t pulse_begin(struct pulse *p, enum pulse_lane lane);
void pulse_end(struct pulse *p, enum pulse_lane lane, uint64_t began_us);
void pulse_read(struct pulse *p, struct store_pulse *out);
void pulse_gave_way(struct pulse *p, uint64_t us);
void pulse_count(struct pulse *p, struct store_stats *out);

/* 0, ERR_UNSUPPORTED (no page), ERR_IO. Ends with the process at the latest. */
int pulse_hold(struct pulse *p, int *fd_out);
void pulse_release(int fd);
/* Blobs that died then or later must be kept; INT64_MAX: nobody holds any. Unix seconds. */
int64_t pulse_held_from(struct pulse *p);

#endif
