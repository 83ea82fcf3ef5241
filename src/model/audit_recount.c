/* Counting anew, within a commit: the sums of mailboxes and account, and the counters that must be ahead of all that is
 * used. */
#include "model/audit.h"
#include "model/audit_recover.h"

#include "model/annotation_record.h"
#include "model/index.h"
#include "model/subscription.h"
#include "model/tree.h"

/* What may have been used and left no trace is skipped over when the state itself is lost. */
#define MARGIN 0x100000u

static void raise_u64(uint64_t *v, uint64_t least)
{
	if (*v < least)
		*v = least;
}

static void raise_u32(uint32_t *v, uint32_t least)
{
	if (*v < least)
		*v = least;
}

/* Bits of messages that no keyword stands for get one: what was flagged stays flagged. */
static void name_bits(struct mailbox_record *m, uint64_t used)
{
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		uint64_t bit = (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
		if (!(used & bit) || (i < m->n_keywords && m->keyword[i].n))
			continue;
		char word[24];
		int n = snprintf(word, sizeof(word), "recovered-%u", i);
		while (m->n_keywords <= i)
			m->keyword[m->n_keywords++].n = 0;
		m->keyword[i].at = (uint16_t)m->text_n;
		m->keyword[i].n = (uint16_t)n;
		memcpy(m->text + m->text_n, word, (size_t)n);
		m->text_n += (uint32_t)n;
	}
}

static int recount_mailbox(struct change *c, struct mailbox_record *m)
{
	m->messages = m->unseen = m->deleted = m->recent = 0;
	m->bytes = 0;
	uint64_t used = 0;
	struct index_walk walk = index_walk_begin(change_source(c), m->id, NULL);
	struct page_edit page;
	int rc;
	while ((rc = index_walk_next(&walk, &page)) == 1)
		for (uint32_t i = 0; i < page.count; i++) {
			mailbox_record_count(m, &page.m[i], 1);
			raise_u32(&m->uidnext, page.m[i].uid + 1);
			raise_u64(&m->modseq, page.m[i].modseq);
			raise_u64(&c->state.email_next, page.m[i].email + 1);
			used |= page.m[i].flags;
		}
	name_bits(m, used);
	return rc;
}

/* A log that has a gap, or lies beyond the last modseq, tells nothing: readers read everything anew. */
static int restart_log(struct change *c, uint64_t modseq)
{
	struct key from = key_first(KEY_LOG), to = key_after(KEY_LOG);
	c->state.modseq = modseq;
	c->state.log_from = modseq;
	c->modseq = modseq + 1;
	return store_del_range(c->w, key_str(&from), key_str(&to), NULL);
}

static bool is_changed(const struct mailbox_record *a, const struct mailbox_record *b)
{
	return a->messages != b->messages || a->unseen != b->unseen || a->deleted != b->deleted || a->recent != b->recent ||
		   a->bytes != b->bytes || a->uidnext != b->uidnext || a->modseq != b->modseq || a->text_n != b->text_n;
}

/* First the counters, so that c->modseq is right when records are saved. */
static int raise_counters(struct change *c)
{
	struct mailbox_record m = { .id = 0 };
	uint64_t modseq = c->state.modseq;
	int rc;
	while ((rc = tree_next(change_source(c), m.id, &m)) == 1) {
		rc = recount_mailbox(c, &m);
		if (rc)
			return rc;
		raise_u64(&modseq, m.modseq);
		raise_u32(&c->state.mailbox_next, m.id + 1);
		raise_u32(&c->state.uidvalidity, m.uidvalidity);
	}
	struct key from = key_first(KEY_EMAIL), to = key_after(KEY_EMAIL);
	struct str key = STR_NONE, value;
	uint64_t email;
	if (rc == 0)
		rc = source_find(change_source(c), key_str(&from), key_str(&to), true, &key, &value);
	if (rc == 1 && key_read_u64(key, KEY_EMAIL, &email))
		raise_u64(&c->state.email_next, email + 1);
	return rc < 0 ? rc : modseq > c->state.modseq ? restart_log(c, modseq) : 0;
}

static int count_keys(struct change *c, enum key_kind kind, uint64_t *out)
{
	struct key from = key_first(kind), to = key_after(kind);
	struct str key, value;
	int rc;
	*out = 0;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1 &&
		   key.n + 1 <= sizeof(from.p)) {
		from.n = key.n;
		memcpy(from.p, key.p, key.n);
		from = key_next(&from);
		++*out;
	}
	return rc < 0 ? rc : 0;
}

int audit_recount_mailboxes(struct change *c, void *arg)
{
	(void)arg;
	int rc = raise_counters(c);
	struct mailbox_record m = { .id = 0 }, before;
	c->state.mailboxes = 0;
	c->state.messages = c->state.bytes = 0;
	while (!rc && (rc = tree_next(change_source(c), m.id, &m)) == 1) {
		before = m;
		rc = recount_mailbox(c, &m);
		if (!rc && is_changed(&before, &m)) {
			m.modseq = c->modseq;
			changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, m.id);
			rc = mailbox_record_save(c->w, &m);
		}
		c->state.mailboxes++;
		c->state.messages += m.bin ? 0 : m.messages;
		c->state.bytes += m.bin ? 0 : m.bytes;
	}
	c->dirty = true;
	return rc;
}

int audit_recount(struct change *c, void *arg)
{
	int rc = audit_recount_mailboxes(c, arg);
	if (!rc)
		rc = count_keys(c, KEY_GRAVE, &c->state.grave_pages);
	if (!rc)
		rc = audit_mend_bin(c, NULL);
	if (!rc)
		rc = count_keys(c, KEY_CONDEMNED, &c->state.condemned);
	if (!rc)
		rc = subscription_count(change_source(c), &c->state.subscriptions, NULL);
	if (!rc)
		rc = annotation_count_bytes(change_source(c), &c->state.annotation_bytes, NULL);
	/* Damaged ones are mended by another step, which counts for itself. */
	if (rc == ERR_CORRUPT)
		rc = 0;
	return rc;
}

int audit_rebuild_state(struct change *c, void *arg)
{
	struct key key = key_state();
	int rc = state_load(change_source(c), &c->state);
	bool missing = rc == ERR_NOT_FOUND && c->state.email_next == 0;
	if (rc != ERR_CORRUPT && !missing)
		return rc;
	rc = audit_set_aside(c, &key);
	if (rc)
		return rc;
	c->state = (struct state){ .status = STATE_LIVE, .email_next = 1, .mailbox_next = MAILBOX_INBOX + 1 };
	struct key from = key_first(KEY_LOG), to = key_after(KEY_LOG);
	struct str last, value;
	rc = source_find(change_source(c), key_str(&from), key_str(&to), true, &last, &value);
	uint64_t modseq = 0;
	if (rc < 0 || (rc == 1 && !key_read_u64(last, KEY_LOG, &modseq)))
		return rc < 0 ? rc : ERR_CORRUPT;
	rc = restart_log(c, modseq + MARGIN);
	if (!rc)
		rc = audit_recount(c, arg);
	c->state.email_next += MARGIN;
	c->state.mailbox_next += MAILBOXES_MAX;
	c->state.tree_modseq = c->state.modseq;
	return rc;
}
