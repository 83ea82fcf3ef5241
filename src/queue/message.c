#include "queue/change.h"

#include "base/utf8.h"
#include "queue/limits.h"

static bool is_held(const struct message *m) { return m->e.envelope.flags & QUEUE_HELD; }

/* ---- the queue's keys ---- */

static struct queue_key entry_key(const struct message *m, struct str destination, int64_t due, unsigned group)
{
	return (struct queue_key){ destination, band_of_priority(m->e.envelope.priority), due, m->id, group };
}

static int enqueue(struct change *c, const struct queue_key *k, unsigned recipients)
{
	struct change_note *note = arena_new(c->arena, struct change_note);
	char count = (char)recipients;
	if (!note)
		return ERR_NO_MEMORY;
	*note = (struct change_note){ c->notes, k->destination, k->band, k->due };
	c->notes = note;
	return change_put(c, key_queue(k), str_make(&count, 1));
}

/* ---- groups ---- */

static int group_decode(struct change *c, struct str value, unsigned number, struct group *out)
{
	struct str copy = arena_dup(c->arena, value);
	out->number = number;
	if (!copy.p)
		return ERR_NO_MEMORY;
	int rc = group_record_decode(copy, c->arena, &out->r);
	out->was_due = out->r.due;
	out->was_pending = group_record_pending(&out->r);
	out->was_owing = group_record_owing(&out->r);
	return rc;
}

int group_load(struct change *c, const struct message *m, unsigned number, struct group *out)
{
	struct key key = key_group(m->id, number);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	return rc ? rc : group_decode(c, value, number, out);
}

int group_next(struct change *c, const struct message *m, unsigned number, struct group *out)
{
	struct key from = key_group(m->id, number), to = key_message_end(m->id);
	struct str key, value;
	uint64_t id;
	unsigned found;
	int rc = store_wfind(c->w, key_str(&from), key_str(&to), false, &key, &value);
	if (rc != 1)
		return rc;
	if (!key_read_message(key, &id, &found) || found == GROUP_NOTICE)
		return ERR_CORRUPT;
	rc = group_decode(c, value, found, out);
	return rc ? rc : 1;
}

static void drop_settled(struct group_record *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!r->entries[i].settled || r->entries[i].owed)
			r->entries[kept++] = r->entries[i];
	r->n = kept;
}

static int64_t first_due(const struct group_record *r)
{
	int64_t due = INT64_MAX;
	for (size_t i = 0; i < r->n; i++)
		if (!r->entries[i].settled && r->entries[i].next < due)
			due = r->entries[i].next;
	return due;
}

static int requeue(struct change *c, const struct message *m, const struct group *g, unsigned pending)
{
	struct queue_key was = entry_key(m, g->r.destination, g->was_due, g->number);
	struct queue_key is = entry_key(m, g->r.destination, g->r.due, g->number);
	int rc = 0;
	if (is_held(m) || (pending == g->was_pending && is.due == was.due))
		return 0;
	if (g->was_pending && (!pending || is.due != was.due))
		rc = change_del(c, key_queue(&was));
	return rc || !pending ? rc : enqueue(c, &is, pending);
}

int group_save(struct change *c, struct message *m, struct group *g)
{
	drop_settled(&g->r);
	unsigned pending = group_record_pending(&g->r), owing = group_record_owing(&g->r);
	m->dirty = m->dirty || owing != g->was_owing;
	m->e.owing += owing - g->was_owing;
	g->was_owing = owing;
	g->r.due = pending ? first_due(&g->r) : 0;
	c->shard.recipients += pending;
	c->shard.recipients -= g->was_pending;
	int rc = requeue(c, m, g, pending);
	if (rc)
		return rc;
	g->was_pending = pending;
	g->was_due = g->r.due;
	if (g->r.n == 0)
		return change_del(c, key_group(m->id, g->number));
	struct buf b = BUF_INIT(0);
	group_record_encode(&g->r, &b);
	rc = b.failed ? ERR_NO_MEMORY : change_put(c, key_group(m->id, g->number), buf_str(&b));
	buf_fini(&b);
	return rc;
}

/* ---- messages ---- */

