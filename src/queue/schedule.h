/* What memory knows: destinations, each with the earliest time at which something is due, and the jobs in flight. A destination stands in the
 * ring (something of it can be taken now), in the heap (from some time on), or in neither (it has as many jobs as it may, its
 * entries are being read, or there is nothing). For this room only; every function with schedule.lock held unless said otherwise.
 *
 * At most QUEUE_DESTINATIONS_MAX are remembered, those that are due first; for a new one that is due sooner another one that waits long is
 * forgotten. `overflow` says that there are more; they are in the store, and a scan every QUEUE_OVERFLOW_MS finds what has come near. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "queue/keys.h"
#include "queue/queue.h"

#include <pthread.h>

#define SCHEDULE_NEVER INT64_MAX
#define HEAP_NOWHERE UINT32_MAX

/* An entry of the queue that was read ahead. */
struct ahead {
	int64_t due;
	uint64_t id;
	uint16_t group;
	uint8_t band;
};
/* While a destination is being worked on. */
struct busy {
	struct ahead *ahead;                  /* from `at` to n are left */
	size_t at, n;
	bool more;                            /* there is more due than was read */
	bool filling;                         /* somebody reads */
	unsigned active;                      /* jobs in flight */
	struct queue_limits limits;
	int64_t limits_ms;                    /* when they were asked */
	int64_t rate_ms;                      /* not before, by the rate */
	int64_t pause_ms;                     /* not before: a job came back untried */
};
struct destination {
	struct destination *hash_next, *ring_next, *ring_prev;      /* ring_next: NULL when not ready */
	struct busy *busy;
	int64_t next_ms;                      /* when the earliest entry is due that is not in `ahead` */
	int64_t until_ms;                     /* blocked */
	uint32_t heap_at;
	uint16_t failures;
	uint8_t name_n;
	char name[];
};
static inline struct str destination_name(const struct destination *d) { return str_make(d->name, d->name_n); }

struct schedule;
/* The ring in which a destination stands when something of it is due. */
struct destination **schedule_ring(struct schedule *s, const struct destination *d);

/* Something that is not in `ahead` is due then (seconds, or SCHEDULE_NEVER). */
static inline void destination_due(struct destination *d, int64_t due)
{
	int64_t ms = due > SCHEDULE_NEVER / 1000 ? SCHEDULE_NEVER : due * 1000;
	d->next_ms = ms < d->next_ms ? ms : d->next_ms;
}

/* A job in flight; what the deliverer sees is its first part. */
struct job {
	struct queue_job pub;
	struct destination *destination;
	unsigned group;
	int64_t due;                          /* by its entry in the queue; seconds */
	uint16_t *groups;                     /* a notice's: of each recipient */
	bool unwritten;                       /* finished, but the store could not write it down */
	struct job *next, *prev;
};
static inline struct job *job_of(struct queue_job *j) { return (struct job *)j; }

struct waiter {
	pthread_cond_t cond;
	struct str prefer;
	bool only, woken;
	struct waiter *next, *prev;
};

struct timer {
	int64_t when_ms;
	struct destination *d;
};
struct schedule {
	pthread_mutex_t lock;
	pthread_cond_t clerk;                 /* wakes the clerk */
	int64_t clerk_ms;                     /* when it will look at the heap by itself */
	struct destination **buckets;
	size_t n_buckets, count;
	bool overflow;
	size_t probe;                         /* where the next one to be forgotten is looked for */
	struct destination *ring;             /* whose turn it is */
	struct destination *fetched;          /* another ring: those that have no turn, QUEUE_FETCHED */
	struct timer *heap;
	size_t heap_n, heap_cap;
	struct waiter *waiters, *waiters_last;
	struct job *jobs;
	size_t n_jobs, n_unwritten;
	const uint64_t *claimed;              /* messages that the clock has in its hands: not to be taken */
	size_t n_claimed;
	int64_t retry_max_ms;                 /* no destination is blocked for longer; a failure of one that has no mail is remembered for so long */
};

int schedule_init(struct schedule *s);                                /* without the lock */
void schedule_fini(struct schedule *s);                               /* without the lock */
/* Monotonic conditions: waits at most ms; true when time ran out. */
void schedule_cond_init(pthread_cond_t *c);
bool schedule_wait(struct schedule *s, pthread_cond_t *c, uint64_t ms);

struct destination *schedule_find(const struct schedule *s, struct str name);
/* Finds or adds one of which something is due then; NULL when there is no room (then `overflow`). Follow it by schedule_place. */
struct destination *schedule_add(struct schedule *s, struct str name, int64_t due_ms);
/* Something of it is due then. */
void schedule_note(struct schedule *s, struct str name, uint8_t band, int64_t due, int64_t now_ms);
/* Puts it where it belongs after any change, waking whom that concerns; forgets (frees) it when nothing is left of it. True: it is ready, and
 * last in the ring. */
bool schedule_place(struct schedule *s, struct destination *d, int64_t now_ms);
/* The same without waking: for who looks for a job itself next. */
bool schedule_place_quietly(struct schedule *s, struct destination *d, int64_t now_ms);
/* Its part for work, made when there is none. NULL: no memory. */
struct busy *schedule_busy(struct destination *d);
/* The clock was set back: what the schedule was told to wait for while it was ahead is looked at anew, or waits no more. */
void schedule_set_back(struct schedule *s, int64_t now_ms);
/* Those whose time has come. */
void schedule_run_timers(struct schedule *s, int64_t now_ms);
/* Whose turn it is, by a taker's wishes; NULL: nobody's. */
struct destination *schedule_choose(struct schedule *s, struct str prefer, bool only);
void schedule_wake_one(struct schedule *s);

void schedule_wait_add(struct schedule *s, struct waiter *w);
void schedule_wait_remove(struct schedule *s, struct waiter *w);      /* if it still stands there */
void schedule_job_add(struct schedule *s, struct job *j);
void schedule_job_remove(struct schedule *s, struct job *j);
bool schedule_is_claimed(const struct schedule *s, uint64_t id);

#endif
