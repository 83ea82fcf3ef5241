/* Bodies whose emails are lost, and emails whose bodies are. */
#include "model/append.h"
#include "model/audit_recover.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "model/email_record.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/removal.h"
#include "model/thread.h"
#include "model/tree.h"

#define BATCH 64u                                 /* bodies in one commit */

static int commit(struct audit *c, change_fn *fn, void *arg)
{
	struct commit commit = { .account = c->account, .fn = fn, .arg = arg, .mends = true };
	return commit_run_all(c->model, &commit, 1);
}

/* ---- reading ---- */

struct body {
	store_blob_id blob;
	uint32_t size;
	struct str summary;                           /* in the arena */
	int64_t date;
	bool taken;
};

/* 0; ERR_CORRUPT or ERR_NOT_FOUND: it cannot be read. */
static int read_body(struct audit *c, struct arena *keep, store_blob_id blob, struct body *out)
{
	struct store_blob_view view;
	struct arena arena = ARENA_INIT(0);
	struct buf summary = BUF_INIT(0);
	struct mime_message parsed;
	struct mime_summary open;
	*out = (struct body){ .blob = blob };
	int rc = store_blob_map(c->model->store, blob, &view);
	if (rc)
		return rc;
	rc = mime_message_parse(view.bytes, &arena, &parsed);
	if (!rc)
		rc = mime_summary_encode(&parsed, view.bytes, &summary);
	out->size = (uint32_t)view.bytes.n;
	if (!rc && !store_blob_intact(c->model->store, &view))
		rc = ERR_CORRUPT;
	if (!rc) {
		out->summary = arena_dup(keep, buf_str(&summary));
		out->date = mime_summary_open(&open, out->summary) == 0 && open.has_date ? open.sent : clock_now();
		rc = out->summary.p || !summary.n ? 0 : ERR_NO_MEMORY;
	}
	store_blob_unmap(c->model->store, &view);
	buf_fini(&summary);
	arena_fini(&arena);
	return rc;
}

/* ---- back to their emails ---- */

struct lost_email {
	uint64_t id;
	uint32_t size;
	bool found;
};
struct lost_list {
	struct lost_email *v;
	size_t n, cap;
};

static bool has_email(const struct audit *c, uint64_t id)
{
	size_t low = 0, high = c->emails.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->emails.v[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->emails.n && c->emails.v[low].id == id && !c->emails.v[low].lost;
}

/* What the indexes show and no record tells of; shown is sorted by email. */
static int list_lost(struct audit *c, struct lost_list *l)
{
	for (size_t i = 0; i < c->shown.n; i++) {
		uint64_t id = c->shown.v[i].member.email;
		if ((l->n && l->v[l->n - 1].id == id) || has_email(c, id))
			continue;
		if (audit_grow((void **)&l->v, &l->cap, l->n, sizeof(*l->v)))
			return ERR_NO_MEMORY;
		l->v[l->n++] = (struct lost_email){ id, c->shown.v[i].size, false };
	}
	return 0;
}

/* Which of n ascending bodies can be given to an email: not what a message of its own has come for meanwhile, nor what a check is taking away. */
static int find_free(struct change *c, uint64_t email, const store_blob_id *v, size_t n, struct blob_list *out)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		struct key key = key_condemned(v[i]);
		struct str value;
		rc = store_wget(c->w, key_str(&key), &value);
		bool leaving = !rc && !record_own0(value);
		rc = rc == ERR_NOT_FOUND ? 0 : rc;
		if (!rc && !leaving)
			rc = blob_list_add(out, v[i]);
	}
	return rc ? rc : audit_strike_new(change_source(c), email, out);
}

struct rejoin {
	uint64_t email, next;                         /* next: emails from here on came after the snapshot */
	const struct body *body;
};

