#include "app/patrol.h"

#include "base/clock.h"
#include "rt/log.h"
#include "rt/metric.h"

METRIC_GAUGE(faults, "troika_store_index_faults", "", "Damaged places of the index, found by the present look at it or the one before.");
METRIC_COUNTER(rounds, "troika_store_index_looks_total", "", "Times that the whole of the index was looked through beside the work.");

static void tell(void *arg, const char *line)
{
	struct patrol *p = arg;
	if (p->faults++ < PATROL_LINES_MAX)
		log_event(LOG_ERROR, "store.damaged-index", LOG_LIST(LOG_C("what", line), LOG_C("cure", "stop the server, then: troika check --repair")));
}

static void end_round(struct patrol *p)
{
	metric_add(&rounds, 1);
	p->last = p->faults;
	p->faults = 0;
	p->rest_until_ms = clock_mono_ms() + PATROL_PAUSE_MS;
}

void patrol_step(void *arg)
{
	struct patrol *p = arg;
	uint64_t found;
	bool done;
	if (clock_mono_ms() < p->rest_until_ms)
		return;
	int rc = store_patrol(p->store, PATROL_BYTES, tell, p, &found, &done);
	if (rc == 0 && done)
		end_round(p);
	metric_set(&faults, (int64_t)(p->faults > p->last ? p->faults : p->last));
}
