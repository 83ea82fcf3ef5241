/* Mending, each kind of fault in a commit that looks for itself: since the snapshot the account may have changed.
 * Nothing that cannot be read is thrown away: it is set aside under KEY_ASIDE. */
#include "model/audit.h"
#include "model/audit_recover.h"

#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "model/annotation_record.h"
#include "model/email_record.h"
#include "model/index.h"
#include "model/model_private.h"
#include "model/subscription.h"
#include "model/thread.h"

#define REPAIR_STEP 1000u                         /* items in one commit */

static int commit(struct audit *c, change_fn *fn, void *arg)
{
	struct commit commit = { .account = c->account, .fn = fn, .arg = arg, .mends = true };
	return commit_run_all(c->model, &commit, 1);
}

int audit_set_aside(struct change *c, const struct key *key)
{
	struct str value;
	int rc = store_wget(c->w, key_str(key), &value);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	struct key aside = { .p = { (char)KEY_ASIDE }, .n = key->n + 1 };
	memcpy(aside.p + 1, key->p, key->n);
	struct buf copy = BUF_INIT(0);
	buf_add_str(&copy, value);
	rc = copy.failed ? ERR_NO_MEMORY : store_put(c->w, key_str(&aside), buf_str(&copy));
	buf_fini(&copy);
	return rc ? rc : store_del(c->w, key_str(key));
}

/* ---- index pages: who was in a damaged one is known from the memberships; flags and dates are lost ---- */

struct lost_page {
	struct audit_page at;
	const struct member_list *buried;             /* places that are there no more but in the graves, sorted */
};

static bool is_buried(const struct member_list *buried, const struct member *m)
{
	size_t low = 0, high = buried->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (member_compare(&buried->v[middle], m) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < buried->n && member_compare(&buried->v[low], m) == 0;
}

static int find_messages(struct change *c, const struct lost_page *lost, uint64_t end, struct page_edit *page)
{
	const struct audit_page *at = &lost->at;
	struct key from = key_first(KEY_MEMBER), to = key_after(KEY_MEMBER);
	struct str key, value;
	int rc;
	/* In the bin it says how long a message is kept. */
	int64_t saved = c->state.bin && at->mailbox == c->state.bin ? c->now : 0;
	page->start = at->start;
	page->count = 0;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		struct member_page members;
		struct member start;
		if (!key_read_member(key, &start.email, &start.mailbox, &start.uid))
			return ERR_CORRUPT;
		from = key_member(start.email, start.mailbox, start.uid);
		from = key_next(&from);
		if (member_page_decode(value, &members))
			continue;
		for (uint32_t i = 0; i < members.count && page->count < PAGE_MESSAGES_MAX; i++) {
			const struct member *m = &members.m[i];
			struct email email;
			if (m->mailbox == at->mailbox && m->uid >= at->start && m->uid < end && !is_buried(lost->buried, m) &&
				email_record_load(change_source(c), m->email, &email) == 0)
				page->m[page->count++] =
					(struct message){ .uid = m->uid, .size = email.size, .email = m->email, .modseq = c->modseq, .saved = saved };
		}
	}
	return rc;
}

static int compare_messages(const void *a, const void *b)
{
	uint32_t left = ((const struct message *)a)->uid, right = ((const struct message *)b)->uid;
	return (left > right) - (left < right);
}

/* The Date of the message for the lost internal date. */
static int find_dates(struct change *c, struct page_edit *page)
{
	for (uint32_t i = 0; i < page->count; i++) {
		struct email email;
		struct mime_summary summary;
		int rc = email_record_load(change_source(c), page->m[i].email, &email);
		if (rc)
			return rc;
		if (mime_summary_open(&summary, email.summary) == 0 && summary.has_date)
			page->m[i].date = summary.sent;
	}
	return 0;
}

static int mend_page(struct change *c, void *arg)
{
	const struct lost_page *lost = arg;
	const struct audit_page *at = &lost->at;
	struct key key = key_page(at->mailbox, at->start), from = key_next(&key), to = key_pages_after(at->mailbox);
	struct page_edit page;
	struct str next, value;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (rc || page_decode(value, at->start, &page) != ERR_CORRUPT)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &next, &value);
	uint32_t mailbox, end_uid = 0;
	if (rc < 0 || (rc == 1 && !key_read_page(next, &mailbox, &end_uid)))
		return rc < 0 ? rc : ERR_CORRUPT;
	uint64_t end = rc == 1 ? end_uid : (uint64_t)UINT32_MAX + 1;
	rc = audit_set_aside(c, &key);
	if (!rc)
		rc = find_messages(c, lost, end, &page);
	qsort(page.m, page.count, sizeof(*page.m), compare_messages);
	if (!rc)
		rc = find_dates(c, &page);
	if (!rc && page.count)
		rc = index_put(c->w, at->mailbox, &page);
	if (rc)
		return rc;
	struct mailbox_record record;
	changelog_add_range(&c->log, LOG_FLAGS, at->mailbox, at->start, (uint32_t)(end - 1));
	rc = mailbox_record_load(change_source(c), at->mailbox, &record);
	record.modseq = c->modseq;
	return rc ? rc : mailbox_record_save(c->w, &record);
}

