#include "queue/check.h"

#include "queue/keys.h"

#define REPORT_MAX 400

__attribute__((format(printf, 3, 0))) static void report(struct check *c, const char *kind, const char *format, va_list ap)
{
	char text[REPORT_MAX], line[REPORT_MAX + 40];
	vsnprintf(text, sizeof(text), format, ap);
	snprintf(line, sizeof(line), "%squeue: %s", kind, text);
	c->fn(c->arg, line);
}

void queue_fault(struct check *c, const char *format, ...)
{
	va_list ap;
	c->faults++;
	va_start(ap, format);
	report(c, "", format, ap);
	va_end(ap);
}

void queue_note(struct check *c, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	report(c, "note: ", format, ap);
	va_end(ap);
}

#define mendable(c, ...) ((c)->broken++, queue_fault((c), __VA_ARGS__))

int id_list_add(struct id_list *l, uint64_t id)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		uint64_t *bigger = reallocarray(l->v, cap, sizeof(*bigger));
		if (!bigger)
			return ERR_NO_MEMORY;
		l->v = bigger;
		l->cap = cap;
	}
	l->v[l->n++] = id;
	return 0;
}

static unsigned long long name(uint64_t id) { return id; }

/* False: it is certainly not there. */
static bool has_key(struct check *c, struct store_read *r, struct key key, struct str *value_out)
{
	int rc = store_get(r, key_str(&key), value_out);
	if (rc && rc != ERR_NOT_FOUND)
		c->failed = rc;
	return rc != ERR_NOT_FOUND;
}

/* Whether a record is damaged, by what decoding it returned. */
static bool is_damaged(struct check *c, int rc)
{
	if (rc && rc != ERR_CORRUPT)
		c->failed = rc;
	return rc == ERR_CORRUPT;
}

/* ---- messages, and what must be there for each ---- */

struct at {
	struct check *c;
	struct store_read *r;
	struct arena arena;
	uint64_t id;                          /* 0: before the first */
	bool readable;
	struct envelope_record e;
	unsigned groups, owing;
};


static void check_group(struct at *at, unsigned number, struct str value)
{
	struct group_record g;
	struct check *c = at->c;
	struct str count;
	arena_reset(&at->arena);
	at->groups++;
	int rc = group_record_decode(value, &at->arena, &g);
	if (is_damaged(c, rc)) {
		c->lost = true;
		mendable(c, "message %llx: recipients %u cannot be read", name(at->id), number);
	}
	if (rc)
		return;
	unsigned pending = group_record_pending(&g);
	at->owing += group_record_owing(&g);
	c->counted.recipients += pending;
	if (!pending || !at->readable || at->e.envelope.flags & QUEUE_HELD)
		return;
	struct queue_key k = { g.destination, band_of_priority(at->e.envelope.priority), g.due, at->id, number };
	if (!has_key(c, at->r, key_queue(&k), &count) || (!c->failed && (count.n != 1 || (uint8_t)count.p[0] != pending)))
		mendable(c, "message %llx: recipients %u would never be tried", name(at->id), number);
}

/* All its groups were seen. */
static void check_envelope(struct at *at)
{
	const struct envelope_record *e = &at->e;
	struct check *c = at->c;
	struct str value;
	bool held = e->envelope.flags & QUEUE_HELD;
	if (!at->id || !at->readable)
		return;
	c->counted.messages++;
	c->counted.bytes += e->size;
	c->counted.held += held;
	c->counted.owed += e->notice_at != 0;
	if (at->groups == 0)
		mendable(c, "message %llx has no recipients", name(at->id));
	if (held ? !has_key(c, at->r, key_number(KEY_HELD, at->id), &value) : !has_key(c, at->r, key_time(e->clock, at->id), &value))
		mendable(c, "message %llx %s", name(at->id), held ? "is held, but not listed so" : "would never expire");
	struct queue_key k = { STR(QUEUE_NOTICES), band_of_priority(e->envelope.priority), e->notice_at, at->id, GROUP_NOTICE };
	if (at->owing != e->owing || (e->owing != 0) != (e->notice_at != 0) || (e->notice_at && !has_key(c, at->r, key_queue(&k), &value)))
		mendable(c, "message %llx: a notice would never be sent", name(at->id));
}

static int begin_message(struct at *at, uint64_t id, struct str value)
{
	struct check *c = at->c;
	check_envelope(at);
	at->id = id;
	at->groups = at->owing = 0;
	int rc = envelope_record_decode(value, &at->e);
	at->readable = rc == 0;
	if (id / 16 >= c->stored.next || queue_shard(id) != c->shard)
		mendable(c, "message %llx has a number that was not given out", name(id));
	if (is_damaged(c, rc)) {
		c->lost = true;
		mendable(c, "message %llx cannot be read", name(id));
	}
	if (rc)
		return 0;
	rc = id_list_add(&c->messages, id);
	return rc ? rc : id_list_add(&c->bodies, at->e.blob);
}

static int check_messages(struct check *c, struct store_read *r)
{
	struct key from = queue_key_first(KEY_MESSAGE), to = queue_key_after(KEY_MESSAGE);
	struct at at = { .c = c, .r = r, .arena = ARENA_INIT(0) };
	struct store_iter *it;
	struct str key, value;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	while (rc >= 0 && !c->failed && (rc = store_next(it, &key, &value)) == 1) {
		uint64_t id;
		unsigned group;
		if (!key_read_message(key, &id, &group))
			mendable(c, "a message's key is no key");
		else if (group == GROUP_NOTICE)
			rc = begin_message(&at, id, value);
		else if (id == at.id)
			check_group(&at, group, value);
		else
			mendable(c, "message %llx: recipients without an envelope", name(id)), c->lost = true;
	}
	if (rc == 0 && !c->failed)
		check_envelope(&at);
	arena_fini(&at.arena);
	return rc;
}

