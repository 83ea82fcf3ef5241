/* A body that a message needs must have the shard's tag. A tag that no message needs was left by a crash, or its message is being submitted at this
 * moment, by this process or another one. So such a body is first put among what is to be given back, in a commit that looks whether a message has
 * come to need it; a submission that comes later sees that and stores its body anew. For that it has QUEUE_CONDEMNED_S: the sweeper waits so long. */
#include "queue/change.h"
#include "queue/check.h"
#include "queue/limits.h"

#include "base/bytes.h"

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void sort(struct id_list *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_ids);
}

static bool has(const struct id_list *sorted, uint64_t id) { return sorted->n && bsearch(&id, sorted->v, sorted->n, sizeof(id), compare_ids); }

static int add_tagged(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)size, (void)tag;
	return id_list_add(arg, id);
}

int check_list_tagged(struct check *c, struct id_list *out)
{
	int rc = store_blob_visit(c->q->store, queue_tag(c->shard), add_tagged, out);
	sort(out);
	return rc;
}

/* ---- bodies without the tag ---- */

static int still_needs(void *arg, const struct queue_item *item) { return item->blob == *(const uint64_t *)arg; }

/* That bytes are missing is the store's to tell. */
static bool is_gone(struct store *s, store_blob_id blob)
{
	struct store_blob_view view;
	int rc = store_blob_map(s, blob, &view);
	if (rc == 0)
		store_blob_unmap(s, &view);
	return rc == ERR_NOT_FOUND;
}

/* Messages may have gone, or come, between one look and the next. */
static int check_needed(struct check *c, const struct id_list *tagged, const struct id_list *now, bool repair)
{
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < c->messages.n; i++) {
		store_blob_id blob = c->bodies.v[i];
		struct queue_filter f = { .id = c->messages.v[i] };
		if (has(tagged, blob) || has(now, blob))
			continue;
		rc = queue_list(c->q, &f, still_needs, &blob);
		if (rc != 1)
			continue;
		if (is_gone(c->q->store, blob)) {
			queue_note(c, "message %llx: its body is lost; its sender is told when it is tried", (unsigned long long)f.id);
			continue;
		}
		queue_fault(c, "message %llx: its body is not kept for it", (unsigned long long)f.id);
		if (repair && store_blob_tag(c->q->store, &blob, 1, queue_tag(c->shard)))
			queue_fault(c, "message %llx: its body is lost", (unsigned long long)f.id);
	}
	return rc < 0 ? rc : 0;
}

/* ---- tags without a message ---- */

struct condemn {
	struct id_list stale;                 /* sorted */
	uint64_t next;                        /* messages from here on came after the snapshot */
};

static int condemn(struct change *c, void *arg)
{
	const struct condemn *op = arg;
	struct id_list needed = { NULL, 0, 0 };
	uint64_t id = op->next;
	char until[8];
	int rc = 0;
	c->freed = true;                      /* for the sweeper, when it runs in this process */
	store_be64(until, (uint64_t)c->now + QUEUE_CONDEMNED_S);
	for (;;) {
		struct key from = key_number(KEY_MESSAGE, id), to = queue_key_after(KEY_MESSAGE);
		struct envelope_record e;
		struct str key, value;
		unsigned group;
		rc = store_wfind(c->w, key_str(&from), key_str(&to), false, &key, &value);
		if (rc != 1)
			break;
		rc = key_read_message(key, &id, &group) ? envelope_record_decode(value, &e) : ERR_CORRUPT;
		rc = rc ? rc : id_list_add(&needed, e.blob);
		if (rc)
			break;
		id++;
	}
	sort(&needed);
	for (size_t i = 0; rc == 0 && i < op->stale.n; i++)
		if (!has(&needed, op->stale.v[i]))
			rc = change_put(c, key_number(KEY_UNTAG, op->stale.v[i]), str_make(until, sizeof(until)));
	free(needed.v);
	return rc;
}

int check_bodies(struct check *c, struct id_list *tagged, bool repair)
{
	struct condemn op = { .next = queue_id(c->stored.next, c->shard) };
	struct id_list now = { NULL, 0, 0 };
	int rc = check_list_tagged(c, &now);
	if (rc == 0)
		rc = check_needed(c, tagged, &now, repair);
	sort(&c->bodies);
	sort(&c->freed);
	for (size_t i = 0; rc == 0 && !c->lost && i < tagged->n; i++)
		if (has(&now, tagged->v[i]) && !has(&c->bodies, tagged->v[i]) && !has(&c->freed, tagged->v[i]))
			rc = id_list_add(&op.stale, tagged->v[i]);
	if (rc == 0 && op.stale.n) {
		queue_note(c, "%zu bodies are kept that no message needs (left by a crash; repair has them freed)", op.stale.n);
		rc = repair ? change_run(c->q, c->shard, condemn, &op) : 0;
	}
	free(op.stale.v);
	free(now.v);
	return rc;
}
