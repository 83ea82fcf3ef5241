#include "base/clock.h"
#include "model/annotation_record.h"
#include "model/bin_inside.h"
#include "model/copy.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/tree.h"

struct rename {
	struct str from, to;
	int64_t now;
	struct copied copied;
};

/* RFC 3501 6.3.5: the messages of INBOX move into a new mailbox; INBOX stays, and what is below it. */
static int rename_inbox(struct change *c, struct rename *op, struct mailbox_record *inbox)
{
	struct mailbox_record target;
	int rc = tree_add(c, op->to, MAILBOX_USE_NONE, op->now, &target);
	/* RFC 5464 4.1: the annotations are on both afterwards. */
	if (!rc)
		rc = annotation_copy_mailbox(c, inbox->id, target.id);
	return rc ? rc : copy_messages(c, inbox, &target, NULL, true, &op->copied);
}

static int rename_one(struct change *c, struct mailbox_record *mailbox, struct str name)
{
	int rc = name_index_remove(c->w, mailbox_record_name(mailbox), mailbox->id);
	if (rc)
		return rc;
	mailbox_record_set_name(mailbox, name);
	rc = name_index_add(c->w, name, mailbox->id);
	if (!rc)
		rc = mailbox_record_save(c->w, mailbox);
	changelog_add_plain(&c->log, LOG_MAILBOX_RENAMED, mailbox->id);
	return rc;
}

/* Puts `to` in the place of `from` at the beginning of a name. */
static int moved_name(const struct rename *op, struct str name, char text[MAILBOX_NAME_MAX], struct str *out)
{
	struct str rest = str_from(name, op->from.n);
	if (op->to.n + rest.n > MAILBOX_NAME_MAX)
		return ERR_TOO_BIG;
	char joined[MAILBOX_NAME_MAX];
	memcpy(joined, op->to.p, op->to.n);
	if (rest.n)
		memcpy(joined + op->to.n, rest.p, rest.n);
	return name_canonical(str_make(joined, op->to.n + rest.n), text, out, NULL);
}

static int rename_tree(struct change *c, struct rename *op)
{
	struct mailbox_record mailbox = { .id = 0 };
	int rc;
	while ((rc = tree_next_but(change_source(c), c->state.bin, mailbox.id, &mailbox)) == 1) {
		struct str old = mailbox_record_name(&mailbox), name;
		if (!str_eq(old, op->from) && !name_is_below(old, op->from))
			continue;
		char text[MAILBOX_NAME_MAX];
		rc = moved_name(op, old, text, &name);
		if (!rc)
			rc = rename_one(c, &mailbox, name);
		if (rc)
			return rc;
	}
	c->state.tree_modseq = c->modseq;
	return rc;
}

static int run(struct change *c, void *arg)
{
	struct rename *op = arg;
	struct mailbox_record from, other;
	int rc = name_lookup(change_source(c), op->from, &from);
	if (rc)
		return rc;
	rc = name_lookup(change_source(c), op->to, &other);
	if (rc != ERR_NOT_FOUND)
		return rc ? rc : ERR_EXISTS;
	/* Its own superior would have to be made, under the name that is being given up. */
	if (name_is_below(op->to, op->from) && !name_is_inbox(op->from))
		return ERR_INVALID;
	bool below_bin;
	rc = bin_covers(c, op->to, &below_bin);
	if (!rc && (below_bin || from.bin))
		rc = ERR_DENIED;
	if (!rc)
		rc = tree_add_superiors(c, op->to, op->now);
	if (rc)
		return rc;
	return name_is_inbox(op->from) ? rename_inbox(c, op, &from) : rename_tree(c, op);
}

static int explain(int rc, struct err *e)
{
	switch (rc) {
	case 0:
		return 0;
	case ERR_NOT_FOUND:
		return err_set(e, rc, "There is no such mailbox", "mailbox_rename: not found");
	case ERR_EXISTS:
		return err_set(e, rc, "The new name exists already", "mailbox_rename: exists");
	case ERR_DENIED:
		return err_set(e, rc, "The mailbox of deleted messages keeps its place, and has none below it", "mailbox_rename: the bin");
	case ERR_INVALID:
		return err_set(e, rc, "A mailbox cannot be moved below itself", "mailbox_rename: below itself");
	case ERR_TOO_BIG:
		return err_set(e, rc, "The new name of a mailbox would be too long or too deep", "mailbox_rename: too big");
	case ERR_QUOTA:
		return err_set(e, rc, "The account may not have more mailboxes", "mailbox_rename: over quota");
	default:
		return err_set(e, rc, NULL, "mailbox_rename: %s", err_text(rc));
	}
}

int mailbox_rename(struct account *a, struct str from, struct str to, struct err *e)
{
	char from_text[MAILBOX_NAME_MAX], to_text[MAILBOX_NAME_MAX];
	struct rename op = { .now = clock_now() };
	if (name_canonical(from, from_text, &op.from, NULL))
		return explain(ERR_NOT_FOUND, e);
	int rc = name_canonical(to, to_text, &op.to, e);
	if (rc)
		return rc;
	rc = explain(commit_run(a->model, a->id, run, &op, NULL), e);
	copy_fini(&op.copied);
	return rc;
}
