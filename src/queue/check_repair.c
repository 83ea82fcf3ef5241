/* Messages are what is true. Everything that follows from them (queue, times, held, notices, counts) is made anew in one commit; what
 * cannot be read is moved aside, never deleted. */
#include "queue/change.h"
#include "queue/check.h"

#define NUMBERS_SKIPPED 1000000u

/* To KEY_ASIDE and its key. */
static int set_aside(struct change *c, struct str key, struct str value)
{
	struct key at = queue_key_first(KEY_ASIDE), from = { .n = key.n };
	struct str copy = arena_dup(c->arena, value);
	if (!copy.p || key.n + 1 > sizeof(at.p))
		return ERR_NO_MEMORY;
	memcpy(from.p, key.p, key.n);
	memcpy(at.p + 1, key.p, key.n);
	at.n += key.n;
	int rc = change_put(c, at, copy);
	return rc ? rc : change_del(c, from);
}

static int drop_kind(struct change *c, enum key_kind kind)
{
	struct key from = queue_key_first(kind), to = queue_key_after(kind);
	c->changed = true;
	return store_del_range(c->w, key_str(&from), key_str(&to), NULL);
}

/* Unreadable groups go aside; the rest enter the counts and the queue. *kept_out: how many did. */
static int rebuild_groups(struct change *c, struct message *m, unsigned *kept_out)
{
	struct key to = key_message_end(m->id);
	int rc = 0;
	*kept_out = 0;
	for (unsigned number = 0; rc == 0 && number < GROUP_NOTICE; number++) {
		struct key from = key_group(m->id, number);
		struct str key, value;
		struct group g;
		uint64_t id;
		rc = store_wfind(c->w, key_str(&from), key_str(&to), false, &key, &value);
		if (rc != 1 || !key_read_message(key, &id, &number))
			return rc < 0 ? rc : 0;
		rc = group_load(c, m, number, &g);
		if (rc == ERR_CORRUPT) {
			from = key_group(m->id, number);
			rc = store_wget(c->w, key_str(&from), &value);
			rc = rc ? rc : set_aside(c, key_str(&from), value);
			continue;
		}
		++*kept_out;
		g.was_pending = g.was_owing = 0;
		rc = rc ? rc : group_save(c, m, &g);
	}
	return rc;
}

static int envelope_aside(struct change *c, uint64_t id)
{
	struct key key = key_number(KEY_MESSAGE, id);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	return rc ? rc : set_aside(c, key_str(&key), value);
}

static int rebuild_message(struct change *c, uint64_t id)
{
	struct message m;
	struct group g;
	unsigned kept;
	int rc = message_load(c, id, &m);
	if (rc == ERR_CORRUPT)
		return envelope_aside(c, id);
	if (rc)
		return rc;
	m.e.owing = 0;
	m.e.notice_at = m.e.clock = 0;
	rc = group_next(c, &m, 0, &g);
	bool had = rc != 0;
	rc = rebuild_groups(c, &m, &kept);
	if (rc)
		return rc;
	/* its recipients are aside, and so is it */
	if (had && !kept)
		return envelope_aside(c, id);
	rc = message_new(c, &m);
	m.dirty = true;
	return rc ? rc : message_save(c, &m);
}

/* One message, or one key that belongs to none; *at moves behind it. 1: there may be more. */
static int rebuild_next(struct change *c, struct key *at)
{
	struct key to = queue_key_after(KEY_MESSAGE);
	struct str key, value;
	uint64_t id;
	unsigned group;
	int rc = store_wfind(c->w, key_str(at), key_str(&to), false, &key, &value);
	if (rc != 1)
		return rc;
	if (key.n >= sizeof(at->p))
		return ERR_CORRUPT;
	if (!key_read_message(key, &id, &group) || group != GROUP_NOTICE) {
		at->n = key.n;
		memcpy(at->p, key.p, key.n);
		at->p[at->n++] = 0;
		rc = set_aside(c, key, value);
		return rc ? rc : 1;
	}
	/* with an envelope that went aside its recipients go too, as what they are then */
	*at = key_group(id, 0);
	if (id / 16 >= c->shard.next)
		c->shard.next = id / 16 + 1;
	rc = rebuild_message(c, id);
	struct key envelope = key_number(KEY_MESSAGE, id);
	if (rc == 0)
		rc = store_wget(c->w, key_str(&envelope), &value);
	if (rc == 0)
		*at = key_message_end(id);
	return rc == 0 || rc == ERR_NOT_FOUND ? 1 : rc;
}

static int rebuild(struct change *c, void *arg)
{
	struct key at = queue_key_first(KEY_MESSAGE);
	(void)arg;
	/* what was given out is not known: go far beyond what is there, so that no number comes twice */
	uint64_t beyond = c->shard.next == 1 ? NUMBERS_SKIPPED : 0;
	/* whoever delivers must scan anew */
	c->shard = (struct shard_record){ .next = c->shard.next, .foreign = c->shard.foreign + 1 };
	int rc = drop_kind(c, KEY_QUEUE);
	if (rc == 0)
		rc = drop_kind(c, KEY_TIME);
	if (rc == 0)
		rc = drop_kind(c, KEY_HELD);
	if (rc == 0)
		rc = drop_kind(c, KEY_DESTINATION);
	while (rc == 0 && (rc = rebuild_next(c, &at)) == 1) {
		/* the scan replaces the notes, so that memory is by the message */
		c->notes = NULL;
		arena_reset(c->arena);
		rc = 0;
	}
	c->shard.next += beyond;
	return rc;
}

/* Without counts that can be read no change runs. */
static int drop_counts(struct store_write *w, void *arg)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct shard_record record;
	struct str value;
	(void)arg;
	int rc = store_wget(w, key_str(&key), &value);
	if (rc == 0)
		rc = shard_record_decode(value, &record);
	return rc == ERR_CORRUPT ? store_del(w, key_str(&key)) : rc == ERR_NOT_FOUND ? 0 : rc;
}

int check_repair(struct check *c)
{
	int rc = store_commit(c->q->store, queue_scope(c->shard), drop_counts, NULL);
	return rc ? rc : change_run(c->q, c->shard, rebuild, NULL);
}
