/* Entries that lie further ahead than anything is put off: they were written while the clock was ahead, or while the configuration put off for
 * longer. They are due now. Who asked for a time (RFC 4865) gets it. */
#include "queue/change.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/clock.h"

#define LOOKS_MAX 10000u                              /* seeks in one snapshot */
#define BATCHES_MAX 50u                               /* commits in one call */

struct astray {
	struct arena arena;
	struct queue_key found[QUEUE_CLERK_BATCH];
	size_t n;
	struct key from;                      /* where the next look begins */
	int64_t most_s;                       /* nothing is put off for longer */
};

/* From when on it may be tried. */
static int64_t release_of(const struct queue_envelope *e, int64_t now) { return e->not_before > now ? e->not_before : now; }

/* What went meanwhile, and damage, which is for queue_check to mend, are passed over: others lie behind them. */
static int unless_lost(int rc) { return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc; }

/* ---- reading ---- */

static int judge(struct store_read *r, int64_t now, const struct queue_key *k, struct astray *a)
{
	struct key key = key_number(KEY_MESSAGE, k->id);
	struct envelope_record e;
	struct str value;
	int rc = store_get(r, key_str(&key), &value);
	if (rc == 0)
		rc = envelope_record_decode(value, &e);
	if (rc)
		return unless_lost(rc);
	if (k->due <= release_of(&e.envelope, now) + a->most_s)
		return 0;
	a->found[a->n] = *k;
	a->found[a->n].destination = arena_dup(&a->arena, k->destination);
	return a->found[a->n++].destination.p ? 0 : ERR_NO_MEMORY;
}

static struct queue_key behind(struct queue_key k)
{
	k.id += k.group == GROUP_NOTICE;
	k.group = k.group == GROUP_NOTICE ? 0 : k.group + 1;
	return k;
}

/* One seek: to an entry that is far ahead, or to the next destination and band, whose entries far ahead are sought then. 1: go on. */
static int look(struct store_read *r, int64_t now, struct astray *a)
{
	struct key to = queue_key_after(KEY_QUEUE);
	struct store_iter *it;
	struct str key, value;
	struct queue_key k;
	int rc = store_range(r, key_str(&a->from), key_str(&to), false, &it);
	if (rc)
		return rc;
	rc = store_next(it, &key, &value);
	if (rc == 1 && !key_read_queue(key, &k))
		rc = ERR_CORRUPT;
	if (rc == 1 && k.due > now + a->most_s) {
		int judged = judge(r, now, &k, a);
		struct queue_key next = behind(k);
		a->from = key_queue(&next);
		rc = judged ? judged : 1;
	} else if (rc == 1) {
		a->from = key_queue(&(struct queue_key){ k.destination, k.band, now + a->most_s + 1, 0, 0 });
	}
	store_iter_end(&it);
	return rc;
}

/* A batch of them; 1: there may be more. */
static int find(struct queue *q, unsigned shard, struct astray *a)
{
	int64_t now = clock_now();
	struct store_read *r;
	arena_reset(&a->arena);
	a->n = 0;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = 1;
	for (unsigned i = 0; rc == 1 && i < LOOKS_MAX && a->n < QUEUE_CLERK_BATCH; i++)
		rc = look(r, now, a);
	store_end(&r);
	return rc;
}

/* ---- changing ---- */

static int change_group(struct change *c, struct message *m, unsigned number, int64_t most_s)
{
	int64_t release = release_of(&m->e.envelope, c->now);
	bool changed = false;
	struct group g;
	int rc = group_load(c, m, number, &g);
	if (rc)
		return unless_lost(rc);
	for (size_t i = 0; i < g.r.n; i++) {
		struct entry *e = &g.r.entries[i];
		if (e->settled || e->next <= release + most_s)
			continue;
		e->next = release;
		changed = true;
	}
	return changed ? group_save(c, m, &g) : 0;
}

static int change_one(struct change *c, const struct queue_key *k, int64_t most_s)
{
	struct message m;
	int rc = message_load(c, k->id, &m);
	if (rc)
		return unless_lost(rc);
	if (k->group != GROUP_NOTICE)
		rc = change_group(c, &m, k->group, most_s);
	else if (m.e.notice_at > c->now + most_s)
		rc = message_set_notice(c, &m, c->now);
	return rc ? rc : message_save(c, &m);
}

static int change_batch(struct change *c, void *arg)
{
	const struct astray *a = arg;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < a->n; i++)
		rc = change_one(c, &a->found[i], a->most_s);
	return rc;
}

int astray_run(struct queue *q)
{
	struct astray a = { .arena = ARENA_INIT(0), .most_s = (int64_t)queue_config_get(q).retry_max_s + QUEUE_GATHER_S };
	int rc = 0;
	for (unsigned shard = 0, batches = 0; rc == 0 && shard < QUEUE_SHARDS; shard++) {
		a.from = queue_key_first(KEY_QUEUE);
		for (rc = 1; rc == 1 && batches < BATCHES_MAX;) {
			rc = find(q, shard, &a);
			int changed = rc >= 0 && a.n ? change_run(q, shard, change_batch, &a) : 0;
			batches += a.n > 0;
			rc = changed ? changed : rc;
		}
	}
	arena_fini(&a.arena);
	return rc;
}
