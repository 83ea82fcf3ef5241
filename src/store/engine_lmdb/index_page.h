/* The pages of LMDB 0.9's data.mdb, decoded by code that believes nothing of what it reads: LMDB itself has no checksums and runs into the wall on a
 * damaged page. Pure but for index_file_read; any thread. The layout is described in doc/format/store.md, "Pages of the index".
 */
#ifndef STORE_ENGINE_LMDB_INDEX_PAGE_H
#define STORE_ENGINE_LMDB_INDEX_PAGE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define INDEX_PAGE_SIZE 4096u
#define INDEX_PAGE_HEADER 16u
#define INDEX_NODE_HEADER 8u
#define INDEX_KEY_MAX 511u                        /* bytes, LMDB's own ceiling */
#define INDEX_DEPTH_MAX 32u                       /* of a tree, LMDB's own ceiling */
#define INDEX_NO_PAGE UINT64_MAX                  /* the root of an empty table */

enum { INDEX_BRANCH = 1, INDEX_LEAF = 2, INDEX_OVERFLOW = 4, INDEX_META = 8 };      /* kinds of pages */
enum { INDEX_BIG = 1, INDEX_SUBTABLE = 2 };       /* flags of a leaf's node: the value lies on overflow pages; it is a table */

struct index_file {
	int fd;
	uint64_t pages;                               /* whole ones */
};
/* `page` is always INDEX_PAGE_SIZE bytes below. 0, ERR_NOT_FOUND (beyond the end) or ERR_IO. */
int index_file_read(const struct index_file *f, uint64_t page, uint8_t out[INDEX_PAGE_SIZE]);

struct index_table {
	uint32_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};
#define INDEX_TABLE_SIZE 48u
void index_table_decode(const uint8_t *p, struct index_table *out);

struct index_meta {
	uint64_t txn, last_page;
	struct index_table free, main;
};
/* NULL, or what is wrong with it (static text). */
const char *index_meta_decode(const uint8_t *page, unsigned which, struct index_meta *out);

struct index_node {
	struct str key;                               /* within the page */
	struct str value;                             /* of leaves: within the page; p is NULL when it is big */
	uint32_t size;                                /* of the value */
	unsigned flags;
	uint64_t page;                                /* of branches: the child; of big values: their first page */
};
/* How many nodes the header tells of, as far as they can be. */
unsigned index_page_count(const uint8_t *page);
/* False when it does not lie within the page. */
bool index_node_decode(const uint8_t *page, unsigned i, bool leaf, struct index_node *out);
/* Header and nodes: NULL when all of it is as LMDB writes it, otherwise what is wrong (static text). */
const char *index_page_judge(const uint8_t *page, uint64_t number, bool leaf);
/* The first page of a big value of `size` bytes: NULL or what is wrong. *pages_out: how many it has; more than it needs when in the same commit a larger one was
 * there before. */
const char *index_overflow_judge(const uint8_t *page, uint64_t number, uint32_t size, uint64_t *pages_out);
static inline uint64_t index_overflow_pages(uint32_t size) { return ((uint64_t)INDEX_PAGE_HEADER + size - 1) / INDEX_PAGE_SIZE + 1; }

#endif
