/* What the server tells who watches it: refusals and connections that were given up, each with its reason, and how many there are of what. */
#include "base/clock.h"
#include "rt/log.h"
#include "rt/server_priv.h"

#include <dirent.h>

#define REFUSED "troika_rt_refused_total"
#define REFUSED_HELP "Connections refused at once."
#define GAVE_UP "troika_rt_gave_up_total"
#define GAVE_UP_HELP "Connections that were broken off."
METRIC_COUNTER(refused_address, REFUSED, "why=\"too many from this address\"", REFUSED_HELP);
METRIC_COUNTER(refused_conns, REFUSED, "why=\"too many connections\"", REFUSED_HELP);
METRIC_COUNTER(refused_files, REFUSED, "why=\"out of file descriptors\"", REFUSED_HELP);
METRIC_COUNTER(refused_memory, REFUSED, "why=\"out of memory\"", REFUSED_HELP);
METRIC_COUNTER(up_unread, GAVE_UP, "why=\"peer does not read\"", GAVE_UP_HELP);
METRIC_COUNTER(up_line, GAVE_UP, "why=\"endless line\"", GAVE_UP_HELP);
METRIC_COUNTER(up_output, GAVE_UP, "why=\"too much output at once\"", GAVE_UP_HELP);
METRIC_COUNTER(up_stops, GAVE_UP, "why=\"server stops\"", GAVE_UP_HELP);
METRIC_COUNTER(up_memory, GAVE_UP, "why=\"out of memory\"", GAVE_UP_HELP);
METRIC_COUNTER(up_ceiling, GAVE_UP, "why=\"memory ceiling\"", GAVE_UP_HELP);
METRIC_COUNTER(up_broken, GAVE_UP, "why=\"broken compression\"", GAVE_UP_HELP);
METRIC_COUNTER(up_watch, GAVE_UP, "why=\"cannot be watched\"", GAVE_UP_HELP);
METRIC_COUNTER(up_certificate, GAVE_UP, "why=\"no certificate\"", GAVE_UP_HELP);
METRIC_COUNTER(up_tls, GAVE_UP, "why=\"broken TLS\"", GAVE_UP_HELP);
METRIC_COUNTER(up_endless, GAVE_UP, "why=\"endless compression\"", GAVE_UP_HELP);

/* By the text in its label; NULL when a reason has none, which a test finds. */
static struct metric *metric_of(struct metric *const *list, size_t n, const char *why)
{
	for (size_t i = 0; i < n; i++) {
		struct str label = str_from(str_from_c(list[i]->labels), sizeof("why=\"") - 1);
		if (str_eq(str_sub(label, 0, label.n - 1), str_from_c(why)))
			return list[i];
	}
	return NULL;
}

#define REFUSAL_LOG_MS 1000

void server_note_refusal(struct server *s, const struct net_addr *peer, const char *why)
{
	static struct metric *const reasons[] = { &refused_address, &refused_conns, &refused_files, &refused_memory };
	char text[NET_TEXT_MAX];
	uint64_t now = clock_mono_ms();
	struct metric *m = metric_of(reasons, sizeof(reasons) / sizeof(reasons[0]), why);
	if (m)
		metric_add(m, 1);
	atomic_fetch_add(&s->refused, 1);
	uint64_t count = atomic_fetch_add(&s->refused_unlogged, 1) + 1;
	uint64_t last = atomic_load(&s->refusal_logged_ms);
	if (now < last + REFUSAL_LOG_MS || !atomic_compare_exchange_strong(&s->refusal_logged_ms, &last, now))
		return;
	atomic_fetch_sub(&s->refused_unlogged, count);
	net_addr_format(peer, text);
	log_event(LOG_WARN, "rt.refused", LOG_LIST(LOG_C("why", why), LOG_C("peer", text), LOG_U("count", count)));
}

void conn_give_up(struct conn *c, const char *why)
{
	static struct metric *const reasons[] = { &up_unread, &up_line, &up_output, &up_stops, &up_memory, &up_ceiling, &up_broken, &up_endless, &up_watch,
	                                         &up_certificate, &up_tls };
	if (c->dead)
		return;
	c->dead = true;
	struct metric *m = metric_of(reasons, sizeof(reasons) / sizeof(reasons[0]), why);
	if (m)
		metric_add(m, 1);
	conn_log(c, LOG_NOTICE, "rt.gave_up", LOG_LIST(LOG_C("why", why)));
}