/* ---- all other keys, and whether they belong to a message ---- */

/* False: it is certainly not there, or damaged. */
static bool get_envelope(struct check *c, struct store_read *r, uint64_t id, struct envelope_record *out)
{
	struct str value;
	*out = (struct envelope_record){ .blob = 0 };
	if (!has_key(c, r, key_number(KEY_MESSAGE, id), &value))
		return false;
	return c->failed || !is_damaged(c, envelope_record_decode(value, out));
}

static bool get_group(struct check *c, struct store_read *r, const struct queue_key *k, struct arena *a, struct group_record *out)
{
	struct str value;
	arena_reset(a);
	*out = (struct group_record){ .n = 0 };
	if (!has_key(c, r, key_group(k->id, k->group), &value))
		return false;
	return c->failed || !is_damaged(c, group_record_decode(value, a, out));
}

static bool queue_key_is_right(struct check *c, struct store_read *r, const struct queue_key *k, struct arena *a)
{
	struct envelope_record e;
	struct group_record g;
	if (!get_envelope(c, r, k->id, &e) || k->band != band_of_priority(e.envelope.priority))
		return false;
	if (k->group == GROUP_NOTICE)
		return str_eq(k->destination, STR(QUEUE_NOTICES)) && e.notice_at == k->due;
	return !(e.envelope.flags & QUEUE_HELD) && get_group(c, r, k, a, &g) && g.due == k->due && str_eq(g.destination, k->destination) &&
		   group_record_pending(&g);
}

/* NULL, or what is wrong with a key of these kinds. */
static const char *wrong_with_key(struct check *c, struct store_read *r, struct str key, struct str value, struct arena *a)
{
	struct envelope_record e;
	struct destination_record d;
	struct queue_key k;
	uint64_t id;
	int64_t when;
	switch (key.p[0]) {
	case KEY_QUEUE:
		return key_read_queue(key, &k) && queue_key_is_right(c, r, &k, a) ? NULL : "an entry of the queue belongs to no recipient";
	case KEY_TIME:
		return key_read_time(key, &when, &id) && get_envelope(c, r, id, &e) && e.clock == when ? NULL : "an entry of the times belongs to no message";
	case KEY_HELD:
		return key_read_number(key, &id) && get_envelope(c, r, id, &e) && e.envelope.flags & QUEUE_HELD
				   ? NULL : "an entry of what is held belongs to no message";
	default:
		return is_damaged(c, destination_record_decode(value, &d)) ? "what is known of a destination cannot be read" : NULL;
	}
}

static int check_key(struct check *c, struct store_read *r, struct str key, struct str value, struct arena *a)
{
	const char *wrong;
	uint64_t id;
	switch (key.p[0]) {
	case KEY_QUEUE:
	case KEY_TIME:
	case KEY_HELD:
	case KEY_DESTINATION:
		wrong = wrong_with_key(c, r, key, value, a);
		if (wrong && !c->failed)
			mendable(c, "%s", wrong);
		return 0;
	case KEY_UNTAG: return key_read_number(key, &id) ? id_list_add(&c->freed, id) : 0;
	case KEY_ASIDE: c->lost = true; return 0;
	case KEY_SHARD:
	case KEY_MESSAGE: return 0;
	default:
		queue_fault(c, "shard %u holds a key of no kind", c->shard);
		return 0;
	}
}

static int check_keys(struct check *c, struct store_read *r)
{
	struct arena a = ARENA_INIT(0);
	struct store_iter *it;
	struct str key, value;
	int rc = store_range(r, STR_NONE, STR_NONE, false, &it);
	while (rc >= 0 && !c->failed && (rc = store_next(it, &key, &value)) == 1)
		rc = check_key(c, r, key, value, &a);
	arena_fini(&a);
	return rc;
}

static int check_snapshot(struct check *c)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct store_read *r;
	struct str value;
	int rc = store_begin(c->q->store, queue_scope(c->shard), &r);
	if (rc)
		return rc;
	c->stored = (struct shard_record){ .next = 1 };
	if (has_key(c, r, key, &value) && !c->failed && is_damaged(c, shard_record_decode(value, &c->stored)))
		mendable(c, "the counts of shard %u cannot be read", c->shard);
	rc = check_messages(c, r);
	if (rc == 0)
		rc = check_keys(c, r);
	store_end(&r);
	rc = c->failed ? c->failed : rc;
	const struct shard_record *a = &c->stored, *b = &c->counted;
	if (rc == 0 && (a->messages != b->messages || a->recipients != b->recipients || a->bytes != b->bytes || a->held != b->held || a->owed != b->owed))
		mendable(c, "the counts of shard %u are wrong: %llu messages and %llu recipients are there", c->shard, (unsigned long long)b->messages,
			   (unsigned long long)b->recipients);
	return rc;
}

static int check_shard(struct check *c, bool repair)
{
	struct id_list tagged = { NULL, 0, 0 };
	int rc = check_list_tagged(c, &tagged);
	if (rc == 0)
		rc = check_snapshot(c);
	if (rc == 0 && repair && c->broken)
		rc = check_repair(c);
	if (rc == 0)
		rc = check_bodies(c, &tagged, repair);
	free(tagged.v);
	free(c->messages.v);
	free(c->bodies.v);
	free(c->freed.v);
	return rc;
}

int queue_check(struct queue *q, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	int rc = 0;
	*faults_out = 0;
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++) {
		struct check c = { .q = q, .shard = i, .fn = fn, .arg = arg };
		rc = check_shard(&c, repair);
		*faults_out += c.faults;
	}
	return rc;
}
