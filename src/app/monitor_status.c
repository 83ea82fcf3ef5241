/* /status: one page with what `troika top` and `troika status` show beside the sessions. */
#include "app/monitor_inside.h"

#include "app/json.h"
#include "base/clock.h"
#include "rt/metric.h"

#include <unistd.h>

#define DESTINATIONS_SHOWN 50u

static void begin(struct buf *b, const char *name)
{
	json_add_name(b, name);
	buf_add_char(b, '{');
}

static void end(struct buf *b) { buf_add_char(b, '}'); }

static void add_server(struct monitor *m, struct buf *b)
{
	struct server_stats s;
	server_stats(m->parts.server, &s);
	begin(b, "server");
	json_add_number(b, "connections", (int64_t)s.conns);
	json_add_number(b, "connections_max", (int64_t)s.conns_max);
	json_add_number(b, "connections_total", (int64_t)s.conns_total);
	json_add_number(b, "refused_total", (int64_t)s.refused);
	json_add_number(b, "workers", (int64_t)s.workers);
	json_add_number(b, "workers_busy", (int64_t)s.workers_busy);
	json_add_number(b, "workers_max", (int64_t)s.workers_max);
	json_add_number(b, "waiting", (int64_t)s.queued);
	json_add_bool(b, "draining", server_is_stopping(m->parts.server));
	json_add_number(b, "slow_total", metric_read_all("troika_rt_slow_commands_total"));
	end(b);
}

static void add_mail(struct monitor *m, struct buf *b)
{
	struct outbound_stats out = { 0 };
	struct queue_stats q;
	struct outbound *o = m->parts.route->outbound;
	if (o)
		outbound_stats(o, &out);
	begin(b, "mail");
	json_add_number(b, "accepted_total", metric_read_all("troika_smtp_messages_total"));
	json_add_number(b, "refused_total", metric_read_all("troika_smtp_refused_total"));
	json_add_number(b, "sent_total", (int64_t)(out.delivered + out.relayed));
	json_add_number(b, "deferred_total", (int64_t)out.deferred);
	json_add_number(b, "failed_total", (int64_t)out.failed);
	end(b);
	if (queue_stats(m->parts.queue, &q))
		return;
	begin(b, "queue");
	json_add_number(b, "messages", (int64_t)q.messages);
	json_add_number(b, "recipients", (int64_t)q.recipients);
	json_add_number(b, "held", (int64_t)q.held);
	json_add_number(b, "in_flight", (int64_t)q.in_flight);
	json_add_number(b, "oldest_s", q.oldest ? clock_now() - q.oldest : 0);
	end(b);
}

static void add_destinations(struct monitor *m, struct buf *b)
{
	struct arena a = ARENA_INIT(0);
	struct queue_destination_stats *list;
	size_t n = 0;
	int64_t now = clock_now();
	if (queue_destinations(m->parts.queue, &a, DESTINATIONS_SHOWN, &list, &n))
		n = 0;
	json_add_name(b, "destinations");
	buf_add_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		json_add_comma(b);
		buf_add_lit(b, "\n{");
		json_add_member(b, "name", list[i].destination);
		json_add_number(b, "recipients", (int64_t)list[i].recipients);
		json_add_number(b, "next_s", list[i].next > now ? list[i].next - now : 0);
		json_add_number(b, "failures", list[i].failures);
		json_add_member(b, "reply", list[i].reply);
		end(b);
	}
	buf_add_char(b, ']');
	arena_fini(&a);
}

static void add_store(struct monitor *m, struct buf *b)
{
	struct store_stats s;
	store_stats(m->parts.house->store, &s);
	begin(b, "store");
	json_add_number(b, "commits_total", (int64_t)s.commits);
	json_add_number(b, "groups_total", (int64_t)s.groups);
	json_add_number(b, "syncs_total", metric_read_all("troika_store_sync_seconds"));
	json_add_number(b, "sync_us_total", metric_read_seconds("troika_store_sync_seconds"));
	json_add_number(b, "slow_syncs_total", metric_read_all("troika_store_slow_syncs_total"));
	json_add_number(b, "errors_total", metric_read_all("troika_store_errors_total"));
	json_add_number(b, "map_bytes", (int64_t)s.map_used);
	json_add_number(b, "dead_bytes", (int64_t)s.dead_bytes);
	end(b);
}

static void add_process(struct monitor *m, struct buf *b)
{
	struct process_figures f;
	process_read(&m->process, &f);
	begin(b, "process");
	json_add_number(b, "pid", (int64_t)getpid());
	json_add_number(b, "resident_bytes", (int64_t)f.resident_bytes);
	json_add_number(b, "allocated_bytes", (int64_t)f.allocated_bytes);
	json_add_number(b, "open_files", (int64_t)f.open_files);
	json_add_number(b, "max_files", (int64_t)f.max_files);
	json_add_number(b, "cpu_us", f.cpu_us);
	end(b);
}

static void add_health(struct monitor *m, struct buf *b)
{
	struct buf text = BUF_INIT(1 << 16);
	health_ready(&m->health, &text);
	json_add_name(b, "ready");
	buf_add_str(b, str_trim(buf_str(&text)));
	buf_reset(&text);
	health_alive(&m->health, &text);
	json_add_name(b, "health");
	buf_add_str(b, str_trim(buf_str(&text)));
	buf_fini(&text);
}

unsigned monitor_status(void *monitor, const struct http_request *r, bool tls, struct http_page *out)
{
	struct monitor *m = monitor;
	struct buf *b = &out->body;
	(void)tls;
	if (!str_eq(r->path, STR("/status")))
		return 404;
	out->type = "application/json";
	buf_add_char(b, '{');
	json_add_member(b, "version", STR(TROIKA_VERSION));
	json_add_member(b, "hostname", m->parts.hostname);
	json_add_number(b, "uptime_ms", (int64_t)(clock_mono_ms() - m->started_ms));
	json_add_number(b, "now_ms", clock_now_ms());
	add_health(m, b);
	add_server(m, b);
	add_mail(m, b);
	add_store(m, b);
	add_process(m, b);
	add_destinations(m, b);
	buf_add_lit(b, "}\n");
	return 200;
}
