/* Gathering: each kind of key is read through once; what cannot be read is a fault of its own. */
#include "model/audit.h"

#include "model/email_record.h"
#include "model/keys.h"
#include "model/name.h"
#include "model/page.h"
#include "model/thread.h"

static void reset(struct audit *c)
{
	arena_reset(&c->arena);
	buf_reset(&c->lines);
	c->lines_n = 0;
	c->todo = 0;
	c->lost = c->bad_graves = false;
	c->mailboxes.n = c->shown.n = c->buried.n = c->emails.n = c->bad_pages.n = c->misplaced.n = c->damaged.n = 0;
	c->origins.n = c->tombs.n = c->kept_acls.n = 0;
	c->bad_member_pages.n = c->missing.n = c->extra.n = c->orphans.n = 0;
}

typedef int visit_fn(struct audit *c, struct str key, struct str value);

static int judge_key(struct audit *c, struct str key, struct str value)
{
	if (!key_is_known(key))
		audit_fault(c, AUDIT_UNKNOWN, "an unknown key, beginning with %02x, of %zu bytes, value %zu bytes", (unsigned)(uint8_t)key.p[0], key.n, value.n);
	else if (key.p[0] != KEY_ASIDE && record_is_damaged(value)) {
		struct key damaged = { .n = key.n };
		memcpy(damaged.p, key.p, key.n);
		return audit_add(&c->damaged, damaged);
	}
	return 0;
}

static int visit(struct audit *c, struct store_read *r, struct key from, struct key to, visit_fn *fn)
{
	struct store_iter *it;
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		rc = fn == judge_key || key_is_known(key) ? fn(c, key, value) : 0;
		if (rc)
			break;
	}
	store_iter_end(&it);
	return rc;
}

/* Keys of another shape than the kind's are for judge_key alone. */
static int visit_kind(struct audit *c, struct store_read *r, enum key_kind kind, visit_fn *fn)
{
	return visit(c, r, key_first(kind), key_after(kind), fn);
}

/* ERR_CORRUPT is what is looked for; all else ends the check. */
static bool is_damage(int rc) { return rc == ERR_CORRUPT; }

