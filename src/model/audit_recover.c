#include "model/audit_recover.h"

#include "codec/mime/summary.h"
#include "model/email_record.h"
#include "model/index.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/registry.h"
#include "model/tree.h"

#define PAGE_REMADE 32u                           /* messages: as many fit in any case */
#define MARGIN 0x100000u                          /* as of audit_recount.c */
static const struct str recovered = STR_INIT("Recovered");

static int commit(struct audit *c, change_fn *fn, void *arg)
{
	struct commit commit = { .account = c->account, .fn = fn, .arg = arg, .mends = true };
	return commit_run_all(c->model, &commit, 1);
}

/* ---- where they were ---- */

static int by_place(const void *a, const void *b)
{
	const struct member *l = a, *r = b;
	if (l->mailbox != r->mailbox)
		return l->mailbox < r->mailbox ? -1 : 1;
	return (l->uid > r->uid) - (l->uid < r->uid);
}

/* 1 when the email is readable. */
static int make_message(struct change *c, const struct member *m, struct message *out)
{
	struct email email;
	struct mime_summary summary;
	int rc = email_record_load(change_source(c), m->email, &email);
	if (rc)
		return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
	*out = (struct message){ .uid = m->uid, .size = email.size, .email = m->email, .modseq = c->modseq, .date = c->now };
	/* In the bin it says how long a message is kept. */
	out->saved = c->state.bin && m->mailbox == c->state.bin ? c->now : 0;
	if (mime_summary_open(&summary, email.summary) == 0 && summary.has_date)
		out->date = summary.sent;
	return 1;
}

/* Where the stretch of UIDs without a page around uid ends; 0: uid is within a page. */
static int find_gap(struct change *c, uint32_t mailbox, uint32_t uid, uint64_t *end_out)
{
	struct page_edit page;
	*end_out = 0;
	int rc = index_page_at(change_source(c), mailbox, uid, &page);
	if (rc < 0 || (rc == 1 && page.count && page.m[page.count - 1].uid >= uid))
		return rc < 0 ? rc : 0;
	rc = index_page_after(change_source(c), mailbox, uid, &page);
	*end_out = rc == 1 ? page.start : (uint64_t)UINT32_MAX + 1;
	return rc < 0 ? rc : 0;
}

struct places {
	const struct member *v;                       /* by mailbox and UID */
	size_t n;
};

/* 1 when the membership is there still; what cannot be read is no reason to give it up. */
static int is_noted(struct change *c, const struct member *m)
{
	struct member found;
	int rc = member_find(change_source(c), m->email, m->mailbox, m->uid, &found);
	return rc == 1 ? member_compare(&found, m) == 0 : rc == ERR_CORRUPT ? 1 : rc;
}

/* As many as belong into one page, from v on: *used_out of them. */
static int put_page(struct change *c, const struct places *p, uint64_t end, size_t *used_out)
{
	struct page_edit page = { .start = p->v->uid };
	size_t i = 0;
	for (; i < p->n && p->v[i].mailbox == p->v->mailbox && p->v[i].uid < end && page.count < PAGE_REMADE; i++) {
		int rc = i && p->v[i].uid == p->v[i - 1].uid ? 0 : is_noted(c, &p->v[i]);
		if (rc == 1)
			rc = make_message(c, &p->v[i], &page.m[page.count]);
		if (rc < 0)
			return rc;
		page.count += (uint32_t)rc;
	}
	*used_out = i;
	if (page.count == 0)
		return 0;
	page.start = page.m[0].uid;
	changelog_add_range(&c->log, LOG_APPEND, p->v->mailbox, page.start, page.m[page.count - 1].uid);
	return index_put(c->w, p->v->mailbox, &page);
}

static int put_back(struct change *c, void *arg)
{
	struct places p = *(const struct places *)arg;
	while (p.n) {
		struct mailbox_record mailbox;
		uint64_t end = 0;
		size_t used = 1;
		int rc = mailbox_record_load(change_source(c), p.v->mailbox, &mailbox);
		if (rc == 0 && !mailbox.no_select)
			rc = find_gap(c, p.v->mailbox, p.v->uid, &end);
		if (rc && rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
			return rc;
		rc = end ? put_page(c, &p, end, &used) : 0;
		if (rc)
			return rc;
		p.v += used;
		p.n -= used;
	}
	return 0;
}

/* ---- where they go otherwise ---- */

int audit_recovered_mailbox(struct change *c, struct mailbox_record *out)
{
	int rc = name_lookup(change_source(c), recovered, out);
	if (rc == ERR_NOT_FOUND)
		rc = tree_add(c, recovered, 0, c->now, out);
	return rc == 0 && out->no_select ? mailbox_record_load(change_source(c), MAILBOX_INBOX, out) : rc;
}

/* 1 when an index shows it. */
static int is_held(struct change *c, uint64_t email)
{
	struct member m = { 0 };
	int rc;
	for (uint32_t mailbox = 0, uid = 0; (rc = member_find(change_source(c), email, mailbox, uid, &m)) == 1; mailbox = m.mailbox, uid = m.uid + 1) {
		struct message message;
		rc = index_find(change_source(c), m.mailbox, m.uid, &message);
		if (rc < 0 || (rc == 1 && message.email == email))
			return rc;
		if (m.uid == UINT32_MAX)
			return 0;
	}
	return rc;
}

static int shelter(struct change *c, void *arg)
{
	const struct audit *a = arg;
	struct mailbox_record mailbox;
	bool open = false;
	for (size_t i = 0; i < a->orphans.n; i++) {
		int rc = is_held(c, a->orphans.v[i]);
		if (rc < 0)
			return rc;
		if (rc == 1)
			continue;
		rc = open ? 0 : audit_recovered_mailbox(c, &mailbox);
		if (rc)
			return rc;
		open = true;
		struct member m = { a->orphans.v[i], mailbox.id, mailbox.uidnext };
		struct message message;
		rc = mailbox.uidnext == UINT32_MAX ? ERR_TOO_BIG : make_message(c, &m, &message);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		mailbox.uidnext++;
		mailbox_record_count(&mailbox, &message, 1);
		rc = index_append(c->w, mailbox.id, &message, 1);
		if (rc == 0)
			rc = member_edit(c->w, NULL, 0, &m, 1);
		if (rc)
			return rc;
		changelog_add_range(&c->log, LOG_APPEND, mailbox.id, m.uid, m.uid);
	}
	if (!open)
		return 0;
	mailbox.modseq = c->modseq;
	return mailbox_record_save(c->w, &mailbox);
}

/* An index shows it where no membership is. */
static bool is_elsewhere(const struct audit *c, uint64_t email)
{
	size_t low = 0, high = c->missing.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->missing.v[middle].email < email)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->missing.n && c->missing.v[low].email == email;
}

