#include "outbound/idle.h"

#include "base/hash.h"
#include "outbound/limits.h"

#include <pthread.h>
#include <stdlib.h>

/* Few enough to be walked: the key's hash is compared first. */
struct resting {
	struct client *client;
	uint64_t until, hash;
	char *key;
	size_t key_n;
};
struct idle {
	pthread_mutex_t lock;
	size_t n;
	struct resting at[IDLE_MAX];      /* in the order in which they came */
};

int idle_create(struct idle **out)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return ERR_NO_MEMORY;
	pthread_mutex_init(&(*out)->lock, NULL);
	return 0;
}

void idle_destroy(struct idle **i)
{
	if (!*i)
		return;
	pthread_mutex_destroy(&(*i)->lock);
	free(*i);
	*i = NULL;
}

bool idle_put(struct idle *i, struct str key, struct client *c, uint64_t until)
{
	char *copy = str_dup_c(key);
	bool kept = false;

	pthread_mutex_lock(&i->lock);
	if (copy && i->n < IDLE_MAX) {
		i->at[i->n++] = (struct resting){ .client = c, .until = until, .hash = hash_siphash(key), .key = copy, .key_n = key.n };
		kept = true;
	}
	pthread_mutex_unlock(&i->lock);
	if (!kept)
		free(copy);
	return kept;
}

/* The lock is held. */
static struct client *take_at(struct idle *i, size_t at)
{
	struct client *c = i->at[at].client;

	free(i->at[at].key);
	memmove(&i->at[at], &i->at[at + 1], (--i->n - at) * sizeof i->at[0]);
	return c;
}

struct client *idle_take(struct idle *i, struct str key)
{
	uint64_t hash = hash_siphash(key);
	struct client *c = NULL;

	pthread_mutex_lock(&i->lock);
	for (size_t at = i->n; !c && at-- > 0;)
		if (i->at[at].hash == hash && str_eq(str_make(i->at[at].key, i->at[at].key_n), key))
			c = take_at(i, at);
	pthread_mutex_unlock(&i->lock);
	return c;
}

struct client *idle_take_peer(struct idle *i, const struct net_endpoint *peer)
{
	struct client *c = NULL;

	pthread_mutex_lock(&i->lock);
	for (size_t at = 0; !c && at < i->n; at++)
		if (!memcmp(client_peer(i->at[at].client), peer, sizeof *peer))
			c = take_at(i, at);
	pthread_mutex_unlock(&i->lock);
	return c;
}

size_t idle_expired(struct idle *i, uint64_t now, struct client **out, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&i->lock);
	for (size_t at = 0; at < i->n && n < max;)
		if (i->at[at].until <= now)
			out[n++] = take_at(i, at);
		else
			at++;
	pthread_mutex_unlock(&i->lock);
	return n;
}

size_t idle_count(struct idle *i)
{
	pthread_mutex_lock(&i->lock);
	size_t n = i->n;
	pthread_mutex_unlock(&i->lock);
	return n;
}
