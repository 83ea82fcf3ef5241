#include "backup/known.h"

#include "backup/limits.h"

static bool bears(const struct moment *m, const uint8_t token[MOMENT_TOKEN]) { return memcmp(m->token, token, MOMENT_TOKEN) == 0; }

static bool take(struct known *k, struct str bytes, const uint8_t token[MOMENT_TOKEN])
{
	struct moment *m = &k->moments[k->n];
	bool good = moment_decode(bytes, &k->arena, m) == 0 && bears(m, token);
	k->n += good;
	return good;
}

struct ids {
	struct buf ids;                       /* SNAPSHOT_ID_MAX each */
};

static int add_id(void *arg, const char *id)
{
	char padded[SNAPSHOT_ID_MAX] = "";
	struct ids *l = arg;
	str_copy_c(padded, sizeof(padded), str_from_c(id));
	buf_add(&l->ids, padded, sizeof(padded));
	return l->ids.failed ? ERR_NO_MEMORY : 0;
}

/* From the newest on. */
static int find_snapshot(struct known *k, const uint8_t token[MOMENT_TOKEN])
{
	struct ids l = { BUF_INIT(0) };
	struct buf bytes = BUF_INIT(CHUNK_MAX);
	int rc = repository_snapshots(k->repository, add_id, &l);
	bool found = false;
	for (size_t n = l.ids.n / SNAPSHOT_ID_MAX; !rc && !found && n > 0; n--) {
		buf_reset(&bytes);
		if (repository_snapshot_get(k->repository, l.ids.p + (n - 1) * SNAPSHOT_ID_MAX, &bytes) == 0)
			found = take(k, buf_str(&bytes), token);
	}
	buf_fini(&bytes);
	buf_fini(&l.ids);
	return rc;
}

int known_open(struct repository *r, const struct marks *marks, struct known *out)
{
	*out = (struct known){ .repository = r, .arena = ARENA_INIT((size_t)1 << 30) };
	if (marks_is_set(marks->part)) {
		struct buf bytes = BUF_INIT(CHUNK_MAX);
		if (repository_note_get(r, marks->name, &bytes) == 0)
			out->has_note = take(out, buf_str(&bytes), marks->part);
		buf_fini(&bytes);
	}
	return marks_is_set(marks->whole) ? find_snapshot(out, marks->whole) : 0;
}

void known_close(struct known *k)
{
	free(k->whole[0]);
	free(k->whole[1]);
	arena_fini(&k->arena);
}

static int load(const struct known *k, const struct moment_scope *s, struct bodies *out)
{
	struct buf bytes = BUF_INIT(CHUNK_MAX);
	struct holding holding = { .runs = { NULL, 0, 0 } };
	int rc = repository_get(k->repository, &s->holding, &bytes);
	if (!rc)
		rc = holding_decode(buf_str(&bytes), &holding);
	if (!rc)
		rc = bodies_load(k->repository, &holding.tables, out);
	if (rc)
		bodies_fini(out);
	holding_fini(&holding);
	buf_fini(&bytes);
	return rc == ERR_NO_MEMORY ? rc : 0;
}

static bool has_all(struct repository *r, const struct chunk_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!repository_has(r, &l->v[i]))
			return false;
	return true;
}

/* Those of a note may have been pruned, and those of a snapshot too may be gone, with a damaged pack: then it is taken anew, and they are put again. */
static bool is_whole(const struct known *k, const struct moment_scope *s)
{
	struct repository *r = k->repository;
	struct buf bytes = BUF_INIT(CHUNK_MAX);
	struct holding holding = { .runs = { NULL, 0, 0 } };
	struct bodies bodies = { .n = 0 };
	bool whole = repository_get(r, &s->holding, &bytes) == 0 && holding_decode(buf_str(&bytes), &holding) == 0 &&
				 has_all(r, &holding.runs) && has_all(r, &holding.tables) && bodies_load(r, &holding.tables, &bodies) == 0 &&
				 has_all(r, &bodies.chunks);
	bodies_fini(&bodies);
	holding_fini(&holding);
	buf_fini(&bytes);
	return whole;
}

