#include "model/mailbox_record.h"
#include "model/model_private.h"
#include "model/change.h"

struct recent {
	uint32_t mailbox;
	uint32_t first, uidnext;                      /* out */
};

static int look(struct source s, struct recent *recent, struct mailbox_record *mailbox)
{
	int rc = mailbox_record_load(s, recent->mailbox, mailbox);
	if (rc || mailbox->no_select)
		return rc ? rc : ERR_NOT_FOUND;
	recent->first = mailbox->recent_from;
	recent->uidnext = mailbox->uidnext;
	return 0;
}

static int read_recent(struct store_read *r, void *arg)
{
	struct mailbox_record mailbox;
	struct state state;
	int rc = state_load(source_read(r), &state);
	return rc ? rc : look(source_read(r), arg, &mailbox);
}

/* No log record: nothing that a later session could see changes. */
static int claim_recent(struct change *c, void *arg)
{
	struct mailbox_record mailbox;
	int rc = look(change_source(c), arg, &mailbox);
	if (rc)
		return rc;
	mailbox.recent_from = mailbox.uidnext;
	mailbox.recent = 0;
	return mailbox_record_save(c->w, &mailbox);
}

int mailbox_recent(struct account *a, uint32_t mailbox, bool claim, uint32_t *first_out, uint32_t *until_out)
{
	struct recent recent = { .mailbox = mailbox };
	int rc = account_read(a->model, a->id, read_recent, &recent);
	/* Mostly nothing came since the last claim: no commit for that. */
	if (!rc && claim && recent.first != recent.uidnext)
		rc = commit_run(a->model, a->id, claim_recent, &recent, NULL);
	*first_out = rc ? 0 : recent.first;
	*until_out = rc ? 0 : recent.uidnext;
	return rc;
}
