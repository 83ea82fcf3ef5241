#include "model/random_world.h"

#include "model/bin.h"

uint64_t roll(struct world *w, uint64_t below)
{
	/* xorshift64*: the same on every machine */
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (w->random * 0x2545f4914f6cdd1du >> 33) % below;
}

const struct str words[WORDS] = { STR_INIT("alpha"), STR_INIT("$Beta"), STR_INIT("gamma"), STR_INIT("Delta"),
										 STR_INIT("e") };

void ref_add(struct ref_mailbox *mailbox, uint64_t flags, unsigned body)
{
	if (mailbox->n == mailbox->cap) {
		mailbox->cap = mailbox->cap ? mailbox->cap * 2 : 64;
		mailbox->m = reallocarray(mailbox->m, mailbox->cap, sizeof(*mailbox->m));
	}
	mailbox->m[mailbox->n++] = (struct ref_message){ mailbox->uidnext++, flags, body };
}

static bool ref_is_shown(const struct world *w, unsigned body)
{
	for (unsigned i = 0; i < MAILBOXES; i++)
		for (size_t k = 0; w->mailbox[i].exists && k < w->mailbox[i].n; k++)
			if (w->mailbox[i].m[k].body == body)
				return true;
	return false;
}

static int compare_lost(const void *a, const void *b)
{
	const struct ref_message *x = a, *y = b;
	return x->body != y->body ? (x->body > y->body) - (x->body < y->body) : (x->uid > y->uid) - (x->uid < y->uid);
}

/* After an operation: what is in no mailbox any more is in the bin, in the order in which it once came, without \Deleted; of several copies the last one. */
void ref_settle(struct world *w)
{
	struct ref_mailbox *lost = &w->lost;
	if (lost->n)
		qsort(lost->m, lost->n, sizeof(*lost->m), compare_lost);
	for (size_t i = 0; w->keeps && i < lost->n; i++)
		if ((i + 1 == lost->n || lost->m[i + 1].body != lost->m[i].body) && !ref_is_shown(w, lost->m[i].body)) {
			w->bin.uidnext = w->bin.exists ? w->bin.uidnext : 1;
			w->bin.exists = true;
			ref_add(&w->bin, lost->m[i].flags & ~(uint64_t)MESSAGE_DELETED, lost->m[i].body);
		}
	lost->n = 0;
}

void ref_lose(struct world *w, const struct ref_message *m)
{
	w->lost.uidnext = m->uid;
	ref_add(&w->lost, m->flags, m->body);
}

/* ---- comparing ---- */

/* A view's flags in the reference's terms. */
uint64_t plain_flags(const struct view *v, uint64_t flags)
{
	unsigned n;
	const struct str *keywords = view_keywords(v, &n);
	uint64_t plain = flags & 0xff;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < WORDS; k++)
			if ((flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1) && str_ieq(keywords[i], words[k]))
				plain |= (uint64_t)1 << (8 + k);
	return plain;
}

void assert_view(const struct view *v, const struct ref_mailbox *mailbox)
{
	assert_int_equal(view_count(v), mailbox->n);
	assert_int_equal(view_uidnext(v), mailbox->uidnext);
	struct view_iter it = view_iter_at(v, 0);
	uint32_t unseen = 0, first_unseen = view_count(v);
	for (size_t i = 0; i < mailbox->n; i++) {
		const struct message *m = view_iter_next(&it);
		assert_non_null(m);
		assert_int_equal(m->uid, mailbox->m[i].uid);
		assert_int_equal(plain_flags(v, m->flags), mailbox->m[i].flags);
		assert_int_equal(m->date, mailbox->m[i].body);
		assert_true(m->modseq >= 1 && m->modseq <= view_modseq(v));
		if (!(m->flags & MESSAGE_SEEN)) {
			first_unseen = unseen++ ? first_unseen : (uint32_t)i;
		}
	}
	assert_null(view_iter_next(&it));
	assert_int_equal(view_unseen(v), unseen);
	assert_int_equal(view_first_unseen(v), first_unseen);
}

void assert_lookups(struct world *w, const struct view *v)
{
	for (unsigned i = 0; i < 3 && view_count(v); i++) {
		uint32_t index = (uint32_t)roll(w, view_count(v));
		uint32_t uid = view_at(v, index).uid;
		bool exact;
		assert_int_equal(view_find(v, uid, &exact), index);
		assert_true(exact);
		struct view_iter it = view_iter_at(v, index);
		struct message at = view_at(v, index);
		assert_memory_equal(view_iter_next(&it), &at, sizeof(at));
		bool has_next = index + 1 < view_count(v);
		if (!has_next || view_at(v, index + 1).uid != uid + 1) {
			assert_int_equal(view_find(v, uid + 1, &exact), index + 1);
			assert_false(exact);
		}
	}
	assert_int_equal(view_find(v, UINT32_MAX, NULL), view_count(v));
}

void assert_counts(struct world *w)
{
	struct fixture *f = w->f;
	uint64_t messages = 0, bytes = 0;
	for (unsigned i = 0; i < MAILBOXES; i++) {
		const struct ref_mailbox *mailbox = &w->mailbox[i];
		if (!mailbox->exists)
			continue;
		struct mailbox m = fixture_get(f, mailbox->id);
		uint32_t unseen = 0, deleted = 0;
		for (size_t k = 0; k < mailbox->n; k++) {
			unseen += !(mailbox->m[k].flags & MESSAGE_SEEN);
			deleted += (mailbox->m[k].flags & MESSAGE_DELETED) != 0;
		}
		assert_int_equal(m.messages, mailbox->n);
		assert_int_equal(m.unseen, unseen);
		assert_int_equal(m.deleted, deleted);
		assert_int_equal(m.bytes, mailbox->n);
		messages += mailbox->n;
		bytes += mailbox->n;
	}
	struct quota quota;
	FIXTURE_OK(account_quota(f->account, &quota));
	assert_int_equal(quota.messages, messages);
	assert_int_equal(quota.bytes, bytes);
}

/* As many blobs as there are different bodies left. */
void assert_blobs(struct world *w)
{
	unsigned char *seen = calloc(w->bodies + 1, 1);
	unsigned n = 0;
	for (unsigned i = 0; i < MAILBOXES; i++)
		for (size_t k = 0; w->mailbox[i].exists && k < w->mailbox[i].n; k++) {
			n += !seen[w->mailbox[i].m[k].body];
			seen[w->mailbox[i].m[k].body] = 1;
		}
	for (size_t k = 0; k < w->bin.n; k++) {
		n += !seen[w->bin.m[k].body];
		seen[w->bin.m[k].body] = 1;
	}
	free(seen);
	assert_int_equal(fixture_blobs(w->f), n);
}

/* What fails may be in graves for a while, and come in another order. */
void assert_bin(struct world *w)
{
	struct mailbox m;
	struct view *v;
	int rc;
	if (fixture_faults())
		return;
	FIXTURE_RETRY(rc, bin_find(w->f->account, &w->f->arena, &m));
	assert_int_equal(rc, w->bin.exists ? 0 : ERR_NOT_FOUND);
	if (rc)
		return;
	FIXTURE_OK(view_open(w->fresh, m.id, &v));
	assert_view(v, &w->bin);
	view_unref(&v);
}
