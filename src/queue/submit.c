#include "queue/submit.h"

#include "base/clock.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

static bool text_fits(struct str s) { return s.n <= QUEUE_TEXT_MAX; }

static int check(const struct queue_submission *s, struct err *e)
{
	const struct queue_envelope *m = &s->envelope;
	if (s->n_recipients < 1 || s->n_recipients > QUEUE_RECIPIENTS_MAX)
		return err_set(e, ERR_INVALID, NULL, "a message for %zu recipients; 1 to %d are possible", s->n_recipients, QUEUE_RECIPIENTS_MAX);
	if (!text_fits(m->sender) || !text_fits(m->envid) || !text_fits(m->user) || !text_fits(m->peer) || m->priority < -9 || m->priority > 9)
		return err_set(e, ERR_TOO_BIG, NULL, "a part of the envelope is too long, or the priority is none");
	for (size_t i = 0; i < s->n_recipients; i++) {
		const struct queue_recipient *r = &s->recipients[i];
		if (!text_fits(r->address) || !text_fits(r->orcpt) || r->notify > 15)
			return err_set(e, ERR_TOO_BIG, NULL, "recipient %zu is too long", i);
		if (r->destination.n == 0 || r->destination.n > QUEUE_DESTINATION_MAX || str_chr(r->destination, 0) != STR_NPOS ||
			str_eq(r->destination, STR(QUEUE_NOTICES)))
			return err_set(e, ERR_INVALID, NULL, "recipient %zu has an impossible destination", i);
	}
	return 0;
}

static int by_destination(const void *a, const void *b, void *arg)
{
	const struct queue_recipient *r = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = str_cmp(r[x].destination, r[y].destination);
	return order ? order : (x > y) - (x < y);
}

/* How many recipients from `at` on make one group: of one destination, and no more than it takes. */
static size_t group_size(const struct submit *s, size_t at)
{
	const struct queue_recipient *all = s->s->recipients;
	size_t n = 1;
	while (at + n < s->s->n_recipients && n < QUEUE_GROUP_MAX && str_eq(all[s->order[at + n]].destination, all[s->order[at]].destination))
		n++;
	return n;
}

/* Groups are numbered in two octets, of which one number is taken. */
static int check_groups(const struct submit *s, struct err *e)
{
	size_t groups = 0;
	for (size_t at = 0; at < s->s->n_recipients; at += group_size(s, at))
		groups++;
	return groups <= GROUP_NOTICE ? 0 : err_set(e, ERR_TOO_BIG, NULL, "a message for more than %u destinations; split it", GROUP_NOTICE);
}

static int put_body(struct queue *q, struct submit *s, struct err *e)
{
	store_tag tag = queue_tag(s->shard);
	int rc = store_blob_put(q->store, s->s->pieces, s->s->n_pieces, &tag, 1, &s->blob);
	return rc ? err_set(e, rc, NULL, "the body of a message cannot be stored: %s", err_text(rc)) : 0;
}

int submit_prepare(struct queue *q, const struct queue_submission *s, unsigned shard, struct arena *a, struct submit *out, struct err *e)
{
	uint32_t *order = arena_array(a, s->n_recipients, sizeof(*order));
	*out = (struct submit){ .s = s, .order = order, .config = queue_config_get(q), .shard = shard };
	int rc = check(s, e);
	if (rc)
		return rc;
	if (!order)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu recipients", s->n_recipients);
	for (size_t i = 0; i < s->n_recipients; i++)
		order[i] = (uint32_t)i;
	if (s->n_recipients > 1)
		qsort_r(order, s->n_recipients, sizeof(*order), by_destination, (void *)(uintptr_t)s->recipients);
	rc = check_groups(out, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < s->n_pieces; i++)
		out->size += s->pieces[i].n;
	if (atomic_load_explicit(&q->messages[shard], memory_order_relaxed) >= out->config.messages_max / QUEUE_SHARDS)
		return err_set(e, ERR_BUSY, NULL, "the queue is full: it may hold %llu messages", (unsigned long long)out->config.messages_max);
	return put_body(q, out, e);
}

