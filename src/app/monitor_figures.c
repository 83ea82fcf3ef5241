/* Figures that the rooms keep themselves, asked for when somebody looks. */
#include "app/monitor_inside.h"

#include "base/clock.h"
#include "rt/metric.h"

struct figure {
	const char *name, *labels;
	enum metric_kind kind;
	const char *help;
	uint64_t value;
};

static void print_figures(struct buf *out, const struct figure *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(f[i].name, f[i - 1].name) != 0)
			metric_print_head(out, f[i].name, f[i].kind, f[i].help);
		metric_print_value(out, f[i].name, f[i].labels, (int64_t)f[i].value);
	}
}
#define PRINT(out, list) print_figures(out, list, sizeof(list) / sizeof(list)[0])

static void collect_queue(struct monitor *m, struct buf *out)
{
	struct queue_stats q;
	int64_t now = clock_now();
	if (queue_stats(m->parts.queue, &q))
		return;
	const struct figure list[] = {
		{ "troika_queue_messages", "", METRIC_KIND_GAUGE, "Messages that wait to be delivered.", q.messages },
		{ "troika_queue_recipients", "", METRIC_KIND_GAUGE, "Their recipients that wait.", q.recipients },
		{ "troika_queue_bytes", "", METRIC_KIND_GAUGE, "Their size.", q.bytes },
		{ "troika_queue_held_messages", "", METRIC_KIND_GAUGE, "Of these, messages that an administrator or a filter holds back.", q.held },
		{ "troika_queue_notices_owed", "", METRIC_KIND_GAUGE, "Messages whose senders are still to be told something.", q.owed },
		{ "troika_queue_destinations", "", METRIC_KIND_GAUGE, "Destinations that something waits for.", q.destinations },
		{ "troika_queue_in_flight", "", METRIC_KIND_GAUGE, "Jobs that are being delivered.", q.in_flight },
		{ "troika_queue_oldest_seconds", "", METRIC_KIND_GAUGE, "How long the oldest message has been there.", q.oldest && now > q.oldest ? (uint64_t)(now - q.oldest) : 0 },
		{ "troika_queue_submitted_total", "", METRIC_KIND_COUNTER, "Messages put into the queue.", q.submitted },
		{ "troika_queue_results_total", "result=\"delivered\"", METRIC_KIND_COUNTER, "What became of recipients; deferred: tried again later.", q.delivered },
		{ "troika_queue_results_total", "result=\"failed\"", METRIC_KIND_COUNTER, NULL, q.failed },
		{ "troika_queue_results_total", "result=\"deferred\"", METRIC_KIND_COUNTER, NULL, q.deferred },
		{ "troika_queue_notices_total", "", METRIC_KIND_COUNTER, "Bounces, warnings and success notices written.", q.notices },
	};
	PRINT(out, list);
}

static void collect_outbound(struct monitor *m, struct buf *out)
{
	struct outbound *o = m->parts.route->outbound;
	struct outbound_stats s;
	if (!o)
		return;
	outbound_stats(o, &s);
	const struct figure list[] = {
		{ "troika_outbound_jobs_total", "kind=\"world\"", METRIC_KIND_COUNTER, "Jobs taken from the queue.", s.jobs > s.local + s.notices ? s.jobs - s.local - s.notices : 0 },
		{ "troika_outbound_jobs_total", "kind=\"local\"", METRIC_KIND_COUNTER, NULL, s.local },
		{ "troika_outbound_jobs_total", "kind=\"notice\"", METRIC_KIND_COUNTER, NULL, s.notices },
		{ "troika_outbound_attempts_total", "result=\"delivered\"", METRIC_KIND_COUNTER, "Recipients tried, by what came of it; relayed: delivered where notices end.", s.delivered },
		{ "troika_outbound_attempts_total", "result=\"relayed\"", METRIC_KIND_COUNTER, NULL, s.relayed },
		{ "troika_outbound_attempts_total", "result=\"failed\"", METRIC_KIND_COUNTER, NULL, s.failed },
		{ "troika_outbound_attempts_total", "result=\"deferred\"", METRIC_KIND_COUNTER, NULL, s.deferred },
		{ "troika_outbound_connections_total", "kind=\"new\"", METRIC_KIND_COUNTER, "Sessions with other servers; reused: used again for another message.", s.connections },
		{ "troika_outbound_connections_total", "kind=\"reused\"", METRIC_KIND_COUNTER, NULL, s.reused },
		{ "troika_outbound_lost_after_data_total", "", METRIC_KIND_COUNTER, "Sessions that ended before the answer to the end of data: the message may arrive twice.", s.lost_after_data },
		{ "troika_outbound_threads", "", METRIC_KIND_GAUGE, "Threads that deliver.", s.threads },
		{ "troika_outbound_threads_busy", "", METRIC_KIND_GAUGE, "Of these, at work.", s.busy },
		{ "troika_outbound_idle_connections", "", METRIC_KIND_GAUGE, "Sessions kept open for the next message.", s.idle_connections },
	};
	PRINT(out, list);
}

