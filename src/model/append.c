#include "model/append.h"

#include "model/email_record.h"
#include "model/index.h"
#include "model/keys.h"
#include "model/keyword.h"
#include "model/member.h"
#include "model/model_private.h"
#include "model/quota.h"
#include "model/thread.h"

int append_check_quota(const struct state *state, uint64_t messages, uint64_t bytes)
{
	struct quota q = quota_of(state, 0);
	return quota_has_room(&q, messages, bytes, false) ? 0 : ERR_QUOTA;
}

int append_take_uids(struct mailbox_record *mailbox, size_t n, uint32_t *first_out)
{
	/* RFC 3501 2.3.1.1: UIDs never repeat; the last one must leave room for a UIDNEXT. */
	if (n > UINT32_MAX - mailbox->uidnext)
		return ERR_TOO_BIG;
	*first_out = mailbox->uidnext;
	mailbox->uidnext += (uint32_t)n;
	return 0;
}

/* A check may have found the blob without an email and be taking its tag away (audit_tags.c): it must be put anew. */
static int check_condemned(struct change *c, store_blob_id blob)
{
	if (c->state.condemned == 0)
		return 0;
	struct key key = key_condemned(blob);
	struct str value;
	int rc = store_wget(c->w, key_str(&key), &value);
	return rc == ERR_NOT_FOUND ? 0 : rc ? rc : ERR_RETRY;
}

/* The email's record, and the message that shows it. */
static int make_message(struct change *c, struct mailbox_record *mailbox, const struct append *item, uint32_t uid,
						uint64_t keep, struct message *out)
{
	uint64_t keywords;
	size_t missing;
	int rc = check_condemned(c, item->blob);
	if (!rc)
		rc = keyword_bits(c, mailbox, item->keywords, item->n_keywords, true, keep, &keywords, &missing);
	if (rc)
		return rc;
	*out = (struct message){
		.uid = uid, .size = item->size, .email = c->state.email_next++, .modseq = c->modseq, .date = item->date,
		.flags = (item->flags & MESSAGE_SYSTEM_FLAGS) | keywords, .saved = c->now,
	};
	struct email email = { .blob = item->blob, .size = item->size, .summary = item->summary };
	rc = thread_join(c, out->email, item->summary, &email.thread);
	return rc ? rc : email_record_save(c->w, out->email, &email);
}

static int put_messages(struct change *c, struct mailbox_record *mailbox, struct append *items, size_t n, uint32_t uid,
						struct message *messages, struct member *members)
{
	uint64_t keep = 0;
	for (size_t i = 0; i < n; i++) {
		struct message *m = &messages[i];
		int rc = make_message(c, mailbox, &items[i], uid + (uint32_t)i, keep, m);
		if (rc)
			return rc;
		keep |= m->flags;
		items[i].uid_out = m->uid;
		members[i] = (struct member){ m->email, mailbox->id, m->uid };
		mailbox_record_count(mailbox, m, 1);
	}
	int rc = index_append(c->w, mailbox->id, messages, n);
	return rc ? rc : member_edit(c->w, NULL, 0, members, n);
}

int append_items(struct change *c, struct mailbox_record *mailbox, struct append *items, size_t n, enum append_quota rule,
				 unsigned grace_percent)
{
	if (n == 0)
		return 0;
	uint64_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += items[i].size;
	struct quota q = quota_of(&c->state, grace_percent);
	bool fits = rule == APPEND_QUOTA_IGNORED || quota_has_room(&q, n, bytes, rule == APPEND_QUOTA_GRACE);
	int rc = fits ? 0 : ERR_QUOTA;
	uint32_t uid;
	if (!rc)
		rc = append_take_uids(mailbox, n, &uid);
	if (rc)
		return rc;
	struct message one_message, *messages = &one_message;
	struct member one_member, *members = &one_member;
	if (n > 1) {
		messages = calloc(n, sizeof(*messages));
		members = calloc(n, sizeof(*members));
	}
	rc = messages && members ? put_messages(c, mailbox, items, n, uid, messages, members) : ERR_NO_MEMORY;
	if (n > 1) {
		free(messages);
		free(members);
	}
	if (rc)
		return rc;
	mailbox->modseq = c->modseq;
	c->state.bytes += bytes;
	c->state.messages += n;
	changelog_add_range(&c->log, LOG_APPEND, mailbox->id, uid, uid + (uint32_t)n - 1);
	return mailbox_record_save(c->w, mailbox);
}

struct append_op {
	uint32_t mailbox;
	struct append *items;
	size_t n;
	bool ignore_quota;
	uint32_t uidvalidity;
};

static int append_change(struct change *c, void *arg)
{
	struct append_op *op = arg;
	struct mailbox_record mailbox;
	int rc = mailbox_record_load(change_source(c), op->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	if (mailbox.bin)
		return ERR_DENIED;
	op->uidvalidity = mailbox.uidvalidity;
	return append_items(c, &mailbox, op->items, op->n, op->ignore_quota ? APPEND_QUOTA_IGNORED : APPEND_QUOTA, 0);
}

int mailbox_append(struct account *a, uint32_t mailbox, struct append *items, size_t n, bool ignore_quota,
				   uint32_t *uidvalidity_out)
{
	struct append_op op = { .mailbox = mailbox, .items = items, .n = n, .ignore_quota = ignore_quota };
	int rc = commit_run(a->model, a->id, append_change, &op, NULL);
	/* Of an unknown fate: perhaps the messages are there, so their bodies must stay. */
	for (size_t i = 0; rc && rc != ERR_UNKNOWN && i < n; i++)
		model_drop_blob(a->model, items[i].blob, a->id);
	if (uidvalidity_out)
		*uidvalidity_out = rc ? 0 : op.uidvalidity;
	if (!rc && n && a->model->on_emails)
		a->model->on_emails(a->model->on_emails_arg, a->id);
	return rc;
}
