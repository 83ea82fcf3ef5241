#include "outbound/outbound.h"

#include "outbound/crew.h"
#include "outbound/setup.h"

int outbound_create(const struct outbound_config *c, const struct outbound_env *env, struct outbound **out, struct err *e)
{
	struct outbound *o = calloc(1, sizeof *o);
	pthread_condattr_t attributes;

	*out = NULL;
	if (!o)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for outbound");
	o->env = *env;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&o->thread_gone, &attributes);
	pthread_condattr_destroy(&attributes);
	int r = setup_create(c, ++o->generations, &o->setup, e);
	if (r == 0)
		r = hosts_create(&o->hosts);
	if (r == 0)
		r = idle_create(&o->idle);
	if (r == 0)
		r = sts_create(env->store, &o->sts);
	if (r == 0)
		r = warmup_open(env->store, &o->warmup);
	if (r)
		outbound_destroy(&o);
	*out = o;
	return r && e && !e->code ? err_set(e, r, NULL, "outbound: %s", err_text(r)) : r;
}

void outbound_destroy(struct outbound **o)
{
	if (!*o)
		return;
	warmup_close(&(*o)->warmup);
	sts_destroy(&(*o)->sts);
	idle_destroy(&(*o)->idle);
	hosts_destroy(&(*o)->hosts);
	setup_unref(&(*o)->setup);
	pthread_cond_destroy(&(*o)->thread_gone);
	pthread_mutex_destroy(&(*o)->lock);
	free(*o);
	*o = NULL;
}

int outbound_start(struct outbound *o, struct err *e) { return crew_start(o, e); }
void outbound_stop(struct outbound *o, uint64_t drain_ms) { crew_stop(o, drain_ms); }

int outbound_set_config(struct outbound *o, const struct outbound_config *c, struct err *e)
{
	struct setup *fresh, *old;

	pthread_mutex_lock(&o->lock);
	unsigned generation = ++o->generations;
	pthread_mutex_unlock(&o->lock);
	int r = setup_create(c, generation, &fresh, e);
	if (r)
		return r;
	pthread_mutex_lock(&o->lock);
	old = o->setup;
	o->setup = fresh;
	pthread_mutex_unlock(&o->lock);
	setup_unref(&old);
	return 0;
}

struct setup *outbound_setup(struct outbound *o)
{
	pthread_mutex_lock(&o->lock);
	struct setup *s = o->setup;
	s->refs++;
	pthread_mutex_unlock(&o->lock);
	return s;
}

void outbound_limits(struct outbound *o, struct str destination, struct queue_limits *out)
{
	struct setup *s = outbound_setup(o);
	const struct route *r = routes_find(s->routes, destination);

	/* What is ours is bounded by the threads alone. */
	bool local = str_eq(destination, STR(QUEUE_LOCAL));
	out->concurrency = local ? s->config.threads : r->concurrency ? r->concurrency : s->config.concurrency;
	out->per_minute = local ? 0 : r->per_minute ? r->per_minute : s->config.per_minute;
	setup_unref(&s);
}

void outbound_close_client(struct outbound *o, struct client **c)
{
	struct net_endpoint peer = *client_peer(*c);

	if (o->cancel)
		client_drop(*c);
	client_say_quit(*c);
	client_close(c);
	hosts_leave(o->hosts, &peer, NULL);
}

void outbound_stats(struct outbound *o, struct outbound_stats *out)
{
	const struct counters *c = &o->counters;

	*out = (struct outbound_stats){ .jobs = c->jobs, .delivered = c->delivered, .relayed = c->relayed, .failed = c->failed, .deferred = c->deferred,
									.notices = c->notices, .local = c->local, .connections = c->connections, .reused = c->reused, .tls = c->tls,
									.tls_failed = c->tls_failed, .lost_after_data = c->lost_after_data, .idle_connections = (unsigned)idle_count(o->idle) };
	pthread_mutex_lock(&o->lock);
	out->threads = o->threads;
	out->busy = o->busy;
	pthread_mutex_unlock(&o->lock);
}
