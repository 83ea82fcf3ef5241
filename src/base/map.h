/* A hash table from bytes to a pointer. The caller locks. Keys are copied, values belong to the caller. Hashing is keyed
 * by a per-process random secret (SipHash), so foreign keys cannot flood one bucket. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

int map_create(struct map **out);                              /* 0 or ERR_NO_MEMORY */
void map_destroy(struct map **m);                              /* values are not freed; accepts NULL */
void *map_get(const struct map *m, struct str key);            /* NULL when absent */
int map_put(struct map *m, struct str key, void *value);       /* replaces; value not NULL; 0 or ERR_NO_MEMORY */
void *map_remove(struct map *m, struct str key);               /* what was there, or NULL */
size_t map_count(const struct map *m);
/* Visits all in no order: start with *pos = 0; false at the end. Removing the visited entry is allowed, adding is not. */
bool map_next(const struct map *m, size_t *pos, struct str *key_out, void **value_out);

#endif
