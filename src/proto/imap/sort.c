#include "proto/imap/sort.h"

#include "codec/imap/order.h"
#include "proto/imap/limits.h"
#include "proto/imap/sort_text.h"

#include <stdlib.h>

struct sorter {
	struct imap_request *r;
	const struct imap_search_scope *scope;
	const struct imap_hits *hits;
	uint32_t n;
	uint64_t *email;                     /* of each hit */
	uint64_t *key;
	uint32_t *order;
};

struct imap_hit_walk imap_hit_walk(const struct view *v, const struct imap_hits *hits)
{
	return (struct imap_hit_walk){ .hits = hits, .iter = view_iter_at(v, hits->n ? hits->v[0].number - 1 : 0) };
}

const struct message *imap_hit_next(struct imap_hit_walk *w)
{
	if (w->at == w->hits->n)
		return NULL;
	uint32_t index = w->hits->v[w->at++].number - 1;
	if (w->iter.index != index)
		w->iter = view_iter_at(w->iter.v, index);
	return view_iter_next(&w->iter);
}

/* ---- keys ---- */

static void keys_of_view(struct sorter *x, enum imap_sort_key by)
{
	struct imap_hit_walk walk = imap_hit_walk(x->scope->view, x->hits);
	const struct message *m;
	for (uint32_t i = 0; (m = imap_hit_next(&walk)); i++)
		x->key[i] = by == IMAP_SORT_SIZE ? m->size : imap_order_key(m->date);
}

/* RFC 6203 6: the best first. */
static void keys_of_score(struct sorter *x)
{
	for (uint32_t i = 0; i < x->n; i++)
		x->key[i] = UINT64_MAX - x->hits->v[i].score;
}

/* RFC 5256 2.2: the internal date where there is no sent date. */
static int keys_of_sent(struct sorter *x)
{
	struct email_refs refs = { NULL, 0, 0 };
	struct email_fact *fact = calloc(x->n, sizeof(*fact));
	int err = fact ? email_facts_load(services_facts(x->r->s->services), x->scope->account, x->email, x->n, fact, &refs) : ERR_NO_MEMORY;
	if (!err)
		keys_of_view(x, IMAP_SORT_ARRIVAL);
	for (uint32_t i = 0; i < x->n && !err; i++)
		if (fact[i].has_sent)
			x->key[i] = imap_order_key(fact[i].sent);
	free(refs.v);
	free(fact);
	return err;
}

static int make_keys(struct sorter *x, enum imap_sort_key by)
{
	switch (by) {
	case IMAP_SORT_ARRIVAL:
	case IMAP_SORT_SIZE:
		keys_of_view(x, by);
		return 0;
	case IMAP_SORT_RELEVANCY:
		keys_of_score(x);
		return 0;
	case IMAP_SORT_DATE:
		return keys_of_sent(x);
	default:
		return imap_sort_text_keys(x->r, x->scope->account, by, x->email, x->n, x->key);
	}
}

/* ---- */

static int prepare(struct sorter *x)
{
	x->email = calloc(x->n, sizeof(*x->email));
	x->key = calloc(x->n, sizeof(*x->key));
	x->order = calloc(x->n, sizeof(*x->order));
	if (!x->email || !x->key || !x->order)
		return ERR_NO_MEMORY;
	struct imap_hit_walk walk = imap_hit_walk(x->scope->view, x->hits);
	const struct message *m;
	for (uint32_t i = 0; (m = imap_hit_next(&walk)); i++) {
		x->email[i] = m->email;
		x->order[i] = i;
	}
	return 0;
}

/* Stable, so the last criterion comes first, and those that are equal in all stay in mailbox order, also with REVERSE. */
static int sort_by(struct sorter *x, enum imap_sort_key by, bool reverse)
{
	int err = make_keys(x, by);
	for (uint32_t i = 0; i < x->n && reverse && !err; i++)
		x->key[i] = ~x->key[i];
	return err ? err : imap_order(x->key, x->order, x->n);
}

int imap_sort_hits(struct imap_request *r, const struct imap_search_scope *scope, const struct imap_sort *sort, struct imap_hits *hits)
{
	struct sorter x = { .r = r, .scope = scope, .hits = hits, .n = (uint32_t)hits->n };
	if (hits->n < 2)
		return 0;
	struct imap_hit *sorted = reallocarray(NULL, hits->n, sizeof(*sorted));
	int err = sorted ? prepare(&x) : ERR_NO_MEMORY;
	for (unsigned c = sort->n; c-- > 0 && !err;)
		err = sort_by(&x, sort->by[c].key, sort->by[c].reverse);
	for (uint32_t i = 0; i < x.n && !err; i++)
		sorted[i] = hits->v[x.order[i]];
	if (!err) {
		free(hits->v);
		hits->v = sorted;
		hits->cap = hits->n;
		sorted = NULL;
	}
	free(sorted);
	free(x.email);
	free(x.key);
	free(x.order);
	return err;
}
