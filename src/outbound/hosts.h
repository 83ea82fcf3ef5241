/* What is known of the ports that we connect to: how many connections are open, and which did not answer a moment ago. Any thread. */
#ifndef OUTBOUND_HOSTS_H
#define OUTBOUND_HOSTS_H

#include "base/err.h"
#include "outbound/trouble.h"
#include "rt/net.h"

#include <stdint.h>

struct hosts;
int hosts_create(struct hosts **out);
void hosts_destroy(struct hosts **h);         /* accepts NULL */
/* Counts one more connection to it. tried: when this mail was last tried (unix seconds; 0: never); one that met the failure already comes back because somebody
 * wants it tried now, and may. 0; ERR_BUSY: it failed within HOST_BACKOFF_MS, *t says how; ERR_TIMEOUT: `most` connections are open and none ended within
 * wait_ms. */
int hosts_enter(struct hosts *h, const struct net_endpoint *a, unsigned most, uint64_t wait_ms, int64_t tried, struct trouble *t);
/* It answered as it should: an earlier failure is forgotten. */
void hosts_answered(struct hosts *h, const struct net_endpoint *a);
/* That connection is closed, or never came to be. failed: nothing there answers properly; NULL: it does. */
void hosts_leave(struct hosts *h, const struct net_endpoint *a, const struct trouble *failed);

#endif
