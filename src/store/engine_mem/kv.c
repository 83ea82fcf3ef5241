/* Reads and commits of the memory engine. */
#include "store/engine_mem/mem.h"

/* A scope as it was at the moment of a read of all. */
struct mem_then {
	struct store_scope scope;
	struct tree *root;
	uint64_t version;
};

struct mem_read {
	struct store_read base;
	struct tree *root;
	uint64_t version;
	struct mem_then *all;             /* owns the roots, of which `root` is one; NULL: `root` is owned */
	size_t n_all;
	size_t iters;
	struct mem_iter *open_iters;
};

struct mem_iter {
	struct store_iter base;
	struct mem_read *read;
	struct mem_iter *prev, *next;     /* among the read's open iterators */
	bool reverse, started;
	size_t from_n, to_n;
	char from[STORE_KEY_MAX + 1], to[STORE_KEY_MAX + 1];
};

struct mem_write {
	struct store_write base;
	struct tree *root;
	bool changed;
	int failed;                       /* the engine's own failure: the transaction fails whatever the closure says */
};

int mem_begin(struct store *s, struct store_scope scope, struct store_read **out)
{
	struct mem_store *m = mem_of(s);
	struct mem_read *r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	r->base.store = s;
	pthread_mutex_lock(&m->lock);
	struct mem_scope *at = mem_scope_get(m, scope);
	if (at) {
		r->root = tree_ref(at->root);
		r->version = at->version;
	}
	pthread_mutex_unlock(&m->lock);
	if (!at) {
		free(r);
		return ERR_NO_MEMORY;
	}
	*out = &r->base;
	return 0;
}

/* Under `lock`. */
static int take_all(struct mem_store *m, struct mem_read *r)
{
	size_t n = 0;
	for (size_t i = 0; i < MEM_SCOPE_BUCKETS; i++)
		for (struct mem_scope *at = m->scopes[i]; at; at = at->next)
			n++;
	r->all = calloc(n + 1, sizeof *r->all);
	if (!r->all)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < MEM_SCOPE_BUCKETS; i++)
		for (struct mem_scope *at = m->scopes[i]; at; at = at->next)
			r->all[r->n_all++] = (struct mem_then){ at->scope, tree_ref(at->root), at->version };
	return 0;
}

int mem_begin_all(struct store *s, struct store_read **out)
{
	struct mem_store *m = mem_of(s);
	struct mem_read *r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	r->base.store = s;
	pthread_mutex_lock(&m->lock);
	int rc = take_all(m, r);
	pthread_mutex_unlock(&m->lock);
	if (rc) {
		free(r);
		return rc;
	}
	mem_turn(&r->base, (struct store_scope){ STORE_SYSTEM, 0 });
	*out = &r->base;
	return 0;
}

static void end_iters(struct mem_read *r)
{
	for (struct mem_iter *it = r->open_iters, *next; it; it = next) {
		next = it->next;
		free(it);
	}
	r->open_iters = NULL;
}

void mem_turn(struct store_read *read, struct store_scope scope)
{
	struct mem_read *r = (struct mem_read *)read;
	end_iters(r);
	r->root = NULL;
	r->version = 0;
	for (size_t i = 0; i < r->n_all; i++)
		if (scope_eq(r->all[i].scope, scope)) {
			r->root = r->all[i].root;
			r->version = r->all[i].version;
		}
}

void mem_end(struct store_read *read)
{
	struct mem_read *r = (struct mem_read *)read;
	end_iters(r);
	for (size_t i = 0; i < r->n_all; i++)
		tree_unref(r->all[i].root);
	if (!r->all)
		tree_unref(r->root);
	free(r->all);
	free(r);
}

uint64_t mem_version(struct store_read *r) { return ((struct mem_read *)r)->version; }

int mem_get(struct store_read *r, struct str key, struct str *value_out)
{
	return tree_get(((struct mem_read *)r)->root, key, value_out) ? 0 : ERR_NOT_FOUND;
}

/* `to` empty means no end. */
static bool find_forward(const struct tree *t, struct str from, bool beyond, struct str to, struct str *key,
						 struct str *value)
{
	return tree_first(t, from, beyond, key, value) && (to.n == 0 || str_cmp(*key, to) < 0);
}

static bool find_backward(const struct tree *t, struct str from, struct str to, struct str *key, struct str *value)
{
	return tree_last(t, to, key, value) && str_cmp(*key, from) >= 0;
}

