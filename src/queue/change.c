#include "queue/change.h"

#include "base/clock.h"
#include "queue/queue_private.h"

struct run {
	struct change c;
	change_fn *fn;
	void *arg;
	bool foreign;
	bool refused;                         /* fn had its look, and returned an error */
};

static int shard_read(struct change *c)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	c->shard = (struct shard_record){ .next = 1 };
	return rc == ERR_NOT_FOUND ? 0 : rc ? rc : shard_record_decode(value, &c->shard);
}

static int shard_write(struct change *c)
{
	struct buf b = BUF_INIT(0);
	shard_record_encode(&c->shard, &b);
	int rc = b.failed ? ERR_NO_MEMORY : change_put(c, queue_key_first(KEY_SHARD), buf_str(&b));
	buf_fini(&b);
	return rc;
}

static int run_closure(struct store_write *w, void *arg)
{
	struct run *run = arg;
	struct change *c = &run->c;
	arena_reset(c->arena);
	*c = (struct change){ .w = w, .arena = c->arena, .now = c->now, .tell_null = c->tell_null };
	int rc = shard_read(c);
	struct shard_record before = c->shard;
	if (rc == 0)
		rc = run->fn(c, run->arg);
	run->refused = rc != 0;
	if (rc == 0 && run->foreign && c->changed)
		c->shard.foreign++;
	if (rc == 0 && memcmp(&before, &c->shard, sizeof(before)) != 0)
		rc = shard_write(c);
	return rc == 0 && c->arena->failed ? ERR_NO_MEMORY : rc;
}

static void tell_schedule(struct queue *q, unsigned shard, const struct change *c)
{
	atomic_store_explicit(&q->messages[shard], c->shard.messages, memory_order_relaxed);
	if (c->freed)
		atomic_fetch_add_explicit(&q->freed[shard], 1, memory_order_relaxed);
	if (!c->notes || !atomic_load_explicit(&q->delivering, memory_order_relaxed))
		return;
	int64_t now_ms = clock_now_ms();
	pthread_mutex_lock(&q->schedule.lock);
	for (const struct change_note *n = c->notes; n; n = n->next)
		schedule_note(&q->schedule, n->destination, n->band, n->due, now_ms);
	pthread_mutex_unlock(&q->schedule.lock);
}

int change_run(struct queue *q, unsigned shard, change_fn *fn, void *arg)
{
	struct arena arena = ARENA_INIT(0);
	struct run run = { .c = { .arena = &arena, .now = clock_now(), .tell_null = queue_config_get(q).tell_null }, .fn = fn, .arg = arg,
					   .foreign = !atomic_load_explicit(&q->delivering, memory_order_relaxed) };
	bool unknown = false;
	int rc = 0;
	for (unsigned i = 0; i < QUEUE_COMMIT_TRIES; i++) {
		run.refused = false;
		rc = store_commit(q->store, queue_scope(shard), run_closure, &run);
		unknown = unknown || rc == ERR_UNKNOWN;
		if (rc == 0 || run.refused || !unknown)
			break;
		/* the try before may have taken effect, whatever became of this one */
		rc = ERR_UNKNOWN;
	}
	if (rc == 0)
		tell_schedule(q, shard, &run.c);
	arena_fini(&arena);
	return rc;
}

int change_get(struct change *c, struct key key, struct str *value_out)
{
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (rc == 0)
		*value_out = arena_dup(c->arena, value);
	return rc == 0 && !value_out->p ? ERR_NO_MEMORY : rc;
}

int change_put(struct change *c, struct key key, struct str value)
{
	c->changed = true;
	return store_put(c->w, key_str(&key), value);
}

int change_del(struct change *c, struct key key)
{
	c->changed = true;
	return store_del(c->w, key_str(&key));
}
