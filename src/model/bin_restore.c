/* Putting deleted messages back where they were. */
#include "model/bin.h"

#include "model/acl_record.h"
#include "model/bin_inside.h"
#include "model/copy.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/subscription.h"
#include "model/tomb.h"
#include "model/tree.h"

struct restore {
	uint32_t origin;
	const struct rangeset *uids;
	struct mailbox_record target;                 /* out */
	struct copied copied;                         /* out */
};

/* ERR_NOT_FOUND also when nobody can select it. */
static int find_selectable(struct change *c, uint32_t id, struct mailbox_record *out)
{
	int rc = id ? mailbox_record_load(change_source(c), id, out) : ERR_NOT_FOUND;
	return !rc && (out->no_select || out->bin) ? ERR_NOT_FOUND : rc;
}

/* A use that another mailbox has got meanwhile is that one's. */
static int free_uses(struct change *c, uint32_t *use)
{
	struct mailbox_record m = { .id = 0 };
	int rc;
	while (*use && (rc = tree_next(change_source(c), m.id, &m)) == 1)
		*use &= ~m.use;
	return *use ? rc : 0;
}

static int make_again(struct change *c, const struct tomb *t, struct mailbox_record *out)
{
	uint32_t use = t->use;
	int rc = name_lookup(change_source(c), tomb_name(t), out);
	if (!rc && !out->no_select)
		return out->bin ? mailbox_record_load(change_source(c), MAILBOX_INBOX, out) : 0;
	if (!rc)
		rc = tree_remove(c, out);
	else if (rc == ERR_NOT_FOUND)
		rc = tree_add_superiors(c, tomb_name(t), c->now);
	if (!rc)
		rc = free_uses(c, &use);
	if (!rc)
		rc = tree_add(c, tomb_name(t), use, c->now, out);
	/* Who could read it before can again, and nobody else, also where what is above is shared. */
	if (!rc)
		rc = acl_remove(c, out->id);
	if (!rc)
		rc = tomb_give_back(c, t, out->id);
	if (rc || !t->subscribed)
		return rc;
	rc = subscription_change(c, tomb_name(t), true);
	return rc == ERR_TOO_BIG ? 0 : rc;
}

static int find_target(struct change *c, uint32_t origin, struct mailbox_record *out)
{
	struct tomb t;
	int rc = find_selectable(c, origin, out);
	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = origin ? tomb_load(change_source(c), origin, &t) : ERR_NOT_FOUND;
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
		return mailbox_record_load(change_source(c), MAILBOX_INBOX, out);
	if (!rc)
		rc = find_selectable(c, t.restored, out);
	if (rc == ERR_NOT_FOUND) {
		rc = make_again(c, &t, out);
		t.restored = out->id;
		if (!rc)
			rc = tomb_save(c, &t);
	}
	return rc;
}

static int run(struct change *c, void *arg)
{
	struct restore *op = arg;
	struct mailbox_record bin;
	int rc = find_target(c, op->origin, &op->target);
	op->copied.n = 0;
	if (!rc && op->uids->n) {
		rc = bin_load(c, &bin);
		if (!rc)
			rc = copy_messages(c, &bin, &op->target, op->uids, true, &op->copied);
	}
	return rc;
}

int bin_restore(struct account *a, struct arena *arena, uint32_t origin, const struct rangeset *uids, struct mailbox *out, uint64_t *count_out)
{
	struct restore op = { .origin = origin, .uids = uids };
	int rc = commit_run(a->model, a->id, run, &op, NULL);
	if (count_out)
		*count_out = rc ? 0 : op.copied.n;
	copy_fini(&op.copied);
	return rc || !out ? rc : mailbox_record_show(&op.target, arena, out);
}