int mem_range(struct store_read *read, struct str from, struct str to, bool reverse, struct store_iter **out)
{
	struct mem_read *r = (struct mem_read *)read;
	struct mem_iter *it = calloc(1, sizeof *it);
	if (!it)
		return ERR_NO_MEMORY;
	it->base.store = read->store;
	it->read = r;
	it->reverse = reverse;
	it->from_n = from.n;
	it->to_n = to.n;
	if (from.n)
		memcpy(it->from, from.p, from.n);
	if (to.n)
		memcpy(it->to, to.p, to.n);
	it->next = r->open_iters;
	if (it->next)
		it->next->prev = it;
	r->open_iters = it;
	*out = &it->base;
	return 0;
}

int mem_next(struct store_iter *iter, struct str *key_out, struct str *value_out)
{
	struct mem_iter *it = (struct mem_iter *)iter;
	struct str from = str_make(it->from, it->from_n), to = str_make(it->to, it->to_n), key, value;
	/* The bound on the side where we are moves to the key given last. */
	bool more = it->reverse ? find_backward(it->read->root, from, to, &key, &value)
							: find_forward(it->read->root, from, it->started, to, &key, &value);
	if (!more)
		return 0;
	it->started = true;
	memcpy(it->reverse ? it->to : it->from, key.p, key.n);
	*(it->reverse ? &it->to_n : &it->from_n) = key.n;
	*key_out = key;
	*value_out = value;
	return 1;
}

void mem_iter_end(struct store_iter *iter)
{
	struct mem_iter *it = (struct mem_iter *)iter;
	if (it->next)
		it->next->prev = it->prev;
	if (it->prev)
		it->prev->next = it->next;
	else
		it->read->open_iters = it->next;
	free(it);
}

uint64_t mem_scope_version(struct store *s, struct store_scope scope)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->lock);
	struct mem_scope *at = mem_scope_get(m, scope);
	uint64_t version = at ? at->version : 0;
	pthread_mutex_unlock(&m->lock);
	return version;
}

/* ---- writing ---- */

static int commit_one(struct mem_store *m, struct store_op *op)
{
	pthread_mutex_lock(&m->lock);
	struct mem_scope *at = mem_scope_get(m, op->scope);
	struct mem_write w = { .base.store = &m->base, .root = at ? tree_ref(at->root) : NULL };
	pthread_mutex_unlock(&m->lock);
	if (!at)
		return ERR_NO_MEMORY;
	int rc = op->fn(&w.base, op->arg);
	if (w.failed)
		rc = w.failed;
	if (rc < 0) {
		tree_unref(w.root);
		return rc;
	}
	pthread_mutex_lock(&m->lock);
	struct tree *old = at->root;
	at->root = w.root;
	at->version += w.changed;
	struct watch_news news = { .scope = op->scope, .version = at->version };
	m->stats.commits++;
	m->stats.groups++;
	pthread_mutex_unlock(&m->lock);
	tree_unref(old);
	if (w.changed && !watch_table_empty(&m->watches)) {
		pthread_mutex_unlock(&m->writer);
		watch_table_fire(&m->watches, &news);
		pthread_mutex_lock(&m->writer);
	}
	return 0;
}

void mem_commit_all(struct store *s, struct store_op *ops, size_t n)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->writer);
	for (size_t i = 0; i < n; i++)
		ops[i].result = commit_one(m, &ops[i]);
	pthread_mutex_unlock(&m->writer);
}

int mem_wget(struct store_write *w, struct str key, struct str *value_out)
{
	return tree_get(((struct mem_write *)w)->root, key, value_out) ? 0 : ERR_NOT_FOUND;
}

int mem_put_reserve(struct store_write *write, struct str key, size_t n, char **place_out)
{
	struct mem_write *w = (struct mem_write *)write;
	int rc = tree_put(&w->root, key, n, place_out);
	if (rc)
		w->failed = rc;
	else
		w->changed = true;
	return rc;
}

int mem_del(struct store_write *write, struct str key)
{
	struct mem_write *w = (struct mem_write *)write;
	bool was_there;
	int rc = tree_del(&w->root, key, &was_there);
	if (rc)
		w->failed = rc;
	else if (was_there)
		w->changed = true;
	return rc;
}

int mem_del_range(struct store_write *write, struct str from, struct str to, uint64_t *n_out)
{
	struct mem_write *w = (struct mem_write *)write;
	struct str key, value;
	while (find_forward(w->root, from, false, to, &key, &value)) {
		int rc = mem_del(write, key);
		if (rc)
			return rc;
		++*n_out;
	}
	return 0;
}

int mem_wfind(struct store_write *write, struct str from, struct str to, bool reverse, struct str *key_out,
			  struct str *value_out)
{
	const struct tree *t = ((struct mem_write *)write)->root;
	struct str key, value;
	bool there = reverse ? find_backward(t, from, to, &key, &value) : find_forward(t, from, false, to, &key, &value);
	if (!there)
		return 0;
	*key_out = key;
	*value_out = value;
	return 1;
}
