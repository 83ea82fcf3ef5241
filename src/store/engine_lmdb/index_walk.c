#include "store/engine_lmdb/index_walk.h"

#include "base/bytes.h"
#include "base/err.h"
#include "store/store.h"

#include <stdlib.h>

int index_walk_init(struct index_walk *w, const struct index_file *file, uint64_t last_page)
{
	*w = (struct index_walk){ .file = file, .last_page = last_page, .value = BUF_INIT(STORE_VALUE_MAX) };
	w->seen = calloc(1, (size_t)(file->pages / 8 + 1));
	return w->seen ? 0 : ERR_NO_MEMORY;
}

void index_walk_fini(struct index_walk *w)
{
	free(w->seen);
	buf_fini(&w->value);
	w->seen = NULL;
}

bool index_walk_mark(struct index_walk *w, uint64_t page)
{
	if (page < 2 || page > w->last_page || page >= w->file->pages || index_walk_has_seen(w, page))
		return false;
	w->seen[page / 8] |= (uint8_t)(1u << page % 8);
	return true;
}

static void unmark(struct index_walk *w, uint64_t page) { w->seen[page / 8] &= (uint8_t)~(1u << page % 8); }

static int compare(const struct index_walk *w, struct str a, struct str b)
{
	if (!w->numbers || a.n != 8 || b.n != 8)
		return str_cmp(a, b);
	uint64_t left = load_le64(a.p), right = load_le64(b.p);
	return (left > right) - (left < right);
}

static bool within(const struct index_walk *w, struct str key, struct str from, struct str to)
{
	return (from.n == 0 || compare(w, key, from) >= 0) && (to.n == 0 || compare(w, key, to) < 0);
}

static void hole(struct index_walk *w, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	w->hole(w->arg, what, page, from, to, leaf);
}

/* ---- big values ---- */

int index_walk_big(struct index_walk *w, const struct index_node *node, const char **what_out)
{
	uint8_t page[INDEX_PAGE_SIZE];
	uint64_t needed = index_overflow_pages(node->size), n = needed;
	*what_out = "a large value beyond the file or its limits";
	if (node->size > STORE_VALUE_MAX || node->page < 2 || node->page > w->last_page || n > w->last_page - node->page + 1 ||
		node->page + n > w->file->pages)
		return ERR_CORRUPT;
	int rc = index_file_read(w->file, node->page, page);
	*what_out = rc ? "a page that cannot be read" : index_overflow_judge(page, node->page, node->size, &n);
	if (*what_out == NULL && (n > w->last_page - node->page + 1 || node->page + n > w->file->pages))
		*what_out = "a large value of a wrong size";
	if (*what_out)
		return ERR_CORRUPT;
	for (uint64_t i = 0; i < n; i++) {
		*what_out = "a page that is used twice";
		if (!index_walk_mark(w, node->page + i))
			return ERR_CORRUPT;
	}
	w->found.overflows += n;
	if (!w->values)
		return 0;
	buf_reset(&w->value);
	size_t left = node->size, skip = INDEX_PAGE_HEADER;
	for (uint64_t i = 0; i < needed; i++, skip = 0) {
		size_t part = left < INDEX_PAGE_SIZE - skip ? left : INDEX_PAGE_SIZE - skip;
		*what_out = "a page that cannot be read";
		if (i && index_file_read(w->file, node->page + i, page))
			return ERR_CORRUPT;
		buf_add(&w->value, page + skip, part);
		left -= part;
	}
	return w->value.failed ? ERR_NO_MEMORY : 0;
}

/* ---- pages ---- */

/* A key and the one right behind it: a hole of one pair. */
static void hole_of_key(struct index_walk *w, const char *what, uint64_t page, struct str key)
{
	char after[INDEX_KEY_MAX + 1];
	memcpy(after, key.p, key.n);
	after[key.n] = '\0';
	hole(w, what, page, key, str_make(after, key.n + 1), true);
}

static int tell_pair(struct index_walk *w, uint64_t page, const struct index_node *node)
{
	struct str value = node->value;
	if (node->flags & INDEX_BIG) {
		const char *what;
		int rc = index_walk_big(w, node, &what);
		if (rc == ERR_CORRUPT) {
			hole_of_key(w, what, page, node->key);
			return 0;
		}
		if (rc)
			return rc;
		value = w->values ? buf_str(&w->value) : STR_NONE;
	}
	w->found.entries++;
	w->told++;
	return w->pair ? w->pair(w->arg, node->key, value, node->flags) : 0;
}