static int rejoin(struct change *c, void *arg)
{
	const struct rejoin *op = arg;
	struct email now, made = { .blob = op->body->blob, .size = op->body->size, .summary = op->body->summary };
	int rc = email_record_load(change_source(c), op->email, &now);
	if (rc != ERR_NOT_FOUND)
		return rc;
	struct blob_list ours = { NULL, 0, 0 };
	rc = find_free(c, op->next, &made.blob, 1, &ours);
	bool is_free = ours.n > 0;
	blob_list_fini(&ours);
	if (rc || !is_free)
		return rc;
	rc = thread_join(c, op->email, made.summary, &made.thread);
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	if (!rc)
		rc = email_record_save(c->w, op->email, &made);
	return rc ? rc : audit_condemn(c, made.blob, true);
}

/* Only when there is one of that size on both sides. */
static struct body *only_of_size(struct body *v, size_t n, uint32_t size)
{
	struct body *found = NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].taken || v[i].size != size)
			continue;
		if (found)
			return NULL;
		found = &v[i];
	}
	return found;
}

static int rejoin_all(struct audit *c, uint64_t next, struct lost_list *lost, struct body *v, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < lost->n; i++) {
		size_t same = 0;
		for (size_t k = 0; k < lost->n; k++)
			same += lost->v[k].size == lost->v[i].size;
		struct body *body = same == 1 ? only_of_size(v, n, lost->v[i].size) : NULL;
		if (!body)
			continue;
		struct rejoin op = { lost->v[i].id, next, body };
		int rc = commit(c, rejoin, &op);
		if (rc)
			return rc;
		body->taken = lost->v[i].found = true;
		audit_note(c, "email %llu: made again from its body", (unsigned long long)op.email);
	}
	for (size_t i = 0; i < lost->n; i++)
		if (!lost->v[i].found)
			lost->v[kept++] = lost->v[i];
	lost->n = kept;
	return 0;
}

/* ---- into "Recovered" ---- */

struct recover {
	struct append items[BATCH];                   /* by blob */
	size_t n, came;                               /* came: out */
	uint64_t next;                                /* as in struct rejoin */
};

static int put_recovered(struct change *c, struct append *items, size_t n)
{
	struct mailbox_record mailbox;
	int rc = audit_recovered_mailbox(c, &mailbox);
	if (!rc)
		rc = append_items(c, &mailbox, items, n, APPEND_QUOTA_IGNORED, 0);
	for (size_t i = 0; !rc && i < n; i++)
		rc = audit_condemn(c, items[i].blob, true);
	return rc;
}

static int recover(struct change *c, void *arg)
{
	struct recover *op = arg;
	struct append items[BATCH];
	store_blob_id ids[BATCH];
	struct blob_list ours = { NULL, 0, 0 };
	op->came = 0;
	for (size_t i = 0; i < op->n; i++)
		ids[i] = op->items[i].blob;
	int rc = find_free(c, op->next, ids, op->n, &ours);
	for (size_t i = 0; !rc && i < op->n; i++)
		if (audit_has_blob(&ours, ids[i]))
			items[op->came++] = op->items[i];
	blob_list_fini(&ours);
	return rc || op->came == 0 ? rc : put_recovered(c, items, op->came);
}

static int recover_rest(struct audit *c, uint64_t next, const struct body *v, size_t n)
{
	struct recover op = { .next = next };
	size_t total = 0;
	int rc = 0;
	for (size_t i = 0; !rc && i <= n; i++) {
		if (i < n && !v[i].taken)
			op.items[op.n++] = (struct append){ .blob = v[i].blob, .size = v[i].size, .summary = v[i].summary, .date = v[i].date };
		if (op.n == 0 || (op.n < BATCH && i < n))
			continue;
		rc = commit(c, recover, &op);
		total += op.came;
		op.n = 0;
	}
	if (total)
		audit_fault(c, 0, "%zu messages that no mailbox showed any more are in the mailbox Recovered", total);
	return rc;
}

/* ---- what is gone ---- */

struct takeout {
	uint32_t mailbox;
	struct rangeset uids;
	struct gone_list gone;
};

