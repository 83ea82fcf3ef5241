#include "migrate/tour.h"

#include <limits.h>

void tour_init(struct tour *t)
{
	*t = (struct tour){ .n = 0 };
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	arena_init(&t->arena, MIGRATE_FOLDERS_BYTES);
}

void tour_fini(struct tour *t)
{
	for (size_t i = 0; t->legs && i < t->n; i++)
		rangeset_fini(&t->legs[i].failed);
	arena_fini(&t->arena);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
}

bool pass_is_ended(const struct run *run)
{
	return (run->o->cancel && *run->o->cancel) || run->tour->over;
}

static size_t undone(const struct tour *t, bool rest)
{
	size_t n = 0;
	for (size_t i = 0; t->plan && i < t->n; i++)
		n += !t->legs[i].done && (t->plan[i].rest || !rest);
	return n;
}

bool tour_is_done(const struct tour *t)
{
	return t->plan && undone(t, false) == 0;
}

static bool is_open(const struct tour *t, size_t i, bool all_only) { return !t->legs[i].done && (all_only || !t->plan[i].rest); }

static unsigned fewest_losses(const struct tour *t, bool all_only)
{
	unsigned fewest = UINT_MAX;
	for (size_t i = 0; i < t->n; i++)
		if (is_open(t, i, all_only) && t->legs[i].losses < fewest)
			fewest = t->legs[i].losses;
	return fewest;
}

bool tour_claim(struct tour *t, const struct run *run, size_t *i_out)
{
	while (!pass_is_ended(run) && !tour_is_done(t)) {
		bool all_only = undone(t, false) == undone(t, true);
		unsigned losses = fewest_losses(t, all_only);
		for (size_t i = 0; i < t->n; i++) {
			if (!is_open(t, i, all_only) || t->legs[i].taken || t->legs[i].losses > losses)
				continue;
			t->legs[i].taken = true;
			*i_out = i;
			return true;
		}
		pthread_cond_wait(&t->changed, &t->lock);
	}
	return false;
}

void tour_release(struct tour *t, size_t i, bool done)
{
	t->legs[i].taken = false;
	t->legs[i].done = done;
	t->legs[i].losses += !done;
	pthread_cond_broadcast(&t->changed);
}

void tour_end(struct tour *t, int result, const struct err *why)
{
	if (!t->over) {
		t->over = true;
		t->result = result;
		t->why = *why;
	}
	pthread_cond_broadcast(&t->changed);
}

void pass_take_turn(struct run *run)
{
	struct tour *t = run->tour;
	while (run->source->has_emails && t->turn_taken)
		pthread_cond_wait(&t->changed, &t->lock);
	t->turn_taken = true;
}

void pass_end_turn(struct run *run)
{
	run->tour->turn_taken = false;
	pthread_cond_broadcast(&run->tour->changed);
}

void tour_call_others(struct tour *t, const struct walker *first, void *(*walk)(void *walker))
{
	size_t folders = undone(t, false);
	unsigned most = first->run.o->connections;
	if (t->called)
		return;
	t->called = true;
	while (t->n_others + 1 < most && t->n_others + 1 < folders && t->n_others < MIGRATE_CONNECTIONS_MAX - 1) {
		struct walker *w = &t->others[t->n_others];
		*w = (struct walker){ .run = first->run };
		w->run.source = NULL;
		if (pthread_create(&w->thread, NULL, walk, w))
			return;                       /* fewer do as well */
		t->n_others++;
	}
}

void tour_await_others(struct tour *t)
{
	while (t->n_others)
		pthread_join(t->others[--t->n_others].thread, NULL);
}
