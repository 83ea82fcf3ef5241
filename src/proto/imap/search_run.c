#include "proto/imap/search_run.h"

#include "base/clock.h"
#include "proto/imap/message_limit.h"
#include "proto/imap/message_set.h"
#include "proto/imap/progress.h"
#include "proto/imap/search_match.h"

/* A search of many messages looks now and then whether anybody still waits for it. */
#define LOOK_EVERY_MS 200
#define LOOK_EVERY_MESSAGES 1024

struct run {
	struct conn *conn;
	struct imap_request *request;
	const struct imap_test *root;
	struct imap_matcher matcher;
	uint64_t looked_ms, look_ms;
	size_t most;
	struct imap_hits *out;
};

void imap_hits_fini(struct imap_hits *h)
{
	free(h->v);
	*h = (struct imap_hits)IMAP_HITS_INIT;
}

int imap_hits_add(struct imap_hits *h, uint32_t number, uint32_t uid)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 64;
		struct imap_hit *v = reallocarray(h->v, cap, sizeof(*v));
		if (!v)
			return ERR_NO_MEMORY;
		h->v = v;
		h->cap = cap;
	}
	h->v[h->n++] = (struct imap_hit){ number, uid, 100 };
	return 0;
}

static bool is_abandoned(struct run *x, uint32_t number)
{
	if (!imap_match_was_slow(&x->matcher) && number % LOOK_EVERY_MESSAGES && x->look_ms == LOOK_EVERY_MS)
		return false;
	uint64_t now = clock_mono_ms();
	if (now - x->looked_ms < x->look_ms)
		return false;
	x->looked_ms = now;
	if (x->request)
		imap_progress(x->request, number - 1, view_count(x->matcher.scope->view));
	return conn_peer_gone(x->conn);
}

/* Leaves in *a what is in b too. */
static int intersect(struct rangeset *a, const struct rangeset *b)
{
	struct rangeset both = RANGESET_INIT;
	int err = 0;
	for (size_t i = 0, k = 0; i < a->n && k < b->n && !err;) {
		uint32_t lo = a->v[i].lo > b->v[k].lo ? a->v[i].lo : b->v[k].lo, hi = a->v[i].hi < b->v[k].hi ? a->v[i].hi : b->v[k].hi;
		if (lo <= hi)
			err = rangeset_add(&both, lo, hi);
		if (a->v[i].hi < b->v[k].hi)
			i++;
		else
			k++;
	}
	rangeset_fini(a);
	*a = both;
	return err;
}

/* The messages among which all matches are: those of all sets that must hold anyway. */
static int find_candidates(const struct imap_search_scope *scope, const struct imap_test *root, struct rangeset *numbers_out)
{
	uint32_t count = view_count(scope->view);
	int err = count ? rangeset_add(numbers_out, 1, count) : 0;
	if (root->key->kind != IMAP_SEARCH_AND || root->key->negated)
		return err;
	for (const struct imap_test *t = root->child; t && !err; t = t->next) {
		if ((t->key->kind != IMAP_SEARCH_SEQSET && t->key->kind != IMAP_SEARCH_UIDSET) || t->key->negated)
			continue;
		struct rangeset these = RANGESET_INIT;
		err = imap_uids_to_numbers(scope->view, &t->set, &these);
		if (!err)
			err = intersect(numbers_out, &these);
		rangeset_fini(&these);
	}
	return err;
}

static int look_at(struct run *x, const struct message *m, uint32_t number)
{
	if (is_abandoned(x, number))
		return ERR_CLOSED;
	/* RFC 2180 4.3. */
	if (m->flags & MESSAGE_GHOST) {
		x->out->missing = true;
		return 0;
	}
	int matched = imap_match(&x->matcher, x->root, m);
	if (matched <= 0)
		return matched;
	int err = imap_hits_add(x->out, number, m->uid);
	if (!err)
		x->out->v[x->out->n - 1].score = imap_match_score(&x->matcher);
	return err;
}

int imap_search_run(struct conn *conn, const struct imap_search_scope *scope, const struct imap_test *root, size_t most,
					struct imap_hits *out)
{
	struct run x = {
		.conn = conn, .request = scope->request, .root = root, .matcher = IMAP_MATCHER_INIT(scope), .looked_ms = clock_mono_ms(), .look_ms = LOOK_EVERY_MS, .most = most, .out = out,
	};
	/* An administrator who wants progress more often gets it. */
	uint64_t every = scope->request ? scope->request->s->config->imap_progress_ms : 0;
	if (every && every < x.look_ms)
		x.look_ms = every;
	if (scope->request)
		imap_progress(scope->request, 0, view_count(scope->view));        /* from here on time is counted */
	struct rangeset numbers = RANGESET_INIT;
	struct imap_message_walk walk;
	const struct message *m;
	int err = find_candidates(scope, root, &numbers);
	if (!err)
		out->limited_uid = imap_message_limit_numbers(scope->view, &numbers, scope->limit);
	imap_message_walk_init(&walk, scope->view, &numbers);
	while (!err && (!most || out->n < most) && (m = imap_message_walk_next(&walk)))
		err = look_at(&x, m, walk.number);
	imap_matcher_fini(&x.matcher);
	rangeset_fini(&numbers);
	return err;
}