void submit_abandon(struct queue *q, const struct submit *s)
{
	/* if this fails too the check finds it */
	store_blob_untag(q->store, &s->blob, 1, queue_tag(s->shard));
}

static struct envelope_record envelope_make(const struct submit *s, int64_t now)
{
	struct envelope_record r = { .envelope = s->s->envelope, .blob = s->blob, .size = s->size };
	struct queue_envelope *e = &r.envelope;
	if (e->arrived <= 0)
		e->arrived = now;
	/* RFC 4865: the clock begins at the release */
	int64_t from = e->not_before > e->arrived ? e->not_before : e->arrived;
	if (e->expires <= 0)
		e->expires = from + (int64_t)(e->sender.n ? s->config.expire_s : s->config.expire_null_s);
	r.warn_at = from + (int64_t)s->config.warn_s;
	return r;
}

/* The recipients from *at on that make one group. */
static int insert_group(struct change *c, struct message *m, const struct submit *s, size_t *at, unsigned number)
{
	const struct queue_recipient *all = s->s->recipients;
	struct entry entries[QUEUE_GROUP_MAX];
	struct group g = { .number = number, .r = { .destination = all[s->order[*at]].destination, .entries = entries } };
	int64_t due = m->e.envelope.not_before > c->now ? m->e.envelope.not_before : c->now;
	for (size_t end = *at + group_size(s, *at); *at < end; ++*at) {
		uint32_t index = s->order[*at];
		entries[g.r.n++] = (struct entry){ .r = all[index], .index = index, .next = due };
	}
	return group_save(c, m, &g);
}

int submit_took_effect(struct change *c, const struct submit *s)
{
	struct message m;
	int rc = s->id ? message_load(c, s->id, &m) : ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc ? rc : m.e.blob == s->blob;
}

int submit_insert(struct change *c, void *arg)
{
	struct submit *s = arg;
	struct key condemned = key_number(KEY_UNTAG, s->blob);
	struct str value;
	int rc = submit_took_effect(c, s);
	if (rc)
		return rc < 0 ? rc : 0;
	if (c->shard.messages >= s->config.messages_max / QUEUE_SHARDS)
		return ERR_BUSY;
	rc = store_wget(c->w, key_str(&condemned), &value);
	if (rc != ERR_NOT_FOUND)
		return rc ? rc : ERR_CONFLICT;
	s->id = queue_id(c->shard.next++, s->shard);
	struct message m = { .id = s->id, .e = envelope_make(s, c->now) };
	size_t at = 0;
	for (unsigned number = 0; at < s->s->n_recipients; number++) {
		rc = insert_group(c, &m, s, &at, number);
		if (rc)
			return rc;
	}
	return message_new(c, &m);
}

int queue_submit(struct queue *q, const struct queue_submission *s, uint64_t *id_out, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct submit op;
	unsigned shard = (unsigned)(atomic_fetch_add_explicit(&q->next_shard, 1, memory_order_relaxed) % QUEUE_SHARDS);
	int rc = submit_prepare(q, s, shard, &arena, &op, e);
	if (rc == 0) {
		rc = change_run(q, shard, submit_insert, &op);
		if (rc == ERR_CONFLICT && put_body(q, &op, e) == 0)
			rc = change_run(q, shard, submit_insert, &op);
		if (rc) {
			err_set(e, rc, NULL, "a message cannot be queued: %s", err_text(rc));
			/* unless it may be there: then its body must stay */
			if (rc != ERR_UNKNOWN)
				submit_abandon(q, &op);
		}
	}
	arena_fini(&arena);
	if (rc)
		return rc;
	atomic_fetch_add_explicit(&q->submitted, 1, memory_order_relaxed);
	*id_out = op.id;
	return 0;
}
