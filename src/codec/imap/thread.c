#include "codec/imap/thread.h"

#include "base/err.h"
#include "codec/imap/order.h"
#include "codec/imap/thread_links.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONE IMAP_THREAD_NONE

struct entry {
	uint64_t subject;                    /* 0: free */
	uint32_t node;
};

struct maker {
	const struct imap_thread_message *message;
	uint32_t n;
	struct imap_threads *t;
	uint32_t *order;                     /* messages by sent date, then as they stand in the mailbox (RFC 5256 2.2) */
	uint32_t *rank;                      /* where in that order a message stands */
	uint32_t *parent;                    /* thread_links.h */
	uint32_t dummies;
	struct entry *table;                 /* the subject table; open addressing */
	size_t slots;                        /* a power of two */
	bool *moved;                         /* by node: no child of the root any more, or its children have to be sorted again */
	bool *dirty;
};

bool imap_thread_algorithm(struct str name, enum imap_thread_algorithm *out)
{
	static const char *const names[] = { "ORDEREDSUBJECT", "REFERENCES", "REFS" };
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!str_ieq(name, str_from_c(names[i])))
			continue;
		*out = (enum imap_thread_algorithm)i;
		return true;
	}
	return false;
}

void imap_threads_fini(struct imap_threads *t)
{
	free(t->child);
	free(t->next);
	free(t->root);
	*t = (struct imap_threads){ .message = NULL };
}

/* ---- what all need ---- */

static int make_order(struct maker *x)
{
	uint64_t *key = calloc(x->n + 1, sizeof(*key));
	x->order = calloc(x->n + 1, sizeof(*x->order));
	x->rank = calloc(x->n + 1, sizeof(*x->rank));
	int err = key && x->order && x->rank ? 0 : ERR_NO_MEMORY;
	for (uint32_t i = 0; i < x->n && !err; i++) {
		key[i] = imap_order_key(x->message[i].sent);
		x->order[i] = i;
	}
	if (!err)
		err = imap_order(key, x->order, x->n);
	for (uint32_t i = 0; i < x->n && !err; i++)
		x->rank[x->order[i]] = i;
	free(key);
	return err;
}

/* Room for that many nodes, all without children; roots are yet to be named. */
static int make_nodes(struct imap_threads *t, uint32_t cap, uint32_t roots)
{
	t->child = reallocarray(NULL, (size_t)cap + 1, sizeof(*t->child));
	t->next = reallocarray(NULL, (size_t)cap + 1, sizeof(*t->next));
	t->root = reallocarray(NULL, (size_t)roots + 1, sizeof(*t->root));
	if (!t->child || !t->next || !t->root)
		return ERR_NO_MEMORY;
	memset(t->child, 0xff, ((size_t)cap + 1) * sizeof(*t->child));
	memset(t->next, 0xff, ((size_t)cap + 1) * sizeof(*t->next));
	t->cap = cap;
	return 0;
}

static int make_table(struct maker *x)
{
	for (x->slots = 16; x->slots < 2 * (size_t)x->n; x->slots *= 2)
		;
	x->table = calloc(x->slots, sizeof(*x->table));
	return x->table ? 0 : ERR_NO_MEMORY;
}

/* The entry of a subject, free when there is none yet. */
static struct entry *table_find(const struct maker *x, uint64_t subject)
{
	size_t i = subject & (x->slots - 1);
	while (x->table[i].subject && x->table[i].subject != subject)
		i = (i + 1) & (x->slots - 1);
	return &x->table[i];
}

static void add_child(struct imap_threads *t, uint32_t parent, uint32_t child)
{
	t->next[child] = t->child[parent];
	t->child[parent] = child;
}

/* ---- ORDEREDSUBJECT ---- */

/* A subject as a key of the table, where 0 is free: the empty one is one too. */
static uint64_t subject_key(const struct imap_thread_message *m) { return m->subject ? m->subject : UINT64_MAX; }

