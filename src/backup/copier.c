#include "backup/copier.h"

#include "backup/limits.h"

#define RETRIES_MAX 100
#define NO_CHUNK UINT32_MAX

/* A body of one piece that this run put: other accounts may have it too. In the slot that its id chooses; the newer one stays. */
struct shared_body {
	store_blob_id blob;
	struct chunk_id chunk;
	uint32_t at, size;
};

static struct shared_body *slot(struct copier *c, store_blob_id blob)
{
	if (!c->shared)
		c->shared = calloc(SHARED_BODIES, sizeof(*c->shared));
	return c->shared ? &c->shared[(blob * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SHARED_BODIES] : NULL;
}

void copier_fini(struct copier *c)
{
	free(c->shared);
	c->shared = NULL;
}

void copied_fini(struct copied *c) { bodies_fini(&c->bodies); }

/* ---- one scope ---- */

struct work {
	struct copier *copy;
	struct copied *out;
	struct bodies known;
	uint32_t *place;                      /* of each chunk of `known` among those of the result, or NO_CHUNK */
	struct gather gather;
	bool tell_gone;
};

static int use_known(struct work *w, size_t at)
{
	struct bodies *out = &w->out->bodies;
	store_blob_id blob = w->known.v[at].blob;
	int rc = 0;
	for (; !rc && at < w->known.n && w->known.v[at].blob == blob; at++) {
		struct body piece = w->known.v[at];
		uint32_t *place = &w->place[piece.chunk];
		if (*place == NO_CHUNK) {
			*place = (uint32_t)out->chunks.n;
			rc = chunk_list_add(&out->chunks, &w->known.chunks.v[piece.chunk]);
		}
		piece.chunk = *place;
		w->out->bytes += piece.size;
		if (!rc)
			rc = bodies_add(out, piece);
	}
	return rc;
}

static int use_shared(struct work *w, const struct shared_body *s)
{
	struct bodies *out = &w->out->bodies;
	uint32_t last = out->n ? out->v[out->n - 1].chunk : NO_CHUNK;
	/* What came to one account together came to the other so too. */
	if (last == NO_CHUNK || memcmp(&out->chunks.v[last], &s->chunk, CHUNK_ID_SIZE) != 0) {
		last = (uint32_t)out->chunks.n;
		int rc = chunk_list_add(&out->chunks, &s->chunk);
		if (rc)
			return rc;
	}
	w->out->bytes += s->size;
	return bodies_add(out, (struct body){ s->blob, last, s->at, s->size });
}

static int map_body(struct store *s, store_blob_id blob, struct store_blob_view *out)
{
	int rc = ERR_RETRY;
	for (unsigned tries = 0; rc == ERR_RETRY && tries < RETRIES_MAX; tries++)
		rc = store_blob_map(s, blob, out);
	return rc;
}

static int save_now(struct work *w)
{
	struct copier *c = w->copy;
	uint64_t reclaimed;
	int rc = gather_end(&w->gather);
	/* Nothing is rewritten; the pages that were read are let go of, or all of the store would count as our memory. */
	store_maintain(c->store, 0, &reclaimed);
	if (!rc && c->save)
		rc = c->save(c->arg, &w->out->bodies);
	c->bytes_unsaved = 0;
	return rc;
}

static int read_body(struct work *w, store_blob_id blob)
{
	struct copier *c = w->copy;
	struct store_blob_view body;
	int rc = map_body(c->store, blob, &body);
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_IO) {
		w->out->gone += rc == ERR_NOT_FOUND;
		w->out->lost += rc != ERR_NOT_FOUND;
		if (c->tell && (rc != ERR_NOT_FOUND || w->tell_gone))
			c->tell(c->arg, blob, rc);
		return 0;
	}
	if (rc)
		return rc;
	size_t n = body.bytes.n;
	rc = gather_add(&w->gather, blob, body.bytes);
	store_blob_unmap(c->store, &body);
	w->out->bytes += n;
	c->bodies_read++;
	c->bytes_read += n;
	c->bytes_unsaved += n;
	pace_spend(c->pace, n);
	return !rc && c->bytes_unsaved >= CHECKPOINT_BYTES ? save_now(w) : rc;
}

static int take_body(struct work *w, store_blob_id blob)
{
	size_t at = bodies_find(&w->known, blob);
	if (at < w->known.n)
		return use_known(w, at);
	const struct shared_body *s = slot(w->copy, blob);
	if (!s)
		return ERR_NO_MEMORY;
	return s->blob == blob ? use_shared(w, s) : read_body(w, blob);
}

/* Once all chunks have their ids. */
static void share(struct copier *c, const struct bodies *b, const struct bodies *known)
{
	for (size_t i = 0; i < b->n; i++) {
		bool alone = (i == 0 || b->v[i - 1].blob != b->v[i].blob) && (i + 1 == b->n || b->v[i + 1].blob != b->v[i].blob);
		struct shared_body *s = alone && bodies_find(known, b->v[i].blob) == known->n ? slot(c, b->v[i].blob) : NULL;
		if (s)
			*s = (struct shared_body){ b->v[i].blob, b->chunks.v[b->v[i].chunk], b->v[i].at, b->v[i].size };
	}
}

static int begin(struct work *w, struct store_scope scope)
{
	int rc = known_bodies(w->copy->known, scope, &w->known);
	if (rc)
		return rc;
	w->place = malloc((w->known.chunks.n + 1) * sizeof(*w->place));
	for (size_t i = 0; w->place && i < w->known.chunks.n; i++)
		w->place[i] = NO_CHUNK;
	return w->place ? 0 : ERR_NO_MEMORY;
}

int copier_take(struct copier *c, struct store_scope scope, const struct blob_ids *blobs, bool tell_gone, struct copied *out)
{
	*out = (struct copied){ .gone = 0 };
	struct work w = { .copy = c, .out = out, .tell_gone = tell_gone,
					  .gather = { .repository = c->repository, .out = &out->bodies, .bytes = BUF_INIT(CHUNK_MAX) } };
	int rc = begin(&w, scope);
	for (size_t i = 0; !rc && i < blobs->n; i++) {
		rc = take_body(&w, blobs->v[i]);
		if (c->progress && i % 256 == 0)
			c->progress(c->arg, i);
	}
	if (!rc)
		rc = gather_end(&w.gather);
	if (!rc)
		share(c, &out->bodies, &w.known);
	bodies_fini(&w.known);
	free(w.place);
	buf_fini(&w.gather.bytes);
	return rc;
}
