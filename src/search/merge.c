#include "search/merge.h"

#include "search/limits.h"

#include <stdlib.h>

#define CLASSES 16u                               /* of sizes; more than there are */

/* ---- one field of several chunks ---- */

struct source {
	const struct shelf_chunk *chunk;
	uint32_t offset;                 /* of its places in the merged chunk */
	uint32_t next_block;
	struct buf copy;                 /* the current block: the shelf's strings do not last */
	struct block_walk walk;
	struct str term;                 /* the current one; p == NULL: it is at its end */
	struct post_list list;
};

struct merge {
	struct shelf *shelf;
	enum field field;
	struct source *source;
	size_t n;
	uint64_t id;                     /* of the merged chunk */
	uint32_t blocks, emails;
	uint32_t *places;
};

static int load_block(struct merge *m, struct source *s)
{
	struct block b;
	int r = shelf_block(m->shelf, s->chunk->id, m->field, s->next_block++, &b);
	if (r)
		return r;
	buf_reset(&s->copy);
	buf_add_str(&s->copy, b.terms);
	buf_add_str(&s->copy, b.lens);
	buf_add_str(&s->copy, b.posts);
	if (s->copy.failed)
		return ERR_NO_MEMORY;
	struct str all = buf_str(&s->copy);
	s->walk = block_walk(&(struct block){ str_sub(all, 0, b.terms.n), str_sub(all, b.terms.n, b.lens.n), str_from(all, b.terms.n + b.lens.n), 0 });
	return 0;
}

static int advance(struct merge *m, struct source *s)
{
	if (block_walk_next(&s->walk, &s->term, &s->list))
		return 0;
	s->term = STR_NONE;
	int r = load_block(m, s);
	if (r)
		return r == ERR_NOT_FOUND ? 0 : r;
	return block_walk_next(&s->walk, &s->term, &s->list) ? 0 : ERR_CORRUPT;
}

static int put_block(void *arg, const struct block *b)
{
	struct merge *m = arg;
	return shelf_put_block(m->shelf, m->id, m->field, m->blocks++, b);
}

/* The least term of all, and the places of those that have it: in order, since the chunks are. */
static int merge_term(struct merge *m, struct block_writer *w, bool *more_out)
{
	struct str least = STR_NONE;
	for (size_t i = 0; i < m->n; i++)
		if (m->source[i].term.p && (!least.p || str_cmp(m->source[i].term, least) < 0))
			least = m->source[i].term;
	*more_out = least.p != NULL;
	if (!least.p)
		return 0;
	char copy[TERM_MAX];
	if (least.n > TERM_MAX)
		return ERR_CORRUPT;
	memcpy(copy, least.p, least.n);
	least.p = copy;
	uint32_t n = 0;
	for (size_t i = 0; i < m->n; i++) {
		struct source *s = &m->source[i];
		if (!s->term.p || !str_eq(s->term, least))
			continue;
		int found = post_list_places(s->list, s->chunk->emails, m->places + n);
		if (found < 0)
			return ERR_CORRUPT;
		for (int k = 0; k < found; k++)
			m->places[n++] += s->offset;
		int r = advance(m, s);
		if (r)
			return r;
	}
	block_writer_add(w, least, m->places, n);
	return w->err;
}

static int merge_field(struct merge *m)
{
	struct block_writer w;
	bool more = true;
	int r = 0;
	m->blocks = 0;
	block_writer_init(&w, put_block, m, m->emails);
	for (size_t i = 0; !r && i < m->n; i++) {
		m->source[i].next_block = 0;
		m->source[i].walk = (struct block_walk){ .term_at = 1 };
		r = advance(m, &m->source[i]);
	}
	while (!r && more)
		r = merge_term(m, &w, &more);
	int written = block_writer_end(&w);
	return r ? r : written;
}

/* ---- chunks ---- */

static int merge_emails(struct merge *m)
{
	uint64_t *emails = calloc(m->emails, sizeof(*emails));
	int r = emails ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; !r && i < m->n; i++)
		r = shelf_chunk_emails(m->shelf, m->source[i].chunk, emails + m->source[i].offset);
	if (!r)
		r = shelf_put_chunk(m->shelf, m->id, emails, m->emails);
	free(emails);
	return r;
}

static int merge_some(struct shelf *s, const struct shelf_chunk *chunks, size_t n, uint64_t id)
{
	struct merge m = { .shelf = s, .n = n, .id = id, .source = calloc(n, sizeof(*m.source)) };
	if (!m.source)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		m.source[i] = (struct source){ .chunk = &chunks[i], .offset = m.emails, .copy = BUF_INIT(0) };
		m.emails += chunks[i].emails;
	}
	m.places = calloc(m.emails, sizeof(*m.places));
	int r = m.places ? merge_emails(&m) : ERR_NO_MEMORY;
	for (m.field = 0; !r && m.field < FIELD_COUNT; m.field++)
		r = merge_field(&m);
	for (size_t i = 0; !r && i < n; i++)
		r = shelf_drop_chunk(s, chunks[i].id);
	for (size_t i = 0; i < n; i++)
		buf_fini(&m.source[i].copy);
	free(m.source);
	free(m.places);
	return r;
}

/* Those over half of what a chunk may be are left alone: otherwise each new email would rewrite the last of them. */
static unsigned size_class(uint32_t emails)
{
	unsigned c = 0;
	if (emails >= CHUNK_EMAILS_MAX / 2)
		return CLASSES;
	for (; emails >= CHUNK_FAN; emails /= CHUNK_FAN)
		c++;
	return c;
}

/* How many at the end are to be merged; 0: none. */
static size_t due(const struct shelf_chunk *chunks, size_t n)
{
	for (unsigned class = 0; class < CLASSES; class++) {
		size_t run = 0, fit = 0, sum = 0;
		while (run < n && size_class(chunks[n - 1 - run].emails) <= class) {
			sum += chunks[n - 1 - run++].emails;
			if (sum <= CHUNK_EMAILS_MAX)
				fit = run;
		}
		if (run >= CHUNK_FAN && fit > 1)
			return fit;
	}
	return 0;
}

int merge_chunks(struct shelf *s, struct shelf_state *state)
{
	for (;;) {
		struct shelf_chunk *chunks;
		size_t n, k;
		int r = shelf_chunks(s, &chunks, &n);
		if (!r && (k = due(chunks, n)) > 0) {
			r = merge_some(s, chunks + n - k, k, state->chunk_next++);
			free(chunks);
			if (r)
				return r;
			continue;
		}
		free(chunks);
		return r;
	}
}
