/* Comparing: what the indexes show against memberships and emails; counts against records; names, log and
 * subscriptions. */
#include "model/audit.h"

#include "model/annotation_record.h"
#include "model/changelog.h"
#include "model/keys.h"
#include "model/name.h"
#include "model/subscription.h"

#define ULL(v) ((unsigned long long)(v))

/* ---- memberships: member pages against indexes and graves ---- */

struct members {
	struct audit *c;
	size_t shown, buried;                         /* how far both lists were met */
	struct member last;
	bool any;
};

static const struct member *expected(const struct members *m)
{
	const struct audit *c = m->c;
	const struct member *a = m->shown < c->shown.n ? &c->shown.v[m->shown].member : NULL;
	const struct member *b = m->buried < c->buried.n ? &c->buried.v[m->buried] : NULL;
	return !a || (b && member_compare(b, a) < 0) ? b : a;
}

static void advance(struct members *m, const struct member *past)
{
	while (m->shown < m->c->shown.n && member_compare(&m->c->shown.v[m->shown].member, past) <= 0)
		m->shown++;
	while (m->buried < m->c->buried.n && member_compare(&m->c->buried.v[m->buried], past) <= 0)
		m->buried++;
}

/* All that is expected below `at` (NULL: at all) was not there. */
static int missing_below(struct members *m, const struct member *at)
{
	const struct member *e;
	while ((e = expected(m)) && (!at || member_compare(e, at) < 0)) {
		struct member lost = *e;
		audit_fault(m->c, AUDIT_MEMBERS, "email %llu: its place in mailbox %u, UID %u, is not noted", ULL(lost.email),
					lost.mailbox, lost.uid);
		int rc = member_list_add(&m->c->missing, lost);
		if (rc)
			return rc;
		advance(m, &lost);
	}
	return 0;
}

/* What a damaged index page showed is not known. */
static bool may_be_shown(const struct audit *c, const struct member *at)
{
	for (size_t i = 0; i < c->bad_pages.n; i++)
		if (c->bad_pages.v[i].mailbox == at->mailbox && c->bad_pages.v[i].start <= at->uid)
			return true;
	return false;
}

static int compare_member(struct members *m, const struct member *at, const struct member *start)
{
	if (member_compare(at, start) < 0 || (m->any && member_compare(at, &m->last) <= 0))
		audit_fault(m->c, 0, "email %llu: its places are out of order", ULL(at->email));
	m->last = *at;
	m->any = true;
	int rc = missing_below(m, at);
	if (rc)
		return rc;
	const struct member *e = expected(m);
	if (e && member_compare(e, at) == 0) {
		advance(m, at);
		return 0;
	}
	if (may_be_shown(m->c, at))
		return 0;
	audit_fault(m->c, AUDIT_MEMBERS, "email %llu: mailbox %u, UID %u, is noted as its place, but is not",
				ULL(at->email), at->mailbox, at->uid);
	return member_list_add(&m->c->extra, *at);
}

static int compare_members(struct audit *c, struct store_read *r)
{
	struct members m = { .c = c };
	struct key from = key_first(KEY_MEMBER), to = key_after(KEY_MEMBER);
	struct store_iter *it;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		struct member start;
		struct member_page page;
		if (!key_read_member(key, &start.email, &start.mailbox, &start.uid))
			continue;
		rc = member_page_decode(value, &page);
		if (rc == ERR_CORRUPT) {
			audit_fault(c, AUDIT_MEMBERS, "the places of the emails from %llu on are damaged", ULL(start.email));
			rc = member_list_add(&c->bad_member_pages, start);
		}
		for (uint32_t i = 0; !rc && i < page.count; i++)
			rc = compare_member(&m, &page.m[i], &start);
		if (rc)
			break;
	}
	store_iter_end(&it);
	return rc ? rc : missing_below(&m, NULL);
}

/* ---- emails: what the indexes show against the records ---- */

static void lost(struct audit *c, const struct member *m)
{
	audit_fault(c, 0, "mailbox %u: UID %u shows email %llu, which is lost", m->mailbox, m->uid, ULL(m->email));
	c->lost = true;
}

