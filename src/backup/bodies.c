#include "backup/bodies.h"

#include "backup/limits.h"

#define TABLE_VERSION 1u

/* The same answer for the same blob in every run; evenly spread. */
static bool chosen(store_blob_id blob, unsigned one_in) { return (blob * UINT64_C(0x9e3779b97f4a7c15) >> 40) % one_in == 0; }

void bodies_fini(struct bodies *b)
{
	free(b->v);
	chunk_list_fini(&b->chunks);
	*b = (struct bodies){ .n = 0 };
}

int bodies_add(struct bodies *b, struct body body)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		struct body *grown = reallocarray(b->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		b->v = grown;
		b->cap = cap;
	}
	b->v[b->n++] = body;
	return 0;
}

size_t bodies_find(const struct bodies *b, store_blob_id blob)
{
	size_t low = 0, high = b->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (b->v[middle].blob < blob)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->n && b->v[low].blob == blob ? low : b->n;
}

/* ---- tables ---- */

static void encode(const struct bodies *b, size_t from, size_t to, struct buf *out)
{
	store_blob_id last = 0;
	buf_add_u8(out, TABLE_VERSION);
	for (size_t i = from, end; i < to; i = end) {
		for (end = i + 1; end < to && b->v[end].chunk == b->v[i].chunk;)
			end++;
		chunk_id_add(out, &b->chunks.v[b->v[i].chunk]);
		buf_add_varint(out, end - i);
		for (size_t k = i; k < end; k++) {
			buf_add_varint(out, b->v[k].blob - last);
			buf_add_varint(out, b->v[k].at);
			buf_add_varint(out, b->v[k].size);
			last = b->v[k].blob;
		}
	}
}

int bodies_put(const struct bodies *b, struct repository *r, struct chunk_list *tables)
{
	struct buf table = BUF_INIT(CHUNK_MAX - 1);
	int rc = 0;
	for (size_t from = 0, to; !rc && from < b->n; from = to) {
		for (to = from + 1; to < b->n; to++)
			if (to - from >= TABLE_MAX || (to - from >= TABLE_MIN && chosen(b->v[to].blob, TABLE_CUT_BODIES)))
				break;
		struct chunk_id id;
		buf_reset(&table);
		encode(b, from, to, &table);
		rc = table.failed ? ERR_NO_MEMORY : repository_put(r, buf_str(&table), &id, NULL);
		if (!rc)
			rc = chunk_list_add(tables, &id);
	}
	buf_fini(&table);
	return rc;
}

static int decode_group(struct cursor *c, struct bodies *b, store_blob_id *last)
{
	struct chunk_id id;
	if (!chunk_id_read(c, &id))
		return ERR_CORRUPT;
	struct body body = { .chunk = (uint32_t)b->chunks.n };
	int rc = b->chunks.n < UINT32_MAX ? chunk_list_add(&b->chunks, &id) : ERR_CORRUPT;
	for (uint64_t n = cursor_varint(c); !rc && n; n--) {
		uint64_t step = cursor_varint(c), at = cursor_varint(c), size = cursor_varint(c);
		if (c->bad || at >= CHUNK_MAX || size >= CHUNK_MAX || at + size >= CHUNK_MAX || step > UINT64_MAX - *last)
			return ERR_CORRUPT;
		body.blob = *last += step;
		body.at = (uint32_t)at;
		body.size = (uint32_t)size;
		rc = b->n && b->v[b->n - 1].blob > body.blob ? ERR_CORRUPT : bodies_add(b, body);
	}
	return rc ? rc : c->bad ? ERR_CORRUPT : 0;
}

int bodies_decode(struct str table, struct bodies *b)
{
	struct cursor c = cursor_make(table);
	store_blob_id last = 0;
	uint8_t version = cursor_u8(&c);
	int rc = version > TABLE_VERSION ? ERR_VERSION : version ? 0 : ERR_CORRUPT;
	while (!rc && cursor_left(&c))
		rc = decode_group(&c, b, &last);
	return rc;
}

int bodies_load(struct repository *r, const struct chunk_list *tables, struct bodies *b)
{
	struct buf table = BUF_INIT(CHUNK_MAX);
	int rc = 0;
	for (size_t i = 0; !rc && i < tables->n; i++) {
		buf_reset(&table);
		rc = repository_get_left(r, &tables->v[i], &table);
		if (!rc)
			rc = bodies_decode(buf_str(&table), b);
	}
	buf_fini(&table);
	return rc;
}

/* ---- gathering ---- */

int gather_end(struct gather *g)
{
	if (g->bytes.failed)
		return ERR_NO_MEMORY;
	if (g->bytes.n == 0)
		return 0;
	int rc = repository_put(g->repository, buf_str(&g->bytes), &g->out->chunks.v[g->chunk], NULL);
	buf_reset(&g->bytes);
	return rc;
}

/* Its place among the chunks is taken before it is known. */
static int begin(struct gather *g)
{
	static const struct chunk_id unknown;
	g->chunk = (uint32_t)g->out->chunks.n;
	return chunk_list_add(&g->out->chunks, &unknown);
}

int gather_add(struct gather *g, store_blob_id blob, struct str body)
{
	/* An empty body has one piece too, so that it is known. */
	do {
		int rc = g->bytes.n && g->bytes.n + body.n > GATHER_MAX ? gather_end(g) : 0;
		if (!rc && g->bytes.n == 0)
			rc = begin(g);
		struct str piece = str_sub(body, 0, PIECE_MAX);
		if (!rc)
			rc = bodies_add(g->out, (struct body){ blob, g->chunk, (uint32_t)g->bytes.n, (uint32_t)piece.n });
		if (rc)
			return rc;
		buf_add_str(&g->bytes, piece);
		if (body.n == 0)
			buf_add_char(&g->bytes, 0);           /* so that there is a chunk */
		body = str_from(body, piece.n);
	} while (body.n);
	return g->bytes.n >= GATHER_MIN && (g->bytes.n >= GATHER_MAX || chosen(blob, GATHER_CUT_BODIES)) ? gather_end(g) : 0;
}
