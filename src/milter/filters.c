#include "milter/filters.h"

#include "base/clock.h"
#include "milter/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct idle {
	struct milter *m;
	uint64_t since;
};
struct place {
	struct milter_filter filter;
	pthread_mutex_t lock;                 /* a leaf; guards what follows */
	struct idle idle[MILTER_IDLE_MAX];    /* the newest last */
	unsigned n_idle;
	uint64_t rest_until;                  /* clock_mono_ms */
};
struct milter_filters {
	atomic_uint refs;
	struct arena arena;                   /* strings of the settings */
	size_t n;
	struct place places[];
};

int milter_filters_create(const struct str *lines, size_t n, struct milter_filters **out, struct err *e)
{
	*out = NULL;
	if (n > MILTER_FILTERS_MAX)
		return err_set(e, ERR_CONFIG, NULL, "more than %d filters", MILTER_FILTERS_MAX);
	struct milter_filters *f = calloc(1, sizeof *f + n * sizeof f->places[0]);
	if (!f)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the filters");
	atomic_init(&f->refs, 1);
	arena_init(&f->arena, 0);
	for (; f->n < n; f->n++) {
		struct place *p = &f->places[f->n];
		int r = milter_filter_parse(&f->arena, lines[f->n], &p->filter, e);
		if (r) {
			milter_filters_unref(&f);
			return r;
		}
		pthread_mutex_init(&p->lock, NULL);
	}
	*out = f;
	return 0;
}

struct milter_filters *milter_filters_ref(struct milter_filters *f)
{
	if (f)
		atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void milter_filters_unref(struct milter_filters **f)
{
	struct milter_filters *x = *f;

	*f = NULL;
	if (!x || atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < x->n; i++) {
		while (x->places[i].n_idle)
			milter_close(&x->places[i].idle[--x->places[i].n_idle].m);
		pthread_mutex_destroy(&x->places[i].lock);
	}
	arena_fini(&x->arena);
	free(x);
}

size_t milter_filters_count(const struct milter_filters *f) { return f ? f->n : 0; }
const struct milter_filter *milter_filters_at(const struct milter_filters *f, size_t i) { return &f->places[i].filter; }

/* The newest idle conversation, or NULL. */
static struct milter *take_idle(struct place *p, uint64_t *since_out)
{
	struct milter *m = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->n_idle) {
		p->n_idle--;
		m = p->idle[p->n_idle].m;
		*since_out = p->idle[p->n_idle].since;
	}
	pthread_mutex_unlock(&p->lock);
	return m;
}

int milter_filters_take(struct milter_filters *f, size_t i, struct milter **out, bool *new_out, struct err *e)
{
	struct place *p = &f->places[i];
	uint64_t now = clock_mono_ms(), since = 0;

	*new_out = false;
	while ((*out = take_idle(p, &since))) {
		if (now - since < MILTER_IDLE_MS && !milter_is_stale(*out))
			return 0;
		milter_close(out);
	}
	pthread_mutex_lock(&p->lock);
	bool rests = now < p->rest_until;
	pthread_mutex_unlock(&p->lock);
	if (rests)
		return err_set(e, ERR_BUSY, NULL, "filter %.*s could not be reached a moment ago", STR_ARG(p->filter.name));
	*new_out = true;
	int r = milter_open(&p->filter, out, e);
	if (r) {
		pthread_mutex_lock(&p->lock);
		p->rest_until = clock_mono_ms() + MILTER_REST_MS;
		pthread_mutex_unlock(&p->lock);
	}
	return r;
}

void milter_filters_give(struct milter_filters *f, size_t i, struct milter **m)
{
	struct place *p = &f->places[i];

	if (*m && p->filter.reuse && milter_next(*m) == 0) {
		pthread_mutex_lock(&p->lock);
		if (p->n_idle < MILTER_IDLE_MAX) {
			p->idle[p->n_idle++] = (struct idle){ *m, clock_mono_ms() };
			*m = NULL;
		}
		pthread_mutex_unlock(&p->lock);
	}
	milter_close(m);
}
