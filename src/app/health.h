/* Is the server alive, and should mail be sent to it? Two jobs look now and then (health_tick on a worker, so that it stands still when workers do, and
 * health_probe, which may hang with the disk); the pages tell what they found and say why. Any thread. */
#ifndef APP_HEALTH_H
#define APP_HEALTH_H

#include "app/house.h"
#include "app/mailroute.h"
#include "base/buf.h"
#include "rt/server.h"

#include <stdbool.h>

#define HEALTH_TICK_MS 1000u
#define HEALTH_PROBE_MS 2000u

struct health {
	const struct house *house;
	struct mailroute *route;
	struct server *server;
	uint64_t began_ms;
	_Atomic uint64_t tick_ms;        /* clock_mono_ms of the last one that ended; 0: none yet */
	_Atomic int store_error;         /* what the store answered it; 0: all was well */
	_Atomic uint64_t probe_ms;       /* likewise of the disk */
	_Atomic int disk_error;
	_Atomic int64_t write_errors;    /* what the store had counted when looked at last */
	_Atomic uint64_t write_error_ms; /* when there were more; 0: never */
	bool notified;                   /* READY=1 was sent; of the tick's thread */
};

void health_init(struct health *h, const struct house *house, struct mailroute *route, struct server *server);
/* Jobs: every HEALTH_TICK_MS and HEALTH_PROBE_MS. The tick also tells the supervisor (rt/supervisor.h). */
void health_tick(void *health);
void health_probe(void *health);

/* {"status":"ok","checks":[{"name":"workers","ok":true},{"name":"disk","ok":false,"why":"..."}]}; the HTTP status: 200 or 503.
 * alive: whether it should be restarted; ready: whether clients should come here. */
unsigned health_alive(struct health *h, struct buf *out);
unsigned health_ready(struct health *h, struct buf *out);

#endif
