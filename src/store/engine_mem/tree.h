/* An ordered map that never changes: every change makes a new map that shares all but a path with the old one (a treap
 * copied along the path). A snapshot is a reference, a roll-back is dropping one. NULL is the empty map. Any thread may
 * read a map; references are counted atomically.
 */
#ifndef STORE_ENGINE_MEM_TREE_H
#define STORE_ENGINE_MEM_TREE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct tree;

struct tree *tree_ref(struct tree *t);
void tree_unref(struct tree *t);

/* Replaces *t by a map that also has the key; the value's n bytes at *place_out are the caller's to fill in before
 * anybody else sees the map. 0, or ERR_NO_MEMORY and *t is as it was. */
int tree_put(struct tree **t, struct str key, size_t n, char **place_out);
/* Likewise without the key; *found_out tells whether it was there. */
int tree_del(struct tree **t, struct str key, bool *found_out);

/* The slices live as long as the map. */
bool tree_get(const struct tree *t, struct str key, struct str *value_out);
/* The pair with the smallest key >= from (> from when `beyond`), or with the largest key < to (to empty: the last). */
bool tree_first(const struct tree *t, struct str from, bool beyond, struct str *key_out, struct str *value_out);
bool tree_last(const struct tree *t, struct str to, struct str *key_out, struct str *value_out);
size_t tree_count(const struct tree *t);

#endif
