#include "queue/schedule.h"

#include "base/clock.h"
#include "base/hash.h"
#include "queue/limits.h"

#include <errno.h>

#define BUCKETS_FIRST 1024u
#define ROOM_PROBES 8u

void schedule_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

bool schedule_wait(struct schedule *s, pthread_cond_t *c, uint64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	return pthread_cond_timedwait(c, &s->lock, &until) == ETIMEDOUT;
}

int schedule_init(struct schedule *s)
{
	*s = (struct schedule){ .n_buckets = BUCKETS_FIRST, .clerk_ms = SCHEDULE_NEVER };
	s->buckets = calloc(s->n_buckets, sizeof(struct destination *));
	if (!s->buckets)
		return ERR_NO_MEMORY;
	pthread_mutex_init(&s->lock, NULL);
	schedule_cond_init(&s->clerk);
	return 0;
}

static void destination_free(struct destination *d)
{
	if (d->busy)
		free(d->busy->ahead);
	free(d->busy);
	free(d);
}

void schedule_fini(struct schedule *s)
{
	for (size_t i = 0; i < s->n_buckets; i++)
		for (struct destination *d = s->buckets[i], *next; d; d = next) {
			next = d->hash_next;
			destination_free(d);
		}
	free((void *)s->buckets);
	free(s->heap);
	pthread_cond_destroy(&s->clerk);
	pthread_mutex_destroy(&s->lock);
}

/* ---- the table ---- */

static struct destination **bucket_of(const struct schedule *s, struct str name)
{
	return &s->buckets[hash_siphash(name) & (s->n_buckets - 1)];
}

struct destination *schedule_find(const struct schedule *s, struct str name)
{
	struct destination *d = *bucket_of(s, name);
	while (d && !str_eq(destination_name(d), name))
		d = d->hash_next;
	return d;
}

/* When there is no memory for it the chains grow instead. */
static void grow(struct schedule *s)
{
	struct schedule bigger = { .n_buckets = s->n_buckets * 2 };
	bigger.buckets = calloc(bigger.n_buckets, sizeof(struct destination *));
	if (!bigger.buckets)
		return;
	for (size_t i = 0; i < s->n_buckets; i++)
		for (struct destination *d = s->buckets[i], *next; d; d = next) {
			struct destination **to = bucket_of(&bigger, destination_name(d));
			next = d->hash_next;
			d->hash_next = *to;
			*to = d;
		}
	free((void *)s->buckets);
	s->buckets = bigger.buckets;
	s->n_buckets = bigger.n_buckets;
}

static void forget(struct schedule *s, struct destination *d)
{
	struct destination **at = bucket_of(s, destination_name(d));
	while (*at != d)
		at = &(*at)->hash_next;
	*at = d->hash_next;
	s->count--;
	destination_free(d);
}

/* ---- the heap ---- */

static void heap_set(struct schedule *s, size_t at, struct timer t)
{
	s->heap[at] = t;
	t.d->heap_at = (uint32_t)at;
}

static void heap_up(struct schedule *s, size_t at, struct timer t)
{
	for (; at > 0 && s->heap[(at - 1) / 2].when_ms > t.when_ms; at = (at - 1) / 2)
		heap_set(s, at, s->heap[(at - 1) / 2]);
	heap_set(s, at, t);
}

static void heap_down(struct schedule *s, size_t at, struct timer t)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child + 1 < s->heap_n && s->heap[child + 1].when_ms < s->heap[child].when_ms)
			child++;
		if (child >= s->heap_n || s->heap[child].when_ms >= t.when_ms)
			break;
		heap_set(s, at, s->heap[child]);
		at = child;
	}
	heap_set(s, at, t);
}

static void heap_remove(struct schedule *s, struct destination *d)
{
	size_t at = d->heap_at;
	if (at == HEAP_NOWHERE)
		return;
	d->heap_at = HEAP_NOWHERE;
	struct timer last = s->heap[--s->heap_n];
	if (at == s->heap_n)
		return;
	if (at > 0 && s->heap[(at - 1) / 2].when_ms > last.when_ms)
		heap_up(s, at, last);
	else
		heap_down(s, at, last);
}

/* Without memory the scan that `overflow` asks for finds it again. */
static void heap_add(struct schedule *s, struct destination *d, int64_t when_ms)
{
	if (s->heap_n == s->heap_cap) {
		size_t cap = s->heap_cap ? s->heap_cap * 2 : 256;
		struct timer *bigger = reallocarray(s->heap, cap, sizeof(*bigger));
		if (!bigger) {
			s->overflow = true;
			return;
		}
		s->heap = bigger;
		s->heap_cap = cap;
	}
	heap_up(s, s->heap_n++, (struct timer){ when_ms, d });
	if (when_ms < s->clerk_ms)
		pthread_cond_signal(&s->clerk);
}