static int compare_emails(struct audit *c)
{
	size_t at = 0, buried = 0;
	for (size_t i = 0; i < c->emails.n; i++) {
		const struct audit_email *e = &c->emails.v[i];
		for (; at < c->shown.n && c->shown.v[at].member.email < e->id; at++)
			lost(c, &c->shown.v[at].member);
		while (buried < c->buried.n && c->buried.v[buried].email < e->id)
			buried++;
		bool held = buried < c->buried.n && c->buried.v[buried].email == e->id;
		for (; at < c->shown.n && c->shown.v[at].member.email == e->id; at++) {
			held = true;
			if (!e->bad && c->shown.v[at].size != e->size)
				audit_fault(c, 0, "mailbox %u: UID %u has a wrong size", c->shown.v[at].member.mailbox,
							c->shown.v[at].member.uid);
		}
		/* A damaged page may be what shows it. */
		if (held || c->bad_pages.n)
			continue;
		audit_fault(c, AUDIT_ORPHANS, "email %llu: nobody holds it", ULL(e->id));
		int rc = audit_add(&c->orphans, e->id);
		if (rc)
			return rc;
	}
	for (; at < c->shown.n; at++)
		lost(c, &c->shown.v[at].member);
	return 0;
}

/* ---- counts ---- */

static void compare_count(struct audit *c, uint32_t mailbox, const char *what, uint64_t counted, uint64_t stored)
{
	if (counted != stored)
		audit_fault(c, AUDIT_COUNTS, "mailbox %u: %llu %s, but its record says %llu", mailbox, ULL(counted), what,
					ULL(stored));
}

static void compare_counts(struct audit *c)
{
	uint64_t messages = 0, bytes = 0;
	for (size_t i = 0; i < c->mailboxes.n; i++) {
		const struct audit_mailbox *m = &c->mailboxes.v[i];
		messages += m->bin ? 0 : m->counted.messages;
		bytes += m->bin ? 0 : m->counted.bytes;
		if (!m->known)
			continue;
		compare_count(c, m->id, "messages", m->counted.messages, m->stored.messages);
		compare_count(c, m->id, "unseen", m->counted.unseen, m->stored.unseen);
		compare_count(c, m->id, "deleted", m->counted.deleted, m->stored.deleted);
		compare_count(c, m->id, "recent", m->counted.recent, m->stored.recent);
		compare_count(c, m->id, "bytes", m->counted.bytes, m->stored.bytes);
	}
	if (c->todo & AUDIT_STATE)
		return;
	if (messages != c->state.messages || bytes != c->state.bytes)
		audit_fault(c, AUDIT_COUNTS, "%llu messages of %llu bytes, but its state says %llu of %llu", ULL(messages),
					ULL(bytes), ULL(c->state.messages), ULL(c->state.bytes));
	if (c->mailboxes.n != c->state.mailboxes)
		audit_fault(c, AUDIT_COUNTS, "%zu mailboxes, but its state says %u", c->mailboxes.n, c->state.mailboxes);
	for (size_t i = 0; i < c->mailboxes.n; i++) {
		const struct audit_mailbox *m = &c->mailboxes.v[i];
		if (m->id >= c->state.mailbox_next || m->modseq > c->state.modseq ||
			m->stored.uidvalidity > c->state.uidvalidity)
			audit_fault(c, AUDIT_COUNTS, "mailbox %u is of the future", m->id);
	}
	if (c->emails.n && c->emails.v[c->emails.n - 1].id >= c->state.email_next)
		audit_fault(c, AUDIT_COUNTS, "an email of the future");
}

/* ---- names ---- */

static int compare_by_name(const void *a, const void *b)
{
	return str_cmp((*(struct audit_mailbox *const *)a)->name, (*(struct audit_mailbox *const *)b)->name);
}

static bool has_name(struct audit_mailbox **sorted, size_t n, struct str name)
{
	struct audit_mailbox wanted = { .name = name }, *key = &wanted;
	return bsearch(&key, sorted, n, sizeof(struct audit_mailbox *), compare_by_name) != NULL;
}

