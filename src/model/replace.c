#include "model/append.h"
#include "model/model_private.h"
#include "model/removal.h"

struct replace {
	uint32_t from, to;
	const struct rangeset *uids;                  /* of the one that goes */
	struct append *item;
	uint32_t uidvalidity;                         /* out */
	struct gone_list gone;
	struct purged purged;                         /* out */
};

static int note(void *arg, const struct message *m)
{
	(void)arg;
	(void)m;
	return 0;
}

/* The old one goes first, so that its room is free when the quota is looked at (RFC 8508 3.4). */
static int exchange(struct change *c, struct replace *op, struct mailbox_record *from, struct mailbox_record *to)
{
	int rc = removal_run(c, from, op->uids, 0, &op->gone, note, NULL);
	if (!rc && op->gone.n == 0)
		rc = ERR_CONFLICT;
	if (!rc)
		rc = purge_gone(c, from, &op->gone, &op->purged);
	if (rc)
		return rc;
	from->modseq = c->modseq;
	changelog_add(&c->log, LOG_EXPUNGE, from->id, op->uids);
	rc = from != to ? mailbox_record_save(c->w, from) : 0;
	return rc ? rc : append_items(c, to, op->item, 1, APPEND_QUOTA, 0);
}

static int run(struct change *c, void *arg)
{
	struct replace *op = arg;
	struct mailbox_record from = { .id = 0 }, other = { .id = 0 }, *to = op->from == op->to ? &from : &other;
	op->gone.n = 0;
	purged_reset(&op->purged);
	int rc = mailbox_record_load(change_source(c), op->to, to);
	if (!rc && (to->no_select || to->bin))
		rc = to->bin ? ERR_DENIED : ERR_NOT_FOUND;
	if (rc)
		return rc;
	op->uidvalidity = to->uidvalidity;
	if (to != &from && mailbox_record_load(change_source(c), op->from, &from))
		return ERR_CONFLICT;
	return exchange(c, op, &from, to);
}

int mailbox_replace(struct account *a, uint32_t from, uint32_t uid, uint32_t to, struct append *item, uint32_t *uidvalidity_out)
{
	struct rangeset uids = RANGESET_INIT;
	struct replace op = { .from = from, .to = to, .uids = &uids, .item = item };
	int rc = rangeset_add(&uids, uid, uid);
	if (!rc)
		rc = commit_run(a->model, a->id, run, &op, NULL);
	if (!rc)
		purge_finish(a->model, a->id, &op.purged);
	else if (rc != ERR_UNKNOWN)
		model_drop_blob(a->model, item->blob, a->id);
	*uidvalidity_out = rc ? 0 : op.uidvalidity;
	rangeset_fini(&uids);
	gone_list_fini(&op.gone);
	purged_fini(&op.purged);
	return rc;
}
