#include "model/model_private.h"

struct account_watch {
	struct account_watch *next;
	void (*fn)(void *arg);
	void *arg;
};

/* One watch of the store for all that watch the account. */
static void on_change(void *arg, struct store_scope scope, uint64_t version)
{
	(void)scope;
	(void)version;
	struct account *a = arg;
	pthread_mutex_lock(&a->watchers_lock);
	for (struct account_watch *w = a->watchers; w; w = w->next)
		w->fn(w->arg);
	pthread_mutex_unlock(&a->watchers_lock);
}

int account_watch(struct account *a, void (*fn)(void *arg), void *arg, struct account_watch **out)
{
	*out = NULL;
	struct account_watch *w = calloc(1, sizeof(*w));
	if (!w)
		return ERR_NO_MEMORY;
	w->fn = fn;
	w->arg = arg;
	pthread_mutex_lock(&a->watch_lock);
	int rc = a->store_watch ? 0 : store_watch(a->model->store, account_scope(a->id), on_change, a, &a->store_watch);
	if (!rc) {
		pthread_mutex_lock(&a->watchers_lock);
		w->next = a->watchers;
		a->watchers = w;
		pthread_mutex_unlock(&a->watchers_lock);
		*out = w;
	} else {
		free(w);
	}
	pthread_mutex_unlock(&a->watch_lock);
	return rc;
}

void account_unwatch(struct account *a, struct account_watch **w)
{
	if (!w || !*w)
		return;
	pthread_mutex_lock(&a->watch_lock);
	/* Callbacks run under this lock: once it is ours, none is running, and this one is not found again. */
	pthread_mutex_lock(&a->watchers_lock);
	struct account_watch **at = &a->watchers;
	while (*at && *at != *w)
		at = &(*at)->next;
	if (*at)
		*at = (*w)->next;
	bool last = !a->watchers;
	pthread_mutex_unlock(&a->watchers_lock);
	/* Not under watchers_lock: it waits for a callback that may be waiting for that. */
	if (last)
		store_unwatch(a->model->store, &a->store_watch);
	pthread_mutex_unlock(&a->watch_lock);
	free(*w);
	*w = NULL;
}
