/* What happens to a message by the clock: it expires, its deliver-by time comes (RFC 2852), its delay is told. Works on what waits for a
 * destination that cannot be reached, too; what is in flight is left alone, and looked at again. */
#include "queue/change.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/clock.h"

struct event {
	int64_t when;
	uint64_t id;
};
/* What is known of a destination whose recipients were never tried. */
struct hint {
	struct hint *next;
	struct str destination;
	struct destination_record r;
};
struct batch {
	struct arena arena;
	struct event events[QUEUE_CLERK_BATCH];
	uint64_t ids[QUEUE_CLERK_BATCH];
	size_t n;
	int64_t next;                         /* the first beyond */
	bool more;
	const struct ahead *in_flight;
	size_t n_in_flight;
	struct hint *hints;
	unsigned failed;                      /* out */
};

/* ---- reading ---- */

static int read_events(struct store_read *r, int64_t now, struct batch *b)
{
	struct key from = queue_key_first(KEY_TIME), to = queue_key_after(KEY_TIME);
	struct store_iter *it;
	struct str key, value;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	while (rc >= 0 && (rc = store_next(it, &key, &value)) == 1) {
		struct event e;
		if (!key_read_time(key, &e.when, &e.id))
			return ERR_CORRUPT;
		b->more = e.when <= now && b->n == QUEUE_CLERK_BATCH;
		if (e.when > now || b->more) {
			b->next = e.when;
			break;
		}
		b->ids[b->n] = e.id;
		b->events[b->n++] = e;
	}
	return rc < 0 ? rc : 0;
}

static int add_hint(struct batch *b, struct str destination)
{
	struct hint *h = b->hints;
	while (h && !str_eq(h->destination, destination))
		h = h->next;
	if (h)
		return 0;
	h = arena_new(&b->arena, struct hint);
	if (!h)
		return ERR_NO_MEMORY;
	*h = (struct hint){ b->hints, arena_dup(&b->arena, destination), { 0 } };
	b->hints = h;
	return h->destination.p ? 0 : ERR_NO_MEMORY;
}

/* The destinations of whose recipients nothing was said yet. */
static int read_untold(struct store_read *r, uint64_t id, struct batch *b, struct arena *scratch)
{
	struct key from = key_group(id, 0), to = key_message_end(id);
	struct store_iter *it;
	struct str key, value;
	struct group_record g;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while (rc >= 0 && (rc = store_next(it, &key, &value)) == 1) {
		arena_reset(scratch);
		if (group_record_decode(value, scratch, &g))
			continue;
		for (size_t i = 0; rc >= 0 && i < g.n; i++)
			if (!g.entries[i].settled && g.entries[i].reply.n == 0)
				rc = add_hint(b, g.destination);
	}
	store_iter_end(&it);
	return rc < 0 ? rc : 0;
}

static int read_batch(struct queue *q, unsigned shard, int64_t now, struct batch *b)
{
	struct arena scratch = ARENA_INIT(0);
	struct store_read *r;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = read_events(r, now, b);
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		rc = read_untold(r, b->ids[i], b, &scratch);
	store_end(&r);
	arena_fini(&scratch);
	for (struct hint *h = b->hints; rc == 0 && h; h = h->next)
		rc = backoff_get(q, h->destination, &b->arena, &h->r);
	return rc;
}

/* ---- changing ---- */

static bool is_in_flight(const struct batch *b, uint64_t id, unsigned group)
{
	for (size_t i = 0; i < b->n_in_flight; i++)
		if (b->in_flight[i].id == id && b->in_flight[i].group == group)
			return true;
	return false;
}

static void say_hint(const struct batch *b, struct str destination, struct entry *e)
{
	const struct hint *h = b->hints;
	while (h && !str_eq(h->destination, destination))
		h = h->next;
	if (h && e->reply.n == 0)
		entry_said(e, h->r.status, h->r.reply, h->r.remote);
}

enum due { DUE_OVER = 1, DUE_DELAY = 2 };

static int change_group(struct change *c, struct batch *b, struct message *m, struct group *g, unsigned due)
{
	bool over = due & DUE_OVER && !is_in_flight(b, m->id, g->number);
	bool changed = false;
	if (!over && !(due & DUE_DELAY))
		return 0;
	for (size_t i = 0; i < g->r.n; i++) {
		struct entry *e = &g->r.entries[i];
		if (e->settled)
			continue;
		say_hint(b, g->r.destination, e);
		if (over)
			entry_expire(m, e, c->now);
		else
			entry_delay(m, e);
		b->failed += over;
		changed = true;
	}
	return changed ? group_save(c, m, g) : 0;
}

