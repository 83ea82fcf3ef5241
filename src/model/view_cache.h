/* The newest known view of each mailbox, over all accounts. Views that sessions hold are not counted; those that nobody
 * holds stay while they fit under a ceiling, least recently used out first. Any thread; takes its own lock (rank 4).
 * For this room only. */
#ifndef MODEL_VIEW_CACHE_H
#define MODEL_VIEW_CACHE_H

#include "model/model.h"

struct view_cache;
int view_cache_create(uint64_t idle_bytes_max, struct view_cache **out);
void view_cache_destroy(struct view_cache **c);   /* accepts NULL; views that are still held live on alone */

/* Another reference, or NULL. */
struct view *view_cache_get(struct view_cache *c, uint64_t account, uint32_t mailbox);
/* Makes v the one of its mailbox; the caller's reference stays the caller's. Out of memory: it is not cached. */
void view_cache_put(struct view_cache *c, struct view *v);
void view_cache_drop(struct view_cache *c, uint64_t account, uint32_t mailbox);

#endif
