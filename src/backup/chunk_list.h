/* A growing list of chunk ids. One thread. */
#ifndef BACKUP_CHUNK_LIST_H
#define BACKUP_CHUNK_LIST_H

#include "backup/repository.h"
#include "base/bytes.h"

#include <stdlib.h>

struct chunk_list {
	struct chunk_id *v;
	size_t n, cap;
};

/* 0 or ERR_NO_MEMORY. */
int chunk_list_add(struct chunk_list *l, const struct chunk_id *id);
static inline void chunk_list_fini(struct chunk_list *l)
{
	free(l->v);
	*l = (struct chunk_list){ NULL, 0, 0 };
}

static inline void chunk_id_add(struct buf *b, const struct chunk_id *id) { buf_add(b, id->b, CHUNK_ID_SIZE); }
/* False at the end of the record: then the cursor is bad. */
static inline bool chunk_id_read(struct cursor *c, struct chunk_id *out)
{
	struct str s = cursor_bytes(c, CHUNK_ID_SIZE);
	if (c->bad)
		return false;
	memcpy(out->b, s.p, CHUNK_ID_SIZE);
	return true;
}
/* A varint number, and so many ids. */
void chunk_list_encode(const struct chunk_list *l, struct buf *b);
int chunk_list_decode(struct cursor *c, struct chunk_list *l);      /* adds; 0, ERR_CORRUPT, ERR_NO_MEMORY */

#endif