/* What has come, noted as told. */
static unsigned what_is_due(const struct change *c, struct message *m)
{
	const struct queue_envelope *e = &m->e.envelope;
	unsigned due = message_is_over(m, c->now) ? DUE_OVER : 0;
	if (!(m->e.told & TOLD_DELAY) && c->now >= m->e.warn_at) {
		m->e.told |= TOLD_DELAY;
		due |= DUE_DELAY;
	}
	if (!(m->e.told & TOLD_LATE) && e->deliver_by && c->now >= e->deliver_by) {
		m->e.told |= TOLD_LATE;
		due |= DUE_DELAY;
	}
	m->dirty = true;
	return due & DUE_OVER ? DUE_OVER : due;
}

/* All is read before anything is changed. */
static int groups_read(struct change *c, const struct message *m)
{
	struct group g;
	int rc = 1;
	for (unsigned at = 0; rc == 1 && (rc = group_next(c, m, at, &g)) == 1;)
		at = g.number + 1;
	return rc;
}

/* Damage is for queue_check to mend; it shall not keep the clock from the messages behind it. */
static int put_off(struct change *c, const struct event *e)
{
	int rc = change_del(c, key_time(e->when, e->id));
	return rc ? rc : change_put(c, key_time(c->now + QUEUE_CORRUPT_S, e->id), STR_NONE);
}

static int change_message(struct change *c, struct batch *b, const struct event *e)
{
	struct message m;
	struct group g;
	int rc = message_load(c, e->id, &m);
	if (rc == 0)
		rc = groups_read(c, &m);
	if (rc == ERR_CORRUPT)
		return put_off(c, e);
	if (rc == ERR_NOT_FOUND || (rc == 0 && m.e.clock != e->when))
		return change_del(c, key_time(e->when, e->id));
	if (rc)
		return rc;
	unsigned due = what_is_due(c, &m);
	for (unsigned at = 0; rc == 0 && (rc = group_next(c, &m, at, &g)) == 1; at = g.number + 1)
		rc = change_group(c, b, &m, &g, due);
	if (rc == 0)
		rc = message_set_clock(c, &m);
	return rc ? rc : message_save(c, &m);
}

static int change_batch(struct change *c, void *arg)
{
	struct batch *b = arg;
	int rc = 0;
	b->failed = 0;
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		rc = change_message(c, b, &b->events[i]);
	return rc;
}

/* From now on none of the batch is handed out. Notes what was before. */
static int claim(struct schedule *s, struct batch *b)
{
	pthread_mutex_lock(&s->lock);
	struct ahead *list = arena_array(&b->arena, s->n_jobs + 1, sizeof(*list));
	s->claimed = b->ids;
	s->n_claimed = b->n;
	for (const struct job *j = list ? s->jobs : NULL; j; j = j->next)
		if (schedule_is_claimed(s, j->pub.id))
			list[b->n_in_flight++] = (struct ahead){ .id = j->pub.id, .group = (uint16_t)j->group };
	b->in_flight = list;
	pthread_mutex_unlock(&s->lock);
	return list ? 0 : ERR_NO_MEMORY;
}

static void release(struct schedule *s)
{
	pthread_mutex_lock(&s->lock);
	s->claimed = NULL;
	s->n_claimed = 0;
	pthread_mutex_unlock(&s->lock);
}

int clock_run(struct queue *q, unsigned shard, bool *more_out, int64_t *next_out)
{
	struct batch b = { .arena = ARENA_INIT(0), .next = SCHEDULE_NEVER };
	int rc = read_batch(q, shard, clock_now(), &b);
	if (rc == 0 && b.n) {
		rc = claim(&q->schedule, &b);
		if (rc == 0)
			rc = change_run(q, shard, change_batch, &b);
		release(&q->schedule);
		if (rc == 0)
			atomic_fetch_add_explicit(&q->failed, b.failed, memory_order_relaxed);
	}
	arena_fini(&b.arena);
	*more_out = rc == 0 && b.more;
	*next_out = b.next;
	return rc;
}