/* ---- the ring ---- */

struct destination **schedule_ring(struct schedule *s, const struct destination *d)
{
	return str_starts(destination_name(d), STR(QUEUE_FETCHED)) ? &s->fetched : &s->ring;
}

static void ring_remove(struct schedule *s, struct destination *d)
{
	struct destination **ring = schedule_ring(s, d);
	if (!d->ring_next)
		return;
	if (*ring == d)
		*ring = d->ring_next == d ? NULL : d->ring_next;
	d->ring_next->ring_prev = d->ring_prev;
	d->ring_prev->ring_next = d->ring_next;
	d->ring_next = d->ring_prev = NULL;
}

/* At its end. */
static void ring_add(struct schedule *s, struct destination *d)
{
	struct destination **ring = schedule_ring(s, d);
	if (!*ring) {
		*ring = d->ring_next = d->ring_prev = d;
		return;
	}
	d->ring_next = *ring;
	d->ring_prev = (*ring)->ring_prev;
	d->ring_prev->ring_next = d;
	(*ring)->ring_prev = d;
}

/* ---- adding ---- */

/* Forgets one that waits longer than until due_ms: the latest of a few from the heap's lower half. */
static bool make_room(struct schedule *s, int64_t due_ms)
{
	struct timer latest = { due_ms, NULL };
	for (unsigned i = 0; i < ROOM_PROBES && s->heap_n; i++) {
		s->probe = s->probe * 6364136223846793005u + 1442695040888963407u;
		const struct timer *t = &s->heap[s->heap_n - 1 - (s->probe >> 33) % ((s->heap_n + 1) / 2)];
		if (t->when_ms > latest.when_ms && !t->d->busy && !t->d->failures)
			latest = *t;
	}
	if (!latest.d)
		return false;
	heap_remove(s, latest.d);
	forget(s, latest.d);
	s->overflow = true;
	return true;
}

struct destination *schedule_add(struct schedule *s, struct str name, int64_t due_ms)
{
	struct destination *d = schedule_find(s, name);
	if (d)
		return d;
	/* what is ours, and notices, must not wait for a million domains */
	bool ours = str_starts(name, STR(":")) && !str_starts(name, STR(QUEUE_FETCHED));
	if (name.n <= QUEUE_DESTINATION_MAX && (ours || s->count < QUEUE_DESTINATIONS_MAX || make_room(s, due_ms)))
		d = malloc(sizeof(*d) + name.n);
	if (!d) {
		s->overflow = true;
		return NULL;
	}
	*d = (struct destination){ .next_ms = SCHEDULE_NEVER, .heap_at = HEAP_NOWHERE, .name_n = (uint8_t)name.n };
	memcpy(d->name, name.p, name.n);
	if (s->count++ >= s->n_buckets)
		grow(s);
	struct destination **bucket = bucket_of(s, name);
	d->hash_next = *bucket;
	*bucket = d;
	return d;
}

/* ---- who waits ---- */

void schedule_wait_add(struct schedule *s, struct waiter *w)
{
	w->woken = false;
	w->next = NULL;
	w->prev = s->waiters_last;
	if (s->waiters_last)
		s->waiters_last->next = w;
	else
		s->waiters = w;
	s->waiters_last = w;
}

void schedule_wait_remove(struct schedule *s, struct waiter *w)
{
	if (w->woken)
		return;
	w->woken = true;
	if (w->prev)
		w->prev->next = w->next;
	else
		s->waiters = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		s->waiters_last = w->prev;
}

/* Who has a connection to it open; otherwise who has waited longest for any. */
static void wake_for(struct schedule *s, const struct destination *d)
{
	bool fetched = schedule_ring(s, d) == &s->fetched;
	struct waiter *any = NULL, *w;
	for (w = s->waiters; w && !str_eq(w->prefer, destination_name(d)); w = w->next)
		if (!any && !w->only && !fetched)
			any = w;
	w = w ? w : any;
	if (!w)
		return;
	schedule_wait_remove(s, w);
	pthread_cond_signal(&w->cond);
}

void schedule_wake_one(struct schedule *s)
{
	if (s->ring && s->waiters)
		wake_for(s, s->ring);
}

/* ---- destinations ---- */

struct busy *schedule_busy(struct destination *d)
{
	if (!d->busy)
		d->busy = calloc(1, sizeof(*d->busy));
	return d->busy;
}

