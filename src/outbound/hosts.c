#include "outbound/hosts.h"

#include "base/clock.h"
#include "base/map.h"
#include "outbound/limits.h"

#include <pthread.h>

struct host {
	unsigned connections;
	uint64_t back_off_until;          /* clock_mono_ms */
	int64_t failed;                   /* clock_now */
	struct trouble trouble;
};
struct hosts {
	pthread_mutex_t lock;
	pthread_cond_t left;
	struct map *by_endpoint;
};

int hosts_create(struct hosts **out)
{
	struct hosts *h = calloc(1, sizeof *h);
	pthread_condattr_t attributes;

	*out = NULL;
	if (!h)
		return ERR_NO_MEMORY;
	int r = map_create(&h->by_endpoint);
	if (r) {
		free(h);
		return r;
	}
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&h->left, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = h;
	return 0;
}

void hosts_destroy(struct hosts **h)
{
	struct str key;
	void *value;

	if (!*h)
		return;
	for (size_t at = 0; map_next((*h)->by_endpoint, &at, &key, &value);)
		free(value);
	map_destroy(&(*h)->by_endpoint);
	pthread_mutex_destroy(&(*h)->lock);
	pthread_cond_destroy(&(*h)->left);
	free(*h);
	*h = NULL;
}

_Static_assert(sizeof(struct net_endpoint) == sizeof(struct net_addr) + sizeof(uint16_t), "a key has no padding");
static struct str key_of(const struct net_endpoint *a) { return str_make(a, sizeof *a); }

/* Those that nobody uses and that may be tried again are as good as unknown. */
static void prune(struct hosts *h, uint64_t now)
{
	struct str key;
	void *value;

	for (size_t at = 0; map_next(h->by_endpoint, &at, &key, &value);) {
		const struct host *host = value;
		if (host->connections == 0 && host->back_off_until <= now) {
			map_remove(h->by_endpoint, key);
			free(value);
		}
	}
}

static struct host *find_or_add(struct hosts *h, const struct net_endpoint *a, uint64_t now)
{
	struct host *host = map_get(h->by_endpoint, key_of(a));

	if (host)
		return host;
	if (map_count(h->by_endpoint) >= HOSTS_MAX)
		prune(h, now);
	host = calloc(1, sizeof *host);
	if (host && map_put(h->by_endpoint, key_of(a), host)) {
		free(host);
		return NULL;
	}
	return host;
}

int hosts_enter(struct hosts *h, const struct net_endpoint *a, unsigned most, uint64_t wait_ms, int64_t tried, struct trouble *t)
{
	uint64_t until = clock_mono_ms() + wait_ms;
	struct timespec at = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
	int r = 0;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		/* Looked up again each time: while we wait the entry may go and come. */
		struct host *host = find_or_add(h, a, clock_mono_ms());
		if (!host) {
			r = ERR_NO_MEMORY;
		} else if (host->back_off_until > clock_mono_ms() && tried < host->failed) {
			*t = host->trouble;
			r = ERR_BUSY;
		} else if (host->connections < most) {
			host->connections++;
			r = 0;
		} else if (r == 0) {
			if (pthread_cond_timedwait(&h->left, &h->lock, &at))
				r = ERR_TIMEOUT;
			continue;
		}
		break;
	}
	pthread_mutex_unlock(&h->lock);
	if (r == ERR_TIMEOUT)
		trouble_set(t, "4.4.5", "%u connections to this host are open already", most);
	else if (r == ERR_NO_MEMORY)
		trouble_set(t, "4.3.0", "out of memory");
	return r;
}

void hosts_answered(struct hosts *h, const struct net_endpoint *a)
{
	pthread_mutex_lock(&h->lock);
	struct host *host = map_get(h->by_endpoint, key_of(a));
	if (host)
		host->back_off_until = 0;
	pthread_mutex_unlock(&h->lock);
}

void hosts_leave(struct hosts *h, const struct net_endpoint *a, const struct trouble *failed)
{
	pthread_mutex_lock(&h->lock);
	struct host *host = map_get(h->by_endpoint, key_of(a));
	if (host) {
		host->connections--;
		if (failed) {
			host->back_off_until = clock_mono_ms() + HOST_BACKOFF_MS;
			host->failed = clock_now();
			host->trouble = *failed;
		} else if (host->connections == 0 && host->back_off_until <= clock_mono_ms()) {
			map_remove(h->by_endpoint, key_of(a));
			free(host);
		}
	}
	pthread_cond_broadcast(&h->left);
	pthread_mutex_unlock(&h->lock);
}