/* The first message of a subject by date is the root, the others are its children. */
static int make_ordered(struct maker *x)
{
	struct imap_threads *t = x->t;
	int err = make_nodes(t, x->n, x->n);
	if (!err)
		err = make_table(x);
	if (err)
		return err;
	for (uint32_t i = 0; i < x->n; i++) {
		uint64_t subject = subject_key(&x->message[x->order[i]]);
		struct entry *e = table_find(x, subject);
		if (e->subject)
			continue;
		*e = (struct entry){ subject, x->order[i] };
		t->root[t->n_roots++] = x->order[i];
	}
	/* From the last to the first, so that children stand in order. */
	for (uint32_t i = x->n; i-- > 0;) {
		uint32_t m = x->order[i], root = table_find(x, subject_key(&x->message[m]))->node;
		if (root != m)
			add_child(t, root, m);
	}
	t->nodes = x->n;
	return 0;
}

/* ---- REFERENCES and REFS: steps 1 to 4 ---- */

/* Siblings come to stand in order because messages are taken from the last to the first; so do the roots, a dummy where its first child is. */
static int make_forest(struct maker *x)
{
	struct imap_threads *t = x->t;
	int err = imap_thread_links(x->message, x->n, &x->parent, &x->dummies);
	uint32_t roots = x->dummies;
	for (uint32_t i = 0; i < x->n && !err; i++)
		roots += x->parent[i] == NONE;
	/* Each merge by subject may make one more dummy. */
	if (!err)
		err = make_nodes(t, x->n + x->dummies + roots, 2 * roots);
	if (err)
		return err;
	t->nodes = x->n + x->dummies;
	for (uint32_t i = x->n; i-- > 0;)
		if (x->parent[x->order[i]] != NONE)
			add_child(t, x->parent[x->order[i]], x->order[i]);
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t m = x->order[i], p = x->parent[m];
		if (p == NONE)
			t->root[t->n_roots++] = m;
		else if (p >= x->n && t->child[p] == m)
			t->root[t->n_roots++] = p;
	}
	return 0;
}

/* ---- step 5: one thread for one subject ---- */

static bool is_dummy(const struct maker *x, uint32_t node) { return node >= x->n; }

static const struct imap_thread_message *first_of(const struct maker *x, uint32_t root)
{
	return &x->message[is_dummy(x, root) ? x->t->child[root] : root];
}

/* (B) */
static void fill_table(struct maker *x)
{
	for (uint32_t i = 0; i < x->t->n_roots; i++) {
		uint32_t r = x->t->root[i];
		uint64_t subject = first_of(x, r)->subject;
		if (!subject)
			continue;
		struct entry *e = table_find(x, subject);
		bool better = !e->subject || (!is_dummy(x, e->node) &&
		              (is_dummy(x, r) || (x->message[e->node].reply && !x->message[r].reply)));
		if (better)
			*e = (struct entry){ subject, r };
	}
}

static void move_below(struct maker *x, uint32_t parent, uint32_t child)
{
	add_child(x->t, parent, child);
	x->moved[child] = true;
	x->dirty[parent] = true;
}

static void move_children(struct maker *x, uint32_t to, uint32_t from)
{
	for (uint32_t c = x->t->child[from], next; c != NONE; c = next) {
		next = x->t->next[c];
		add_child(x->t, to, c);
	}
	x->t->child[from] = NONE;
	x->moved[from] = true;
	x->dirty[to] = true;
}

/* (C) */
static void merge(struct maker *x, uint32_t r)
{
	uint64_t subject = x->moved[r] ? 0 : first_of(x, r)->subject;
	if (!subject)
		return;
	struct entry *e = table_find(x, subject);
	if (e->node == r)
		return;
	/* The table prefers dummies, so whatever meets a message there is one. */
	assert(is_dummy(x, e->node) || !is_dummy(x, r));
	if (is_dummy(x, e->node) && is_dummy(x, r)) {
		move_children(x, e->node, r);
	} else if (is_dummy(x, e->node) || (x->message[r].reply && !x->message[e->node].reply)) {
		move_below(x, e->node, r);
	} else {
		uint32_t dummy = x->t->nodes++;
		move_below(x, dummy, r);
		move_below(x, dummy, e->node);
		x->t->root[x->t->n_roots++] = dummy;
		e->node = dummy;
	}
}

