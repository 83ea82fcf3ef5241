#include "backup/past.h"

#include "backup/limits.h"

struct search {
	struct repository *repository;
	struct str user;
	char found[SNAPSHOT_ID_MAX], skipped[SNAPSHOT_ID_MAX];      /* skipped: behind it, and not to be read */
};

static bool names(struct str set, struct str user)
{
	struct str rest = set, word;
	for (bool more = set.n > 0; more;) {
		more = str_cut(rest, ' ', &word, &rest);
		if (str_ieq(word, user))
			return true;
	}
	return false;
}

static int look_at(void *arg, const char *id)
{
	struct search *s = arg;
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct arena arena = ARENA_INIT((size_t)1 << 30);
	struct moment m;
	int rc = repository_snapshot_get(s->repository, id, &b);
	if (!rc)
		rc = moment_decode(buf_str(&b), &arena, &m);
	if (!rc && !m.before_restore && (m.set.n == 0 || (s->user.n && names(m.set, s->user)))) {
		str_copy_c(s->found, sizeof(s->found), str_from_c(id));
		s->skipped[0] = '\0';
	} else if (rc && rc != ERR_NOT_FOUND) {       /* not found: forgotten meanwhile */
		str_copy_c(s->skipped, sizeof(s->skipped), str_from_c(id));
	}
	arena_fini(&arena);
	buf_fini(&b);
	return rc == ERR_NO_MEMORY ? rc : 0;
}

int past_open(struct repository *r, const char *at, struct str user, struct past *out, struct err *e)
{
	*out = (struct past){ .repository = r, .arena = ARENA_INIT((size_t)1 << 30) };
	struct search s = { .repository = r, .user = user };
	if (at)
		str_copy_c(s.found, sizeof(s.found), str_from_c(at));
	int rc = at ? 0 : repository_snapshots(r, look_at, &s);
	if (!rc && !s.found[0])
		rc = err_set(e, ERR_NOT_FOUND, NULL, "there is no snapshot%s%s; see: troika backup --list", user.n ? " with that user" : " of everything", s.skipped[0] ? " that can be read" : "");
	memcpy(out->skipped, s.skipped, sizeof(out->skipped));
	struct buf b = BUF_INIT(CHUNK_MAX);
	if (!rc)
		rc = repository_snapshot_get(r, s.found, &b);
	if (!rc)
		rc = moment_decode(buf_str(&b), &out->arena, &out->moment);
	if (rc && e && !e->log[0])
		err_set(e, rc, NULL, "snapshot %s: %s", s.found, err_text(rc));
	buf_fini(&b);
	return rc;
}

void past_close(struct past *p) { arena_fini(&p->arena); }

static int load_holding(struct past *p, const struct moment_scope *s, struct holding *out)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	*out = (struct holding){ .runs = { NULL, 0, 0 } };
	int rc = repository_get_left(p->repository, &s->holding, &b);
	if (!rc)
		rc = holding_decode(buf_str(&b), out);
	buf_fini(&b);
	return rc;
}

int past_pairs(struct past *p, const struct moment_scope *s, pairs_fn *fn, void *arg)
{
	struct holding h;
	struct buf run = BUF_INIT(CHUNK_MAX);
	int rc = load_holding(p, s, &h);
	for (size_t i = 0; !rc && i < h.runs.n; i++) {
		buf_reset(&run);
		rc = repository_get_left(p->repository, &h.runs.v[i], &run);
		if (!rc)
			rc = pairs_each(buf_str(&run), fn, arg);
	}
	buf_fini(&run);
	holding_fini(&h);
	return rc;
}

bool past_is_lost(int code) { return code == ERR_NOT_FOUND || code == ERR_CORRUPT; }

int past_pairs_left(struct past *p, const struct moment_scope *s, pairs_fn *fn, void *arg, uint64_t *lost_out, uint64_t *runs_out)
{
	struct holding h;
	struct buf run = BUF_INIT(CHUNK_MAX);
	int rc = load_holding(p, s, &h);
	*lost_out = past_is_lost(rc);
	*runs_out = *lost_out ? 1 : h.runs.n;
	if (past_is_lost(rc))
		rc = 0;
	for (size_t i = 0; !rc && *lost_out < *runs_out && i < h.runs.n; i++) {
		buf_reset(&run);
		int got = repository_get_left(p->repository, &h.runs.v[i], &run);
		*lost_out += past_is_lost(got);
		rc = past_is_lost(got) ? 0 : got ? got : pairs_each(buf_str(&run), fn, arg);
	}
	buf_fini(&run);
	holding_fini(&h);
	return rc;
}

int past_bodies_open(struct past *p, const struct moment_scope *s, struct past_bodies *out)
{
	struct holding h;
	*out = (struct past_bodies){ .repository = p->repository };
	out->cached = calloc(BODY_CHUNKS_CACHED, sizeof(*out->cached));
	int rc = load_holding(p, s, &h);
	if (!rc)
		rc = out->cached ? bodies_load(p->repository, &h.tables, &out->bodies) : ERR_NO_MEMORY;
	holding_fini(&h);
	return rc;
}

void past_bodies_close(struct past_bodies *b)
{
	for (unsigned i = 0; b->cached && i < BODY_CHUNKS_CACHED; i++)
		buf_fini(&b->cached[i].bytes);
	free(b->cached);
	b->cached = NULL;
	bodies_fini(&b->bodies);
}

static int chunk_bytes(struct past_bodies *b, uint32_t chunk, struct str *out)
{
	struct past_chunk *oldest = &b->cached[0];
	for (unsigned i = 0; i < BODY_CHUNKS_CACHED; i++) {
		struct past_chunk *c = &b->cached[i];
		if (c->used && c->chunk == chunk) {
			c->used = ++b->uses;
			*out = buf_str(&c->bytes);
			return 0;
		}
		if (c->used < oldest->used)
			oldest = c;
	}
	buf_reset(&oldest->bytes);
	oldest->used = 0;
	int rc = repository_get_left(b->repository, &b->bodies.chunks.v[chunk], &oldest->bytes);
	if (rc)
		return rc;
	oldest->used = ++b->uses;
	oldest->chunk = chunk;
	*out = buf_str(&oldest->bytes);
	return 0;
}

int past_body(struct past_bodies *b, store_blob_id blob, struct buf *out)
{
	size_t at = bodies_find(&b->bodies, blob);
	if (at == b->bodies.n)
		return ERR_NOT_FOUND;
	for (; at < b->bodies.n && b->bodies.v[at].blob == blob; at++) {
		const struct body *piece = &b->bodies.v[at];
		struct str bytes;
		int rc = chunk_bytes(b, piece->chunk, &bytes);
		if (rc)
			return rc;
		if ((uint64_t)piece->at + piece->size > bytes.n)
			return ERR_CORRUPT;
		buf_add(out, bytes.p + piece->at, piece->size);
	}
	return out->failed ? ERR_NO_MEMORY : 0;
}