/* After a failure one job finds out whether it is there again. */
static unsigned jobs_allowed(const struct destination *d)
{
	if (d->failures)
		return 1;
	return d->busy && d->busy->limits.concurrency ? d->busy->limits.concurrency : QUEUE_CONCURRENCY;
}

static bool busy_is_idle(const struct busy *b, int64_t now_ms)
{
	return !b->filling && !b->active && b->at == b->n && !b->more && b->rate_ms <= now_ms && b->pause_ms <= now_ms;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

/* When something of it can be taken; SCHEDULE_NEVER: there is nothing. */
static int64_t ready_at(const struct destination *d)
{
	const struct busy *b = d->busy;
	int64_t at = b && (b->at < b->n || b->more) ? 0 : d->next_ms;
	if (at == SCHEDULE_NEVER)
		return at;
	at = later(at, d->until_ms);
	return b ? later(at, later(b->rate_ms, b->pause_ms)) : at;
}

bool schedule_place_quietly(struct schedule *s, struct destination *d, int64_t now_ms)
{
	struct busy *b = d->busy;
	ring_remove(s, d);
	heap_remove(s, d);
	if (b && (b->filling || b->active >= jobs_allowed(d)))
		return false;
	int64_t at = ready_at(d);
	if (at == SCHEDULE_NEVER) {
		if (b && b->active)
			return false;
		at = d->failures ? d->until_ms + s->retry_max_ms : later(b ? b->rate_ms : 0, d->until_ms);
		if (at <= now_ms) {
			forget(s, d);
			return false;
		}
	}
	if (at <= now_ms) {
		ring_add(s, d);
		return true;
	}
	if (b && busy_is_idle(b, now_ms)) {
		free(b->ahead);
		free(b);
		d->busy = NULL;
	}
	heap_add(s, d, at);
	return false;
}

bool schedule_place(struct schedule *s, struct destination *d, int64_t now_ms)
{
	if (!schedule_place_quietly(s, d, now_ms))
		return false;
	wake_for(s, d);
	return true;
}

void schedule_note(struct schedule *s, struct str name, uint8_t band, int64_t due, int64_t now_ms)
{
	struct destination *d = schedule_add(s, name, due > SCHEDULE_NEVER / 1000 ? SCHEDULE_NEVER : due * 1000);
	if (!d)
		return;
	destination_due(d, due);
	struct busy *b = d->busy;
	if (b && b->at < b->n && due <= now_ms / 1000 && band < b->ahead[b->at].band) {
		/* it goes before what was read ahead: read anew */
		b->at = b->n;
		b->more = true;
	}
	if (d->ring_next)
		wake_for(s, d);
	else
		schedule_place(s, d, now_ms);
}

void schedule_run_timers(struct schedule *s, int64_t now_ms)
{
	while (s->heap_n && s->heap[0].when_ms <= now_ms)
		schedule_place(s, s->heap[0].d, now_ms);
}

void schedule_set_back(struct schedule *s, int64_t now_ms)
{
	int64_t latest_ms = now_ms + s->retry_max_ms;
	for (size_t i = 0; i < s->n_buckets; i++)
		for (struct destination *d = s->buckets[i], *next; d; d = next) {
			next = d->hash_next;
			if (d->until_ms > latest_ms)
				d->until_ms = now_ms;
			if (d->next_ms > latest_ms && d->next_ms != SCHEDULE_NEVER)
				d->next_ms = now_ms;
			if (d->busy)
				d->busy->rate_ms = d->busy->pause_ms = d->busy->limits_ms = 0;
			schedule_place(s, d, now_ms);
		}
}

struct destination *schedule_choose(struct schedule *s, struct str prefer, bool only)
{
	if (prefer.n) {
		struct destination *d = schedule_find(s, prefer);
		if (d && d->ring_next)
			return d;
	}
	return only ? NULL : s->ring;
}

/* ---- jobs ---- */

void schedule_job_add(struct schedule *s, struct job *j)
{
	j->prev = NULL;
	j->next = s->jobs;
	if (s->jobs)
		s->jobs->prev = j;
	s->jobs = j;
	s->n_jobs++;
}

void schedule_job_remove(struct schedule *s, struct job *j)
{
	if (j->prev)
		j->prev->next = j->next;
	else
		s->jobs = j->next;
	if (j->next)
		j->next->prev = j->prev;
	s->n_jobs--;
	s->n_unwritten -= j->unwritten;
}

bool schedule_is_claimed(const struct schedule *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_claimed; i++)
		if (s->claimed[i] == id)
			return true;
	return false;
}
