/* Mail on its way out of the queue: outbound with what it needs of the other rooms, and the queue's own configuration. Made by serve. */
#ifndef APP_MAILROUTE_H
#define APP_MAILROUTE_H

#include "app/config.h"
#include "app/world.h"
#include "deliver/local.h"
#include "outbound/outbound.h"

struct mailroute {
	struct house *house;
	struct queue *queue;
	struct world *world;
	struct outbound *_Atomic outbound;   /* NULL until mailroute_open */
	struct local_env local;
	_Atomic bool srs;
	char hostname[256];                  /* as it was at the start; local.groups points here */
};

/* Before the queue is opened; limits of destinations are asked of m, which must stay where it is. */
void mailroute_queue_config(struct mailroute *m, const struct app_config *c, struct queue_config *out);
/* Keyring and world must live as long. ERR_CONFIG: a route cannot be understood. On failure mailroute_close all the same. */
int mailroute_open(struct mailroute *m, struct house *h, struct queue *q, struct world *w, const struct app_config *c, const struct dkim_keyring *keyring, struct err *e);
/* Of a route that cannot be understood nothing changes. */
int mailroute_set_config(struct mailroute *m, const struct app_config *c, struct err *e);
int mailroute_start(struct mailroute *m, struct err *e);
/* See outbound_stop: also stops the queue. Without effect when it was not opened. */
void mailroute_stop(struct mailroute *m, uint64_t drain_ms);
void mailroute_close(struct mailroute *m);

#endif