static int read_mailbox(struct audit *c, struct str key, struct str value)
{
	struct audit_mailbox m = { .known = true };
	struct mailbox_record record;
	if (!key_read_u32(key, KEY_MAILBOX, &m.id))
		return 0;
	int rc = mailbox_record_decode(value, m.id, &record);
	if (is_damage(rc)) {
		audit_fault(c, AUDIT_TREE | AUDIT_COUNTS, "mailbox %u: its record is damaged", m.id);
		m.known = false;
		return audit_add(&c->mailboxes, m);
	}
	if (rc)
		return rc;
	mailbox_record_show(&record, NULL, &m.stored);
	m.name = arena_dup(&c->arena, mailbox_record_name(&record));
	m.bin = record.bin;
	m.uidnext = record.uidnext;
	m.recent_from = record.recent_from;
	m.modseq = record.modseq;
	m.bits = MESSAGE_SYSTEM_FLAGS;
	for (unsigned i = 0; i < record.n_keywords; i++)
		if (record.keyword[i].n)
			m.bits |= (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
	return m.name.p ? audit_add(&c->mailboxes, m) : ERR_NO_MEMORY;
}

/* One message in its place in the index. */
static int read_message(struct audit *c, struct audit_mailbox *mailbox, const struct message *m, uint32_t least)
{
	if (m->uid < least)
		audit_fault(c, 0, "mailbox %u: UID %u is out of order", mailbox->id, m->uid);
	if (mailbox->known && m->uid >= mailbox->uidnext)
		audit_fault(c, AUDIT_COUNTS, "mailbox %u: UID %u is not below UIDNEXT %u", mailbox->id, m->uid,
					mailbox->uidnext);
	if (mailbox->known && m->modseq > mailbox->modseq)
		audit_fault(c, AUDIT_COUNTS, "mailbox %u: UID %u has a later modseq than the mailbox", mailbox->id, m->uid);
	if (mailbox->known && (m->flags & ~mailbox->bits))
		audit_fault(c, AUDIT_COUNTS, "mailbox %u: UID %u has flags that mean nothing", mailbox->id, m->uid);
	if (!(c->todo & AUDIT_STATE) && m->email >= c->state.email_next)
		audit_fault(c, AUDIT_COUNTS, "mailbox %u: UID %u shows an email of the future", mailbox->id, m->uid);
	struct mailbox *counted = &mailbox->counted;
	counted->messages++;
	counted->bytes += m->size;
	counted->unseen += !(m->flags & MESSAGE_SEEN);
	counted->deleted += (m->flags & MESSAGE_DELETED) != 0;
	counted->recent += m->uid >= mailbox->recent_from;
	struct audit_shown shown = { { m->email, mailbox->id, m->uid }, m->size };
	return audit_add(&c->shown, shown);
}

static int read_page(struct audit *c, struct str key, struct str value)
{
	struct audit_page at;
	if (!key_read_page(key, &at.mailbox, &at.start))
		return 0;
	struct audit_mailbox *mailbox = audit_mailbox_find(c, at.mailbox);
	if (!mailbox) {
		/* Ids ascend in both, so this one comes behind all that are known to have smaller ones. */
		audit_fault(c, AUDIT_TREE | AUDIT_COUNTS, "mailbox %u: it has messages but no record", at.mailbox);
		struct audit_mailbox lost = { .id = at.mailbox };
		int rc = audit_add(&c->mailboxes, lost);
		for (size_t i = c->mailboxes.n - 1; !rc && i > 0 && c->mailboxes.v[i - 1].id > at.mailbox; i--) {
			c->mailboxes.v[i] = c->mailboxes.v[i - 1];
			c->mailboxes.v[i - 1] = lost;
		}
		return rc ? rc : read_page(c, key, value);
	}
	struct page_edit page;
	int rc = page_decode(value, at.start, &page);
	if (is_damage(rc)) {
		audit_fault(c, AUDIT_PAGES | AUDIT_MEMBERS | AUDIT_COUNTS,
					"mailbox %u: the index page from UID %u on is damaged", at.mailbox, at.start);
		return audit_add(&c->bad_pages, at);
	}
	if (!rc && page.count == 0)
		audit_fault(c, 0, "mailbox %u: the index page from UID %u on is empty", at.mailbox, at.start);
	if (!rc && page.count && page.m[0].uid < at.start) {
		audit_fault(c, AUDIT_PAGES, "mailbox %u: the index page from UID %u on begins with UID %u", at.mailbox, at.start, page.m[0].uid);
		rc = audit_add(&c->misplaced, at);
	}
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = read_message(c, mailbox, &page.m[i], i ? page.m[i - 1].uid + 1 : 1);
	return rc;
}

static int read_email(struct audit *c, struct str key, struct str value)
{
	struct audit_email e = { .id = 0 };
	if (!key_read_u64(key, KEY_EMAIL, &e.id))
		return 0;
	struct email email;
	int rc = email_record_decode(value, &email);
	if (rc && !is_damage(rc))
		return rc;
	e.bad = rc != 0;
	e.bodyless = !rc && record_own0(value) & EMAIL_BODY_LOST;
	e.blob = email.blob;
	e.size = email.size;
	if (rc) {
		audit_fault(c, AUDIT_EMAILS, "email %llu: its record is damaged", (unsigned long long)e.id);
		/* Perhaps only the summary is: then the body tells it again. */
		c->lost = true;
		e.blob = value.n >= 20 ? load_le64(value.p + 8) : 0;
	}
	return audit_add(&c->emails, e);
}

static int read_grave(struct audit *c, struct str key, struct str value)
{
	(void)key;
	struct grave_page page;
	int rc = grave_page_decode(value, &page);
	if (is_damage(rc)) {
		audit_fault(c, AUDIT_GRAVES | AUDIT_MEMBERS, "a list of expunged messages is damaged");
		c->bad_graves = true;
		return 0;
	}
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = member_list_add(&c->buried, page.v[i].member);
	return rc;
}

/* What it says of emails that are gone is no fault: thread.h. */
static int read_threads(struct audit *c, struct str key, struct str value)
{
	uint64_t start;
	struct thread_page page;
	if (!key_read_u64(key, KEY_THREAD, &start))
		return 0;
	int rc = thread_page_decode(value, start, &page);
	if (is_damage(rc)) {
		audit_fault(c, AUDIT_THREADS, "what is noted of Message-IDs is damaged");
		return 0;
	}
	for (uint32_t i = 0; !rc && i < page.count; i++)
		if (!(c->todo & AUDIT_STATE) && page.v[i].email >= c->state.email_next)
			audit_fault(c, AUDIT_THREADS, "a Message-ID is noted for an email of the future");
	return rc;
}

static int compare_shown(const void *a, const void *b)
{
	return member_compare(&((const struct audit_shown *)a)->member, &((const struct audit_shown *)b)->member);
}

static int read_state(struct audit *c, struct store_read *r)
{
	int rc = state_load(source_read(r), &c->state);
	if (rc == ERR_NOT_FOUND && c->state.status == STATE_DELETING) {
		audit_fault(c, AUDIT_DELETION, "its deletion was interrupted");
		return ERR_NOT_FOUND;
	}
	/* Of a deleted account a record is left. */
	if (rc == ERR_NOT_FOUND && c->wounded && c->state.email_next == 0) {
		audit_fault(c, AUDIT_STATE | AUDIT_TREE | AUDIT_COUNTS, "its state record is missing (the quota is lost)");
		c->state = (struct state){ .status = STATE_LIVE };
		return 0;
	}
	if (is_damage(rc)) {
		audit_fault(c, AUDIT_STATE | AUDIT_COUNTS, "its state record is damaged (the quota is lost)");
		c->state = (struct state){ .status = STATE_LIVE };
		return 0;
	}
	return rc;
}

int audit_read(struct store_read *r, void *arg)
{
	struct audit *c = arg;
	const struct key all = { .n = 0 };
	reset(c);
	int rc = read_state(c, r);
	if (rc)
		return c->todo & AUDIT_DELETION ? 0 : rc;
	rc = visit_kind(c, r, KEY_MAILBOX, read_mailbox);
	if (!rc)
		rc = visit_kind(c, r, KEY_ACL, audit_read_acl);
	if (!rc)
		rc = visit_kind(c, r, KEY_URL, audit_read_url);
	if (!rc)
		rc = visit_kind(c, r, KEY_PAGE, read_page);
	if (!rc)
		rc = visit_kind(c, r, KEY_EMAIL, read_email);
	if (!rc)
		rc = visit_kind(c, r, KEY_GRAVE, read_grave);
	if (!rc)
		rc = visit_kind(c, r, KEY_THREAD, read_threads);
	if (!rc)
		rc = visit_kind(c, r, KEY_ORIGIN, audit_read_origins);
	if (!rc)
		rc = visit_kind(c, r, KEY_TOMB, audit_read_tomb);
	if (!rc)
		rc = visit(c, r, all, all, judge_key);
	if (rc)
		return rc;
	if (c->shown.n)
		qsort(c->shown.v, c->shown.n, sizeof(*c->shown.v), compare_shown);
	member_sort(c->buried.v, c->buried.n);
	rc = audit_compare(c, r);
	return rc ? rc : c->lines.failed ? ERR_NO_MEMORY : 0;
}
