/* One job of the queue, from its route to its results. Any thread; blocks for as long as the destination makes it. */
#ifndef OUTBOUND_DELIVERY_H
#define OUTBOUND_DELIVERY_H

#include "outbound/setup.h"

/* Tries the recipients of a QUEUE_DELIVER job, logs what became of each, and gives the job back to the queue. */
void delivery_run(struct outbound *o, const struct setup *s, struct queue_job *j);
/* Makes and submits the notice of a QUEUE_NOTICE job. */
void delivery_notice(struct outbound *o, const struct setup *s, struct queue_job *j);

#endif