/* Whether another page covers one of the UIDs. */
static int is_taken(struct change *c, const struct audit_page *but, uint32_t first, uint32_t last, bool *out)
{
	struct page_edit other;
	int rc = index_page_at(change_source(c), but->mailbox, last, &other);
	if (rc == 1 && other.start == but->start)
		rc = index_page_at(change_source(c), but->mailbox, but->start - 1, &other);
	*out = rc == 1 && (other.start >= first || (other.count && other.m[other.count - 1].uid >= first));
	return rc < 0 ? rc : 0;
}

/* A bit of its start has flipped: the page itself is whole, but not found by its UIDs. */
static int move_page(struct change *c, void *arg)
{
	const struct audit_page *at = arg;
	struct key key = key_page(at->mailbox, at->start);
	struct mailbox_record record;
	struct page_edit page;
	struct str value;
	bool taken = false;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (!rc)
		rc = page_decode(value, at->start, &page);
	if (rc)
		return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
	if (page.count == 0 || page.m[0].uid >= at->start)
		return 0;
	uint32_t last = page.m[page.count - 1].uid;
	page.start = page.m[0].uid;
	rc = is_taken(c, at, page.start, last, &taken);
	if (rc || taken)
		return rc;
	rc = index_del(c->w, at->mailbox, at->start);
	if (!rc)
		rc = index_put(c->w, at->mailbox, &page);
	changelog_add_range(&c->log, LOG_FLAGS, at->mailbox, page.start, last);
	if (!rc)
		rc = mailbox_record_load(change_source(c), at->mailbox, &record);
	record.modseq = c->modseq;
	return rc ? rc : mailbox_record_save(c->w, &record);
}

/* ---- emails: the summary is made again from the body ---- */

struct mend_email {
	uint64_t id;
	struct email email;
};

static int put_email(struct change *c, void *arg)
{
	const struct mend_email *m = arg;
	struct email now, mended = m->email;
	struct key key = key_email(m->id);
	int rc = email_record_load(change_source(c), m->id, &now);
	if (rc != ERR_CORRUPT)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = audit_set_aside(c, &key);
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	if (!rc)
		rc = thread_join(c, m->id, mended.summary, &mended.thread);
	return rc ? rc : email_record_save(c->w, m->id, &mended);
}

/* The body that the damaged record names, if it is one: the account's own, and of the size that the indexes show. */
static int map_body(struct audit *c, const struct audit_email *e, struct store_blob_view *out)
{
	if (!audit_has_blob(c->tagged, e->blob))
		return ERR_NOT_FOUND;
	int rc = store_blob_map(c->model->store, e->blob, out);
	for (size_t i = 0; !rc && i < c->shown.n; i++)
		if (c->shown.v[i].member.email == e->id && c->shown.v[i].size != out->bytes.n) {
			store_blob_unmap(c->model->store, out);
			return ERR_NOT_FOUND;
		}
	return rc;
}

/* Kept under KEY_ASIDE; audit_bodies.c may find its body by the size. */
static int give_up_email(struct change *c, void *arg)
{
	struct key key = key_email(*(const uint64_t *)arg);
	struct email now;
	if (email_record_load(change_source(c), *(const uint64_t *)arg, &now) != ERR_CORRUPT)
		return 0;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return audit_set_aside(c, &key);
}

static int mend_email(struct audit *c, struct audit_email *e)
{
	struct store_blob_view body;
	int rc = map_body(c, e, &body);
	if (rc) {
		audit_fault(c, 0, "email %llu: its body is not to be found", (unsigned long long)e->id);
		e->lost = true;
		return commit(c, give_up_email, &e->id);
	}
	struct arena arena = ARENA_INIT(0);
	struct buf summary = BUF_INIT(0);
	struct mime_message parsed;
	rc = mime_message_parse(body.bytes, &arena, &parsed);
	if (!rc)
		rc = mime_summary_encode(&parsed, body.bytes, &summary);
	struct mend_email mend = { e->id, { .blob = e->blob, .size = (uint32_t)body.bytes.n, .summary = buf_str(&summary) } };
	if (!rc)
		rc = commit(c, put_email, &mend);
	buf_fini(&summary);
	arena_fini(&arena);
	store_blob_unmap(c->model->store, &body);
	return rc;
}

