/* Handing out jobs. */
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/clock.h"

/* Ids and groups of what is in flight, for the scan to pass over. NULL when there is nothing, or no memory: then entries that
 * are in flight are read too, and found out when they are taken. */
static struct ahead *list_in_flight(const struct schedule *s, const struct destination *d, size_t *n_out)
{
	unsigned active = d->busy->active;
	struct ahead *list = active ? calloc(active, sizeof(*list)) : NULL;
	*n_out = 0;
	for (const struct job *j = list ? s->jobs : NULL; j && *n_out < active; j = j->next)
		if (j->destination == d)
			list[(*n_out)++] = (struct ahead){ .id = j->pub.id, .group = (uint16_t)j->group };
	return list;
}

static void ask_limits(struct queue *q, const struct queue_config *c, struct destination *d, int64_t now_ms)
{
	struct queue_limits limits = { 0 };
	if (c->limits && !str_eq(destination_name(d), STR(QUEUE_NOTICES)))
		c->limits(c->limits_ctx, destination_name(d), &limits);
	pthread_mutex_lock(&q->schedule.lock);
	d->busy->limits = limits;
	d->busy->limits_ms = now_ms;
	pthread_mutex_unlock(&q->schedule.lock);
}

/* Reads ahead. Called and left with the lock held; d stays, because it is being filled. */
static void fill(struct queue *q, struct destination *d, int64_t now_ms)
{
	struct schedule *s = &q->schedule;
	struct busy *b = d->busy;
	struct queue_config config = q->config;
	struct scan scan = { .destination = destination_name(d) };
	struct ahead *in_flight = list_in_flight(s, d, &scan.n_skip);
	bool ask = b->limits_ms == 0 || now_ms - b->limits_ms > QUEUE_LIMITS_AGE_MS;
	b->filling = true;
	b->more = false;
	d->next_ms = SCHEDULE_NEVER;
	schedule_place_quietly(s, d, now_ms);
	pthread_mutex_unlock(&s->lock);
	scan.skip = in_flight;
	if (ask)
		ask_limits(q, &config, d, now_ms);
	int rc = scan_destination(q, now_ms / 1000, &scan);
	pthread_mutex_lock(&s->lock);
	free(in_flight);
	free(b->ahead);
	b->ahead = scan.found;
	b->at = 0;
	b->n = scan.n;
	b->more = scan.more || rc;
	if (rc)
		b->pause_ms = now_ms + QUEUE_NOT_TRIED_MS;
	destination_due(d, scan.next);
	b->filling = false;
	/* It keeps its turn. Nobody is woken: the thread that reads ahead looks again itself, and wakes another when it has taken something. */
	if (schedule_place_quietly(s, d, clock_now_ms()))
		*schedule_ring(s, d) = d;
}

/* The next entry of d becomes a job in flight, not yet loaded. Lock held. NULL: no memory. */
static struct job *pick(struct queue *q, struct destination *d, int64_t now_ms)
{
	struct busy *b = d->busy;
	struct job *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	const struct ahead *a = &b->ahead[b->at++];
	arena_init(&j->pub.arena, 0);
	j->destination = d;
	j->pub.id = a->id;
	j->group = a->group;
	j->due = a->due;
	if (b->limits.per_minute) {
		/* evenly: after a pause there is no burst */
		int64_t from = b->rate_ms > now_ms - 60000 / (int64_t)b->limits.per_minute ? b->rate_ms : now_ms;
		b->rate_ms = from + 60000 / (int64_t)b->limits.per_minute;
	}
	b->active++;
	schedule_job_add(&q->schedule, j);
	schedule_place_quietly(&q->schedule, d, now_ms);
	return j;
}