static void collect_store(struct monitor *m, struct buf *out)
{
	struct store_stats s;
	store_stats(m->parts.house->store, &s);
	const struct figure list[] = {
		{ "troika_store_commits_total", "", METRIC_KIND_COUNTER, "Commits that are durable.", s.commits },
		{ "troika_store_groups_total", "", METRIC_KIND_COUNTER, "Transactions that they were merged into.", s.groups },
		{ "troika_store_blobs_total", "", METRIC_KIND_COUNTER, "Blobs put.", s.blob_puts },
		{ "troika_store_blob_bytes_total", "", METRIC_KIND_COUNTER, "Their size.", s.blob_bytes },
		{ "troika_store_blob_syncs_total", "", METRIC_KIND_COUNTER, "Syncs that made them durable.", s.blob_syncs },
		{ "troika_store_dead_bytes", "", METRIC_KIND_GAUGE, "Room of dropped blobs that maintenance gives back.", s.dead_bytes },
		{ "troika_store_segments", "", METRIC_KIND_GAUGE, "Files that blobs lie in.", s.segments },
		{ "troika_store_keys", "", METRIC_KIND_GAUGE, "Keys in the index.", s.keys },
		{ "troika_store_map_bytes", "", METRIC_KIND_GAUGE, "Size of the index.", s.map_used },
		{ "troika_store_gave_way_total", "", METRIC_KIND_COUNTER, "Times that a backup paused because commits took long.", s.gave_way },
		{ "troika_store_gave_way_milliseconds_total", "", METRIC_KIND_COUNTER, "For how long it did.", s.gave_way_us / 1000 },
	};
	PRINT(out, list);
}

static void collect_guard(struct monitor *m, struct buf *out)
{
	struct guard_stats s;
	if (!m->parts.guard)
		return;
	guard_stats(m->parts.guard, &s);
	const struct figure list[] = {
		{ "troika_guard_hits_total", "why=\"greylist\"", METRIC_KIND_COUNTER, "Peers held against something; probed: unknown recipients; crowded: too many connections.", s.greylisted },
		{ "troika_guard_hits_total", "why=\"dnsbl\"", METRIC_KIND_COUNTER, NULL, s.listed },
		{ "troika_guard_hits_total", "why=\"rate\"", METRIC_KIND_COUNTER, NULL, s.rated },
		{ "troika_guard_hits_total", "why=\"probed\"", METRIC_KIND_COUNTER, NULL, s.probed },
		{ "troika_guard_hits_total", "why=\"crowded\"", METRIC_KIND_COUNTER, NULL, s.crowded },
		{ "troika_guard_known_peers", "", METRIC_KIND_GAUGE, "Networks, users and domains that are remembered.", s.known },
	};
	PRINT(out, list);
}

static void collect_self(struct monitor *m, struct buf *out)
{
	struct buf ignored = BUF_INIT(1 << 16);
	bool alive = health_alive(&m->health, &ignored) == 200, ready = health_ready(&m->health, &ignored) == 200;
	buf_fini(&ignored);
	metric_print_head(out, "troika_build_info", METRIC_KIND_GAUGE, "Which program it is.");
	metric_print_value(out, "troika_build_info", "version=\"" TROIKA_VERSION "\"", 1);
	const struct figure list[] = {
		{ "troika_health_alive", "", METRIC_KIND_GAUGE, "What /health says.", alive },
		{ "troika_health_ready", "", METRIC_KIND_GAUGE, "What /ready says.", ready },
		{ "troika_tls_certificate_expires_seconds", "", METRIC_KIND_GAUGE, "When the first of the certificates in use ends, unix time.",
		  (uint64_t)server_tls_expires(m->parts.server) },
	};
	PRINT(out, list);
}

void monitor_collect(void *monitor, struct buf *out)
{
	struct monitor *m = monitor;
	collect_self(m, out);
	process_collect(&m->process, m->started, out);
	collect_store(m, out);
	collect_queue(m, out);
	collect_outbound(m, out);
	collect_guard(m, out);
}
