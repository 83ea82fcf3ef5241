/* One thread that does what nobody asks for: hears of changes by others, runs the clock, gives back bodies, writes down results that could not be
 * written, moves destinations whose time has come. Begun by the first queue_take: the command line has none. */
#include "queue/limits.h"
#include "queue/queue_private.h"
#include "queue/record.h"

#include "base/clock.h"
#include "base/signals.h"

#include <signal.h>

#define BATCHES_MAX 50u                               /* of the clock and the sweeper in one round, for each shard */
#define HOURLY_MS 3600000
#define SWEEP_MS 1000

struct shard_view {
	struct store_watch *watch;
	uint64_t version, foreign;            /* as of the last scan */
	bool scanned;
};
struct clerk {
	struct shard_view shards[QUEUE_SHARDS];
	atomic_bool news;
	bool running;
	pthread_t thread;
	int64_t hourly_ms, sweep_ms, overflow_ms;     /* when it was done last */
	int64_t ahead_ms;                     /* of the monotonic clock, as of the last round; 0: there was none */
};

/* ---- news ---- */

static void hear(void *arg, struct store_scope scope, uint64_t version)
{
	struct queue *q = arg;
	(void)scope, (void)version;
	if (atomic_exchange(&q->clerk->news, true))
		return;
	pthread_mutex_lock(&q->schedule.lock);
	pthread_cond_signal(&q->schedule.clerk);
	pthread_mutex_unlock(&q->schedule.lock);
}

static int read_foreign(struct queue *q, unsigned shard, struct shard_view *out)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct shard_record record;
	struct store_read *r;
	struct str value;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	out->version = store_version(r);
	rc = store_get(r, key_str(&key), &value);
	if (rc == 0)
		rc = shard_record_decode(value, &record);
	out->foreign = rc ? 0 : record.foreign;
	store_end(&r);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Scans a shard that somebody else has changed. */
static int look_at_shard(struct queue *q, unsigned shard)
{
	struct shard_view *known = &q->clerk->shards[shard], now = { .scanned = true };
	if (known->scanned && store_scope_version(q->store, queue_scope(shard)) == known->version)
		return 0;
	int rc = read_foreign(q, shard, &now);
	if (rc)
		return rc;
	now.watch = known->watch;
	if (!known->scanned || known->foreign != now.foreign) {
		rc = shard == 0 ? backoff_load(q) : 0;
		if (rc == 0)
			rc = scan_shard(q, shard);
		atomic_fetch_add(&q->freed[shard], 1);
	}
	if (rc == 0)
		*known = now;
	return rc;
}

static int look_at_all(struct queue *q, int64_t now_ms)
{
	struct schedule *s = &q->schedule;
	int result = 0;
	atomic_store(&q->clerk->news, false);
	pthread_mutex_lock(&s->lock);
	bool again = s->overflow && (s->count * 10 < (size_t)QUEUE_DESTINATIONS_MAX * 9 || now_ms - q->clerk->overflow_ms >= QUEUE_OVERFLOW_MS);
	s->overflow = s->overflow && !again;
	q->clerk->overflow_ms = again ? now_ms : q->clerk->overflow_ms;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < QUEUE_SHARDS; i++) {
		if (again)
			q->clerk->shards[i].scanned = false;
		int rc = look_at_shard(q, i);
		result = result ? result : rc;
	}
	return result;
}

/* ---- the rest of a round ---- */

static int run_clock(struct queue *q, int64_t *next_out)
{
	int result = 0;
	*next_out = SCHEDULE_NEVER;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++) {
		int64_t next = SCHEDULE_NEVER;
		bool more = true;
		for (unsigned n = 0; more && n < BATCHES_MAX; n++) {
			int rc = clock_run(q, i, &more, &next);
			result = result ? result : rc;
		}
		*next_out = next < *next_out ? next : *next_out;
	}
	return result;
}

/* Together, or after a while. True: some wait. */
static bool sweep(struct queue *q, int64_t now_ms)
{
	bool waits = false, late = now_ms - q->clerk->sweep_ms >= SWEEP_MS;
	if (late)
		q->clerk->sweep_ms = now_ms;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++) {
		unsigned freed = atomic_load(&q->freed[i]);
		if (freed == 0 || (freed < QUEUE_SWEEP_BATCH && !late)) {
			waits = waits || freed;
			continue;
		}
		bool more = true;
		int rc = 0;
		atomic_fetch_sub(&q->freed[i], freed);
		for (unsigned n = 0; rc == 0 && more && n < BATCHES_MAX; n++)
			rc = sweep_run(q, i, &more);
		if (rc || more)
			atomic_fetch_add(&q->freed[i], 1);
		waits = waits || atomic_load(&q->freed[i]);
	}
	return waits;
}

/* Those that are there now; nobody but the clerk ends them. NULL: none, or no memory. */
static struct job **list_unwritten(struct schedule *s, size_t *n_out)
{
	*n_out = 0;
	pthread_mutex_lock(&s->lock);
	struct job **list = s->n_unwritten ? calloc(s->n_unwritten, sizeof(struct job *)) : NULL;
	for (struct job *j = list ? s->jobs : NULL; j; j = j->next)
		if (j->unwritten)
			list[(*n_out)++] = j;
	pthread_mutex_unlock(&s->lock);
	return list;
}