int message_load(struct change *c, uint64_t id, struct message *out)
{
	struct str value;
	*out = (struct message){ .id = id, .tell_null = c->tell_null };
	int rc = change_get(c, key_number(KEY_MESSAGE, id), &value);
	return rc ? rc : envelope_record_decode(value, &out->e);
}

int message_set_notice(struct change *c, struct message *m, int64_t at)
{
	struct queue_key key = entry_key(m, STR(QUEUE_NOTICES), m->e.notice_at, GROUP_NOTICE);
	int rc = 0;
	if (m->e.notice_at == at)
		return 0;
	if (m->e.notice_at)
		rc = change_del(c, key_queue(&key));
	c->shard.owed += !m->e.notice_at;
	c->shard.owed -= !at;
	m->e.notice_at = key.due = at;
	m->dirty = true;
	return rc || !at ? rc : enqueue(c, &key, 0);
}

/* Something is owed, and what becomes of others may be told with it. */
static int owe(struct change *c, struct message *m)
{
	struct group g;
	int rc = group_next(c, m, 0, &g);
	if (rc == 1)
		rc = group_next(c, m, g.number + 1, &g);
	return rc < 0 ? rc : message_set_notice(c, m, c->now + (rc ? QUEUE_GATHER_S : 0));
}

static int set_clock(struct change *c, struct message *m, int64_t at)
{
	int rc = 0;
	if (m->e.clock == at)
		return 0;
	if (m->e.clock)
		rc = change_del(c, key_time(m->e.clock, m->id));
	m->e.clock = at;
	m->dirty = true;
	return rc || !at ? rc : change_put(c, key_time(at, m->id), STR_NONE);
}

int message_set_clock(struct change *c, struct message *m)
{
	const struct envelope_record *e = &m->e;
	int64_t at = e->envelope.expires;
	if (is_held(m))
		return set_clock(c, m, 0);
	if (!(e->told & TOLD_DELAY) && e->warn_at < at)
		at = e->warn_at;
	if (e->envelope.deliver_by && !(e->told & TOLD_LATE) && e->envelope.deliver_by < at)
		at = e->envelope.deliver_by;
	/* what is over may be in flight: look again soon */
	if (at <= c->now && message_is_over(m, c->now))
		at = c->now + QUEUE_OVER_S;
	return set_clock(c, m, at > 0 ? at : 1);
}

int message_hold(struct change *c, struct message *m)
{
	struct group g;
	int rc = 0;
	if (is_held(m))
		return 0;
	for (unsigned at = 0; rc == 0 && (rc = group_next(c, m, at, &g)) == 1; at = g.number + 1) {
		struct queue_key key = entry_key(m, g.r.destination, g.r.due, g.number);
		rc = g.was_pending ? change_del(c, key_queue(&key)) : 0;
	}
	if (rc == 0)
		rc = set_clock(c, m, 0);
	m->e.envelope.flags |= QUEUE_HELD;
	m->dirty = true;
	c->shard.held++;
	return rc ? rc : change_put(c, key_number(KEY_HELD, m->id), STR_NONE);
}

int message_release(struct change *c, struct message *m)
{
	struct group g;
	int rc = 0;
	if (!is_held(m))
		return 0;
	for (unsigned at = 0; rc == 0 && (rc = group_next(c, m, at, &g)) == 1; at = g.number + 1) {
		struct queue_key key = entry_key(m, g.r.destination, g.r.due, g.number);
		rc = g.was_pending ? enqueue(c, &key, g.was_pending) : 0;
	}
	m->e.envelope.flags &= ~(unsigned)QUEUE_HELD;
	m->dirty = true;
	c->shard.held--;
	if (rc == 0)
		rc = message_set_clock(c, m);
	return rc ? rc : change_del(c, key_number(KEY_HELD, m->id));
}

static int message_write(struct change *c, const struct message *m)
{
	struct buf b = BUF_INIT(0);
	envelope_record_encode(&m->e, &b);
	int rc = b.failed ? ERR_NO_MEMORY : change_put(c, key_number(KEY_MESSAGE, m->id), buf_str(&b));
	buf_fini(&b);
	return rc;
}