static int note_gone(void *arg, const struct message *m)
{
	(void)arg, (void)m;
	return 0;
}

static int take_out(struct change *c, void *arg)
{
	struct takeout *op = arg;
	struct mailbox_record mailbox;
	op->gone.n = 0;
	int rc = mailbox_record_load(change_source(c), op->mailbox, &mailbox);
	if (!rc)
		rc = removal_run(c, &mailbox, &op->uids, 0, &op->gone, note_gone, NULL);
	gone_list_sort(&op->gone);
	for (size_t i = 0; !rc && i < op->gone.n; i++)
		rc = member_edit(c->w, &op->gone.v[i].member, 1, NULL, 0);
	mailbox.modseq = c->modseq;
	changelog_add(&c->log, LOG_EXPUNGE, op->mailbox, &op->uids);
	return rc ? rc : mailbox_record_save(c->w, &mailbox);
}

static int take_out_all(struct audit *c, const struct lost_list *lost)
{
	int rc = 0;
	for (size_t m = 0; !rc && m < c->mailboxes.n; m++) {
		struct takeout op = { .mailbox = c->mailboxes.v[m].id, .uids = RANGESET_INIT };
		for (size_t i = 0, k = 0; !rc && i < c->shown.n; i++) {
			const struct member *at = &c->shown.v[i].member;
			while (k < lost->n && lost->v[k].id < at->email)
				k++;
			if (at->mailbox == op.mailbox && k < lost->n && lost->v[k].id == at->email) {
				rc = rangeset_add(&op.uids, at->uid, at->uid);
				audit_note(c, "mailbox %u: UID %u was taken out: its email is lost", at->mailbox, at->uid);
			}
		}
		if (!rc && op.uids.n)
			rc = commit(c, take_out, &op);
		rangeset_fini(&op.uids);
		gone_list_fini(&op.gone);
	}
	return rc;
}

int audit_recover_bodies(struct audit *c, uint64_t email, const struct blob_list *bodies)
{
	struct arena arena = ARENA_INIT(0);
	struct lost_list lost = { NULL, 0, 0 };
	struct body *v = calloc(bodies->n + 1, sizeof(*v));
	size_t n = 0;
	int rc = v ? list_lost(c, &lost) : ERR_NO_MEMORY;
	for (size_t i = 0; !rc && i < bodies->n; i++) {
		rc = read_body(c, &arena, bodies->v[i], &v[n]);
		n += rc == 0;
		if (rc == ERR_CORRUPT || rc == ERR_NOT_FOUND) {
			audit_note(c, "a body of it (blob %016llx) is damaged and shown by no mailbox", (unsigned long long)bodies->v[i]);
			rc = 0;
		}
	}
	if (!rc)
		rc = rejoin_all(c, email, &lost, v, n);
	if (!rc)
		rc = recover_rest(c, email, v, n);
	if (!rc)
		rc = take_out_all(c, &lost);
	if (!rc && (lost.n || n))
		rc = commit(c, audit_recount, NULL);
	free(lost.v);
	free(v);
	arena_fini(&arena);
	return rc;
}

/* ---- emails without a body ---- */

static int note_bodyless(struct change *c, void *arg)
{
	uint64_t id = *(const uint64_t *)arg;
	struct key key = key_email(id);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	if (rc || record_own0(value) & EMAIL_BODY_LOST)
		return rc;
	struct buf copy = BUF_INIT(0);
	buf_add_str(&copy, value);
	if (!copy.failed)
		record_seal_version(copy.p, copy.n, (uint8_t)copy.p[0], (uint8_t)(copy.p[1] | EMAIL_BODY_LOST), (uint8_t)copy.p[2]);
	rc = copy.failed ? ERR_NO_MEMORY : store_put(c->w, key_str(&key), buf_str(&copy));
	buf_fini(&copy);
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, 0);
	return rc;
}

int audit_note_bodyless(struct audit *c, uint64_t email) { return commit(c, note_bodyless, &email); }