static bool are_unwritten(struct schedule *s)
{
	pthread_mutex_lock(&s->lock);
	bool are = s->n_unwritten > 0;
	pthread_mutex_unlock(&s->lock);
	return are;
}

/* What is damaged waits for a repair, and keeps nobody behind it waiting: results that were never written are forgotten with a restart, and their mail is delivered again.
 * A store that refuses is asked once. True: some are left. */
static bool write_unwritten(struct queue *q)
{
	size_t n;
	struct job **list = list_unwritten(&q->schedule, &n);
	int rc = 0;
	for (size_t i = 0; i < n && (rc == 0 || rc == ERR_CORRUPT); i++) {
		int64_t next;
		rc = job_write(q, list[i], &next);
		if (rc == 0)
			job_end(q, &list[i], next, 0);
	}
	free((void *)list);
	return are_unwritten(&q->schedule);
}

/* True: something is left to do. */
static bool do_hourly(struct queue *q, int64_t now_ms)
{
	if (now_ms - q->clerk->hourly_ms < HOURLY_MS)
		return false;
	int astray = astray_run(q);
	if (backoff_purge(q) != 1 && astray == 0)
		q->clerk->hourly_ms = now_ms;
	return astray != 0;
}

/* What was to be done at a time that has not come again is done now. */
static void mind_the_clock(struct queue *q, int64_t now_ms)
{
	struct clerk *c = q->clerk;
	int64_t was_ms = c->ahead_ms;
	c->ahead_ms = now_ms - (int64_t)clock_mono_ms();
	if (was_ms == 0 || c->ahead_ms > was_ms - QUEUE_SET_BACK_MS)
		return;
	c->hourly_ms = c->sweep_ms = c->overflow_ms = 0;
	pthread_mutex_lock(&q->schedule.lock);
	schedule_set_back(&q->schedule, now_ms);
	pthread_mutex_unlock(&q->schedule.lock);
}

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

uint64_t queue_tick(struct queue *q)
{
	int64_t now_ms = clock_now_ms(), next;
	mind_the_clock(q, now_ms);
	bool unwritten = write_unwritten(q);
	bool failed = look_at_all(q, now_ms) != 0;
	failed = run_clock(q, &next) || failed;
	bool freed = sweep(q, now_ms);
	bool astray = do_hourly(q, now_ms);
	pthread_mutex_lock(&q->schedule.lock);
	schedule_run_timers(&q->schedule, clock_now_ms());
	pthread_mutex_unlock(&q->schedule.lock);
	if (unwritten || failed || freed || astray)
		return SWEEP_MS;
	int64_t until = next > SCHEDULE_NEVER / 1000 ? SCHEDULE_NEVER : next * 1000, left = until - now_ms;
	return (uint64_t)(left < 0 ? 0 : sooner(left, QUEUE_CLERK_SLEEP_MS));
}

/* ---- the thread ---- */

/* For ms, or until there are news, but for a moment at least. Moves destinations whose time has come. False: the end. */
static bool wait_for_work(struct queue *q, uint64_t ms)
{
	struct schedule *s = &q->schedule;
	uint64_t start = clock_mono_ms();
	pthread_mutex_lock(&s->lock);
	while (!q->stopped) {
		uint64_t passed = clock_mono_ms() - start;
		uint64_t all = atomic_load(&q->clerk->news) || ms < QUEUE_CLERK_PAUSE_MS ? QUEUE_CLERK_PAUSE_MS : ms;
		if (passed >= all)
			break;
		int64_t now_ms = clock_now_ms();
		s->clerk_ms = now_ms + (int64_t)(all - passed);
		if (s->heap_n)
			s->clerk_ms = sooner(s->clerk_ms, s->heap[0].when_ms);
		if (s->clerk_ms > now_ms)
			schedule_wait(s, &s->clerk, (uint64_t)(s->clerk_ms - now_ms));
		schedule_run_timers(s, clock_now_ms());
	}
	s->clerk_ms = SCHEDULE_NEVER;
	bool go_on = !q->stopped;
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static void *clerk_thread(void *arg)
{
	struct queue *q = arg;
	uint64_t ms;
	do
		ms = queue_tick(q);
	while (wait_for_work(q, ms));
	return NULL;
}

int clerk_create(struct queue *q)
{
	q->clerk = calloc(1, sizeof(*q->clerk));
	return q->clerk ? 0 : ERR_NO_MEMORY;
}

/* Without watches it hears late, by looking. */
int clerk_start(struct queue *q)
{
	struct clerk *c = q->clerk;
	sigset_t all, old;
	queue_tick(q);
	if (q->no_clerk)
		return 0;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++)
		if (store_watch(q->store, queue_scope(i), hear, q, &c->shards[i].watch))
			c->shards[i].watch = NULL;
	/* signals are for the threads that expect them */
	signals_all_but_faults(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->running = pthread_create(&c->thread, NULL, clerk_thread, q) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return c->running ? 0 : ERR_NO_MEMORY;
}

void clerk_destroy(struct queue *q)
{
	struct clerk *c = q->clerk;
	if (!c)
		return;
	if (c->running)
		pthread_join(c->thread, NULL);
	for (unsigned i = 0; i < QUEUE_SHARDS; i++)
		if (c->shards[i].watch)
			store_unwatch(q->store, &c->shards[i].watch);
	free(c);
	q->clerk = NULL;
}