/* All recipients are settled and all notices sent. The body is given back later, outside the commit. */
static int message_remove(struct change *c, struct message *m)
{
	int rc = message_set_notice(c, m, 0);
	if (rc == 0)
		rc = set_clock(c, m, 0);
	if (rc == 0 && is_held(m)) {
		c->shard.held--;
		rc = change_del(c, key_number(KEY_HELD, m->id));
	}
	c->shard.messages--;
	c->shard.bytes -= m->e.size;
	c->freed = true;
	if (rc == 0)
		rc = change_put(c, key_number(KEY_UNTAG, m->e.blob), STR_NONE);
	return rc ? rc : change_del(c, key_number(KEY_MESSAGE, m->id));
}

int message_save(struct change *c, struct message *m)
{
	struct key from = key_group(m->id, 0), to = key_message_end(m->id);
	struct str key, value;
	int rc = store_wfind(c->w, key_str(&from), key_str(&to), false, &key, &value);
	if (rc == 0)
		return message_remove(c, m);
	if (rc == 1 && !m->e.owing)
		rc = message_set_notice(c, m, 0);
	else if (rc == 1 && !m->e.notice_at)
		rc = owe(c, m);
	if (rc < 0)
		return rc;
	return m->dirty ? message_write(c, m) : 0;
}

int message_new(struct change *c, struct message *m)
{
	int rc = 0;
	c->shard.messages++;
	c->shard.bytes += m->e.size;
	if (is_held(m)) {
		c->shard.held++;
		rc = change_put(c, key_number(KEY_HELD, m->id), STR_NONE);
	} else {
		rc = message_set_clock(c, m);
	}
	return rc ? rc : message_write(c, m);
}

/* ---- recipients ---- */

void entry_said(struct entry *e, struct str status, struct str reply, struct str remote)
{
	e->status = str_sub(status, 0, QUEUE_STATUS_MAX);
	e->reply = utf8_clip(reply, QUEUE_REPLY_MAX);
	e->remote = str_sub(remote, 0, QUEUE_REMOTE_MAX);
}

/* RFC 3461 4.1, 5.2; RFC 2852 4.1.4 for BY with trace. Nobody but the postmaster is told about what
 * has a null reverse-path (RFC 3461 6); notices say NEVER themselves. */
static bool is_owed(const struct message *m, const struct entry *e, unsigned event, const struct queue_result *result)
{
	unsigned notify = e->r.notify;
	if (m->e.envelope.sender.n == 0)
		return m->tell_null && event == QUEUE_FAILED;
	if (notify & QUEUE_NOTIFY_NEVER)
		return false;
	switch (event) {
	case QUEUE_DELAYED: return notify == 0 || notify & QUEUE_NOTIFY_DELAY;
	case QUEUE_FAILED: return notify == 0 || notify & QUEUE_NOTIFY_FAILURE;
	case QUEUE_RELAYED:
		return (notify & QUEUE_NOTIFY_SUCCESS && !(result && result->dsn_passed_on)) || (result && result->by_lost) || m->e.envelope.flags & QUEUE_BY_TRACE;
	default: return notify & QUEUE_NOTIFY_SUCCESS;
	}
}

void entry_settle(const struct message *m, struct entry *e, unsigned event, const struct queue_result *result)
{
	e->settled = true;
	e->next = 0;
	/* a delay that was not told yet is of no interest any more */
	e->owed = is_owed(m, e, event, result) ? event : 0;
}

void entry_delay(const struct message *m, struct entry *e)
{
	if (is_owed(m, e, QUEUE_DELAYED, NULL))
		e->owed |= QUEUE_DELAYED;
}

bool message_is_over(const struct message *m, int64_t now)
{
	const struct queue_envelope *e = &m->e.envelope;
	return !is_held(m) && (now >= e->expires || (e->flags & QUEUE_BY_RETURN && e->deliver_by && now >= e->deliver_by));
}

void entry_expire(const struct message *m, struct entry *e, int64_t now)
{
	/* RFC 2852 4.1.2; otherwise RFC 3463 3.5, X.4.7 */
	e->status = now >= m->e.envelope.expires ? STR("4.4.7") : STR("5.4.7");
	if (e->reply.n == 0)
		e->reply = STR("delivery time expired");
	entry_settle(m, e, QUEUE_FAILED, NULL);
}
