#include "migrate/source.h"

#include <stdlib.h>

struct shared {
	struct source base;
	struct source *inner;
	pthread_mutex_t *lock;
};

struct items {
	struct shared *s;
	source_item_fn *fn;
	void *arg;
};

static struct shared *begin_wait(struct source *base)
{
	struct shared *s = (struct shared *)base;
	pthread_mutex_unlock(s->lock);
	return s;
}

static int end_wait(struct shared *s, int r)
{
	pthread_mutex_lock(s->lock);
	s->base.wait_ms = s->inner->wait_ms;
	return r;
}

static int share_folders(struct source *base, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e)
{
	struct shared *s = begin_wait(base);
	return end_wait(s, s->inner->ops->folders(s->inner, a, out, n_out, e));
}

static int share_enter(struct source *base, const struct source_folder *f, struct source_entered *out, struct err *e)
{
	struct shared *s = begin_wait(base);
	return end_wait(s, s->inner->ops->enter(s->inner, f, out, e));
}

static int on_item(void *arg, struct source_item *item)
{
	struct items *items = arg;
	pthread_mutex_lock(items->s->lock);
	int r = items->fn(items->arg, item);
	pthread_mutex_unlock(items->s->lock);
	return r;
}

static int share_scan(struct source *base, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e)
{
	struct shared *s = begin_wait(base);
	struct items items = { s, fn, arg };
	return end_wait(s, s->inner->ops->scan(s->inner, from, changed_since, on_item, &items, e));
}

static int share_ask(struct source *base, const uint32_t *uids, size_t n, struct err *e)
{
	struct shared *s = begin_wait(base);
	return end_wait(s, s->inner->ops->ask(s->inner, uids, n, e));
}

static int share_take(struct source *base, source_body_fn *fn, void *arg, struct err *e)
{
	struct shared *s = begin_wait(base);
	return end_wait(s, s->inner->ops->take(s->inner, fn, arg, e));
}

static void share_close(struct source *base)
{
	struct shared *s = begin_wait(base);
	source_close(&s->inner);
	pthread_mutex_lock(s->lock);
	free(s);
}

int source_share(struct source **inner, pthread_mutex_t *lock, struct source **out)
{
	static const struct source_ops ops = { share_folders, share_enter, share_scan, share_ask, share_take, share_close };
	struct shared *s = malloc(sizeof *s);
	*out = NULL;
	if (!s) {
		source_close(inner);
		return ERR_NO_MEMORY;
	}
	*s = (struct shared){ .base = **inner, .inner = *inner, .lock = lock };
	s->base.ops = &ops;
	*inner = NULL;
	*out = &s->base;
	return 0;
}
