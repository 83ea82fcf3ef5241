#include "model/model_private.h"
#include "model/removal.h"
#include "model/uids.h"

struct expunge {
	uint32_t mailbox;
	const struct rangeset *uids;
	bool only_deleted;
	struct rangeset expunged;                     /* out */
	struct gone_list gone;
	struct purged purged;                         /* out */
};

static int note(void *arg, const struct message *m)
{
	struct expunge *op = arg;
	return rangeset_add(&op->expunged, m->uid, m->uid);
}

static int run(struct change *c, void *arg)
{
	struct expunge *op = arg;
	rangeset_clear(&op->expunged);
	op->gone.n = 0;
	purged_reset(&op->purged);
	struct mailbox_record mailbox;
	int rc = mailbox_record_load(change_source(c), op->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	if (mailbox.messages == 0 || (op->only_deleted && mailbox.deleted == 0))
		return 0;
	rc = removal_run(c, &mailbox, op->uids, op->only_deleted ? MESSAGE_DELETED : 0, &op->gone, note, op);
	if (rc || op->gone.n == 0)
		return rc;
	rc = purge_gone(c, &mailbox, &op->gone, &op->purged);
	if (rc)
		return rc;
	mailbox.modseq = c->modseq;
	changelog_add(&c->log, LOG_EXPUNGE, mailbox.id, &op->expunged);
	return mailbox_record_save(c->w, &mailbox);
}

int mailbox_expunge(struct account *a, uint32_t mailbox, const struct rangeset *uids, bool only_deleted,
					struct rangeset *expunged_out, uint64_t *modseq_out)
{
	struct expunge op = { .mailbox = mailbox, .uids = uids, .only_deleted = only_deleted };
	int rc = commit_run(a->model, a->id, run, &op, modseq_out);
	if (!rc) {
		purge_finish(a->model, a->id, &op.purged);
		rc = uids_merge(expunged_out, &op.expunged);
	}
	rangeset_fini(&op.expunged);
	gone_list_fini(&op.gone);
	purged_fini(&op.purged);
	return rc;
}
