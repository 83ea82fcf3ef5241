#include "base/clock.h"
#include "model/model_private.h"
#include "model/registry.h"
#include "model/subscription.h"
#include "model/tree.h"

static const struct {
	struct str name;
	uint32_t use;
} defaults[] = {
	{ STR_INIT("Drafts"), MAILBOX_USE_DRAFTS },
	{ STR_INIT("Sent"), MAILBOX_USE_SENT },
	{ STR_INIT("Junk"), MAILBOX_USE_JUNK },
	{ STR_INIT("Trash"), MAILBOX_USE_TRASH },
	{ STR_INIT("Archive"), MAILBOX_USE_ARCHIVE },
};

static int add(struct change *c, struct str name, uint32_t use, int64_t now)
{
	struct mailbox_record mailbox;
	int rc = tree_add(c, name, use, now, &mailbox);
	return rc ? rc : subscription_change(c, name, true);
}

/* INBOX has the same id in every life of every account, all others go on from where the last life ended. */
static int add_inbox(struct change *c, int64_t now)
{
	uint32_t next = c->state.mailbox_next;
	c->state.mailbox_next = MAILBOX_INBOX;
	int rc = add(c, STR("INBOX"), MAILBOX_USE_NONE, now);
	if (next > c->state.mailbox_next)
		c->state.mailbox_next = next;
	return rc;
}

static int run(struct change *c, void *arg)
{
	int64_t now = *(int64_t *)arg;
	if (c->state.status != STATE_DELETED)
		return ERR_EXISTS;
	c->state.status = STATE_LIVE;
	if (c->state.email_next == 0)
		c->state.email_next = 1;
	int rc = add_inbox(c, now);
	for (size_t i = 0; !rc && i < sizeof(defaults) / sizeof(*defaults); i++)
		rc = add(c, defaults[i].name, defaults[i].use, now);
	return rc;
}

int account_create(struct model *m, uint64_t id)
{
	int rc = registry_add(m, id);
	if (rc)
		return rc;
	int64_t now = clock_now();
	struct commit commit = { .account = id, .fn = run, .arg = &now, .creates = true };
	return commit_run_all(m, &commit, 1);
}
