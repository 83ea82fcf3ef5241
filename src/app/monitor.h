/* What the server shows to who watches it: figures (/metrics), health (/health, /ready), who is connected (/sessions) and one page of all that `troika top`
 * needs (/status), over HTTP on a local socket and, when configured, a port. Made by serve once the rooms are open; any thread after that. */
#ifndef APP_MONITOR_H
#define APP_MONITOR_H

#include "app/health.h"
#include "app/house.h"
#include "app/mailroute.h"
#include "guard/guard.h"
#include "proto/http/http.h"
#include "rt/server.h"

/* The rooms that are asked. All outlive the monitor. */
struct monitor_parts {
	const struct house *house;
	struct queue *queue;
	struct mailroute *route;
	struct guard *guard;
	struct server *server;
	struct str hostname;             /* copied */
};
struct monitor;
int monitor_create(const struct monitor_parts *p, struct monitor **out);
void monitor_destroy(struct monitor **m);                  /* accepts NULL */
/* Listens on the local socket in the data directory and, when configured, on a port; starts the jobs of health. Before server_run. That another server has
 * the socket is only logged. */
int monitor_listen(struct monitor *m, const struct app_config *c, struct err *e);

/* The path of the local socket in a data directory: "run/troika.sock". */
#define MONITOR_SOCKET "run/troika.sock"

#endif
