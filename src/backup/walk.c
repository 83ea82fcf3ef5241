#include "backup/walk.h"

#include "backup/bodies.h"
#include "backup/files.h"
#include "backup/limits.h"
#include "backup/moment.h"

struct walk {
	struct repository *r;
	repository_need_fn *need;
	void *ctx;
};

static int need_all(struct walk *w, const struct chunk_list *l)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < l->n; i++)
		rc = w->need(w->ctx, &l->v[i]);
	return rc;
}

static int walk_table(struct walk *w, const struct chunk_id *table)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct bodies bodies = { .n = 0 };
	int rc = repository_get(w->r, table, &b);
	if (!rc)
		rc = bodies_decode(buf_str(&b), &bodies);
	if (!rc)
		rc = need_all(w, &bodies.chunks);
	bodies_fini(&bodies);
	buf_fini(&b);
	return rc;
}

static int walk_scope(struct walk *w, const struct moment_scope *s)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct holding h = { .runs = { NULL, 0, 0 } };
	int rc = w->need(w->ctx, &s->holding);
	if (!rc)
		rc = repository_get(w->r, &s->holding, &b);
	if (!rc)
		rc = holding_decode(buf_str(&b), &h);
	if (!rc)
		rc = need_all(w, &h.runs);
	if (!rc)
		rc = need_all(w, &h.tables);
	for (size_t i = 0; !rc && i < h.tables.n; i++)
		rc = walk_table(w, &h.tables.v[i]);
	holding_fini(&h);
	buf_fini(&b);
	return rc;
}

static int walk_files(struct walk *w, const struct moment *m)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	int rc = m->has_files ? w->need(w->ctx, &m->files) : 0;
	if (!rc && m->has_files)
		rc = repository_get(w->r, &m->files, &b);
	if (!rc && m->has_files)
		rc = files_walk(buf_str(&b), w->need, w->ctx);
	buf_fini(&b);
	return rc;
}

int walk_snapshot(void *arg, struct str snapshot, repository_need_fn *need, void *ctx)
{
	struct walk w = { arg, need, ctx };
	struct arena arena = ARENA_INIT((size_t)1 << 30);
	struct moment m;
	int rc = moment_decode(snapshot, &arena, &m);
	if (!rc)
		rc = walk_files(&w, &m);
	for (size_t i = 0; !rc && i < m.n; i++)
		rc = walk_scope(&w, &m.scopes[i]);
	arena_fini(&arena);
	return rc;
}