/* Lock held. What can be taken now: a job, NULL with *again_out (look again), or NULL. */
static struct job *try_take(struct queue *q, struct str prefer, bool only, bool *again_out)
{
	struct schedule *s = &q->schedule;
	int64_t now_ms = clock_now_ms();
	*again_out = false;
	schedule_run_timers(s, now_ms);
	if (s->n_unwritten > QUEUE_UNWRITTEN_MAX)
		return NULL;
	struct destination *d = schedule_choose(s, prefer, only);
	if (!d || !schedule_busy(d))
		return NULL;
	if (d->busy->at == d->busy->n) {
		fill(q, d, now_ms);
		*again_out = true;
		return NULL;
	}
	/* the clock has it in its hands: see again later */
	const struct ahead *a = &d->busy->ahead[d->busy->at];
	if (a->group != GROUP_NOTICE && schedule_is_claimed(s, a->id)) {
		d->busy->at++;
		destination_due(d, now_ms / 1000 + 1);
		schedule_place(s, d, now_ms);
		*again_out = true;
		return NULL;
	}
	return pick(q, d, now_ms);
}

/* Fills in what was picked. False: it is gone again, and there is nothing to hand out. */
static bool load(struct queue *q, struct job **job)
{
	struct job *j = *job;
	int64_t next;
	int rc = job_load(q, j, clock_now(), &next);
	/* in the job's own memory: the destination may be gone before the job's last use */
	j->pub.destination = arena_dup(&j->pub.arena, destination_name(j->destination));
	if (rc == 0 && j->pub.destination.p && !j->pub.arena.failed)
		return true;
	if (rc == ERR_NOT_FOUND)
		job_end(q, job, next, 0);
	else
		job_end(q, job, rc == ERR_CORRUPT ? clock_now() + QUEUE_CORRUPT_S : j->due, QUEUE_NOT_TRIED_MS);
	return false;
}

static int start(struct queue *q)
{
	struct schedule *s = &q->schedule;
	pthread_mutex_lock(&s->lock);
	int rc = q->stopped ? ERR_CLOSED : 0;
	bool first = rc == 0 && !q->delivers;
	if (first) {
		q->delivers = true;
		atomic_store(&q->delivering, true);
	}
	pthread_mutex_unlock(&s->lock);
	return rc || !first ? rc : clerk_start(q);
}

/* Waits for a wake-up; false: time is over. Lock held. */
static bool wait_turn(struct queue *q, struct waiter *w, uint64_t until_ms)
{
	uint64_t now = clock_mono_ms();
	if (now >= until_ms)
		return false;
	schedule_wait_add(&q->schedule, w);
	while (!w->woken && !q->stopped && (now = clock_mono_ms()) < until_ms)
		schedule_wait(&q->schedule, &w->cond, until_ms - now);
	schedule_wait_remove(&q->schedule, w);
	return true;
}

int queue_take(struct queue *q, uint64_t wait_ms, struct str prefer, bool only, struct queue_job **out)
{
	struct schedule *s = &q->schedule;
	struct waiter w = { .prefer = prefer, .only = only && prefer.n };
	uint64_t until_ms = clock_mono_ms() + wait_ms;
	*out = NULL;
	int rc = start(q);
	if (rc)
		return rc;
	schedule_cond_init(&w.cond);
	pthread_mutex_lock(&s->lock);
	for (bool again = true;;) {
		struct job *j = q->stopped ? NULL : try_take(q, w.prefer, w.only, &again);
		if (j) {
			schedule_wake_one(s);
			pthread_mutex_unlock(&s->lock);
			bool loaded = load(q, &j);
			pthread_mutex_lock(&s->lock);
			if (loaded) {
				*out = &j->pub;
				break;
			}
			continue;
		}
		rc = q->stopped ? ERR_CLOSED : ERR_TIMEOUT;
		if (q->stopped || (!again && !wait_turn(q, &w, until_ms)))
			break;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&w.cond);
	return *out ? 0 : rc;
}

void queue_stop(struct queue *q)
{
	pthread_mutex_lock(&q->schedule.lock);
	q->stopped = true;
	for (struct waiter *w = q->schedule.waiters; w; w = w->next)
		pthread_cond_signal(&w->cond);
	pthread_cond_signal(&q->schedule.clerk);
	pthread_mutex_unlock(&q->schedule.lock);
}
