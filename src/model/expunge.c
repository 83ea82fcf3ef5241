#include "model/model_private.h"
#include "model/removal.h"
#include "model/uids.h"

struct expunge {
	uint32_t mailbox;
	const struct rangeset *uids;
	bool only_deleted;
	struct rangeset expunged;                     /* out */
	struct member_list gone;
	struct blob_list blobs;                       /* out */
	bool buried;                                  /* out: there are graves to empty */
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
	op->gone.n = op->blobs.n = 0;
	op->buried = false;
	struct mailbox_record mailbox;
	int rc = mailbox_record_load(change_source(c), op->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	if (mailbox.messages == 0 || (op->only_deleted && mailbox.deleted == 0))
		return 0;
	rc = removal_run(c, &mailbox, op->uids, op->only_deleted ? MESSAGE_DELETED : 0, &op->gone, note, op);
	if (rc || op->gone.n == 0)
		return rc;
	rc = purge_members(c, &op->gone, &op->blobs);
	if (rc)
		return rc;
	op->buried = c->state.grave_pages > 0;
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
		purge_untag(a->model, a->id, &op.blobs);
		/* What is left in the graves does no harm: the messages are gone. */
		if (op.buried)
			purge_graves(a->model, a->id);
		rc = uids_merge(expunged_out, &op.expunged);
	}
	rangeset_fini(&op.expunged);
	member_list_fini(&op.gone);
	blob_list_fini(&op.blobs);
	return rc;
}
