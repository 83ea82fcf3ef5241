#include "model/index.h"
#include "model/keyword.h"
#include "model/model_private.h"

struct flags_run {
	uint32_t mailbox;
	const struct rangeset *uids;
	const struct flags_change *change;
	struct rangeset changed, modified;            /* out */
	uint64_t bits;                                /* what change means in this mailbox */
};

static uint64_t apply_all(const struct flags_run *op, uint64_t flags)
{
	switch (op->change->op) {
	case FLAGS_ADD:
		return flags | op->bits;
	case FLAGS_REMOVE:
		return flags & ~op->bits;
	case FLAGS_REPLACE:
		return op->bits;
	}
	return flags;
}

static uint64_t apply(const struct flags_run *op, uint64_t flags)
{
	uint64_t kept = op->change->kept;
	return (apply_all(op, flags) & ~kept) | (flags & kept);
}

/* 1 when the page must be written, 0 when nothing changed in it. */
static int change_page(struct change *c, struct flags_run *op, struct mailbox_record *mailbox, struct uid_cursor *uids,
					   struct page_edit *page)
{
	int any = 0;
	for (uint32_t i = 0; i < page->count; i++) {
		struct message *m = &page->m[i];
		if (!uid_cursor_has(uids, m->uid))
			continue;
		/* RFC 7162 3.1.3: looked at before, and whether or not the flags would change */
		if (op->change->conditional && m->modseq > op->change->unchanged_since) {
			if (rangeset_add(&op->modified, m->uid, m->uid))
				return ERR_NO_MEMORY;
			continue;
		}
		uint64_t flags = apply(op, m->flags);
		if (flags == m->flags)
			continue;
		mailbox_record_count(mailbox, m, -1);
		m->flags = flags;
		m->modseq = c->modseq;
		mailbox_record_count(mailbox, m, 1);
		if (rangeset_add(&op->changed, m->uid, m->uid))
			return ERR_NO_MEMORY;
		any = 1;
	}
	return any;
}

static int change_pages(struct change *c, struct flags_run *op, struct mailbox_record *mailbox)
{
	struct index_walk walk = index_walk_begin(change_source(c), mailbox->id, op->uids);
	struct uid_cursor uids = { .uids = op->uids };
	struct page_edit page;
	int rc;
	while ((rc = index_walk_next(&walk, &page)) == 1) {
		rc = change_page(c, op, mailbox, &uids, &page);
		if (rc == 1)
			rc = index_put(c->w, mailbox->id, &page);
		if (rc)
			return rc;
	}
	return rc;
}

static int run(struct change *c, void *arg)
{
	struct flags_run *op = arg;
	rangeset_clear(&op->changed);
	rangeset_clear(&op->modified);
	struct mailbox_record mailbox;
	int rc = mailbox_record_load(change_source(c), op->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	size_t missing;
	bool make = op->change->op != FLAGS_REMOVE;
	rc = keyword_bits(c, &mailbox, op->change->keywords, op->change->n_keywords, make, 0, &op->bits, &missing);
	if (rc || (make && missing))
		return rc ? rc : ERR_TOO_BIG;
	op->bits |= op->change->flags & MESSAGE_SYSTEM_FLAGS;
	rc = change_pages(c, op, &mailbox);
	if (rc || op->changed.n == 0)
		return rc;
	mailbox.modseq = c->modseq;
	changelog_add(&c->log, LOG_FLAGS, mailbox.id, &op->changed);
	return mailbox_record_save(c->w, &mailbox);
}

int mailbox_flags(struct account *a, uint32_t mailbox, const struct rangeset *uids, const struct flags_change *change,
				  struct rangeset *changed_out, struct rangeset *modified_out, uint64_t *modseq_out)
{
	struct flags_run op = { .mailbox = mailbox, .uids = uids, .change = change };
	uint64_t modseq;
	int rc = commit_run(a->model, a->id, run, &op, &modseq);
	if (!rc)
		rc = uids_merge(changed_out, &op.changed);
	if (!rc)
		rc = uids_merge(modified_out, &op.modified);
	if (modseq_out)
		*modseq_out = modseq;
	rangeset_fini(&op.changed);
	rangeset_fini(&op.modified);
	return rc;
}
