#include "store/watch_table.h"

#include "store/engine.h"

struct store_watch {
	struct store_watch *next;         /* in its bucket */
	struct store_scope scope;
	store_watch_fn *fn;
	void *arg;
	uint64_t told;                    /* newest version that fn was called with */
	unsigned running;                 /* callbacks in flight: pins the watch */
	bool removed;
};

void watch_table_init(struct watch_table *t)
{
	*t = (struct watch_table){ .count = 0 };
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->idle, NULL);
}

void watch_table_fini(struct watch_table *t)
{
	pthread_cond_destroy(&t->idle);
	pthread_mutex_destroy(&t->lock);
}

static struct store_watch **bucket_of(struct watch_table *t, struct store_scope scope)
{
	return &t->buckets[scope_hash(scope) % WATCH_BUCKETS];
}

int watch_table_add(struct watch_table *t, struct store_scope scope, uint64_t version, store_watch_fn *fn, void *arg,
					struct store_watch **out)
{
	struct store_watch *w = calloc(1, sizeof *w);
	if (!w)
		return ERR_NO_MEMORY;
	*w = (struct store_watch){ .scope = scope, .fn = fn, .arg = arg, .told = version };
	pthread_mutex_lock(&t->lock);
	struct store_watch **bucket = bucket_of(t, scope);
	w->next = *bucket;
	*bucket = w;
	atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
	*out = w;
	return 0;
}

void watch_table_remove(struct watch_table *t, struct store_watch *w)
{
	pthread_mutex_lock(&t->lock);
	w->removed = true;
	while (w->running > 0)
		pthread_cond_wait(&t->idle, &t->lock);
	struct store_watch **at = bucket_of(t, w->scope);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	atomic_fetch_sub_explicit(&t->count, 1, memory_order_relaxed);
	pthread_mutex_unlock(&t->lock);
	free(w);
}

/* Calls w with the lock released; w stays in its bucket meanwhile, so w->next is good afterwards. */
static void call_unlocked(struct watch_table *t, struct store_watch *w, uint64_t version)
{
	if (w->removed)
		return;
	if (version > w->told)
		w->told = version;
	w->running++;
	pthread_mutex_unlock(&t->lock);
	w->fn(w->arg, w->scope, version);
	pthread_mutex_lock(&t->lock);
	if (--w->running == 0 && w->removed)
		pthread_cond_broadcast(&t->idle);
}

void watch_table_fire(struct watch_table *t, const struct watch_news *news)
{
	pthread_mutex_lock(&t->lock);
	for (struct store_watch *w = *bucket_of(t, news->scope); w; w = w->next) {
		if (scope_eq(w->scope, news->scope))
			call_unlocked(t, w, news->version);
	}
	pthread_mutex_unlock(&t->lock);
}

void watch_table_poll(struct watch_table *t, watch_version_fn *version_of, void *arg)
{
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct store_watch *w = t->buckets[i]; w; w = w->next) {
			uint64_t version = version_of(arg, w->scope);
			if (version > w->told)
				call_unlocked(t, w, version);
		}
	}
	pthread_mutex_unlock(&t->lock);
}
