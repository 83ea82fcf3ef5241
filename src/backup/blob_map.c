#include "backup/blob_map.h"

#include <stdlib.h>

#define FIRST_SIZE ((size_t)1024)

static struct blob_move *find(const struct blob_map *m, store_blob_id old)
{
	size_t at = (size_t)(old * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (m->size - 1);
	while (m->v[at].old && m->v[at].old != old)
		at = (at + 1) & (m->size - 1);
	return &m->v[at];
}

store_blob_id blob_map_get(const struct blob_map *m, store_blob_id old) { return m->size ? find(m, old)->fresh : 0; }

static int grow(struct blob_map *m)
{
	struct blob_map larger = { .size = m->size ? m->size * 2 : FIRST_SIZE };
	larger.v = calloc(larger.size, sizeof(*larger.v));
	if (!larger.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->size; i++)
		if (m->v[i].old)
			*find(&larger, m->v[i].old) = m->v[i];
	larger.n = m->n;
	free(m->v);
	*m = larger;
	return 0;
}

int blob_map_put(struct blob_map *m, store_blob_id old, store_blob_id fresh)
{
	if (m->n * 2 >= m->size && grow(m))
		return ERR_NO_MEMORY;
	struct blob_move *at = find(m, old);
	m->n += at->old == 0;
	*at = (struct blob_move){ old, fresh };
	return 0;
}

void blob_map_fini(struct blob_map *m)
{
	free(m->v);
	*m = (struct blob_map){ NULL, 0, 0 };
}
