#include "outbound/world_fixture.h"

#include "base/clock.h"
#include "rt/log.h"

#include <unistd.h>

static void deliver_local(void *ctx, struct queue_job *j)
{
	struct world *w = ctx;

	for (size_t i = 0; i < j->n_recipients; i++)
		j->recipients[i].result = (struct queue_result){ .outcome = QUEUE_DELIVERED, .status = STR("2.0.0"), .reply = STR("here") };
	w->local += (unsigned)j->n_recipients;
}

static bool is_local(void *ctx, struct str domain)
{
	(void)ctx;
	return str_eq(domain, STR("us.example"));
}

static void tls_report(void *ctx, const struct tls_report_event *e)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->lock);
	buf_printf(&w->reports, "%.*s %d %s|", STR_ARG(e->domain), e->kind, e->success ? "success" : e->result);
	pthread_mutex_unlock(&w->lock);
}

struct world *world_begin(const char *zone, const char *const routes[])
{
	struct world *w = calloc(1, sizeof *w);
	struct store_config store = { .engine = STORE_ENGINE_MEM, .create = true };
	struct queue_config queue = { .retry_first_s = 1000, .retry_max_s = 2000 };
	struct str list[4];
	struct outbound_config c = { .hostname = STR("us.example"), .routes = list, .ip = OUTBOUND_IPV4_ONLY, .idle_ms = WORLD_IDLE_MS };
	struct outbound_env env = { .deliver_local = deliver_local, .local_ctx = w, .is_local = is_local, .tls_report = tls_report, .report_ctx = w };
	struct err e = { 0 };

	w->sender = STR("s@here.example");
	log_setup(LOG_TEXT, LOG_ERROR, 2);
	pthread_mutex_init(&w->lock, NULL);
	for (; routes && routes[c.n_routes]; c.n_routes++)
		list[c.n_routes] = str_from_c(routes[c.n_routes]);
	assert_int_equal(store_open(&store, &w->store, NULL), 0);
	assert_int_equal(queue_open(w->store, &queue, &w->queue, NULL), 0);
	w->zone = dns_zone_create();
	dns_zone_add(w->zone, zone);
	env.queue = w->queue;
	env.store = w->store;
	env.dns = dns_zone_source(w->zone);
	if (outbound_create(&c, &env, &w->outbound, &e))
		fail_msg("%s", e.log);
	return w;
}

void world_start(struct world *w) { assert_int_equal(outbound_start(w->outbound, NULL), 0); }

void world_end(struct world *w)
{
	outbound_stop(w->outbound, 5000);
	outbound_destroy(&w->outbound);
	queue_close(&w->queue);
	store_close(&w->store);
	dns_zone_destroy(&w->zone);
	arena_fini(&w->arena);
	buf_fini(&w->reports);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void submit(struct world *w, unsigned flags, const char *const recipients[])
{
	struct str piece = STR(MESSAGE);
	struct queue_recipient list[128] = { 0 };
	struct queue_submission s = { .envelope = { .sender = w->sender, .flags = flags, .arrived = clock_now() }, .pieces = &piece, .n_pieces = 1, .recipients = list };
	uint64_t id;

	for (; recipients[s.n_recipients]; s.n_recipients++) {
		struct str address = str_from_c(recipients[s.n_recipients]), local, domain;
		str_cut(address, '@', &local, &domain);
		list[s.n_recipients] = (struct queue_recipient){ .address = address, .destination = is_local(NULL, domain) ? STR(QUEUE_LOCAL) : domain };
	}
	assert_int_equal(queue_submit(w->queue, &s, &id, NULL), 0);
}

void submit_one(struct world *w, unsigned flags, const char *recipient) { submit(w, flags, (const char *const[]){ recipient, NULL }); }

struct outbound_stats world_stats(struct world *w)
{
	struct outbound_stats s;
	outbound_stats(w->outbound, &s);
	return s;
}

void wait_for(struct world *w, uint64_t n)
{
	uint64_t until = clock_mono_ms() + 180000;

	for (;;) {
		struct outbound_stats s = world_stats(w);
		if (s.delivered + s.relayed + s.failed + s.deferred >= n && s.busy == 0)
			return;
		if (clock_mono_ms() > until)
			fail_msg("delivered %lu relayed %lu failed %lu deferred %lu of %lu", s.delivered, s.relayed, s.failed, s.deferred, n);
		usleep(2000);
	}
}

struct seen {
	struct world *w;
	struct str text;
};

static int note_item(void *arg, const struct queue_item *item)
{
	struct seen *seen = arg;

	for (size_t i = 0; i < item->n_recipients; i++)
		seen->text = arena_printf(&seen->w->arena, "%.*s%.*s %.*s %.*s|", STR_ARG(seen->text), STR_ARG(item->recipients[i].r.address), STR_ARG(item->recipients[i].status),
								  STR_ARG(item->recipients[i].reply));
	return 0;
}

const char *show_queue(struct world *w)
{
	struct seen seen = { w, STR("") };
	struct queue_filter all = { 0 };

	assert_int_equal(queue_list(w->queue, &all, note_item, &seen), 0);
	return seen.text.p;
}

const char *port_route(char *to, size_t size, uint16_t port)
{
	snprintf(to, size, "* smtp port=%u", port);
	return to;
}