static int compare_names(struct audit *c, struct store_read *r)
{
	struct audit_mailbox **sorted = arena_array(&c->arena, c->mailboxes.n + 1, sizeof(struct audit_mailbox *));
	size_t n = 0;
	if (!sorted)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < c->mailboxes.n; i++)
		if (c->mailboxes.v[i].known)
			sorted[n++] = &c->mailboxes.v[i];
	qsort(sorted, n, sizeof(struct audit_mailbox *), compare_by_name);
	for (size_t i = 0; i < n; i++) {
		const struct audit_mailbox *m = sorted[i];
		struct mailbox_record found;
		char text[MAILBOX_NAME_MAX];
		struct str canonical, parent = name_parent(m->name);
		if (i && str_eq(m->name, sorted[i - 1]->name))
			audit_fault(c, AUDIT_TREE, "mailbox %u: another one has its name", m->id);
		if (name_canonical(m->name, text, &canonical, NULL) || !str_eq(canonical, m->name))
			audit_fault(c, AUDIT_TREE, "mailbox %u: its name is not allowed", m->id);
		if (parent.n && !has_name(sorted, n, parent))
			audit_fault(c, AUDIT_TREE, "mailbox %u: the mailbox above it is missing", m->id);
		int rc = name_lookup(source_read(r), m->name, &found);
		if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
			audit_fault(c, AUDIT_TREE, "mailbox %u: it is not found by its name", m->id);
		else if (rc)
			return rc;
	}
	const struct audit_mailbox *inbox = audit_mailbox_find(c, MAILBOX_INBOX);
	if (!inbox || (inbox->known && !name_is_inbox(inbox->name)))
		audit_fault(c, AUDIT_TREE | AUDIT_COUNTS, "INBOX is missing");
	return 0;
}

/* ---- log, subscriptions, graves ---- */

static int read_record(struct str value)
{
	struct changelog_reader reader;
	struct changelog_section section;
	int rc = changelog_open(value, &reader);
	while (!rc && (rc = changelog_next(&reader, &section)) == 1) {
		struct range range;
		while ((rc = changelog_range(&section, &range)) == 1)
			;
	}
	return rc;
}

static int compare_log(struct audit *c, struct store_read *r)
{
	struct key from = key_first(KEY_LOG), to = key_after(KEY_LOG);
	struct store_iter *it;
	if (c->todo & AUDIT_STATE)
		return 0;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	uint64_t due = c->state.log_from + 1, modseq;
	while ((rc = store_next(it, &key, &value)) == 1) {
		rc = key_read_u64(key, KEY_LOG, &modseq) && modseq == due ? read_record(value) : ERR_CORRUPT;
		if (rc)
			break;
		due++;
	}
	store_iter_end(&it);
	if (rc == ERR_CORRUPT || (!rc && due != c->state.modseq + 1)) {
		audit_fault(c, AUDIT_LOG, "the change log is damaged at modseq %llu", ULL(due));
		rc = 0;
	}
	return rc;
}

static int compare_subscriptions(struct audit *c, struct store_read *r)
{
	uint32_t n;
	int rc = subscription_count(source_read(r), &n, NULL);
	if (rc == ERR_CORRUPT)
		audit_fault(c, AUDIT_SUBSCRIPTIONS, "subscriptions are damaged");
	else if (rc)
		return rc;
	else if (!(c->todo & AUDIT_STATE) && n != c->state.subscriptions)
		audit_fault(c, AUDIT_COUNTS, "%u subscriptions, but its state says %u", n, c->state.subscriptions);
	return 0;
}

static int compare_annotations(struct audit *c, struct store_read *r)
{
	uint64_t bytes;
	int rc = annotation_count_bytes(source_read(r), &bytes, NULL);
	if (rc == ERR_CORRUPT)
		audit_fault(c, AUDIT_ANNOTATIONS, "annotations are damaged");
	else if (rc)
		return rc;
	else if (!(c->todo & AUDIT_STATE) && bytes != c->state.annotation_bytes)
		audit_fault(c, AUDIT_COUNTS, "%llu bytes of annotations, but its state says %llu", ULL(bytes), ULL(c->state.annotation_bytes));
	return 0;
}

int audit_compare(struct audit *c, struct store_read *r)
{
	int rc = compare_members(c, r);
	if (!rc)
		rc = compare_emails(c);
	if (rc)
		return rc;
	compare_counts(c);
	rc = audit_compare_bin(c);
	if (!rc)
		rc = compare_names(c, r);
	if (!rc)
		rc = compare_log(c, r);
	if (!rc)
		rc = compare_subscriptions(c, r);
	if (!rc)
		rc = compare_annotations(c, r);
	/* No fault: what an interrupted program left to do. */
	if (c->buried.n)
		c->todo |= AUDIT_GRAVES;
	return rc;
}
