#include "app/monitor_inside.h"

#include "base/clock.h"
#include "rt/log.h"
#include "rt/metric.h"

#include <errno.h>
#include <sys/stat.h>

#define PAGE_MAX ((size_t)32 << 20)      /* of 50,000 sessions */

static bool is_page(const struct http_request *r, const char *path) { return str_eq(r->path, str_from_c(path)); }

/* Prometheus asks for OpenMetrics first, when it can read it. Whoever names it gets it. */
static bool wants_openmetrics(const struct http_request *r)
{
	struct str accept;
	return http_field(r, STR("Accept"), &accept) && str_ifind(accept, STR("application/openmetrics-text")) != STR_NPOS;
}

static unsigned metrics_page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	(void)ctx, (void)tls;
	if (!is_page(r, "/metrics"))
		return 404;
	if (!wants_openmetrics(r)) {
		out->type = "text/plain; version=0.0.4; charset=utf-8";
		metric_collect(&out->body);
		return 200;
	}
	struct buf text = BUF_INIT(PAGE_MAX);
	metric_collect(&text);
	out->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	out->body.failed = text.failed;
	metric_to_openmetrics(buf_str(&text), &out->body);
	buf_fini(&text);
	return 200;
}

static unsigned alive_page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	struct monitor *m = ctx;
	(void)tls;
	if (!is_page(r, "/health"))
		return 404;
	out->type = "application/json";
	return health_alive(&m->health, &out->body);
}

static unsigned ready_page(void *ctx, const struct http_request *r, bool tls, struct http_page *out)
{
	struct monitor *m = ctx;
	(void)tls;
	if (!is_page(r, "/ready"))
		return 404;
	out->type = "application/json";
	return health_ready(&m->health, &out->body);
}

int monitor_create(const struct monitor_parts *p, struct monitor **out)
{
	struct monitor *m = calloc(1, sizeof *m);
	*out = m;
	if (!m)
		return ERR_NO_MEMORY;
	m->parts = *p;
	str_copy_c(m->hostname, sizeof m->hostname, p->hostname);
	m->parts.hostname = str_from_c(m->hostname);
	m->started = clock_now();
	m->started_ms = clock_mono_ms();
	health_init(&m->health, p->house, p->route, p->server);
	process_open(&m->process);
	m->routes[0] = (struct http_route){ STR("/metrics"), metrics_page, m };
	m->routes[1] = (struct http_route){ STR("/health"), alive_page, m };
	m->routes[2] = (struct http_route){ STR("/ready"), ready_page, m };
	m->routes[3] = (struct http_route){ STR("/sessions"), monitor_sessions, m };
	m->routes[4] = (struct http_route){ STR("/status"), monitor_status, m };
	m->service = (struct http_service){ .routes = m->routes, .n_routes = sizeof m->routes / sizeof *m->routes, .page_max = PAGE_MAX, .quiet = true };
	return metric_on_collect(monitor_collect, m);
}

void monitor_destroy(struct monitor **m)
{
	if (!*m)
		return;
	metric_off_collect(*m);
	process_close(&(*m)->process);
	free(*m);
	*m = NULL;
}

static int listen_on(struct monitor *m, const char *address, uint16_t port, struct err *e)
{
	struct listen_spec spec = { .proto = &http_watch_proto, .ctx = &m->service, .address = address, .port = port, .watches = true };
	uint16_t got = 0;
	int r = server_listen(m->parts.server, &spec, &got, e);

	if (r == 0)
		log_event(LOG_NOTICE, "listen", LOG_LIST(LOG_C("proto", "watch"), LOG_C("address", address), LOG_U("port", got)));
	return r;
}

static void listen_locally(struct monitor *m)
{
	char path[1024], address[1100];
	struct err e = { 0 };
	int r = house_path(m->parts.house->dir, "run", path, sizeof path) ? 0 : ERR_TOO_BIG;

	if (r == 0 && mkdir(path, 0700) && errno != EEXIST)
		r = err_from_errno(&e, errno, "cannot make the directory %s", path);
	if (r == 0 && house_path(m->parts.house->dir, MONITOR_SOCKET, path, sizeof path)) {
		snprintf(address, sizeof address, "unix:%s", path);
		r = listen_on(m, address, 0, &e);
	}
	if (r)
		log_event(LOG_WARN, "monitor.no-socket", LOG_LIST(LOG_C("error", e.log[0] ? e.log : err_text(r)), LOG_C("means", "troika top and troika status see nothing of this server")));
}

int monitor_listen(struct monitor *m, const struct app_config *c, struct err *e)
{
	const struct app_listen *place = &c->metrics.place;
	struct net_addr addr;
	int r = server_every(m->parts.server, HEALTH_TICK_MS, health_tick, &m->health);

	if (r == 0)
		r = server_every(m->parts.server, HEALTH_PROBE_MS, health_probe, &m->health);
	listen_locally(m);
	if (r == 0 && place->address[0]) {
		r = listen_on(m, place->address, place->port, e);
		if (!net_addr_parse(str_from_c(place->address), 0, &addr) || !net_addr_is_loopback(&addr))
			log_event(LOG_WARN, "monitor.open", LOG_LIST(LOG_C("address", place->address), LOG_C("means", "whoever reaches it sees who is connected, without a password")));
	}
	return r;
}