/* One that was not whole in the last run, or a part (version 0), is never the same. */
static bool is_same(const struct moment_scope *s, uint64_t version) { return s->version && s->version == version && s->lost == 0; }

int known_look(struct known *k, struct store *s)
{
	for (unsigned i = 0; i < k->n; i++) {
		const struct moment *m = &k->moments[i];
		free(k->whole[i]);
		k->whole[i] = calloc(m->n + 1, sizeof(*k->whole[i]));
		if (!k->whole[i])
			return ERR_NO_MEMORY;
		for (size_t at = 0; at < m->n; at++)
			k->whole[i][at] = is_same(&m->scopes[at], store_scope_version(s, m->scopes[at].scope)) && is_whole(k, &m->scopes[at]);
	}
	return 0;
}

const struct moment_scope *known_same(const struct known *k, struct store_scope scope, uint64_t version)
{
	for (unsigned i = 0; i < k->n; i++) {
		const struct moment_scope *s = moment_find(&k->moments[i], scope);
		if (s && is_same(s, version) && k->whole[i] && k->whole[i][s - k->moments[i].scopes])
			return s;
	}
	return NULL;
}

static int copy_body(struct bodies *to, const struct bodies *from, size_t *at, uint32_t first_chunk)
{
	store_blob_id blob = from->v[*at].blob;
	int rc = 0;
	for (; !rc && *at < from->n && from->v[*at].blob == blob; ++*at) {
		struct body body = from->v[*at];
		body.chunk += first_chunk;
		rc = bodies_add(to, body);
	}
	return rc;
}

static size_t pass(const struct bodies *b, size_t at)
{
	store_blob_id blob = b->v[at].blob;
	while (at < b->n && b->v[at].blob == blob)
		at++;
	return at;
}

/* Both in order; what both have is taken from the first. */
static int merge(const struct bodies lists[2], struct bodies *out)
{
	size_t a = 0, b = 0;
	int rc = 0;
	for (unsigned i = 0; i < 2; i++)
		for (size_t k = 0; !rc && k < lists[i].chunks.n; k++)
			rc = chunk_list_add(&out->chunks, &lists[i].chunks.v[k]);
	while (!rc && (a < lists[0].n || b < lists[1].n)) {
		if (b < lists[1].n && a < lists[0].n && lists[0].v[a].blob == lists[1].v[b].blob)
			b = pass(&lists[1], b);
		else if (b == lists[1].n || (a < lists[0].n && lists[0].v[a].blob < lists[1].v[b].blob))
			rc = copy_body(out, &lists[0], &a, 0);
		else
			rc = copy_body(out, &lists[1], &b, (uint32_t)lists[0].chunks.n);
	}
	return rc;
}

/* A body that lost one piece is left out. */
static void keep_present(struct repository *r, struct bodies *b)
{
	size_t kept = 0;
	for (size_t at = 0, end; at < b->n; at = end) {
		bool whole = true;
		end = pass(b, at);
		for (size_t i = at; whole && i < end; i++)
			whole = (i > 0 && i != at && b->v[i].chunk == b->v[i - 1].chunk) || repository_has(r, &b->chunks.v[b->v[i].chunk]);
		for (size_t i = at; whole && i < end; i++)
			b->v[kept++] = b->v[i];
	}
	b->n = kept;
}

int known_bodies(const struct known *k, struct store_scope scope, struct bodies *out)
{
	struct bodies lists[2] = { { .n = 0 }, { .n = 0 } };
	int rc = 0;
	for (unsigned i = 0; !rc && i < k->n; i++) {
		const struct moment_scope *s = moment_find(&k->moments[i], scope);
		if (s)
			rc = load(k, s, &lists[i]);
	}
	if (!rc)
		rc = merge(lists, out);
	if (!rc)
		keep_present(k->repository, out);
	bodies_fini(&lists[0]);
	bodies_fini(&lists[1]);
	return rc;
}
