/* Old blob ids to new ones. One thread. 32 bytes of memory a blob. */
#ifndef BACKUP_BLOB_MAP_H
#define BACKUP_BLOB_MAP_H

#include "store/store.h"

struct blob_map {
	struct blob_move { store_blob_id old, fresh; } *v;
	size_t n, size;                       /* size: a power of two, or 0 */
};
/* 0: it is not in it. */
store_blob_id blob_map_get(const struct blob_map *m, store_blob_id old);
int blob_map_put(struct blob_map *m, store_blob_id old, store_blob_id fresh);      /* 0 or ERR_NO_MEMORY */
void blob_map_fini(struct blob_map *m);

#endif
