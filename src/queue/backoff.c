/* Destinations that cannot be reached. What is known of them lies in shard 0, so that a restart and the command line know it too. */
#include "queue/change.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/clock.h"
#include "base/utf8.h"

#define BACKOFF_SHARD 0u

struct backoff {
	struct str destination;
	struct destination_record r;          /* failures 0: is reachable */
};

static int write_backoff(struct change *c, void *arg)
{
	const struct backoff *op = arg;
	struct key key = key_destination(op->destination);
	struct buf b = BUF_INIT(0);
	if (op->r.failures == 0)
		return change_del(c, key);
	destination_record_encode(&op->r, &b);
	int rc = b.failed ? ERR_NO_MEMORY : change_put(c, key, buf_str(&b));
	buf_fini(&b);
	return rc;
}

/* Several jobs that fail at once are one failure. False: it was blocked already. */
static bool block(struct queue *q, struct backoff *op)
{
	struct queue_config config = queue_config_get(q);
	int64_t now_ms = clock_now_ms();
	pthread_mutex_lock(&q->schedule.lock);
	struct destination *d = schedule_add(&q->schedule, op->destination, now_ms);
	bool blocks = d && d->until_ms <= now_ms;
	if (blocks) {
		d->failures += d->failures < UINT16_MAX;
		d->until_ms = now_ms + (int64_t)queue_retry_ms(q, &config, d->failures);
		op->r.failures = d->failures;
		op->r.until = d->until_ms / 1000;
		schedule_place(&q->schedule, d, now_ms);
	}
	pthread_mutex_unlock(&q->schedule.lock);
	return blocks;
}

void queue_destination_failed(struct queue *q, struct str destination, struct str status, struct str reply, struct str remote)
{
	struct backoff op = { destination, { .status = str_sub(status, 0, QUEUE_STATUS_MAX), .reply = utf8_clip(reply, QUEUE_REPLY_MAX),
										 .remote = str_sub(remote, 0, QUEUE_REMOTE_MAX) } };
	if (destination.n == 0 || destination.n > QUEUE_DESTINATION_MAX || !block(q, &op))
		return;
	/* memory knows; when this cannot be written a restart tries it early */
	change_run(q, BACKOFF_SHARD, write_backoff, &op);
}

void queue_destination_ok(struct queue *q, struct str destination)
{
	struct backoff op = { .destination = destination };
	pthread_mutex_lock(&q->schedule.lock);
	struct destination *d = schedule_find(&q->schedule, destination);
	bool changes = d && d->failures;
	if (changes) {
		d->failures = 0;
		d->until_ms = 0;
		schedule_place(&q->schedule, d, clock_now_ms());
	}
	pthread_mutex_unlock(&q->schedule.lock);
	if (changes)
		change_run(q, BACKOFF_SHARD, write_backoff, &op);
}

/* The next try may be at once; how often it failed stays known. */
static int lift(struct change *c, void *arg)
{
	struct str destination = *(const struct str *)arg, value;
	struct backoff op = { .destination = destination };
	int rc = change_get(c, key_destination(destination), &value);
	if (rc == 0)
		rc = destination_record_decode(value, &op.r);
	if (rc || op.r.until == 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	op.r.until = 0;
	return write_backoff(c, &op);
}

int backoff_lift(struct queue *q, struct str destination)
{
	pthread_mutex_lock(&q->schedule.lock);
	struct destination *d = schedule_find(&q->schedule, destination);
	if (d) {
		d->until_ms = 0;
		schedule_place(&q->schedule, d, clock_now_ms());
	}
	pthread_mutex_unlock(&q->schedule.lock);
	return change_run(q, BACKOFF_SHARD, lift, &destination);
}

/* ---- reading ---- */

int backoff_get(struct queue *q, struct str destination, struct arena *a, struct destination_record *out)
{
	struct key key = key_destination(destination);
	struct store_read *r;
	struct str value;
	*out = (struct destination_record){ 0 };
	int rc = store_begin(q->store, queue_scope(BACKOFF_SHARD), &r);
	if (rc)
		return rc;
	rc = store_get(r, key_str(&key), &value);
	if (rc == 0)
		value = arena_dup(a, value);
	store_end(&r);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	return value.p ? destination_record_decode(value, out) : ERR_NO_MEMORY;
}

static void learn(struct queue *q, struct str destination, const struct destination_record *r, void *arg)
{
	int64_t now_ms = *(const int64_t *)arg;
	int64_t until_ms = r->until > INT64_MAX / 1000 ? INT64_MAX : r->until * 1000;
	struct schedule *s = &q->schedule;
	pthread_mutex_lock(&s->lock);
	/* none is blocked for so long: the clock was ahead */
	if (until_ms - now_ms > s->retry_max_ms)
		until_ms = now_ms;
	struct destination *d = until_ms > now_ms ? schedule_add(s, destination, until_ms) : schedule_find(s, destination);
	if (d && (d->until_ms != until_ms || !d->failures)) {
		d->failures = (uint16_t)(r->failures < UINT16_MAX ? r->failures : UINT16_MAX);
		d->until_ms = until_ms;
		schedule_place(s, d, now_ms);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Calls fn for each. */
static int each_backoff(struct queue *q, void (*fn)(struct queue *q, struct str destination, const struct destination_record *r, void *arg), void *arg)
{
	struct key from = queue_key_first(KEY_DESTINATION), to = queue_key_after(KEY_DESTINATION);
	struct destination_record record;
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	int rc = store_begin(q->store, queue_scope(BACKOFF_SHARD), &r);
	if (rc)
		return rc;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	while (rc >= 0 && (rc = store_next(it, &key, &value)) == 1) {
		/* a damaged one only means an early try */
		if (destination_record_decode(value, &record) == 0)
			fn(q, str_from(key, 1), &record, arg);
	}
	store_end(&r);
	return rc;
}

int backoff_load(struct queue *q)
{
	int64_t now_ms = clock_now_ms();
	return each_backoff(q, learn, &now_ms);
}

/* ---- forgetting ---- */

struct purge {
	struct str *names;
	size_t n, at;                         /* from `at` on are left */
	int64_t before;
	struct arena *arena;
};

static void find_old(struct queue *q, struct str destination, const struct destination_record *r, void *arg)
{
	struct purge *p = arg;
	(void)q;
	if (r->until >= p->before || p->n == QUEUE_PURGE_MAX)
		return;
	p->names[p->n] = arena_dup(p->arena, destination);
	p->n += p->names[p->n].p != NULL;
}

static int purge(struct change *c, void *arg)
{
	const struct purge *p = arg;
	int rc = 0;
	for (size_t i = p->at; rc == 0 && i < p->n && i - p->at < QUEUE_CLERK_BATCH; i++)
		rc = change_del(c, key_destination(p->names[i]));
	return rc;
}

int backoff_purge(struct queue *q)
{
	struct queue_config config = queue_config_get(q);
	struct arena a = ARENA_INIT(0);
	struct purge p = { .names = arena_array(&a, QUEUE_PURGE_MAX, sizeof(*p.names)), .before = clock_now() - 2 * (int64_t)config.retry_max_s, .arena = &a };
	int rc = p.names ? each_backoff(q, find_old, &p) : ERR_NO_MEMORY;
	for (; rc == 0 && p.at < p.n; p.at += QUEUE_CLERK_BATCH)
		rc = change_run(q, BACKOFF_SHARD, purge, &p);
	arena_fini(&a);
	return rc ? rc : p.n == QUEUE_PURGE_MAX;
}
