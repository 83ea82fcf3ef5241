/* Sets of UIDs, beyond what rangeset does. For this room only. */
#ifndef MODEL_UIDS_H
#define MODEL_UIDS_H

#include "base/rangeset.h"

/* Asks for ascending numbers in one pass over a set. NULL has them all. */
struct uid_cursor {
	const struct rangeset *uids;
	size_t range;
};
static inline bool uid_cursor_has(struct uid_cursor *c, uint32_t uid)
{
	if (!c->uids)
		return true;
	while (c->range < c->uids->n && c->uids->v[c->range].hi < uid)
		c->range++;
	return c->range < c->uids->n && c->uids->v[c->range].lo <= uid;
}

/* Adds all of `from`; `into` may be NULL. 0 or ERR_NO_MEMORY. */
int uids_merge(struct rangeset *into, const struct rangeset *from);

#endif
