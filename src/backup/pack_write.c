#include "backup/repository_priv.h"
#include "base/bytes.h"
#include "rt/crypto.h"

/* Nothing of the pack being written remains; what the index says of it counts no more. */
static int give_up(struct repository *r, int e)
{
	struct pack_writer *w = &r->writer;
	r->failed = e;
	new_file_drop(r->dir_fd, &w->file);
	pack_gone(r, w->pack);
	pack_writer_fini(r);
	return e;
}

void pack_writer_fini(struct repository *r)
{
	struct pack_writer *w = &r->writer;
	new_file_drop(r->dir_fd, &w->file);
	crypto_seal_destroy(&w->key);
	buf_fini(&w->out);
	buf_fini(&w->trailer);
}

static int begin(struct repository *r)
{
	struct pack_writer *w = &r->writer;
	struct file_head h = { .kind = FILE_PACK, .cipher = r->sealer.sealed ? CIPHER_AES_256_GCM : CIPHER_NONE, .repository = r->id };
	crypto_random(h.salt, sizeof(h.salt));
	file_head_encode(&h, w->head);
	buf_init(&w->out, PACK_WRITE + 2 * CHUNK_MAX);
	buf_init(&w->trailer, CHUNK_MAX);
	buf_add(&w->out, w->head, FILE_HEAD_SIZE);
	w->size = FILE_HEAD_SIZE;
	w->chunks = 0;
	int e = w->out.failed ? ERR_NO_MEMORY : pack_add(r, load_be64(h.salt), 0, &w->pack);
	if (e)
		return r->failed = e;
	e = sealer_file_key(&r->sealer, h.salt, &w->key);
	if (e == 0)
		e = new_file_open(r->dir_fd, &w->file);
	return e ? give_up(r, e) : 0;
}

int pack_write_pending(struct repository *r)
{
	struct pack_writer *w = &r->writer;
	int e = new_file_write(&w->file, w->out.p, w->out.n);
	buf_reset(&w->out);
	return e ? give_up(r, e) : 0;
}

static int add_record(struct repository *r, enum record_kind kind, const struct chunk_id *id, struct str raw)
{
	struct pack_writer *w = &r->writer;
	size_t before = w->out.n;
	int e = sealer_record(&r->sealer, w->key, kind, id, raw, w->size, &w->out);
	if (e)
		return e;
	w->size += w->out.n - before;
	return 0;
}

int pack_write_chunk(struct repository *r, const struct chunk_id *id, struct str raw)
{
	struct pack_writer *w = &r->writer;
	int e = w->file.fd >= 0 ? 0 : begin(r);
	if (e)
		return e;
	struct trailer_entry entry = { .id = *id, .offset = (uint32_t)w->size };
	e = add_record(r, RECORD_CHUNK, id, raw);
	if (e)
		return give_up(r, e);
	entry.stored = (uint32_t)(w->size - entry.offset - RECORD_HEAD_SIZE);
	uint8_t *to = (uint8_t *)buf_reserve(&w->trailer, TRAILER_ENTRY_SIZE);
	if (!to)
		return give_up(r, ERR_NO_MEMORY);
	trailer_entry_encode(&entry, to);
	w->trailer.n += TRAILER_ENTRY_SIZE;
	w->chunks++;
	if (chunk_index_find(&r->index, id) == CHUNK_NONE) {
		e = chunk_index_add(&r->index, id, w->pack, entry.offset);
		if (e)
			return give_up(r, e);
	}
	if (w->size >= PACK_TARGET || w->chunks >= PACK_CHUNKS_MAX)
		return pack_write_flush(r);
	return w->out.n >= PACK_WRITE ? pack_write_pending(r) : 0;
}

/* Chunks that were known elsewhere before are moved: only now is the new place durable. */
static void note_places(struct repository *r)
{
	struct pack_writer *w = &r->writer;
	for (size_t i = 0; i < w->trailer.n; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry e = trailer_entry_decode(w->trailer.p + i);
		struct chunk_entry *known = chunk_index_at(&r->index, chunk_index_find(&r->index, &e.id));
		known->pack = w->pack;
		known->offset = e.offset;
	}
}

int pack_write_flush(struct repository *r)
{
	struct pack_writer *w = &r->writer;
	uint8_t footer[FOOTER_SIZE];
	struct chunk_id id;
	char name[17];
	if (w->file.fd < 0)
		return 0;
	footer_encode(w->size, footer);
	int e = sealer_id(&r->sealer, buf_str(&w->trailer), &id);
	if (e == 0)
		e = add_record(r, RECORD_TRAILER, &id, buf_str(&w->trailer));
	if (e)
		return give_up(r, e);
	buf_add(&w->out, footer, sizeof(footer));
	buf_add(&w->out, w->head, FILE_HEAD_SIZE);    /* its salt makes the key: one damaged block must not take the whole pack */
	w->size += sizeof(footer) + FILE_HEAD_SIZE;
	if (w->out.failed)
		return give_up(r, ERR_NO_MEMORY);
	e = pack_write_pending(r);
	if (e)
		return e;
	pack_name_format(r->packs[w->pack].name, name);
	e = new_file_keep(r->dir_fd, &w->file, PACK_FOLDER, name);
	if (e)
		return give_up(r, e);
	r->packs[w->pack].size = w->size;
	note_places(r);
	pack_writer_fini(r);
	return 0;
}
