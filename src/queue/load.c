/* A job's envelope and recipients from the store. */
#include "queue/queue_private.h"
#include "queue/record.h"

static int read_record(struct store_read *r, struct key key, struct arena *a, struct str *out)
{
	struct str value;
	int rc = store_get(r, key_str(&key), &value);
	if (rc)
		return rc;
	*out = arena_dup(a, value);
	return out->p ? 0 : ERR_NO_MEMORY;
}

static int read_envelope(struct store_read *r, struct job *j, struct envelope_record *out)
{
	struct str value;
	int rc = read_record(r, key_number(KEY_MESSAGE, j->pub.id), &j->pub.arena, &value);
	if (rc == 0)
		rc = envelope_record_decode(value, out);
	if (rc)
		return rc;
	j->pub.envelope = out->envelope;
	j->pub.expires = out->envelope.expires;
	j->pub.blob = out->blob;
	j->pub.size = out->size;
	return 0;
}

static void add_recipient(struct job *j, const struct entry *e, unsigned owed)
{
	j->pub.recipients[j->pub.n_recipients++] = (struct queue_job_recipient){
		.r = e->r, .index = e->index, .attempts = e->attempts, .owed = owed,
		.status = e->status, .reply = e->reply, .remote = e->remote, .last_attempt = e->last_attempt,
	};
}

static int load_delivery(struct store_read *r, struct job *j, int64_t now, int64_t *next_out)
{
	struct group_record g;
	struct str value;
	int rc = read_record(r, key_group(j->pub.id, j->group), &j->pub.arena, &value);
	if (rc == 0)
		rc = group_record_decode(value, &j->pub.arena, &g);
	if (rc)
		return rc;
	j->pub.kind = QUEUE_DELIVER;
	j->pub.recipients = arena_array(&j->pub.arena, g.n, sizeof(*j->pub.recipients));
	if (!j->pub.recipients)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < g.n; i++) {
		const struct entry *e = &g.entries[i];
		if (!e->settled && e->next <= now)
			add_recipient(j, e, 0);
		else if (!e->settled && e->next < *next_out)
			*next_out = e->next;
	}
	return 0;
}

/* Only groups that owe are copied. */
static int add_owed(struct job *j, size_t max, unsigned group, struct str value, struct arena *scratch)
{
	struct group_record g;
	arena_reset(scratch);
	int rc = group_record_decode(value, scratch, &g);
	if (rc || group_record_owing(&g) == 0)
		return rc;
	struct str copy = arena_dup(&j->pub.arena, value);
	rc = copy.p ? group_record_decode(copy, &j->pub.arena, &g) : ERR_NO_MEMORY;
	for (size_t i = 0; rc == 0 && i < g.n && j->pub.n_recipients < max; i++) {
		if (!g.entries[i].owed)
			continue;
		j->groups[j->pub.n_recipients] = (uint16_t)group;
		add_recipient(j, &g.entries[i], g.entries[i].owed);
	}
	return rc;
}

static int load_notice(struct store_read *r, struct job *j, size_t owing)
{
	size_t max = owing < QUEUE_NOTICE_RECIPIENTS_MAX ? owing : QUEUE_NOTICE_RECIPIENTS_MAX;
	struct key from = key_group(j->pub.id, 0), to = key_message_end(j->pub.id);
	struct arena scratch = ARENA_INIT(0);
	struct store_iter *it;
	struct str key, value;
	uint64_t id;
	unsigned group;
	j->pub.kind = QUEUE_NOTICE;
	j->pub.recipients = arena_array(&j->pub.arena, max, sizeof(*j->pub.recipients));
	j->groups = arena_array(&j->pub.arena, max, sizeof(*j->groups));
	if (!j->pub.recipients || !j->groups)
		return ERR_NO_MEMORY;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while (j->pub.n_recipients < max && (rc = store_next(it, &key, &value)) == 1) {
		rc = key_read_message(key, &id, &group) ? add_owed(j, max, group, value, &scratch) : ERR_CORRUPT;
		if (rc)
			break;
	}
	store_iter_end(&it);
	arena_fini(&scratch);
	return rc < 0 ? rc : 0;
}

int job_load(struct queue *q, struct job *j, int64_t now, int64_t *next_out)
{
	struct envelope_record e;
	struct store_read *r;
	*next_out = SCHEDULE_NEVER;
	int rc = store_begin(q->store, queue_scope(queue_shard(j->pub.id)), &r);
	if (rc)
		return rc;
	rc = read_envelope(r, j, &e);
	if (rc == 0 && j->group == GROUP_NOTICE) {
		rc = e.notice_at && e.notice_at <= now ? load_notice(r, j, e.owing) : ERR_NOT_FOUND;
		if (rc == ERR_NOT_FOUND && e.notice_at)
			*next_out = e.notice_at;
	} else if (rc == 0) {
		rc = e.envelope.flags & QUEUE_HELD ? ERR_NOT_FOUND : load_delivery(r, j, now, next_out);
	}
	store_end(&r);
	return rc == 0 && j->pub.n_recipients == 0 && j->group != GROUP_NOTICE ? ERR_NOT_FOUND : rc;
}

void job_free(struct job **j)
{
	if (*j)
		arena_fini(&(*j)->pub.arena);
	free(*j);
	*j = NULL;
}
