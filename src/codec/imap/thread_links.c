#include "codec/imap/thread_links.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define NONE IMAP_THREAD_NONE

/* What a Message-ID stands for: a message that is there, or one that is only spoken of (a dummy). */
struct node {
	uint64_t id;
	uint32_t parent;
	uint32_t children;                   /* how many */
	uint32_t message;                    /* NONE: a dummy */
};

struct links {
	const struct imap_thread_message *message;
	uint32_t n;
	struct node *node;
	uint32_t nodes, cap;
	uint32_t *own;                       /* the node of each message */
	uint32_t *slot;                      /* open addressing by id: a node + 1, or 0 */
	size_t slots;                        /* a power of two */
	int failed;
};

/* ---- ids to nodes ---- */

static uint32_t node_new(struct links *x, uint64_t id)
{
	if (x->nodes == x->cap) {
		uint32_t cap = x->cap ? 2 * x->cap : 256;
		struct node *node = cap > x->cap ? reallocarray(x->node, cap, sizeof(*node)) : NULL;
		if (!node) {
			x->failed = ERR_NO_MEMORY;
			return NONE;
		}
		x->node = node;
		x->cap = cap;
	}
	x->node[x->nodes] = (struct node){ .id = id, .parent = NONE, .message = NONE };
	return x->nodes++;
}

static void place(const struct links *x, uint32_t node)
{
	size_t i = x->node[node].id & (x->slots - 1);
	while (x->slot[i])
		i = (i + 1) & (x->slots - 1);
	x->slot[i] = node + 1;
}

static bool grow(struct links *x)
{
	size_t slots = x->slots ? 2 * x->slots : 1024;
	uint32_t *slot = calloc(slots, sizeof(*slot));
	if (!slot) {
		x->failed = ERR_NO_MEMORY;
		return false;
	}
	free(x->slot);
	x->slot = slot;
	x->slots = slots;
	for (uint32_t i = 0; i < x->nodes; i++)
		if (x->node[i].id)
			place(x, i);
	return true;
}

/* The node of an id; made when it is new. */
static uint32_t node_of(struct links *x, uint64_t id)
{
	if (2 * (size_t)x->nodes >= x->slots && !grow(x))
		return NONE;
	size_t i = id & (x->slots - 1);
	while (x->slot[i]) {
		if (x->node[x->slot[i] - 1].id == id)
			return x->slot[i] - 1;
		i = (i + 1) & (x->slots - 1);
	}
	uint32_t node = node_new(x, id);
	if (node != NONE)
		x->slot[i] = node + 1;
	return node;
}

/* Of several messages with one id the first has it; the others, and those without, get nodes that nobody can refer to. */
static uint32_t node_of_message(struct links *x, uint32_t i)
{
	uint64_t id = x->message[i].id;
	uint32_t node = id ? node_of(x, id) : node_new(x, 0);
	if (node != NONE && x->node[node].message != NONE)
		node = node_new(x, 0);
	if (node != NONE)
		x->node[node].message = i;
	return node;
}

/* ---- step 1: links ---- */

/* Would `child` be its own ancestor? What has no children is nobody's. */
static bool makes_loop(const struct links *x, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return true;
	if (x->node[child].children == 0)
		return false;
	for (uint32_t at = parent; at != NONE; at = x->node[at].parent)
		if (at == child)
			return true;
	return false;
}

static void link_child(struct links *x, uint32_t parent, uint32_t child)
{
	x->node[child].parent = parent;
	x->node[parent].children++;
}

static void unlink_child(struct links *x, uint32_t child)
{
	uint32_t parent = x->node[child].parent;
	if (parent == NONE)
		return;
	x->node[parent].children--;
	x->node[child].parent = NONE;
}

static void link_message(struct links *x, uint32_t i)
{
	const struct imap_thread_message *m = &x->message[i];
	uint32_t last = NONE;
	/* (A) */
	for (uint32_t k = 0; k < m->n_refs && !x->failed; k++) {
		uint32_t ref = node_of(x, m->refs[k]);
		if (ref != NONE && last != NONE && x->node[ref].parent == NONE && !makes_loop(x, last, ref))
			link_child(x, last, ref);
		last = ref;
	}
	if (x->failed)
		return;
	/* (B) */
	unlink_child(x, x->own[i]);
	if (last != NONE && !makes_loop(x, last, x->own[i]))
		link_child(x, last, x->own[i]);
}

static void link_all(struct links *x)
{
	/* All ids first: an id belongs to the first message that has it, also when it was referred to before. */
	for (uint32_t i = 0; i < x->n && !x->failed; i++)
		x->own[i] = node_of_message(x, i);
	for (uint32_t i = 0; i < x->n && !x->failed; i++)
		link_message(x, i);
}

/* ---- steps 2 and 3: dummies ---- */

/* What the children of a node become children of, when its dummies go: a node that is a message, or the dummy at the root. Found once for every
 * node: in found[], NONE where it is not known yet. */
static uint32_t surviving(const struct links *x, uint32_t *found, uint32_t node)
{
	uint32_t top = node;
	while (found[top] == NONE && x->node[top].message == NONE && x->node[top].parent != NONE)
		top = x->node[top].parent;
	uint32_t answer = found[top] == NONE ? top : found[top];
	for (uint32_t at = node; at != top; at = x->node[at].parent)
		found[at] = answer;
	found[top] = answer;
	return answer;
}

/* parent[] in nodes at first; then dummies with one child go, the others are numbered, and messages are named by their index. */
static void prune(struct links *x, uint32_t *parent, uint32_t *found, uint32_t *dummies_out)
{
	memset(found, 0xff, x->nodes * sizeof(*found));
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t above = x->node[x->own[i]].parent;
		parent[i] = above == NONE ? NONE : surviving(x, found, above);
	}
	uint32_t *count = found;                   /* of the children that are left */
	memset(count, 0, x->nodes * sizeof(*count));
	for (uint32_t i = 0; i < x->n; i++)
		if (parent[i] != NONE)
			count[parent[i]]++;
	uint32_t dummies = 0;
	for (uint32_t i = 0; i < x->n; i++) {
		if (parent[i] == NONE)
			continue;
		struct node *p = &x->node[parent[i]];
		if (p->message == NONE && count[parent[i]] < 2)
			parent[i] = NONE;
		else if (p->message == NONE)
			p->message = x->n + dummies++;         /* from now on it has a number */
		if (parent[i] != NONE)
			parent[i] = p->message;
	}
	*dummies_out = dummies;
}

int imap_thread_links(const struct imap_thread_message *message, uint32_t n, uint32_t **parent_out, uint32_t *dummies_out)
{
	struct links x = { .message = message, .n = n };
	uint32_t *parent = calloc(n ? n : 1, sizeof(*parent)), *found = NULL;
	x.own = calloc(n ? n : 1, sizeof(*x.own));
	*parent_out = NULL;
	if (!parent || !x.own)
		x.failed = ERR_NO_MEMORY;
	else
		link_all(&x);
	if (!x.failed && !(found = calloc(x.nodes ? x.nodes : 1, sizeof(*found))))
		x.failed = ERR_NO_MEMORY;
	if (!x.failed) {
		prune(&x, parent, found, dummies_out);
		*parent_out = parent;
		parent = NULL;
	}
	free(parent);
	free(found);
	free(x.own);
	free(x.node);
	free(x.slot);
	return x.failed;
}
