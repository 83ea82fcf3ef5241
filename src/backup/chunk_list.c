#include "backup/chunk_list.h"

int chunk_list_add(struct chunk_list *l, const struct chunk_id *id)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct chunk_id *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = *id;
	return 0;
}

void chunk_list_encode(const struct chunk_list *l, struct buf *b)
{
	buf_add_varint(b, l->n);
	for (size_t i = 0; i < l->n; i++)
		chunk_id_add(b, &l->v[i]);
}

int chunk_list_decode(struct cursor *c, struct chunk_list *l)
{
	uint64_t n = cursor_varint(c);
	if (c->bad || n > cursor_left(c) / CHUNK_ID_SIZE)
		return ERR_CORRUPT;
	for (uint64_t i = 0; i < n; i++) {
		struct chunk_id id;
		if (!chunk_id_read(c, &id))
			return ERR_CORRUPT;
		int rc = chunk_list_add(l, &id);
		if (rc)
			return rc;
	}
	return 0;
}
