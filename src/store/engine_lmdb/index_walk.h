/* Walking the trees of data.mdb by index_page.h, from roots to leaves, past all damage. One thread per walk. Tells each pair and each stretch of keys that
 * could not be reached. A page is visited once however often damaged branches name it.
 */
#ifndef STORE_ENGINE_LMDB_INDEX_WALK_H
#define STORE_ENGINE_LMDB_INDEX_WALK_H

#include "base/buf.h"
#include "store/engine_lmdb/index_page.h"

/* Keys from `from` on and below `to` (empty: to the end) of the table may be missing or wrong, because of `what` at `page`. leaf: the records themselves are
 * damaged; otherwise the way to them is. */
typedef void index_hole_fn(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf);
/* The bytes are valid until it returns. 0, or a negative code that ends the walk. */
typedef int index_pair_fn(void *arg, struct str key, struct str value, unsigned flags);

struct index_walk {
	const struct index_file *file;
	uint64_t last_page;                           /* of the meta page */
	uint8_t *seen;                                /* a bit for each page of the file */
	bool values;                                  /* big values are read; otherwise only their first page is judged, and value.p is NULL */
	index_pair_fn *pair;                          /* may be NULL */
	index_hole_fn *hole;
	void *arg;

	/* Part of a table, where max_leaves is not 0: from the leaf on whose stretch of keys begins with `begin` (empty: the first). After so many leaves the walk ends
	 * with ERR_BUSY, and `begin` is where to go on. What the table counts is not compared then. */
	uint64_t max_leaves;
	uint8_t begin[INDEX_KEY_MAX + 1];
	size_t begin_n;

	bool numbers;                                 /* of the table being walked: keys are le64 numbers */
	bool free_only;                               /* what is walked is a table of free pages: branches may have one record */
	uint64_t told;                                /* pairs and holes so far */
	struct index_table found;                     /* what of the table was there */
	struct buf value;
};

/* `seen` is made, all zero. The hooks are set by the caller. 0 or ERR_NO_MEMORY. */
int index_walk_init(struct index_walk *w, const struct index_file *file, uint64_t last_page);
void index_walk_fini(struct index_walk *w);
static inline bool index_walk_has_seen(const struct index_walk *w, uint64_t page)
{
	return page < w->file->pages && w->seen[page / 8] & 1u << page % 8;
}
/* True when it was not marked before, and lies within the file. */
bool index_walk_mark(struct index_walk *w, uint64_t page);
/* Every pair of a table, in order where nothing is damaged. A table that differs from its own counts is a hole of no keys (from and to equal). 0, or what
 * pair returned, or ERR_NO_MEMORY. */
int index_walk_table(struct index_walk *w, const struct index_table *t, bool free_pages);
/* Reads a big value into w->value. 0, ERR_CORRUPT or ERR_NO_MEMORY; marks its pages. */
int index_walk_big(struct index_walk *w, const struct index_node *node, const char **what_out);

#endif