/* Keys must rise, and stay within what the branches above say. */
static const char *judge_order(const struct index_walk *w, const uint8_t *page, bool leaf, struct str from, struct str to)
{
	struct str last = STR_NONE;
	unsigned count = index_page_count(page);
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		if (!index_node_decode(page, i, leaf, &node))
			return "a record that does not lie within its page";
		/* the first key of a branch means nothing */
		if (!leaf && i == 0)
			continue;
		if (node.key.n == 0 || !within(w, node.key, from, to) || (last.n && compare(w, node.key, last) <= 0))
			return "keys that are out of order";
		last = node.key;
	}
	return NULL;
}

static int walk_leaf(struct index_walk *w, uint64_t number, const uint8_t *page, bool sound, struct str from, struct str to)
{
	unsigned count = index_page_count(page);
	w->found.leaves++;
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		if (!sound && (!index_node_decode(page, i, true, &node) || !within(w, node.key, from, to)))
			continue;
		if (sound)
			index_node_decode(page, i, true, &node);
		int rc = tell_pair(w, number, &node);
		if (rc)
			return rc;
	}
	return 0;
}

static int walk_page(struct index_walk *w, uint64_t number, unsigned depth, struct str from, struct str to);

static struct str begin_of(const struct index_walk *w) { return str_make(w->begin, w->begin_n); }

/* Enough leaves for now: the next one is where to go on. Never before the first, which may begin with no key. */
static bool is_enough(struct index_walk *w, struct str next)
{
	if (w->max_leaves == 0 || w->found.leaves < w->max_leaves || next.n == 0 || next.n > sizeof w->begin)
		return false;
	memcpy(w->begin, next.p, next.n);
	w->begin_n = next.n;
	return true;
}

static int walk_branch(struct index_walk *w, const uint8_t *page, bool sound, unsigned depth, struct str from, struct str to)
{
	unsigned count = index_page_count(page);
	w->found.branches++;
	for (unsigned i = 0; i < count; i++) {
		struct index_node node, next;
		if (!index_node_decode(page, i, false, &node))
			continue;
		/* In a damaged branch nothing is believed but that these may be children. */
		struct str low = sound && i > 0 ? node.key : from, high = to;
		if (sound && i + 1 < count && index_node_decode(page, i + 1, false, &next))
			high = next.key;
		if (w->begin_n && high.n && compare(w, high, begin_of(w)) <= 0)
			continue;
		int rc = walk_page(w, node.page, depth - 1, low, high);
		if (rc)
			return rc;
	}
	return 0;
}

static int walk_page(struct index_walk *w, uint64_t number, unsigned depth, struct str from, struct str to)
{
	uint8_t page[INDEX_PAGE_SIZE];
	bool leaf = depth == 1;
	uint64_t told = w->told;
	if (leaf && is_enough(w, from))
		return ERR_BUSY;
	if (!index_walk_mark(w, number)) {
		hole(w, number > w->last_page || number >= w->file->pages || number < 2 ? "a page beyond the file" : "a page that is used twice", number, from, to, leaf);
		return 0;
	}
	if (index_file_read(w->file, number, page)) {
		hole(w, "a page that cannot be read", number, from, to, leaf);
		return 0;
	}
	const char *what = index_page_judge(page, number, leaf);
	if (!what && !leaf && !w->free_only && index_page_count(page) < 2)
		what = "a branch with one child";
	if (!what)
		what = judge_order(w, page, leaf, from, to);
	if (what)
		hole(w, what, number, from, to, leaf);
	int rc = leaf ? walk_leaf(w, number, page, !what, from, to) : walk_branch(w, page, !what, depth, from, to);
	/* Reached by mistake: it may belong elsewhere. */
	if (what && w->told == told)
		unmark(w, number);
	return rc;
}

int index_walk_table(struct index_walk *w, const struct index_table *t, bool free_pages)
{
	w->found = (struct index_table){ .root = t->root, .depth = t->depth };
	w->numbers = w->free_only = free_pages;
	if (t->root == INDEX_NO_PAGE) {
		if (t->entries || t->depth || t->branches || t->leaves || t->overflows)
			hole(w, "an empty table that counts records or pages", 0, STR_NONE, STR_NONE, false);
		return 0;
	}
	if (t->depth < 1 || t->depth > INDEX_DEPTH_MAX) {
		hole(w, "a tree of impossible depth", t->root, STR_NONE, STR_NONE, false);
		return 0;
	}
	int rc = walk_page(w, t->root, t->depth, STR_NONE, STR_NONE);
	const struct index_table *f = &w->found;
	if (rc == 0 && w->max_leaves == 0 && (f->branches != t->branches || f->leaves != t->leaves || f->overflows != t->overflows || f->entries != t->entries))
		hole(w, "a tree that has not what it counts", t->root, STR("\x01"), STR("\x01"), false);
	return rc;
}