/* ---- memberships ---- */

static int drop_member_page(struct change *c, void *arg)
{
	const struct member *start = arg;
	struct key key = key_member(start->email, start->mailbox, start->uid);
	struct str value;
	struct member_page page;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (rc || member_page_decode(value, &page) != ERR_CORRUPT)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return audit_set_aside(c, &key);
}

struct members {
	const struct member *v;
	size_t n;
	struct purged purged;                         /* out */
};

static int is_shown(struct change *c, const struct member *m)
{
	struct message message;
	int rc = index_find(change_source(c), m->mailbox, m->uid, &message);
	return rc == 1 ? message.email == m->email : rc;
}

static int add_missing(struct change *c, void *arg)
{
	const struct members *op = arg;
	for (size_t i = 0; i < op->n; i++) {
		int rc = is_shown(c, &op->v[i]);
		if (rc == 1)
			rc = member_edit(c->w, NULL, 0, &op->v[i], 1);
		if (rc < 0)
			return rc;
	}
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return 0;
}

static int remove_extra(struct change *c, void *arg)
{
	struct members *op = arg;
	struct gone_list gone = { NULL, 0, 0 };
	int rc = 0;
	purged_reset(&op->purged);
	for (size_t i = 0; !rc && i < op->n; i++) {
		rc = is_shown(c, &op->v[i]);
		rc = rc == 0 ? gone_list_add(&gone, (struct gone){ .member = op->v[i] }) : rc < 0 ? rc : 0;
	}
	if (!rc)
		rc = purge_now(c, &gone, &op->purged);
	gone_list_fini(&gone);
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return rc;
}

static int in_steps(struct audit *c, const struct member_list *list, change_fn *fn)
{
	int rc = 0;
	for (size_t done = 0; !rc && done < list->n;) {
		size_t n = list->n - done < REPAIR_STEP ? list->n - done : REPAIR_STEP;
		struct members op = { .v = list->v + done, .n = n };
		rc = commit(c, fn, &op);
		if (!rc)
			purge_finish(c->model, c->account, &op.purged);
		purged_fini(&op.purged);
		done += n;
	}
	return rc;
}

static int mend_members(struct audit *c)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < c->bad_member_pages.n; i++)
		rc = commit(c, drop_member_page, &c->bad_member_pages.v[i]);
	if (!rc)
		rc = in_steps(c, &c->missing, add_missing);
	return rc ? rc : in_steps(c, &c->extra, remove_extra);
}

/* ---- emails that nobody holds ---- */

static int drop_orphans(struct audit *c)
{
	/* As if each had just lost a place that it never had. */
	struct member_list list = { NULL, 0, 0 };
	int rc = 0;
	for (size_t i = 0; !rc && i < c->orphans.n; i++)
		rc = member_list_add(&list, (struct member){ c->orphans.v[i], 0, 0 });
	if (!rc)
		rc = in_steps(c, &list, remove_extra);
	member_list_fini(&list);
	return rc;
}

/* ---- the rest ---- */

static int restart_log(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_LOG), to = key_after(KEY_LOG);
	c->state.log_from = c->state.modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return store_del_range(c->w, key_str(&from), key_str(&to), NULL);
}

static int mend_subscriptions(struct change *c, void *arg)
{
	(void)arg;
	struct key bad;
	int rc;
	while ((rc = subscription_count(change_source(c), &c->state.subscriptions, &bad)) == ERR_CORRUPT) {
		rc = audit_set_aside(c, &bad);
		if (rc)
			return rc;
	}
	changelog_add_plain(&c->log, LOG_SUBSCRIPTION, 0);
	return rc;
}

static int mend_annotations(struct change *c, void *arg)
{
	(void)arg;
	struct key bad;
	int rc;
	while ((rc = annotation_count_bytes(change_source(c), &c->state.annotation_bytes, &bad)) == ERR_CORRUPT) {
		rc = audit_set_aside(c, &bad);
		if (rc)
			return rc;
	}
	changelog_add_plain(&c->log, LOG_METADATA, 0);
	return rc;
}

