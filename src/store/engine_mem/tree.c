#include "store/engine_mem/tree.h"

#include "base/err.h"
#include "base/hash.h"

#include <stdatomic.h>

/* What a node says; shared by all copies of the node. */
struct pair {
	atomic_uint refs;
	uint64_t priority;                /* of the key alone, so the shape does not depend on the order of insertion */
	size_t key_n, value_n;
	char bytes[];                     /* key, value */
};

struct tree {
	atomic_uint refs;
	struct pair *pair;
	struct tree *left, *right;        /* smaller and larger keys; their priorities are not above this one's */
};

static struct str pair_key(const struct pair *p) { return str_make(p->bytes, p->key_n); }
static struct str pair_value(const struct pair *p) { return str_make(p->bytes + p->key_n, p->value_n); }

static struct pair *pair_create(struct str key, size_t value_n)
{
	struct pair *p = malloc(sizeof *p + key.n + value_n);
	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	p->priority = hash_siphash(key);
	p->key_n = key.n;
	p->value_n = value_n;
	memcpy(p->bytes, key.p, key.n);
	return p;
}

static struct pair *pair_ref(struct pair *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

static void pair_unref(struct pair *p)
{
	if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
		free(p);
}

struct tree *tree_ref(struct tree *t)
{
	if (t)
		atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void tree_unref(struct tree *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	tree_unref(t->left);
	tree_unref(t->right);
	pair_unref(t->pair);
	free(t);
}

/* Takes over the three references. Out of memory: sets *failed and gives back nothing; the caller of the whole change
 * then drops what was built. */
static struct tree *node(struct pair *p, struct tree *left, struct tree *right, bool *failed)
{
	struct tree *t = malloc(sizeof *t);
	if (!t) {
		*failed = true;
		pair_unref(p);
		tree_unref(left);
		tree_unref(right);
		return NULL;
	}
	atomic_init(&t->refs, 1);
	t->pair = p;
	t->left = left;
	t->right = right;
	return t;
}

/* New maps of all keys below and above `key`. */
static void split(const struct tree *t, struct str key, struct tree **below, struct tree **above, bool *failed)
{
	*below = *above = NULL;
	if (!t)
		return;
	int c = str_cmp(key, pair_key(t->pair));
	if (c == 0) {
		*below = tree_ref(t->left);
		*above = tree_ref(t->right);
	} else if (c < 0) {
		struct tree *rest;
		split(t->left, key, below, &rest, failed);
		*above = node(pair_ref(t->pair), rest, tree_ref(t->right), failed);
	} else {
		struct tree *rest;
		split(t->right, key, &rest, above, failed);
		*below = node(pair_ref(t->pair), tree_ref(t->left), rest, failed);
	}
}

/* A new map of two, all keys of a being below those of b. */
static struct tree *join(struct tree *a, struct tree *b, bool *failed)
{
	if (!a || !b)
		return tree_ref(a ? a : b);
	if (a->pair->priority >= b->pair->priority)
		return node(pair_ref(a->pair), tree_ref(a->left), join(a->right, b, failed), failed);
	return node(pair_ref(b->pair), join(a, b->left, failed), tree_ref(b->right), failed);
}

static struct tree *with(const struct tree *t, struct pair *p, bool *failed)
{
	if (!t)
		return node(pair_ref(p), NULL, NULL, failed);
	int c = str_cmp(pair_key(p), pair_key(t->pair));
	if (c == 0)
		return node(pair_ref(p), tree_ref(t->left), tree_ref(t->right), failed);
	if (p->priority > t->pair->priority) {
		struct tree *below, *above;
		split(t, pair_key(p), &below, &above, failed);
		return node(pair_ref(p), below, above, failed);
	}
	if (c < 0)
		return node(pair_ref(t->pair), with(t->left, p, failed), tree_ref(t->right), failed);
	return node(pair_ref(t->pair), tree_ref(t->left), with(t->right, p, failed), failed);
}

/* The key is there. */
static struct tree *without(const struct tree *t, struct str key, bool *failed)
{
	int c = str_cmp(key, pair_key(t->pair));
	if (c == 0)
		return join(t->left, t->right, failed);
	if (c < 0)
		return node(pair_ref(t->pair), without(t->left, key, failed), tree_ref(t->right), failed);
	return node(pair_ref(t->pair), tree_ref(t->left), without(t->right, key, failed), failed);
}

static int replace(struct tree **t, struct tree *by, bool failed)
{
	if (failed) {
		tree_unref(by);
		return ERR_NO_MEMORY;
	}
	tree_unref(*t);
	*t = by;
	return 0;
}

int tree_put(struct tree **t, struct str key, size_t n, char **place_out)
{
	struct pair *p = pair_create(key, n);
	if (!p)
		return ERR_NO_MEMORY;
	bool failed = false;
	struct tree *changed = with(*t, p, &failed);
	*place_out = failed ? NULL : p->bytes + p->key_n;
	pair_unref(p);                // NOLINT(clang-analyzer-unix.Malloc): each reference is counted
	return replace(t, changed, failed);
}

int tree_del(struct tree **t, struct str key, bool *found_out)
{
	struct str value;
	*found_out = tree_get(*t, key, &value);
	if (!*found_out)
		return 0;
	bool failed = false;
	struct tree *changed = without(*t, key, &failed);
	return replace(t, changed, failed);
}

bool tree_get(const struct tree *t, struct str key, struct str *value_out)
{
	while (t) {
		int c = str_cmp(key, pair_key(t->pair));
		if (c == 0) {
			*value_out = pair_value(t->pair);
			return true;
		}
		t = c < 0 ? t->left : t->right;
	}
	return false;
}

static bool found(const struct tree *t, struct str *key_out, struct str *value_out)
{
	if (!t)
		return false;
	*key_out = pair_key(t->pair);
	*value_out = pair_value(t->pair);
	return true;
}

bool tree_first(const struct tree *t, struct str from, bool beyond, struct str *key_out, struct str *value_out)
{
	const struct tree *best = NULL;
	while (t) {
		int c = str_cmp(pair_key(t->pair), from);
		bool in = beyond ? c > 0 : c >= 0;
		if (in)
			best = t;
		t = in ? t->left : t->right;
	}
	return found(best, key_out, value_out);
}

bool tree_last(const struct tree *t, struct str to, struct str *key_out, struct str *value_out)
{
	const struct tree *best = NULL;
	while (t) {
		bool in = to.n == 0 || str_cmp(pair_key(t->pair), to) < 0;
		if (in)
			best = t;
		t = in ? t->right : t->left;
	}
	return found(best, key_out, value_out);
}

size_t tree_count(const struct tree *t) { return t ? 1 + tree_count(t->left) + tree_count(t->right) : 0; }
