/* The bin: that there is one at most, that the state knows it, that origins are noted of its messages alone, and which mailboxes were deleted. */
#include "model/audit.h"

#include "model/index.h"
#include "model/origin.h"
#include "model/tomb.h"
#include "model/tree.h"

int audit_read_origins(struct audit *c, struct str key, struct str value)
{
	uint32_t start;
	struct origin_page page;
	if (!key_read_u32(key, KEY_ORIGIN, &start))
		return 0;
	int rc = origin_page_decode(value, start, &page);
	if (rc == ERR_CORRUPT) {
		audit_fault(c, AUDIT_BIN, "where deleted messages came from is damaged, from UID %u of the bin on", start);
		return 0;
	}
	if (!rc && c->origins.n && c->origins.v[c->origins.n - 1] >= page.v[0].at)
		audit_fault(c, 0, "the origins of deleted messages are out of order");
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = audit_add(&c->origins, page.v[i].at);
	return rc;
}

int audit_read_tomb(struct audit *c, struct str key, struct str value)
{
	uint32_t mailbox;
	struct tomb t;
	if (!key_read_u32(key, KEY_TOMB, &mailbox))
		return 0;
	int rc = tomb_decode(value, mailbox, &t);
	if (rc == ERR_CORRUPT) {
		audit_fault(c, AUDIT_BIN, "what is known of the deleted mailbox %u is damaged", mailbox);
		rc = 0;
	}
	return rc ? rc : audit_add(&c->tombs, mailbox);
}

/* Both ascend. */
static void compare_kept(struct audit *c)
{
	for (size_t i = 0, at = 0; i < c->kept_acls.n; i++) {
		while (at < c->tombs.n && key_kept(c->tombs.v[at]) < c->kept_acls.v[i])
			at++;
		if (at == c->tombs.n || key_kept(c->tombs.v[at]) != c->kept_acls.v[i])
			audit_fault(c, AUDIT_ACLS, "access rights are kept of mailbox %u, which was not deleted", c->kept_acls.v[i] & ~KEY_KEPT);
	}
}

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* Entries that no message has any more. Those of messages that a damaged page showed are not known. */
static int compare_origins(struct audit *c, uint32_t bin)
{
	uint32_t *uids = calloc(c->shown.n + 1, sizeof(*uids));
	size_t n = 0, extra = 0;
	bool damaged = false;
	if (!uids)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < c->shown.n; i++)
		if (bin && c->shown.v[i].member.mailbox == bin)
			uids[n++] = c->shown.v[i].member.uid;
	qsort(uids, n, sizeof(*uids), compare_uids);
	for (size_t i = 0; i < c->bad_pages.n; i++)
		damaged |= c->bad_pages.v[i].mailbox == bin;
	for (size_t i = 0; i < c->origins.n; i++)
		extra += !bsearch(&c->origins.v[i], uids, n, sizeof(*uids), compare_uids);
	free(uids);
	if (extra && !damaged)
		audit_fault(c, AUDIT_BIN, "%zu origins are noted of deleted messages that are not there", extra);
	return 0;
}

int audit_compare_bin(struct audit *c)
{
	uint32_t bin = 0;
	for (size_t i = 0; i < c->mailboxes.n; i++) {
		const struct audit_mailbox *m = &c->mailboxes.v[i];
		if (m->bin && bin)
			audit_fault(c, AUDIT_BIN, "mailbox %u is a second one for deleted messages", m->id);
		else if (m->bin)
			bin = m->id;
	}
	const struct audit_mailbox *stated = audit_mailbox_find(c, c->state.bin);
	/* Of a damaged record the tree is mended first. */
	if (stated && !stated->known)
		return 0;
	if (!(c->todo & AUDIT_STATE) && c->state.bin != bin)
		audit_fault(c, AUDIT_BIN | AUDIT_COUNTS, "mailbox %u is the one for deleted messages, but its state says %u", bin, c->state.bin);
	if (!(c->todo & AUDIT_STATE) && c->tombs.n != c->state.tombs)
		audit_fault(c, AUDIT_BIN, "%zu deleted mailboxes, but its state says %u", c->tombs.n, c->state.tombs);
	compare_kept(c);
	return compare_origins(c, bin);
}

/* ---- mending ---- */

static int find_bin(struct change *c)
{
	struct mailbox_record m = { .id = 0 };
	uint32_t bin = 0;
	int rc;
	while ((rc = tree_next(change_source(c), m.id, &m)) == 1) {
		if (m.bin && bin) {
			m.bin = false;
			m.modseq = c->modseq;
			changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, m.id);
			rc = mailbox_record_save(c->w, &m);
			if (rc)
				return rc;
		} else if (m.bin) {
			bin = m.id;
		}
	}
	c->state.bin = bin;
	return rc;
}

static int find_extra(struct change *c, const struct origin_page *page, struct rangeset *extra)
{
	for (uint32_t i = 0; i < page->count; i++) {
		struct message m;
		int rc = c->state.bin ? index_find(change_source(c), c->state.bin, page->v[i].at, &m) : 0;
		if (rc == 0)
			rc = rangeset_add(extra, page->v[i].at, page->v[i].at);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int mend_origins(struct change *c)
{
	struct rangeset extra = RANGESET_INIT;
	struct origin_page page;
	uint32_t start = 0;
	uint64_t from = 0;
	int rc = 0;
	while (from <= UINT32_MAX && (rc = origin_next(change_source(c), (uint32_t)from, &start, &page)) != 0) {
		struct key at = key_origin(start);
		if (rc == ERR_CORRUPT && start)
			rc = audit_set_aside(c, &at);
		else if (rc == 1)
			rc = find_extra(c, &page, &extra);
		if (rc)
			break;
		from = (uint64_t)start + 1;
	}
	if (!rc)
		rc = origin_remove(c, &extra);
	rangeset_fini(&extra);
	return rc;
}

static int mend_tombs(struct change *c)
{
	struct tomb t = { .mailbox = 0 };
	uint32_t n = 0;
	int rc;
	while ((rc = tomb_next(change_source(c), t.mailbox, &t)) == 1 || (rc == ERR_CORRUPT && t.mailbox)) {
		struct key at = key_tomb(t.mailbox);
		n += rc == 1;
		if (rc == ERR_CORRUPT && ((rc = audit_set_aside(c, &at)) != 0 || (rc = tomb_drop_kept(c, t.mailbox)) != 0))
			return rc;
	}
	c->state.tombs = n;
	return rc;
}

int audit_mend_bin(struct change *c, void *arg)
{
	(void)arg;
	c->dirty = true;
	int rc = find_bin(c);
	if (!rc)
		rc = mend_origins(c);
	return rc ? rc : mend_tombs(c);
}
