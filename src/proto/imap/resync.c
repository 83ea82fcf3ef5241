#include "proto/imap/resync.h"

#include "proto/imap/fetch_head.h"
#include "proto/imap/fetch_items.h"
#include "proto/imap/message_set.h"

/* ---- expunged ---- */

/* Cuts *set to what is in lo..hi, and in `within` too unless that is NULL. */
static int cut(struct rangeset *set, const struct rangeset *within, uint32_t lo, uint32_t hi)
{
	struct range whole = { lo, hi };
	struct rangeset bounds = { &whole, lo <= hi, 1 }, out = RANGESET_INIT;
	int err = 0;
	for (size_t i = 0; i < set->n && bounds.n && !err; i++) {
		struct range r = { set->v[i].lo > lo ? set->v[i].lo : lo, set->v[i].hi < hi ? set->v[i].hi : hi };
		if (r.lo <= r.hi)
			err = rangeset_add(&out, r.lo, r.hi);
	}
	if (within) {
		struct rangeset both = RANGESET_INIT;
		for (size_t i = 0, k = 0; i < out.n && k < within->n && !err;) {
			uint32_t from = out.v[i].lo > within->v[k].lo ? out.v[i].lo : within->v[k].lo;
			uint32_t to = out.v[i].hi < within->v[k].hi ? out.v[i].hi : within->v[k].hi;
			if (from <= to)
				err = rangeset_add(&both, from, to);
			if (out.v[i].hi < within->v[k].hi)
				i++;
			else
				k++;
		}
		rangeset_fini(&out);
		out = both;
	}
	rangeset_fini(set);
	*set = out;
	return err;
}

/* Takes out what is in the view. */
static int without_present(struct rangeset *set, const struct view *v)
{
	struct rangeset out = RANGESET_INIT;
	int err = 0;
	for (size_t i = 0; i < set->n && !err; i++) {
		uint64_t from = set->v[i].lo;
		struct view_iter it = view_iter_at(v, view_find(v, set->v[i].lo, NULL));
		const struct message *m;
		while (!err && (m = view_iter_next(&it)) && m->uid <= set->v[i].hi) {
			if (m->uid > from)
				err = rangeset_add(&out, (uint32_t)from, m->uid - 1);
			from = (uint64_t)m->uid + 1;
		}
		if (!err && from <= set->v[i].hi)
			err = rangeset_add(&out, (uint32_t)from, set->v[i].hi);
	}
	rangeset_fini(set);
	*set = out;
	return err;
}

int imap_tell_earlier(struct imap_session *s, const struct rangeset *known, uint64_t since, uint32_t above)
{
	const struct view *v = s->selected.view;
	uint32_t uidnext = view_uidnext(v);
	if (above >= uidnext - 1)
		return 0;
	struct rangeset gone = RANGESET_INIT;
	int err = mailbox_vanished(s->selected.account, s->selected.mailbox, since, &gone);
	if (err == ERR_NOT_FOUND)
		err = rangeset_add(&gone, 1, uidnext - 1);
	/* A UID from uidnext on has come and gone since the view was made: the client will never hear of it. */
	if (!err)
		err = cut(&gone, known, above + 1, uidnext - 1);
	if (!err)
		err = without_present(&gone, v);
	if (!err)
		imap_write_vanished(s, true, &gone);
	rangeset_fini(&gone);
	return err;
}

/* ---- QRESYNC ---- */

/* RFC 7162 3.2.5.2: the greatest UID of the sample that still has the number it had. No message can come in before it, so none up to it has
 * gone since. 0: none. */
static uint32_t greatest_match(const struct view *v, const struct imap_qresync *q)
{
	struct imap_sample_walk walk = { .q = q };
	struct imap_sample run;
	uint32_t greatest = 0, count = view_count(v);
	while (imap_sample_next(&walk, &run) && run.number <= count) {
		uint32_t n = run.count < count - run.number + 1 ? run.count : count - run.number + 1;
		for (struct view_iter it = view_iter_at(v, run.number - 1); n; n--) {
			const struct message *m = view_iter_next(&it);
			if (m->uid == run.uid + (it.index - run.number))
				greatest = m->uid;
		}
	}
	return greatest;
}

/* RFC 7162 3.2.5.1. */
static int tell_flags(struct imap_session *s, const struct rangeset *known, uint64_t since)
{
	const struct view *v = s->selected.view;
	struct range all = { 1, view_count(v) };
	struct rangeset numbers = RANGESET_INIT;
	int err = 0;
	if (known)
		err = imap_uids_to_numbers(v, known, &numbers);
	else if (all.hi)
		err = rangeset_add(&numbers, all.lo, all.hi);
	struct imap_items items;
	struct imap_message_walk walk;
	const struct message *m;
	imap_items_init(&items, s);
	imap_message_walk_init(&walk, v, &numbers);
	while (!err && (m = imap_message_walk_next(&walk))) {
		if (m->modseq <= since)
			continue;
		imap_items_response(&items, conn_out(s->conn), walk.number, IMAP_FETCH_FLAGS | imap_items_unasked(s), m);
		if (conn_out_check(s->conn))
			break;
	}
	rangeset_fini(&numbers);
	return err;
}

int imap_resync(struct imap_session *s, const struct imap_qresync *q)
{
	const struct view *v = s->selected.view;
	if (view_uidvalidity(v) != q->uidvalidity)
		return 0;
	struct rangeset known = RANGESET_INIT;
	int err = q->has_known ? imap_seqset_uids(&q->known, UINT32_MAX, &known) : 0;
	const struct rangeset *within = q->has_known ? &known : NULL;
	if (!err)
		err = imap_tell_earlier(s, within, q->modseq, q->has_sample ? greatest_match(v, q) : 0);
	if (!err)
		err = tell_flags(s, within, q->modseq);
	rangeset_fini(&known);
	return err;
}
