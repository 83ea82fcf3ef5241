/* Who wants to hear of which scope: shared by the engines. Any thread. Callbacks run with no lock held. */
#ifndef STORE_WATCH_TABLE_H
#define STORE_WATCH_TABLE_H

#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define WATCH_BUCKETS 4096

struct watch_table {
	pthread_mutex_t lock;
	pthread_cond_t idle;              /* a callback that somebody waits for has returned */
	struct store_watch *buckets[WATCH_BUCKETS];
	atomic_size_t count;
};

/* What to tell the watchers of one scope. */
struct watch_news {
	struct store_scope scope;
	uint64_t version;
};

void watch_table_init(struct watch_table *t);
void watch_table_fini(struct watch_table *t);     /* no watches may be left */
static inline bool watch_table_empty(struct watch_table *t)
{
	return atomic_load_explicit(&t->count, memory_order_relaxed) == 0;
}

/* `version` is the scope's at this moment, so that watch_table_poll knows what is new. 0 or ERR_NO_MEMORY. */
int watch_table_add(struct watch_table *t, struct store_scope scope, uint64_t version, store_watch_fn *fn, void *arg,
					struct store_watch **out);
/* Removes and frees; waits while its callback runs. */
void watch_table_remove(struct watch_table *t, struct store_watch *w);
/* Calls the watchers of one scope. */
void watch_table_fire(struct watch_table *t, const struct watch_news *news);
/* Asks `version_of` for every watched scope and fires where it is newer than what the watcher was told. */
typedef uint64_t watch_version_fn(void *arg, struct store_scope scope);
void watch_table_poll(struct watch_table *t, watch_version_fn *version_of, void *arg);

#endif
