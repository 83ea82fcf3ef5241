/* Looking at messages one after the other. A snapshot is held only while some are copied out of it: whoever looks may be slow. */
#include "queue/limits.h"
#include "queue/queue_private.h"
#include "queue/record.h"

struct raw {
	uint64_t id;
	unsigned group;                       /* GROUP_NOTICE: the envelope */
	struct str value;
};
struct chunk {
	struct arena arena;
	struct raw *v;
	size_t n, cap;
	uint64_t next;                        /* the message behind; 0: there is none */
};

/* ---- copying out ---- */

static int add_raw(struct chunk *c, uint64_t id, unsigned group, struct str value)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : (size_t)QUEUE_LIST_CHUNK * 2;
		struct raw *bigger = reallocarray(c->v, cap, sizeof(*bigger));
		if (!bigger)
			return ERR_NO_MEMORY;
		c->v = bigger;
		c->cap = cap;
	}
	c->v[c->n] = (struct raw){ id, group, arena_dup(&c->arena, value) };
	return c->v[c->n++].value.p ? 0 : ERR_NO_MEMORY;
}

static int read_chunk(struct store_read *r, uint64_t from_id, uint64_t to_id, struct chunk *c)
{
	struct key from = key_number(KEY_MESSAGE, from_id), to = to_id ? key_number(KEY_MESSAGE, to_id) : queue_key_after(KEY_MESSAGE);
	struct store_iter *it;
	struct str key, value;
	size_t messages = 0;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	c->n = 0;
	c->next = 0;
	arena_reset(&c->arena);
	while (rc >= 0 && (rc = store_next(it, &key, &value)) == 1) {
		uint64_t id;
		unsigned group;
		if (!key_read_message(key, &id, &group))
			return ERR_CORRUPT;
		if (group == GROUP_NOTICE && (messages++ == QUEUE_LIST_CHUNK || c->arena.used > QUEUE_LIST_BYTES)) {
			c->next = id;
			return 0;
		}
		rc = add_raw(c, id, group, value);
	}
	return rc;
}

static int load_chunk(struct queue *q, unsigned shard, uint64_t from, uint64_t to, struct chunk *c)
{
	struct store_read *r;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = read_chunk(r, from, to, c);
	store_end(&r);
	return rc;
}

/* ---- making items ---- */

static struct queue_item_recipient recipient_of(const struct entry *e, bool held)
{
	return (struct queue_item_recipient){ .r = e->r, .attempts = e->attempts, .next = e->settled || held ? 0 : e->next, .status = e->status,
										  .reply = e->reply, .remote = e->remote, .owed = e->owed, .settled = e->settled };
}

/* From the envelope and its groups behind it. ERR_CORRUPT: the check has to say more. */
static int make_item(struct chunk *c, const struct raw *v, size_t n, struct queue_item *out)
{
	struct envelope_record e;
	struct group_record *groups = arena_array(&c->arena, n, sizeof(*groups));
	size_t recipients = 0;
	int rc = v[0].group == GROUP_NOTICE ? envelope_record_decode(v[0].value, &e) : ERR_CORRUPT;
	for (size_t i = 1; rc == 0 && groups && i < n; i++) {
		rc = group_record_decode(v[i].value, &c->arena, &groups[i]);
		recipients += groups[i].n;
	}
	if (rc)
		return rc;
	*out = (struct queue_item){ .id = v[0].id, .envelope = e.envelope, .expires = e.envelope.expires, .size = e.size, .blob = e.blob };
	out->recipients = arena_array(&c->arena, recipients, sizeof(*out->recipients));
	if (!groups || !out->recipients)
		return ERR_NO_MEMORY;
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < groups[i].n; k++)
			out->recipients[out->n_recipients++] = recipient_of(&groups[i].entries[k], e.envelope.flags & QUEUE_HELD);
	return 0;
}

/* ---- the filter ---- */

bool filter_recipient(const struct queue_filter *f, const struct queue_recipient *r)
{
	return (f->destination.n == 0 || str_ieq(f->destination, r->destination)) && (f->recipient.n == 0 || str_ieq(f->recipient, r->address));
}

static bool filter_sender(const struct queue_filter *f, struct str sender)
{
	return f->sender.n == 0 || str_ieq(f->sender, sender) || (sender.n == 0 && str_eq(f->sender, STR("<>")));
}

static bool matches(const struct queue_filter *f, const struct queue_item *item)
{
	if ((f->held_only && !(item->envelope.flags & QUEUE_HELD)) || !filter_sender(f, item->envelope.sender))
		return false;
	for (size_t i = 0; i < item->n_recipients; i++)
		if (filter_recipient(f, &item->recipients[i].r))
			return true;
	return false;
}

static int list_chunk(struct chunk *c, const struct queue_filter *f, int (*fn)(void *arg, const struct queue_item *item), void *arg)
{
	int rc = 0;
	for (size_t at = 0, n; rc == 0 && at < c->n; at += n) {
		struct queue_item item;
		n = 1;
		while (at + n < c->n && c->v[at + n].id == c->v[at].id)
			n++;
		rc = make_item(c, &c->v[at], n, &item);
		if (rc == 0 && matches(f, &item))
			rc = fn(arg, &item);
		else if (rc == ERR_CORRUPT)
			rc = 0;
	}
	return rc;
}

static int list_shard(struct queue *q, unsigned shard, const struct queue_filter *f, int (*fn)(void *arg, const struct queue_item *item),
					  void *arg)
{
	struct chunk c = { .arena = ARENA_INIT(0) };
	uint64_t from = f->id;
	int rc;
	do {
		rc = load_chunk(q, shard, from, f->id ? f->id + 1 : 0, &c);
		if (rc == 0)
			rc = list_chunk(&c, f, fn, arg);
		from = c.next;
	} while (rc == 0 && from);
	free(c.v);
	arena_fini(&c.arena);
	return rc;
}

int queue_list(struct queue *q, const struct queue_filter *f, int (*fn)(void *arg, const struct queue_item *item), void *arg)
{
	int rc = 0;
	if (f->id)
		return queue_shard(f->id) < QUEUE_SHARDS ? list_shard(q, queue_shard(f->id), f, fn, arg) : 0;
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++)
		rc = list_shard(q, i, f, fn, arg);
	return rc;
}
