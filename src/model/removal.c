#include "model/removal.h"

#include "model/index.h"
#include "model/origin.h"

struct removal {
	struct change *c;
	struct mailbox_record *mailbox;
	struct uid_cursor uids;
	uint64_t with;
	struct gone_list *gone;
	removal_fn *fn;
	void *arg;
	struct rangeset from_bin;
};

static int remove_one(struct removal *r, const struct message *m)
{
	int rc = gone_list_add(r->gone, (struct gone){ { m->email, r->mailbox->id, m->uid }, m->flags, m->date, false });
	if (!rc)
		rc = r->fn(r->arg, m);
	if (rc)
		return rc;
	mailbox_record_count(r->mailbox, m, -1);
	if (r->mailbox->bin)
		return rangeset_add(&r->from_bin, m->uid, m->uid);
	r->c->state.bytes -= m->size;
	r->c->state.messages--;
	return 0;
}

/* 1 when something went, and the page was written. */
static int thin_page(struct removal *r, struct page_edit *page)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < page->count; i++) {
		struct message *m = &page->m[i];
		if (!uid_cursor_has(&r->uids, m->uid) || (m->flags & r->with) != r->with) {
			page->m[kept++] = *m;
			continue;
		}
		int rc = remove_one(r, m);
		if (rc)
			return rc;
	}
	if (kept == page->count)
		return 0;
	page->count = kept;
	int rc = kept ? index_put(r->c->w, r->mailbox->id, page) : index_del(r->c->w, r->mailbox->id, page->start);
	return rc ? rc : 1;
}

/* Afterwards, as the walk must not meet pages that were merged before it came to them. */
static int tidy(struct removal *r, const struct rangeset *starts)
{
	for (size_t i = 0; i < starts->n; i++)
		for (uint64_t uid = starts->v[i].lo; uid <= starts->v[i].hi; uid++) {
			int rc = index_tidy(r->c->w, r->mailbox->id, (uint32_t)uid);
			if (rc)
				return rc;
		}
	return 0;
}

int removal_run(struct change *c, struct mailbox_record *mailbox, const struct rangeset *uids, uint64_t with,
				struct gone_list *gone, removal_fn *fn, void *arg)
{
	struct removal r = { c, mailbox, { .uids = uids }, with, gone, fn, arg, RANGESET_INIT };
	struct index_walk walk = index_walk_begin(change_source(c), mailbox->id, uids);
	struct rangeset starts = RANGESET_INIT;
	struct page_edit page;
	int rc;
	while ((rc = index_walk_next(&walk, &page)) == 1) {
		rc = thin_page(&r, &page);
		if (rc == 1)
			rc = rangeset_add(&starts, page.start, page.start);
		if (rc)
			break;
	}
	if (!rc)
		rc = tidy(&r, &starts);
	if (!rc)
		rc = origin_remove(c, &r.from_bin);
	rangeset_fini(&r.from_bin);
	rangeset_fini(&starts);
	return rc;
}
