/* Which messages a folder there has. */
#include "migrate/pass.h"

#include "base/array.h"
#include "migrate/limits.h"

/* ---- items into v ---- */

static int take_flags(struct pass *p, const struct source_item *item, struct found *f)
{
	int r = 0;
	f->has_flags = item->has_flags;
	f->flags = item->flags & MESSAGE_SYSTEM_FLAGS;
	p->run->report->dropped_flags += item->dropped;
	for (size_t i = 0; r == 0 && i < item->n_keywords && !p->run->o->dry_run; i++) {
		uint64_t bit;
		r = state_keyword(p->run->state, p->sf, item->keywords[i], &bit, NULL);
		f->flags |= bit;
		p->run->report->dropped_flags += bit == 0;
	}
	return r;
}

/* A message that has a text for a name gets a number. */
static int number(struct pass *p, struct source_item *item)
{
	if (item->uid)
		return 0;
	if (!p->run->o->dry_run)
		return state_number(p->run->state, p->sf, item->id, &item->uid, NULL);
	uintptr_t known = p->sf && p->sf->ids ? (uintptr_t)map_get(p->sf->ids, item->id) : 0;
	item->uid = known ? (uint32_t)known : --p->temporary_uid;
	return 0;
}

static int on_item(void *arg, struct source_item *item)
{
	struct pass *p = arg;
	int r = number(p, item);
	if (r)
		return r;
	if (p->n == MIGRATE_MESSAGES_MAX)
		return ERR_TOO_BIG;
	struct found *v = array_room(p->v, p->n, &p->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	p->v = v;
	struct found *f = &p->v[p->n++];
	*f = (struct found){ .uid = item->uid, .size = item->size, .has_date = item->has_date, .date = item->date, .email = item->email.n ? emails_hash(item->email) : 0 };
	return take_flags(p, item, f);
}

static int by_uid(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* Sorted, each once: a server may tell of one twice when its flags change meanwhile. */
static void settle(struct pass *p, uint32_t from)
{
	size_t to = 0;
	if (p->n)
		qsort(p->v, p->n, sizeof *p->v, by_uid);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].uid >= from && (to == 0 || p->v[to - 1].uid != p->v[i].uid))
			p->v[to++] = p->v[i];
	p->n = to;
}

/* ---- how much must be looked at ---- */

static int scan(struct pass *p, uint32_t from, uint64_t changed_since, struct err *e)
{
	struct source *s = p->run->source;
	p->n = 0;
	int r = s->ops->scan(s, from, changed_since, on_item, p, e);
	settle(p, from);
	return r;
}

static size_t not_noted(const struct pass *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += state_get(p->sf, p->v[i].uid) == NULL;
	return n;
}

/* RFC 7162 3.1.4: what is new, and whose flags changed, since all had been brought over. 1: it was enough; 0: everything must be looked at. */
static int scan_changes(struct pass *p, struct err *e)
{
	int r = scan(p, 1, p->sf->modseq, e);
	if (r == 0)
		r = pass_flags(p, e);
	if (r == 0)
		r = scan(p, p->sf->uidnext, 0, e);
	if (r)
		return r;
	size_t n = p->sf->n + not_noted(p);
	return p->run->o->remove ? n == p->entered.messages : n >= p->entered.messages;
}

int pass_scan(struct pass *p, struct err *e)
{
	const struct state_folder *sf = p->sf;
	bool complete = sf && sf->uidnext && p->entered.uidvalidity && p->entered.modseq && sf->modseq && !p->plan->rest;

	p->full = false;
	/* a run without `remove` leaves notes of what is not there any more */
	bool exact = complete && (!p->run->o->remove || sf->n == p->entered.messages);
	if (exact && sf->modseq == p->entered.modseq && sf->uidnext == p->entered.uidnext && sf->messages == p->entered.messages)
		return 0;
	if (complete && sf->modseq <= p->entered.modseq && !p->run->o->dry_run) {
		int r = scan_changes(p, e);
		if (r)
			return r == 1 ? 0 : r;
	}
	int r = scan(p, 1, 0, e);
	p->hidden = r == 0 && p->n < p->entered.messages ? p->entered.messages - p->n : 0;
	p->full = r == 0 && !p->hidden;
	return r;
}
