/* What waits where: one pass over the queue's keys, all shards side by side, since a destination's entries lie in all of them. */
#include "queue/queue_private.h"
#include "queue/record.h"

struct side {
	struct store_read *read;
	struct store_iter *it;
	struct queue_key k;
	unsigned recipients;
	bool ended;
};
struct top {
	struct arena *arena;
	struct queue_destination_stats *v;
	size_t n, max;
};

static int step(struct side *s)
{
	struct str key, value;
	int rc = store_next(s->it, &key, &value);
	s->ended = rc != 1;
	if (rc != 1)
		return rc;
	s->recipients = value.n == 1 ? (uint8_t)value.p[0] : 0;
	return key_read_queue(key, &s->k) ? 0 : ERR_CORRUPT;
}

static int side_open(struct queue *q, unsigned shard, struct side *s)
{
	struct key from = queue_key_first(KEY_QUEUE), to = queue_key_after(KEY_QUEUE);
	int rc = store_begin(q->store, queue_scope(shard), &s->read);
	if (rc)
		return rc;
	rc = store_range(s->read, key_str(&from), key_str(&to), false, &s->it);
	return rc ? rc : step(s);
}

static const struct side *first_side(const struct side *sides)
{
	const struct side *first = NULL;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++)
		if (!sides[i].ended && (!first || str_cmp(sides[i].k.destination, first->k.destination) < 0))
			first = &sides[i];
	return first;
}

static int sum_destination(struct side *sides, struct queue_destination_stats *d)
{
	int rc = 0;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++)
		while (rc == 0 && !sides[i].ended && str_eq(sides[i].k.destination, d->destination)) {
			d->recipients += sides[i].recipients;
			if (d->next == 0 || sides[i].k.due < d->next)
				d->next = sides[i].k.due;
			rc = step(&sides[i]);
		}
	return rc;
}

/* Keeps the most loaded, in order. */
static void top_add(struct top *t, const struct queue_destination_stats *d)
{
	bool full = t->n == t->max;
	size_t at = full ? t->n - 1 : t->n;
	if (str_eq(d->destination, STR(QUEUE_NOTICES)) || t->max == 0 || (full && t->v[at].recipients >= d->recipients))
		return;
	for (; at > 0 && t->v[at - 1].recipients < d->recipients; at--)
		t->v[at] = t->v[at - 1];
	t->v[at] = *d;
	t->v[at].destination = arena_dup(t->arena, d->destination);
	t->n += t->n < t->max;
}

static int merge(struct side *sides, struct top *t)
{
	const struct side *first;
	int rc = 0;
	while (rc == 0 && (first = first_side(sides))) {
		char name[sizeof(((struct key *)NULL)->p)];
		struct queue_destination_stats d = { .destination = str_make(name, first->k.destination.n) };
		memcpy(name, first->k.destination.p, first->k.destination.n);
		rc = sum_destination(sides, &d);
		if (rc == 0)
			top_add(t, &d);
	}
	return rc ? rc : t->arena->failed ? ERR_NO_MEMORY : 0;
}

static int add_backoff(struct queue *q, struct arena *a, struct queue_destination_stats *d)
{
	struct destination_record r;
	int rc = backoff_get(q, d->destination, a, &r);
	d->failures = r.failures;
	d->reply = r.reply;
	if (r.failures && r.until > d->next)
		d->next = r.until;
	return rc;
}

int queue_destinations(struct queue *q, struct arena *a, size_t max, struct queue_destination_stats **out, size_t *n_out)
{
	struct side *sides = arena_array(a, QUEUE_SHARDS, sizeof(*sides));
	struct top t = { .arena = a, .v = arena_array(a, max ? max : 1, sizeof(*t.v)), .max = max };
	int rc = sides && t.v ? 0 : ERR_NO_MEMORY;
	*n_out = 0;
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++)
		rc = side_open(q, i, &sides[i]);
	if (rc == 0)
		rc = merge(sides, &t);
	for (unsigned i = 0; sides && i < QUEUE_SHARDS; i++)
		if (sides[i].read)
			store_end(&sides[i].read);
	for (size_t i = 0; rc == 0 && i < t.n; i++)
		rc = add_backoff(q, a, &t.v[i]);
	if (rc)
		return rc;
	*out = t.v;
	*n_out = t.n;
	return 0;
}
