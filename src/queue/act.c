/* Steering: by the command line, ETRN, ATRN. Many messages are changed in several commits; each message in one. */
#include "queue/change.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/clock.h"

struct act {
	struct queue *q;
	const struct queue_filter *filter;
	enum queue_action action;
	uint64_t ids[QUEUE_CLERK_BATCH];
	size_t n;
	uint64_t changed;                     /* out, of one commit */
	uint64_t total;
	struct str lifted;                    /* the last destination that was looked at */
	char lifted_bytes[QUEUE_DESTINATION_MAX];
};

/* ---- one message ---- */

static bool change_entry(const struct act *a, const struct change *c, const struct message *m, struct entry *e)
{
	switch (a->action) {
	case QUEUE_RETRY:
		if (e->settled || e->next <= c->now)
			return false;
		e->next = c->now;
		return true;
	case QUEUE_DROP:
		e->settled = true;
		e->owed = 0;
		return true;
	case QUEUE_BOUNCE:
		if (e->settled)
			return false;
		entry_said(e, STR("5.0.0"), STR("returned by the administrator of this system"), STR_NONE);
		entry_settle(m, e, QUEUE_FAILED, NULL);
		return true;
	default: return false;
	}
}

static int change_recipients(const struct act *a, struct change *c, struct message *m, bool *changed_out)
{
	struct group g;
	int rc = 0;
	for (unsigned at = 0; rc == 0 && (rc = group_next(c, m, at, &g)) == 1; at = g.number + 1) {
		bool changed = false;
		for (size_t i = 0; i < g.r.n; i++)
			if (filter_recipient(a->filter, &g.r.entries[i].r))
				changed = change_entry(a, c, m, &g.r.entries[i]) || changed;
		rc = changed ? group_save(c, m, &g) : 0;
		*changed_out = *changed_out || changed;
	}
	return rc;
}

static int change_message(const struct act *a, struct change *c, uint64_t id, bool *changed_out)
{
	struct message m;
	int rc = message_load(c, id, &m);
	*changed_out = false;
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	bool held = m.e.envelope.flags & QUEUE_HELD;
	if (a->action == QUEUE_HOLD) {
		*changed_out = !held;
		rc = message_hold(c, &m);
	} else if (a->action == QUEUE_RELEASE) {
		*changed_out = held;
		rc = message_release(c, &m);
	} else {
		rc = change_recipients(a, c, &m, changed_out);
	}
	return rc || !*changed_out ? rc : message_save(c, &m);
}

static int change_batch(struct change *c, void *arg)
{
	struct act *a = arg;
	int rc = 0;
	a->changed = 0;
	for (size_t i = 0; rc == 0 && i < a->n; i++) {
		bool changed;
		rc = change_message(a, c, a->ids[i], &changed);
		a->changed += changed;
	}
	return rc;
}

/* ---- all that match ---- */

static int run_batch(struct act *a)
{
	int rc = a->n ? change_run(a->q, queue_shard(a->ids[0]), change_batch, a) : 0;
	if (rc == 0 && a->n)
		a->total += a->changed;
	a->n = 0;
	return rc;
}

/* Who asks for a retry wants it now, also when the destination is blocked. */
static int lift(struct act *a, const struct queue_item *item)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < item->n_recipients; i++) {
		const struct queue_recipient *r = &item->recipients[i].r;
		if (!filter_recipient(a->filter, r) || str_eq(r->destination, a->lifted))
			continue;
		memcpy(a->lifted_bytes, r->destination.p, r->destination.n);
		a->lifted = str_make(a->lifted_bytes, r->destination.n);
		rc = backoff_lift(a->q, a->lifted);
	}
	return rc;
}

static int collect(void *arg, const struct queue_item *item)
{
	struct act *a = arg;
	int rc = a->action == QUEUE_RETRY ? lift(a, item) : 0;
	if (rc == 0 && (a->n == QUEUE_CLERK_BATCH || (a->n && queue_shard(a->ids[0]) != queue_shard(item->id))))
		rc = run_batch(a);
	a->ids[a->n++] = item->id;
	return rc;
}

int queue_act(struct queue *q, const struct queue_filter *f, enum queue_action action, uint64_t *n_out, struct err *e)
{
	struct act a = { .q = q, .filter = f, .action = action };
	int rc = queue_list(q, f, collect, &a);
	if (rc == 0)
		rc = run_batch(&a);
	*n_out = a.total;
	return rc ? err_set(e, rc, NULL, "after %llu messages: %s", (unsigned long long)a.total, err_text(rc)) : 0;
}

/* ---- a whole destination ---- */

struct flush {
	struct str destination;
	bool more;                            /* out */
};

/* The first entry behind what is due: 1, 0, or an error. */
static int next_waiting(struct change *c, struct str destination, unsigned *band, struct queue_key *out)
{
	struct key to = key_queue_band(destination, BANDS);
	struct str key, value;
	for (; *band < BANDS; ++*band) {
		struct key from = key_queue(&(struct queue_key){ destination, (uint8_t)*band, c->now + 1, 0, 0 });
		int rc = store_wfind(c->w, key_str(&from), key_str(&to), false, &key, &value);
		if (rc != 1)
			return rc;
		if (!key_read_queue(key, out))
			return ERR_CORRUPT;
		if (out->band == *band)
			return 1;
	}
	return 0;
}

static int flush_batch(struct change *c, void *arg)
{
	struct flush *f = arg;
	struct queue_key k;
	unsigned band = 0;
	f->more = false;
	for (unsigned n = 0; n < QUEUE_CLERK_BATCH; n++) {
		struct message m;
		struct group g;
		int rc = next_waiting(c, f->destination, &band, &k);
		if (rc != 1)
			return rc;
		rc = message_load(c, k.id, &m);
		if (rc == 0)
			rc = group_load(c, &m, k.group, &g);
		for (size_t i = 0; rc == 0 && i < g.r.n; i++)
			if (!g.r.entries[i].settled && g.r.entries[i].next > c->now)
				g.r.entries[i].next = c->now;
		if (rc == 0)
			rc = group_save(c, &m, &g);
		if (rc == 0)
			rc = message_save(c, &m);
		/* an entry without a group would be found for ever */
		if (rc)
			return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	}
	f->more = true;
	return 0;
}

static int count_shard(struct queue *q, unsigned shard, struct str destination, int64_t *total)
{
	struct key from = key_queue_band(destination, 0), to = key_queue_band(destination, BANDS);
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	while (rc >= 0 && (rc = store_next(it, &key, &value)) == 1)
		*total += value.n == 1 ? (uint8_t)value.p[0] : 0;
	store_end(&r);
	return rc;
}

int64_t queue_flush_destination(struct queue *q, struct str destination)
{
	int64_t total = 0;
	if (destination.n == 0 || destination.n > QUEUE_DESTINATION_MAX || str_chr(destination, 0) != STR_NPOS)
		return ERR_INVALID;
	int rc = backoff_lift(q, destination);
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++) {
		struct flush f = { .destination = destination, .more = true };
		while (rc == 0 && f.more)
			rc = change_run(q, i, flush_batch, &f);
		if (rc == 0)
			rc = count_shard(q, i, destination, &total);
	}
	return rc ? rc : total;
}
