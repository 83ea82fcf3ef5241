/* The queue's inside, for this room and its tests. */
#ifndef QUEUE_PRIVATE_H
#define QUEUE_PRIVATE_H

#include "queue/queue.h"
#include "queue/schedule.h"

#include <stdatomic.h>

struct clerk;
struct store_watch;

struct queue {
	struct store *store;
	struct schedule schedule;             /* and its lock, which guards `config` too */
	struct queue_config config;
	bool stopped;                         /* by schedule.lock */
	bool delivers;                        /* this process takes jobs; by schedule.lock */
	bool no_clerk;                        /* tests: queue_tick is called by hand */
	atomic_bool delivering;               /* the same, for commits: theirs are not foreign */
	struct clerk *clerk;
	atomic_uint_fast64_t next_shard, draws;
	atomic_uint_fast64_t messages[QUEUE_SHARDS];         /* as of the last commit of ours */
	atomic_uint freed[QUEUE_SHARDS];      /* bodies to give back; at least so many, or 1 when not known */
	atomic_uint_fast64_t submitted, delivered, failed, deferred, notices;
};

static inline struct store_scope queue_scope(unsigned shard) { return (struct store_scope){ STORE_QUEUE, shard }; }
static inline store_tag queue_tag(unsigned shard) { return store_tag_of(queue_scope(shard)); }
/* The shard is in an id's last four bits. */
static inline unsigned queue_shard(uint64_t id) { return (unsigned)(id & 15); }
static inline uint64_t queue_id(uint64_t number, unsigned shard) { return number << 4 | shard; }

/* A copy with defaults filled in. */
struct queue_config queue_config_get(struct queue *q);
/* How long to wait after so many attempts in vain. Different each time. */
uint64_t queue_retry_ms(struct queue *q, const struct queue_config *c, unsigned attempts);

/* load.c: fills the job from its id and group (destination is set). ERR_NOT_FOUND: there is nothing to do now; *next_out says when there
 * will be (seconds; SCHEDULE_NEVER: not at all). */
int job_load(struct queue *q, struct job *j, int64_t now, int64_t *next_out);
void job_free(struct job **j);
/* finish.c: writes down the results of a delivery; *next_out: when (seconds) the group is due next. */
int job_write(struct queue *q, struct job *j, int64_t *next_out);
/* Out of flight and freed; its entry is due then. Its destination pauses. */
void job_end(struct queue *q, struct job **j, int64_t next, int64_t pause_ms);

/* scan.c: what of a destination is due, from all shards, best first, without what is in flight; *next_out: when the first is due that is not
 * (SCHEDULE_NEVER). The array is malloc'ed. skip: sorted is not needed. */
struct scan {
	struct str destination;
	const struct ahead *skip;             /* id and group of jobs in flight */
	size_t n_skip;
	struct ahead *found;
	size_t n, cap;
	bool more;
	int64_t next;                         /* seconds */
};
int scan_destination(struct queue *q, int64_t now, struct scan *s);
/* Finds the destinations of a shard and when they are due; and those that are blocked. */
int scan_shard(struct queue *q, unsigned shard);

/* backoff.c: tells the schedule what the store knows; the destination may be tried at once; what is known of it, into the arena (zeros: nothing). */
struct destination_record;
int backoff_load(struct queue *q);
int backoff_lift(struct queue *q, struct str destination);
int backoff_get(struct queue *q, struct str destination, struct arena *a, struct destination_record *out);
/* Forgets those that failed long ago. 1: there may be more. */
int backoff_purge(struct queue *q);

/* list.c: whether this recipient is meant. */
bool filter_recipient(const struct queue_filter *f, const struct queue_recipient *r);

/* astray.c: what lies further ahead than it can have been put off is due now. 1: there may be more. */
int astray_run(struct queue *q);

/* clock.c: expiry, delays and deliver-by times that have come, at most a batch; *more_out: there are more. *next_out: when the next comes. */
int clock_run(struct queue *q, unsigned shard, bool *more_out, int64_t *next_out);
/* sweep.c: gives back bodies; *more_out as above. */
int sweep_run(struct queue *q, unsigned shard, bool *more_out);

/* clerk.c. Create: nothing runs yet. Start: finds what is there and begins the thread, unless q->no_clerk. Destroy ends it; accepts none. */
int clerk_create(struct queue *q);
int clerk_start(struct queue *q);
void clerk_destroy(struct queue *q);
/* All that the clerk does in one round. Milliseconds until it is to look again. */
uint64_t queue_tick(struct queue *q);

#endif
