#include "model/view_cache.h"

#include "base/bytes.h"
#include "base/map.h"
#include "model/view.h"
#include "rt/metric.h"

#include <pthread.h>

METRIC_COUNTER(hits, "troika_model_view_cache_total", "result=\"hit\"", "Mailboxes asked of the cache.");
METRIC_COUNTER(misses, "troika_model_view_cache_total", "result=\"miss\"", "Mailboxes asked of the cache.");
METRIC_COUNTER(evictions, "troika_model_view_cache_evictions_total", "", "Mailboxes that made room for others.");
METRIC_GAUGE(views, "troika_model_views", "", "Mailboxes in the cache, those in use too.");
METRIC_GAUGE(idle_bytes, "troika_model_view_idle_bytes", "", "Memory of those that nobody uses.");

struct view_cache {
	pthread_mutex_t lock;
	struct map *views;                            /* (account, mailbox) -> struct view; one reference is ours */
	struct view *idle_first, *idle_last;          /* those whose only reference is ours, longest ago first */
	uint64_t idle_bytes, idle_bytes_max;
};

#define CACHE_KEY 12u
static struct str make_key(char key[CACHE_KEY], uint64_t account, uint32_t mailbox)
{
	store_le64(key, account);
	store_le32(key + 8, mailbox);
	return str_make(key, CACHE_KEY);
}

int view_cache_create(uint64_t idle_bytes_max, struct view_cache **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return ERR_NO_MEMORY;
	if (map_create(&(*out)->views)) {
		free(*out);
		*out = NULL;
		return ERR_NO_MEMORY;
	}
	pthread_mutex_init(&(*out)->lock, NULL);
	(*out)->idle_bytes_max = idle_bytes_max;
	return 0;
}

void view_cache_destroy(struct view_cache **c)
{
	if (!*c)
		return;
	size_t pos = 0;
	struct str key;
	void *value;
	while (map_next((*c)->views, &pos, &key, &value)) {
		struct view *v = value;
		v->cache = NULL;
		view_unref(&v);
	}
	map_destroy(&(*c)->views);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

/* ---- under the lock ---- */

static void idle_add(struct view_cache *c, struct view *v)
{
	v->idle = true;
	v->idle_prev = c->idle_last;
	v->idle_next = NULL;
	*(c->idle_last ? &c->idle_last->idle_next : &c->idle_first) = v;
	c->idle_last = v;
	c->idle_bytes += v->bytes;
	metric_add(&idle_bytes, (int64_t)v->bytes);
}

static void idle_remove(struct view_cache *c, struct view *v)
{
	if (!v->idle)
		return;
	*(v->idle_prev ? &v->idle_prev->idle_next : &c->idle_first) = v->idle_next;
	*(v->idle_next ? &v->idle_next->idle_prev : &c->idle_last) = v->idle_prev;
	v->idle = false;
	c->idle_bytes -= v->bytes;
	metric_add(&idle_bytes, -(int64_t)v->bytes);
}

/* Takes v out; what must be freed after the lock is chained to *dead. */
static void forget(struct view_cache *c, struct view *v, struct view **dead)
{
	char key[CACHE_KEY];
	struct str k = make_key(key, v->account, v->mailbox);
	if (map_get(c->views, k) == v) {
		map_remove(c->views, k);
		metric_add(&views, -1);
	}
	idle_remove(c, v);
	v->cached = false;
	if (atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1) {
		v->idle_next = *dead;
		*dead = v;
	}
}

static void evict(struct view_cache *c, struct view **dead)
{
	while (c->idle_bytes > c->idle_bytes_max) {
		metric_add(&evictions, 1);
		forget(c, c->idle_first, dead);
	}
}

static void unlock(struct view_cache *c, struct view *dead)
{
	pthread_mutex_unlock(&c->lock);
	while (dead) {
		struct view *next = dead->idle_next;
		view_free(dead);
		dead = next;
	}
}

/* ---- */

struct view *view_cache_get(struct view_cache *c, uint64_t account, uint32_t mailbox)
{
	char key[CACHE_KEY];
	pthread_mutex_lock(&c->lock);
	struct view *v = map_get(c->views, make_key(key, account, mailbox));
	if (v) {
		idle_remove(c, v);
		view_ref(v);
	}
	pthread_mutex_unlock(&c->lock);
	metric_add(v ? &hits : &misses, 1);
	return v;
}

void view_cache_put(struct view_cache *c, struct view *v)
{
	char key[CACHE_KEY];
	struct str k = make_key(key, v->account, v->mailbox);
	struct view *dead = NULL;
	pthread_mutex_lock(&c->lock);
	struct view *old = map_get(c->views, k);
	if (old != v) {
		if (old)
			forget(c, old, &dead);
		if (map_put(c->views, k, v) == 0) {
			metric_add(&views, 1);
			view_ref(v);
			v->cached = true;
		}
	}
	unlock(c, dead);
}

void view_cache_drop(struct view_cache *c, uint64_t account, uint32_t mailbox)
{
	char key[CACHE_KEY];
	struct view *dead = NULL;
	pthread_mutex_lock(&c->lock);
	struct view *v = map_get(c->views, make_key(key, account, mailbox));
	if (v)
		forget(c, v, &dead);
	unlock(c, dead);
}

/* The last reference but the cache's: v is idle now. */
static void unref_cached(struct view_cache *c, struct view *v)
{
	struct view *dead = NULL;
	pthread_mutex_lock(&c->lock);
	uint32_t before = atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel);
	if (before == 1) {
		v->idle_next = NULL;
		dead = v;
	} else if (before == 2 && v->cached && !v->idle) {
		idle_add(c, v);
		evict(c, &dead);
	}
	unlock(c, dead);
}

void view_unref(struct view **v)
{
	struct view *view = v ? *v : NULL;
	if (!view)
		return;
	*v = NULL;
	/* With others left besides the cache nothing is to be decided. */
	uint32_t refs = atomic_load_explicit(&view->refs, memory_order_relaxed);
	while (refs > 2)
		if (atomic_compare_exchange_weak_explicit(&view->refs, &refs, refs - 1, memory_order_acq_rel,
												  memory_order_relaxed))
			return;
	if (view->cache)
		unref_cached(view->cache, view);
	else if (atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) == 1)
		view_free(view);
}
