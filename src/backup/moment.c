#include "backup/moment.h"

#define MOMENT_MAGIC STR("TrkMom\r\n")
#define MOMENT_VERSION 1u
#define HOLDING_VERSION 1u
#define MOMENT_SCOPE_BYTES (6 + CHUNK_ID_SIZE)    /* at least */
#define MOMENT_FILES 1u                           /* bits */
#define MOMENT_ONE 2u
#define MOMENT_BEFORE_RESTORE 4u

int moment_scope_cmp(struct store_scope a, struct store_scope b)
{
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	return a.id < b.id ? -1 : a.id > b.id;
}

const struct moment_scope *moment_find(const struct moment *m, struct store_scope scope)
{
	size_t low = 0, high = m->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = moment_scope_cmp(m->scopes[middle].scope, scope);
		if (order == 0)
			return &m->scopes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void moment_encode(const struct moment *m, struct buf *b)
{
	buf_add_str(b, MOMENT_MAGIC);
	buf_add_u8(b, MOMENT_VERSION);
	buf_add_u8(b, (uint8_t)((m->has_files ? MOMENT_FILES : 0) | (m->one ? MOMENT_ONE : 0) | (m->before_restore ? MOMENT_BEFORE_RESTORE : 0)));
	buf_add(b, m->token, MOMENT_TOKEN);
	buf_add_le64(b, (uint64_t)m->began);
	buf_add_le64(b, (uint64_t)m->ended);
	buf_add_varint(b, m->level);
	buf_add_varint(b, m->set.n);
	buf_add_str(b, m->set);
	if (m->has_files)
		chunk_id_add(b, &m->files);
	buf_add_varint(b, m->n);
	for (size_t i = 0; i < m->n; i++) {
		const struct moment_scope *s = &m->scopes[i];
		buf_add_u8(b, (uint8_t)s->scope.kind);
		buf_add_varint(b, s->scope.id);
		buf_add_varint(b, s->version);
		buf_add_varint(b, s->messages);
		buf_add_varint(b, s->bytes);
		buf_add_varint(b, s->lost);
		chunk_id_add(b, &s->holding);
	}
}

static bool decode_scope(struct cursor *c, struct moment_scope *s)
{
	uint8_t kind = cursor_u8(c);
	s->scope = (struct store_scope){ (enum store_scope_kind)kind, cursor_varint(c) };
	s->version = cursor_varint(c);
	s->messages = cursor_varint(c);
	s->bytes = cursor_varint(c);
	s->lost = cursor_varint(c);
	return kind >= STORE_SYSTEM && kind <= STORE_QUEUE && chunk_id_read(c, &s->holding);
}

static int decode_scopes(struct cursor *c, struct arena *a, struct moment *out)
{
	uint64_t n = cursor_varint(c);
	if (c->bad || n > cursor_left(c) / MOMENT_SCOPE_BYTES)
		return ERR_CORRUPT;
	out->scopes = arena_array(a, n + 1, sizeof(*out->scopes));
	if (!out->scopes)
		return ERR_NO_MEMORY;
	for (; out->n < n; out->n++) {
		struct moment_scope *s = &out->scopes[out->n];
		if (!decode_scope(c, s) || (out->n && moment_scope_cmp(s[-1].scope, s->scope) >= 0))
			return ERR_CORRUPT;
	}
	return c->bad || cursor_left(c) ? ERR_CORRUPT : 0;
}

int moment_decode(struct str bytes, struct arena *a, struct moment *out)
{
	*out = (struct moment){ .began = 0 };
	struct cursor c = cursor_make(bytes);
	if (!str_eq(cursor_bytes(&c, MOMENT_MAGIC.n), MOMENT_MAGIC))
		return ERR_CORRUPT;
	uint8_t version = cursor_u8(&c), bits = cursor_u8(&c);
	if (version > MOMENT_VERSION)
		return ERR_VERSION;
	struct str token = cursor_bytes(&c, MOMENT_TOKEN);
	if (c.bad || version == 0)
		return ERR_CORRUPT;
	memcpy(out->token, token.p, MOMENT_TOKEN);
	out->began = (int64_t)cursor_le64(&c);
	out->ended = (int64_t)cursor_le64(&c);
	out->level = (unsigned)cursor_varint(&c);
	out->set = cursor_bytes(&c, cursor_varint(&c));
	if (c.bad)
		return ERR_CORRUPT;
	out->set = arena_dup(a, out->set);
	out->has_files = bits & MOMENT_FILES;
	out->one = bits & MOMENT_ONE;
	out->before_restore = bits & MOMENT_BEFORE_RESTORE;
	if (out->has_files && !chunk_id_read(&c, &out->files))
		return ERR_CORRUPT;
	return decode_scopes(&c, a, out);
}

/* ---- */

void holding_encode(const struct holding *h, struct buf *b)
{
	buf_add_u8(b, HOLDING_VERSION);
	chunk_list_encode(&h->runs, b);
	chunk_list_encode(&h->tables, b);
}

int holding_decode(struct str bytes, struct holding *out)
{
	*out = (struct holding){ .runs = { NULL, 0, 0 } };
	struct cursor c = cursor_make(bytes);
	uint8_t version = cursor_u8(&c);
	if (version > HOLDING_VERSION)
		return ERR_VERSION;
	int rc = version ? chunk_list_decode(&c, &out->runs) : ERR_CORRUPT;
	if (!rc)
		rc = chunk_list_decode(&c, &out->tables);
	return rc ? rc : c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

void holding_fini(struct holding *h)
{
	chunk_list_fini(&h->runs);
	chunk_list_fini(&h->tables);
}
