#include "model/uids.h"

int uids_merge(struct rangeset *into, const struct rangeset *from)
{
	int rc = 0;
	for (size_t i = 0; into && !rc && i < from->n; i++)
		rc = rangeset_add(into, from->v[i].lo, from->v[i].hi);
	return rc;
}