void conn_tls_lost(struct conn *c)
{
	if (tls_conn_is_broken(c->tls)) {
		if (!c->dead)
			conn_log(c, LOG_INFO, "rt.tls_failed", LOG_LIST(LOG_C("why", tls_conn_failure(c->tls))));
		conn_give_up(c, "broken TLS");
	}
	c->dead = true;
}

/* ---- how many ---- */

void server_stats(struct server *s, struct server_stats *out)
{
	pthread_mutex_lock(&s->pool.lock);
	unsigned workers = s->pool.count;
	pthread_mutex_unlock(&s->pool.lock);
	unsigned idle = atomic_load(&s->pool.idle);
	*out = (struct server_stats){
		.conns = atomic_load(&s->conns),
		.conns_total = atomic_load(&s->conns_total),
		.conns_max = s->config.conns_max,
		.refused = atomic_load(&s->refused),
		.workers = workers,
		.workers_busy = workers > idle ? workers - idle : 0,
		.workers_max = s->config.workers_max,
		.queued = atomic_load(&s->ready.count),
		.listeners = s->listener_count,
		.tls_handshakes = atomic_load(&s->tls_handshakes),
		.tls_failures = atomic_load(&s->tls_failures),
	};
}

/* The sum over the listeners of one protocol; 0 for all but the first of them. */
static bool sum_of_proto(struct server *s, unsigned first, bool accepted, uint64_t *sum_out)
{
	const char *name = s->listeners[first]->proto.name;
	*sum_out = 0;
	for (unsigned i = 0; i < s->listener_count; i++) {
		const struct listener *l = s->listeners[i];
		if (strcmp(l->proto.name, name) != 0)
			continue;
		if (i < first)
			return false;
		*sum_out += atomic_load_explicit(accepted ? &l->accepted : &l->open, memory_order_relaxed);
	}
	return true;
}

static void print_by_proto(struct server *s, struct buf *out, const char *name, enum metric_kind kind, const char *help)
{
	char labels[64];
	uint64_t sum;
	metric_print_head(out, name, kind, help);
	for (unsigned i = 0; i < s->listener_count; i++) {
		if (!sum_of_proto(s, i, kind == METRIC_KIND_COUNTER, &sum))
			continue;
		snprintf(labels, sizeof(labels), "proto=\"%s\"", s->listeners[i]->proto.name);
		metric_print_value(out, name, labels, (int64_t)sum);
	}
}

static void print_one(struct buf *out, const char *name, enum metric_kind kind, const char *help, uint64_t value)
{
	metric_print_head(out, name, kind, help);
	metric_print_value(out, name, "", (int64_t)value);
}

void server_collect(void *server, struct buf *out)
{
	struct server *s = server;
	struct server_stats st;
	server_stats(s, &st);
	print_by_proto(s, out, "troika_rt_connections", METRIC_KIND_GAUGE, "Connections that are open.");
	print_by_proto(s, out, "troika_rt_accepted_total", METRIC_KIND_COUNTER, "Connections that were let in.");
	print_one(out, "troika_rt_connections_max", METRIC_KIND_GAUGE, "Connections that are allowed.", st.conns_max);
	print_one(out, "troika_rt_workers", METRIC_KIND_GAUGE, "Threads for sessions.", st.workers);
	print_one(out, "troika_rt_workers_busy", METRIC_KIND_GAUGE, "Of these, at work.", st.workers_busy);
	print_one(out, "troika_rt_workers_max", METRIC_KIND_GAUGE, "Threads for sessions that are allowed.", st.workers_max);
	print_one(out, "troika_rt_ready", METRIC_KIND_GAUGE, "Connections and jobs that wait for a thread.", st.queued);
	print_one(out, "troika_rt_held_bytes", METRIC_KIND_GAUGE, "Unread input, unsent output and TLS handshakes under way, of connections at rest.", atomic_load(&s->held));
	print_one(out, "troika_rt_held_bytes_max", METRIC_KIND_GAUGE, "Of these, what is allowed.", s->config.memory_max);
	metric_print_head(out, "troika_rt_tls_handshakes_total", METRIC_KIND_COUNTER, "TLS handshakes with clients.");
	metric_print_value(out, "troika_rt_tls_handshakes_total", "result=\"ok\"", (int64_t)st.tls_handshakes);
	metric_print_value(out, "troika_rt_tls_handshakes_total", "result=\"failed\"", (int64_t)st.tls_failures);
}