/* A grave that cannot be read is set aside: what it held shows up as extra memberships. */
static int drop_bad_graves(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_GRAVE), to = key_after(KEY_GRAVE);
	struct str key, value;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		struct key at = { .n = key.n };
		if (key.n + 1 >= sizeof(at.p))
			return ERR_CORRUPT;
		memcpy(at.p, key.p, key.n);
		struct grave_page page;
		rc = grave_page_decode(value, &page);
		if (rc == ERR_CORRUPT)
			rc = audit_set_aside(c, &at);
		if (rc)
			return rc;
		from = key_next(&at);
	}
	return rc;
}

/* One that is longer than any of ours stays where it is. */
static int move_unknown(struct change *c, void *arg)
{
	char from[STORE_KEY_MAX + 1];
	struct str key, value;
	size_t n = 0;
	int rc = 0;
	(void)arg;
	while (!rc && (rc = source_find(change_source(c), str_make(from, n), STR_NONE, false, &key, &value)) == 1) {
		struct key at = { .n = key.n };
		bool known = key_is_known(key) || key.n + 1 > sizeof(at.p);
		n = key.n;
		memcpy(from, key.p, n);
		if (!known)
			memcpy(at.p, from, at.n);
		rc = known ? 0 : audit_set_aside(c, &at);
		from[n++] = '\0';
	}
	return rc;
}

/* Also when there is none at all. */
static int rebuild_state(struct audit *c)
{
	struct commit commit = { .account = c->account, .fn = audit_rebuild_state, .mends = true, .creates = c->wounded };
	return commit_run_all(c->model, &commit, 1);
}

int audit_repair(struct audit *c)
{
	int rc = 0;
	if (c->todo & AUDIT_DELETION)
		return account_delete(c->model, c->account);
	const struct key state = key_state();
	if (c->todo & AUDIT_STATE)
		rc = audit_mend_bit(c, &state);
	if (!rc && c->todo & AUDIT_STATE && !c->bits)
		rc = rebuild_state(c);
	/* The next round has the rest. */
	if (!rc)
		rc = audit_mend_bits(c);
	if (rc || c->bits)
		return rc;
	/* Before all that walks over the keys of a kind. */
	if (!rc && (c->todo & AUDIT_UNKNOWN))
		rc = commit(c, move_unknown, NULL);
	if (!rc && (c->todo & AUDIT_TREE))
		rc = commit(c, audit_mend_tree, NULL);
	for (size_t i = 0; !rc && i < c->emails.n; i++)
		if (c->emails.v[i].bad)
			rc = mend_email(c, &c->emails.v[i]);
	for (size_t i = 0; !rc && i < c->misplaced.n; i++)
		rc = commit(c, move_page, &c->misplaced.v[i]);
	for (size_t i = 0; !rc && i < c->bad_pages.n; i++) {
		struct lost_page lost = { c->bad_pages.v[i], &c->buried };
		rc = commit(c, mend_page, &lost);
	}
	if (!rc && (c->todo & AUDIT_GRAVES))
		rc = commit(c, drop_bad_graves, NULL);
	/* What nobody shows is what an index misses: a bit of a key has flipped. Where a list of what was expunged is damaged it may be that. */
	bool unshown = c->orphans.n || (c->extra.n && !c->bad_graves);
	if (!rc && (c->wounded || (unshown && (c->lost || !c->bad_graves))))
		rc = audit_recover_places(c);
	if (!rc && (c->todo & AUDIT_MEMBERS))
		rc = mend_members(c);
	if (!rc && (c->todo & AUDIT_ORPHANS))
		rc = drop_orphans(c);
	if (!rc && (c->todo & AUDIT_ACLS))
		rc = commit(c, audit_mend_acls, NULL);
	if (!rc && (c->todo & AUDIT_URLS))
		rc = commit(c, audit_mend_urls, NULL);
	if (!rc && (c->todo & AUDIT_BIN))
		rc = commit(c, audit_mend_bin, NULL);
	if (!rc && (c->todo & AUDIT_SUBSCRIPTIONS))
		rc = commit(c, mend_subscriptions, NULL);
	if (!rc && (c->todo & AUDIT_ANNOTATIONS))
		rc = commit(c, mend_annotations, NULL);
	if (!rc && (c->todo & AUDIT_LOG))
		rc = commit(c, restart_log, NULL);
	if (!rc && c->todo)
		rc = commit(c, audit_recount, NULL);
	if (!rc && (c->todo & AUDIT_THREADS))
		rc = audit_mend_threads(c);
	if (!rc && (c->todo & AUDIT_GRAVES))
		rc = purge_graves(c->model, c->account);
	return rc;
}
