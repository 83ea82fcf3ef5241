#include "model/copy.h"

#include "model/append.h"
#include "model/index.h"
#include "model/keyword.h"
#include "model/model_private.h"
#include "model/removal.h"

void copy_fini(struct copied *copied)
{
	rangeset_fini(&copied->source);
	rangeset_fini(&copied->target);
	gone_list_fini(&copied->gone);
	member_list_fini(&copied->come);
	free(copied->messages);
}

/* One message on its way, as it was. */
static int take(void *arg, const struct message *m)
{
	struct copied *out = arg;
	if (out->n == out->cap) {
		size_t cap = out->cap ? out->cap * 2 : 64;
		struct message *grown = reallocarray(out->messages, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		out->messages = grown;
		out->cap = cap;
	}
	out->messages[out->n++] = *m;
	return rangeset_add(&out->source, m->uid, m->uid);
}

static int collect(struct change *c, uint32_t mailbox, const struct rangeset *uids, struct copied *out)
{
	struct index_walk walk = index_walk_begin(change_source(c), mailbox, uids);
	struct uid_cursor cursor = { .uids = uids };
	struct page_edit page;
	int rc;
	while ((rc = index_walk_next(&walk, &page)) == 1)
		for (uint32_t i = 0; i < page.count; i++)
			if (uid_cursor_has(&cursor, page.m[i].uid) && (rc = take(out, &page.m[i])) != 0)
				return rc;
	return rc;
}

/* They get their new UIDs, and their keywords the target's bits. */
static int convert(struct change *c, struct mailbox_record *from, struct mailbox_record *to, struct copied *out)
{
	uint32_t uid;
	int rc = append_take_uids(to, out->n, &uid);
	if (rc)
		return rc;
	rc = rangeset_add(&out->target, uid, uid + (uint32_t)out->n - 1);
	struct keyword_map map = { .from = from, .to = to };
	for (size_t i = 0; !rc && i < out->n; i++) {
		struct message *m = &out->messages[i];
		rc = keyword_map_flags(c, &map, m->flags & ~out->dropped, &m->flags);
		m->uid = uid + (uint32_t)i;
		m->modseq = c->modseq;
		m->saved = c->now;                        /* RFC 8514 section 3: never that of the source */
		mailbox_record_count(to, m, 1);
		c->state.bytes += m->size;                /* `to` is not the bin */
		c->state.messages++;
		if (!rc)
			rc = member_list_add(&out->come, (struct member){ m->email, to->id, m->uid });
	}
	return rc;
}

static int put(struct change *c, struct mailbox_record *to, struct copied *out)
{
	int rc = index_append(c->w, to->id, out->messages, out->n);
	if (rc)
		return rc;
	struct member_list gone = { NULL, 0, 0 };
	for (size_t i = 0; !rc && i < out->gone.n; i++)
		rc = member_list_add(&gone, out->gone.v[i].member);
	member_sort(gone.v, gone.n);
	member_sort(out->come.v, out->come.n);
	if (!rc)
		rc = member_edit(c->w, gone.v, gone.n, out->come.v, out->come.n);
	member_list_fini(&gone);
	return rc;
}

static int save(struct change *c, struct mailbox_record *from, struct mailbox_record *to, bool move, struct copied *out)
{
	if (move) {
		from->modseq = c->modseq;
		changelog_add(&c->log, LOG_EXPUNGE, from->id, &out->source);
	}
	to->modseq = c->modseq;
	changelog_add(&c->log, LOG_APPEND, to->id, &out->target);
	int rc = move && from != to ? mailbox_record_save(c->w, from) : 0;
	return rc ? rc : mailbox_record_save(c->w, to);
}

int copy_messages(struct change *c, struct mailbox_record *from, struct mailbox_record *to, const struct rangeset *uids,
				  bool move, struct copied *out)
{
	rangeset_clear(&out->source);
	rangeset_clear(&out->target);
	out->gone.n = out->come.n = out->n = 0;
	int rc = move ? removal_run(c, from, uids, 0, &out->gone, take, out) : collect(c, from->id, uids, out);
	if (rc || out->n == 0)
		return rc;
	uint64_t bytes = 0;
	for (size_t i = 0; i < out->n; i++)
		bytes += out->messages[i].size;
	/* A move adds nothing: it is possible also when the quota is exceeded. What comes out of the bin counts again. */
	rc = move && !from->bin ? 0 : append_check_quota(&c->state, out->n, bytes);
	if (!rc)
		rc = convert(c, from, to, out);
	if (!rc)
		rc = put(c, to, out);
	return rc ? rc : save(c, from, to, move, out);
}

struct copy_op {
	uint32_t from, to;
	const struct rangeset *uids;
	bool move;
	uint32_t uidvalidity;                         /* out */
	struct copied copied;                         /* out */
};

static int run(struct change *c, void *arg)
{
	struct copy_op *op = arg;
	struct mailbox_record from = { .id = 0 }, other = { .id = 0 }, *to = op->from == op->to ? &from : &other;
	int rc = mailbox_record_load(change_source(c), op->from, &from);
	if (!rc && to != &from)
		rc = mailbox_record_load(change_source(c), op->to, to);
	if (!rc && (from.no_select || to->no_select))
		rc = ERR_NOT_FOUND;
	if (!rc && to->bin)
		rc = ERR_DENIED;
	if (rc)
		return rc;
	op->uidvalidity = to->uidvalidity;
	return copy_messages(c, &from, to, op->uids, op->move, &op->copied);
}

int mailbox_copy(struct account *a, uint32_t from, uint32_t to, const struct rangeset *uids, bool move,
				 struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out)
{
	return mailbox_copy_kept(a, from, to, uids, move, UINT64_MAX, source_out, target_out, uidvalidity_out);
}

int mailbox_copy_kept(struct account *a, uint32_t from, uint32_t to, const struct rangeset *uids, bool move, uint64_t keep,
					  struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out)
{
	struct copy_op op = { .from = from, .to = to, .uids = uids, .move = move, .copied = { .dropped = ~keep } };
	int rc = commit_run(a->model, a->id, run, &op, NULL);
	if (!rc)
		rc = uids_merge(source_out, &op.copied.source);
	if (!rc)
		rc = uids_merge(target_out, &op.copied.target);
	if (uidvalidity_out)
		*uidvalidity_out = rc ? 0 : op.uidvalidity;
	copy_fini(&op.copied);
	return rc;
}
