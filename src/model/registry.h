/* Which accounts there are: the store cannot list its scopes, so each account has a key in the system scope ("m" and
 * the id, big-endian; the directory's keys there begin otherwise). Noted before the account is made and forgotten after
 * it is gone: an entry may lack its account, never the reverse. Any thread. For this room only. */
#ifndef MODEL_REGISTRY_H
#define MODEL_REGISTRY_H

#include "base/buf.h"
#include "model/keys.h"
#include "model/model.h"

int registry_add(struct model *m, uint64_t account);
int registry_remove(struct model *m, uint64_t account);
/* Appends every id (uint64_t), ascending. The read looks at registry_scope(). */
int registry_read(struct store_read *r, struct buf *ids);
/* Every id, ascending, in the arena. */
int registry_list(struct model *m, struct arena *arena, uint64_t **out, size_t *n_out);

/* The same scope, for what else of the model is in no account: the keys that begin so are the house's annotations (annotation.h). fn may be run
 * twice over. */
struct store_scope registry_scope(void);
struct key registry_annotations(void);
int registry_commit(struct model *m, store_commit_fn *fn, void *arg);

#endif