int audit_recover_places(struct audit *c)
{
	struct places p = { .n = 0 };
	int rc = commit(c, audit_recount_mailboxes, NULL);
	if (!rc && c->extra.n) {
		struct member *v = calloc(c->extra.n, sizeof(*v));
		if (!v)
			return ERR_NO_MEMORY;
		for (size_t i = 0; i < c->extra.n; i++)
			if (c->wounded || !is_elsewhere(c, c->extra.v[i].email))
				v[p.n++] = c->extra.v[i];
		qsort(v, p.n, sizeof(*v), by_place);
		p.v = v;
		rc = commit(c, put_back, &p);
		free(v);
		if (!rc)
			rc = commit(c, audit_recount_mailboxes, NULL);
	}
	if (!rc && c->orphans.n)
		rc = commit(c, shelter, c);
	return rc;
}

/* ---- counters ---- */

int audit_skip_ahead(struct change *c, void *arg)
{
	(void)arg;
	struct mailbox_record m = { .id = 0 };
	struct key from = key_first(KEY_LOG), to = key_after(KEY_LOG);
	int rc = store_del_range(c->w, key_str(&from), key_str(&to), NULL);
	c->state.modseq += MARGIN;
	c->state.log_from = c->state.modseq;
	c->modseq = c->state.modseq + 1;
	c->state.email_next += MARGIN;
	if (c->state.mailbox_next < UINT32_MAX - MAILBOXES_MAX)
		c->state.mailbox_next += MAILBOXES_MAX;
	while (!rc && (rc = tree_next(change_source(c), m.id, &m)) == 1) {
		m.uidnext = m.uidnext < UINT32_MAX - MARGIN ? m.uidnext + MARGIN : m.uidnext;
		m.modseq = c->modseq;
		changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, m.id);
		rc = mailbox_record_save(c->w, &m);
	}
	c->dirty = true;
	return rc;
}

/* ---- accounts ---- */

struct owners {
	uint64_t *v;
	size_t n, cap;
};

static int add_owner(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	struct owners *o = arg;
	(void)id, (void)size;
	uint64_t account = tag & 0xffffffffffffffu;
	if (tag >> 56 != STORE_ACCOUNT || account == 0)
		return 0;
	for (size_t i = o->n; i-- > 0 && o->n - i < 64;)
		if (o->v[i] == account)
			return 0;
	if (audit_grow((void **)&o->v, &o->cap, o->n, sizeof(*o->v)))
		return ERR_NO_MEMORY;
	o->v[o->n++] = account;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t l = *(const uint64_t *)a, r = *(const uint64_t *)b;
	return (l > r) - (l < r);
}

/* Deleted ones have left a record that says so. */
static bool was_deleted(struct model *m, uint64_t account)
{
	struct state state;
	int rc = account_state(m, account, &state);
	return rc == ERR_NOT_FOUND && (state.email_next != 0 || !store_wounded(m->store, account_scope(account)));
}

int audit_find_accounts(struct model *m, bool repair, store_report_fn *fn, void *arg, uint64_t *faults)
{
	struct arena arena = ARENA_INIT(0);
	struct owners owners = { .n = 0 };
	uint64_t *known;
	size_t n;
	int rc = registry_list(m, &arena, &known, &n);
	if (!rc)
		rc = store_blob_visit(m->store, 0, add_owner, &owners);
	if (!rc && owners.n)
		qsort(owners.v, owners.n, sizeof(*owners.v), compare_u64);
	for (size_t i = 0; !rc && i < owners.n; i++) {
		uint64_t id = owners.v[i];
		if ((i && id == owners.v[i - 1]) || (n && bsearch(&id, known, n, sizeof(*known), compare_u64)) || was_deleted(m, id))
			continue;
		char line[128];
		snprintf(line, sizeof(line), "account %llu: it has messages, but is not known%s", (unsigned long long)id, repair ? "; taken up" : "");
		fn(arg, line);
		++*faults;
		if (repair)
			rc = registry_add(m, id);
	}
	free(owners.v);
	arena_fini(&arena);
	return rc;
}