/* ---- step 6: siblings in order again ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* scratch: n entries. Children of a node that was merged are messages. */
static void sort_children(struct maker *x, uint32_t node, uint64_t *scratch)
{
	struct imap_threads *t = x->t;
	size_t count = 0;
	for (uint32_t c = t->child[node]; c != NONE; c = t->next[c])
		scratch[count++] = (uint64_t)x->rank[c] << 32 | c;
	qsort(scratch, count, sizeof(*scratch), by_value);
	t->child[node] = NONE;
	while (count > 0)
		add_child(t, node, (uint32_t)scratch[--count]);
}

static uint32_t rank_of_root(const struct maker *x, uint32_t root)
{
	return x->rank[is_dummy(x, root) ? x->t->child[root] : root];
}

/* scratch: n entries, one for each rank. */
static void sort_roots(struct maker *x, uint64_t *scratch)
{
	struct imap_threads *t = x->t;
	for (uint32_t i = 0; i < x->n; i++)
		scratch[i] = NONE;
	for (uint32_t i = 0; i < t->n_roots; i++)
		if (!x->moved[t->root[i]])
			scratch[rank_of_root(x, t->root[i])] = t->root[i];
	t->n_roots = 0;
	for (uint32_t i = 0; i < x->n; i++)
		if (scratch[i] != NONE)
			t->root[t->n_roots++] = (uint32_t)scratch[i];
}

static int merge_subjects(struct maker *x)
{
	uint64_t *scratch = reallocarray(NULL, (size_t)x->n + 1, sizeof(*scratch));
	x->moved = calloc((size_t)x->t->cap + 1, sizeof(*x->moved));
	x->dirty = calloc((size_t)x->t->cap + 1, sizeof(*x->dirty));
	int err = scratch && x->moved && x->dirty ? make_table(x) : ERR_NO_MEMORY;
	if (!err) {
		fill_table(x);
		uint32_t roots = x->t->n_roots;
		for (uint32_t i = 0; i < roots; i++)
			merge(x, x->t->root[i]);
		for (uint32_t i = 0; i < x->t->nodes; i++)
			if (x->dirty[i])
				sort_children(x, i, scratch);
		sort_roots(x, scratch);
	}
	free(scratch);
	return err;
}

/* ---- REFS: by the latest arrival ---- */

static void climb(struct maker *x, uint32_t *root, uint32_t m)
{
	uint32_t top = m;
	while (top < x->n && root[top] == NONE && x->parent[top] != NONE)
		top = x->parent[top];
	uint32_t answer = root[top] == NONE ? top : root[top];
	for (uint32_t at = m; at != top; at = x->parent[at])
		root[at] = answer;
	root[top] = answer;
}

static int order_by_latest(struct maker *x)
{
	struct imap_threads *t = x->t;
	uint32_t *root = reallocarray(NULL, (size_t)t->nodes + 1, sizeof(*root));
	uint64_t *latest = calloc((size_t)t->nodes + 1, sizeof(*latest));
	int err = root && latest ? 0 : ERR_NO_MEMORY;
	if (!err)
		memset(root, 0xff, ((size_t)t->nodes + 1) * sizeof(*root));
	for (uint32_t m = 0; m < x->n && !err; m++) {
		climb(x, root, m);
		uint64_t arrived = imap_order_key(x->message[m].arrived);
		if (arrived > latest[root[m]])
			latest[root[m]] = arrived;
	}
	if (!err)
		err = imap_order(latest, t->root, t->n_roots);
	free(root);
	free(latest);
	return err;
}

int imap_threads_make(enum imap_thread_algorithm algorithm, const struct imap_thread_message *message, uint32_t n,
					  struct imap_threads *out)
{
	*out = (struct imap_threads){ .message = message, .n = n };
	struct maker x = { .message = message, .n = n, .t = out };
	int err = make_order(&x);
	if (!err)
		err = algorithm == IMAP_THREAD_ORDEREDSUBJECT ? make_ordered(&x) : make_forest(&x);
	if (!err && algorithm == IMAP_THREAD_REFERENCES)
		err = merge_subjects(&x);
	if (!err && algorithm == IMAP_THREAD_REFS)
		err = order_by_latest(&x);
	free(x.order);
	free(x.rank);
	free(x.parent);
	free(x.table);
	free(x.moved);
	free(x.dirty);
	return err;
}
