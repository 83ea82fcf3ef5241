/* Looking through the queue's keys by leaps: a seek for each destination and band, not a step for each message. */
#include "queue/queue_private.h"
#include "queue/limits.h"

#include "base/clock.h"

#define SCAN_CHUNK 4096u                              /* destinations found in one snapshot */

/* ---- one destination ---- */

static bool is_skipped(const struct scan *s, const struct queue_key *k)
{
	for (size_t i = 0; i < s->n_skip; i++)
		if (s->skip[i].id == k->id && s->skip[i].group == k->group)
			return true;
	return false;
}

static int add_ahead(struct scan *s, const struct queue_key *k)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct ahead *bigger = reallocarray(s->found, cap, sizeof(*bigger));
		if (!bigger)
			return ERR_NO_MEMORY;
		s->found = bigger;
		s->cap = cap;
	}
	s->found[s->n++] = (struct ahead){ .due = k->due, .id = k->id, .group = (uint16_t)k->group, .band = k->band };
	return 0;
}

/* Steps through one band while entries are due; 1: *band_out is where the next one begins, 0: this was the last. */
static int scan_band(struct store_read *r, int64_t now, struct scan *s, size_t *room, unsigned *band)
{
	struct key from = key_queue_band(s->destination, *band), to = key_queue_band(s->destination, BANDS);
	struct str key, value;
	struct queue_key k;
	struct store_iter *it;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while ((rc = store_next(it, &key, &value)) == 1) {
		if (!key_read_queue(key, &k)) {
			rc = ERR_CORRUPT;
			break;
		}
		*band = k.band + 1;
		if (k.due > now) {
			s->next = k.due < s->next ? k.due : s->next;
			break;
		}
		if (is_skipped(s, &k))
			continue;
		if (*room == 0) {
			s->more = true;
			break;
		}
		--*room;
		rc = add_ahead(s, &k);
		if (rc)
			break;
	}
	store_iter_end(&it);
	return rc;
}

static int best_first(const void *a, const void *b)
{
	const struct ahead *x = a, *y = b;
	if (x->band != y->band)
		return x->band < y->band ? -1 : 1;
	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	return x->id != y->id ? x->id < y->id ? -1 : 1 : (x->group > y->group) - (x->group < y->group);
}

int scan_destination(struct queue *q, int64_t now, struct scan *s)
{
	s->next = SCHEDULE_NEVER;
	for (unsigned shard = 0; shard < QUEUE_SHARDS; shard++) {
		struct store_read *r;
		size_t room = QUEUE_AHEAD;
		unsigned band = 0;
		int rc = store_begin(q->store, queue_scope(shard), &r);
		if (rc)
			return rc;
		do
			rc = scan_band(r, now, s, &room, &band);
		while (rc == 1 && band < BANDS && !(s->more && room == 0));
		store_end(&r);
		if (rc < 0)
			return rc;
	}
	if (s->n > 1)
		qsort(s->found, s->n, sizeof(*s->found), best_first);
	return 0;
}

/* ---- all destinations ---- */


/* From *from on, at most SCAN_CHUNK of them; 1: there are more. */
static int scan_chunk(struct store_read *r, struct arena *a, struct key *from, struct queue_key *found, size_t *n_out)
{
	struct key to = queue_key_after(KEY_QUEUE);
	struct str key, value;
	int rc = 1;
	*n_out = 0;
	while (rc == 1 && *n_out < SCAN_CHUNK) {
		struct store_iter *it;
		struct queue_key *k = &found[*n_out];
		rc = store_range(r, key_str(from), key_str(&to), false, &it);
		if (rc)
			return rc;
		rc = store_next(it, &key, &value);
		if (rc == 1) {
			if (!key_read_queue(key, k))
				rc = ERR_CORRUPT;
			k->destination = arena_dup(a, k->destination);
			*from = key_queue_band(k->destination, k->band + 1);
			++*n_out;
		}
		store_iter_end(&it);
	}
	return rc;
}

int scan_shard(struct queue *q, unsigned shard)
{
	struct arena a = ARENA_INIT(0);
	struct queue_key *found = calloc(SCAN_CHUNK, sizeof(*found));
	struct key from = queue_key_first(KEY_QUEUE);
	int rc = found ? 1 : ERR_NO_MEMORY;
	while (rc == 1) {
		struct store_read *r;
		size_t n;
		arena_reset(&a);
		rc = store_begin(q->store, queue_scope(shard), &r);
		if (rc)
			break;
		rc = scan_chunk(r, &a, &from, found, &n);
		store_end(&r);
		if (a.failed)
			rc = ERR_NO_MEMORY;
		if (rc < 0)
			break;
		int64_t now_ms = clock_now_ms();
		pthread_mutex_lock(&q->schedule.lock);
		for (size_t i = 0; i < n; i++)
			schedule_note(&q->schedule, found[i].destination, found[i].band, found[i].due, now_ms);
		pthread_mutex_unlock(&q->schedule.lock);
	}
	free(found);
	arena_fini(&a);
	return rc;
}
