#include "proto/imap/message_set.h"

uint32_t imap_largest_uid(const struct view *v)
{
	uint32_t n = view_count(v);
	return n ? view_at(v, n - 1).uid : 0;
}

int imap_uids_to_numbers(const struct view *v, const struct rangeset *uids, struct rangeset *numbers_out)
{
	int err = 0;
	for (size_t i = 0; i < uids->n && !err; i++) {
		/* The one before `after` is the last with a UID up to hi. */
		uint32_t first = view_find(v, uids->v[i].lo, NULL);
		uint32_t after = uids->v[i].hi == UINT32_MAX ? view_count(v) : view_find(v, uids->v[i].hi + 1, NULL);
		if (first < after)
			err = rangeset_add(numbers_out, first + 1, after);
	}
	return err;
}

int imap_numbers_to_uids(const struct view *v, const struct rangeset *numbers, struct rangeset *uids_out)
{
	int err = 0;
	for (size_t i = 0; i < numbers->n && !err; i++)
		err = rangeset_add(uids_out, view_at(v, numbers->v[i].lo - 1).uid, view_at(v, numbers->v[i].hi - 1).uid);
	return err;
}

static int resolve(const struct imap_session *s, const struct imap_seqset *set, bool uid, struct rangeset *numbers_out)
{
	const struct view *v = s->selected.view;
	/* RFC 5182 2.1: the same messages, whether the command takes numbers or UIDs; those that are gone are passed over. */
	if (set->saved)
		return imap_uids_to_numbers(v, &s->saved, numbers_out);
	if (!uid)
		return imap_seqset_numbers(set, view_count(v), numbers_out);
	struct rangeset uids = RANGESET_INIT;
	int err = imap_seqset_uids(set, imap_largest_uid(v), &uids);
	if (!err)
		err = imap_uids_to_numbers(v, &uids, numbers_out);
	rangeset_fini(&uids);
	return err;
}

bool imap_resolve_messages(struct imap_request *r, const struct imap_seqset *set, bool uid, struct rangeset *numbers_out)
{
	int err = resolve(r->s, set, uid, numbers_out);
	if (err == ERR_INVALID)
		imap_bad(r, "There is no message of that number");
	else if (err)
		imap_error(r, err, NULL);
	return err == 0;
}

bool imap_read_messages(struct imap_request *r, bool uid, struct rangeset *numbers_out)
{
	struct imap_seqset set;
	if (!imap_seqset(&r->args, &set)) {
		imap_bad_args(r);
		return false;
	}
	return imap_resolve_messages(r, &set, uid, numbers_out);
}

void imap_message_walk_init(struct imap_message_walk *w, const struct view *v, const struct rangeset *numbers)
{
	*w = (struct imap_message_walk){ .numbers = numbers, .iter = { .v = v } };
	if (numbers->n)
		w->iter = view_iter_at(v, numbers->v[0].lo - 1);
}

void imap_message_walk_down(struct imap_message_walk *w)
{
	w->down = true;
	w->range = w->numbers->n;
	w->number = 0;
}

static const struct message *next_down(struct imap_message_walk *w)
{
	if (w->number && w->number > w->numbers->v[w->range].lo) {
		w->number--;
	} else {
		if (w->range == 0)
			return NULL;
		w->number = w->numbers->v[--w->range].hi;
	}
	w->iter.message = view_at(w->iter.v, w->number - 1);
	return &w->iter.message;
}

const struct message *imap_message_walk_next(struct imap_message_walk *w)
{
	if (w->down)
		return next_down(w);
	if (w->range == w->numbers->n)
		return NULL;
	if (w->number == w->numbers->v[w->range].hi) {
		if (++w->range == w->numbers->n)
			return NULL;
		w->iter = view_iter_at(w->iter.v, w->numbers->v[w->range].lo - 1);
	}
	const struct message *m = view_iter_next(&w->iter);
	w->number = w->iter.index;
	return m;
}
