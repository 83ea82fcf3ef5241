/* What is seen of a connection from outside, and the commands that sessions say they run. */
#include "rt/conn_view.h"

#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/server_priv.h"

METRIC_COUNTER(slow, "troika_rt_slow_commands_total", "", "Commands that took longer than slow_ms, waiting for the peer not counted.");

/* ---- for the owner ---- */

static pthread_mutex_t *lock_of(const struct conn *c) { return &c->server->view_locks[c->index % CONN_VIEW_LOCKS]; }

void conn_view_change(struct conn *c) { pthread_mutex_lock(lock_of(c)); }
void conn_view_changed(struct conn *c) { pthread_mutex_unlock(lock_of(c)); }

void conn_view_begin(struct conn *c)
{
	conn_view_change(c);
	c->view.opened_us = clock_mono_us();
	atomic_store_explicit(&c->view.since_us, c->view.opened_us, memory_order_relaxed);
	atomic_store_explicit(&c->listed, true, memory_order_relaxed);
	conn_view_changed(c);
}

void conn_view_end(struct conn *c)
{
	conn_view_change(c);
	atomic_store_explicit(&c->listed, false, memory_order_relaxed);
	conn_view_changed(c);
}

void conn_note(struct conn *c, const char *state) { atomic_store_explicit(&c->view.state, state, memory_order_relaxed); }

void conn_command_begin(struct conn *c, const char *name)
{
	c->worker->waited_us = 0;
	atomic_store_explicit(&c->view.since_us, clock_mono_us(), memory_order_relaxed);
	atomic_store_explicit(&c->view.command, name, memory_order_relaxed);
}

static void command_was_slow(struct conn *c, uint64_t took, const struct log_field *fields)
{
	struct log_field all[LOG_FIELDS_MAX];
	size_t n = 0;
	const char *name = atomic_load_explicit(&c->view.command, memory_order_relaxed);
	const char *state = atomic_load_explicit(&c->view.state, memory_order_relaxed);
	metric_add(&slow, 1);
	all[n++] = (struct log_field)LOG_C("what", name ? name : "?");
	if (state)
		all[n++] = (struct log_field)LOG_C("state", state);
	all[n++] = (struct log_field)LOG_U("ms", took / 1000);
	all[n++] = (struct log_field)LOG_U("peer_ms", c->worker->waited_us / 1000);
	for (; fields && fields->kind != LOG_KIND_END && n < LOG_FIELDS_MAX - 1; fields++)
		all[n++] = *fields;
	all[n] = (struct log_field)LOG_END;
	conn_log(c, LOG_WARN, "slow", all);
}

void conn_command_end(struct conn *c, struct metric *m, const struct log_field *fields)
{
	uint64_t now = clock_mono_us(), took = now - atomic_load_explicit(&c->view.since_us, memory_order_relaxed);
	uint64_t slow_ms = atomic_load_explicit(&c->server->slow_ms, memory_order_relaxed);
	took = took > c->worker->waited_us ? took - c->worker->waited_us : 0;
	if (m)
		metric_time(m, took);
	if (slow_ms > 0 && took >= slow_ms * 1000)
		command_was_slow(c, took, fields);
	atomic_store_explicit(&c->view.command, NULL, memory_order_relaxed);
	atomic_store_explicit(&c->view.since_us, now, memory_order_relaxed);
}

/* ---- for everybody ---- */

/* Who came, or began something, after the look around began: 0. */
static uint64_t ms_between(uint64_t then_us, uint64_t now_us) { return now_us > then_us ? (now_us - then_us) / 1000 : 0; }

static bool look(struct server *s, struct conn *c, uint32_t index, uint64_t now, struct conn_view *v)
{
	pthread_mutex_t *lock = &s->view_locks[index % CONN_VIEW_LOCKS];
	pthread_mutex_lock(lock);
	bool there = atomic_load_explicit(&c->listed, memory_order_relaxed);
	if (there) {
		uint64_t since = atomic_load_explicit(&c->view.since_us, memory_order_relaxed);
		*v = (struct conn_view){
			.id = c->id, .proto = c->listener->proto.name, .tls = c->view.tls,
			.state = atomic_load_explicit(&c->view.state, memory_order_relaxed),
			.command = atomic_load_explicit(&c->view.command, memory_order_relaxed),
			.since_ms = ms_between(since, now), .open_ms = ms_between(c->view.opened_us, now),
			.bytes_in = conn_count_read(&c->bytes_in), .bytes_out = conn_count_read(&c->bytes_sent),
			.running = conn_state_is_running(&c->state), .peer_port = c->peer.port,
		};
		str_copy_c(v->peer, sizeof(v->peer), str_from_c(c->peer_text));
		str_copy_c(v->user, sizeof(v->user), str_from_c(c->user));
	}
	pthread_mutex_unlock(lock);
	return there;
}

void server_each_conn(struct server *s, void (*fn)(void *arg, const struct conn_view *v), void *arg)
{
	struct conn *c;
	uint64_t now = clock_mono_us();
	for (uint32_t i = 0; (c = conn_table_at(&s->table, i)); i++) {
		struct conn_view v;
		if (look(s, c, i, now, &v))
			fn(arg, &v);
	}
}
