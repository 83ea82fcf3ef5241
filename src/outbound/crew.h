/* The threads that take jobs from the queue: as many as are busy and one that waits, up to a configured number. */
#ifndef OUTBOUND_CREW_H
#define OUTBOUND_CREW_H

#include "outbound/setup.h"

/* Starts the first thread; it starts others. */
int crew_start(struct outbound *o, struct err *e);
/* Waits until all are gone; cuts connections after drain_ms. */
void crew_stop(struct outbound *o, uint64_t drain_ms);

#endif
