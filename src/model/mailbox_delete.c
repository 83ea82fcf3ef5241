#include "model/acl_record.h"
#include "model/annotation_record.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/removal.h"
#include "model/tomb.h"
#include "model/tree.h"
#include "model/url_key.h"
#include "model/view_cache.h"

struct delete {
	struct str name;
	uint32_t mailbox;                             /* out */
	struct gone_list gone;
	struct purged purged;                         /* out */
};

static int ignore(void *arg, const struct message *m)
{
	(void)arg;
	(void)m;
	return 0;
}

/* RFC 3501 6.3.4: with inferiors the name stays, as one that cannot be selected. */
static int leave_level(struct change *c, struct mailbox_record *mailbox)
{
	mailbox->no_select = true;
	mailbox->use = 0;
	mailbox->modseq = c->modseq;
	c->state.tree_modseq = c->modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_DELETED, mailbox->id);
	int rc = acl_remove(c, mailbox->id);             /* RFC 4314 section 4 */
	if (!rc)
		rc = annotation_remove_mailbox(c, mailbox->id);  /* RFC 5464 4.1 */
	if (!rc)
		rc = url_key_remove(c, mailbox->id);
	return rc ? rc : mailbox_record_save(c->w, mailbox);
}

static int run(struct change *c, void *arg)
{
	struct delete *op = arg;
	op->gone.n = 0;
	purged_reset(&op->purged);
	struct mailbox_record mailbox;
	bool has_children = false;
	int rc = name_lookup(change_source(c), op->name, &mailbox);
	if (!rc)
		rc = tree_has_children(c, op->name, &has_children);
	if (!rc && mailbox.no_select && has_children)
		rc = ERR_CONFLICT;
	if (!rc && mailbox.bin)
		rc = ERR_DENIED;
	if (!rc && c->keep.on && !mailbox.no_select)
		rc = tomb_add(c, &mailbox);
	if (!rc)
		rc = removal_run(c, &mailbox, NULL, 0, &op->gone, ignore, NULL);
	if (!rc)
		rc = purge_gone(c, &mailbox, &op->gone, &op->purged);
	if (rc)
		return rc;
	op->mailbox = mailbox.id;
	return has_children ? leave_level(c, &mailbox) : tree_remove(c, &mailbox);
}

int mailbox_delete(struct account *a, struct str name, struct err *e)
{
	char text[MAILBOX_NAME_MAX];
	struct delete op = { .mailbox = 0 };
	int rc = name_canonical(name, text, &op.name, e);
	if (rc)
		return rc;
	if (name_is_inbox(op.name))
		return err_set(e, ERR_DENIED, "INBOX cannot be deleted", "mailbox_delete: INBOX");
	rc = commit_run(a->model, a->id, run, &op, NULL);
	if (!rc) {
		purge_finish(a->model, a->id, &op.purged);
		view_cache_drop(a->model->views, a->id, op.mailbox);
	}
	gone_list_fini(&op.gone);
	purged_fini(&op.purged);
	if (rc == ERR_NOT_FOUND)
		return err_set(e, rc, "There is no such mailbox", "mailbox_delete: not found");
	if (rc == ERR_DENIED)
		return err_set(e, rc, "The mailbox of deleted messages cannot be deleted", "mailbox_delete: the bin");
	if (rc == ERR_CONFLICT)
		return err_set(e, rc, "The name has mailboxes below it", "mailbox_delete: has children");
	return rc ? err_set(e, rc, NULL, "mailbox_delete: %s", err_text(rc)) : 0;
}
