#include "store/store.h"

#include "store/blob_segment/bus_error.h"
#include "store/engine.h"
#include "store/trouble.h"

#include <assert.h>

static bool scope_ok(struct store_scope scope)
{
	return scope.kind == STORE_SYSTEM || scope.kind == STORE_ACCOUNT || scope.kind == STORE_QUEUE;
}

static bool key_ok(struct str key) { return key.n >= 1 && key.n <= STORE_KEY_MAX; }

/* A bound may be the successor of the longest key. */
static bool bounds_ok(struct str from, struct str to)
{
	return from.n <= STORE_KEY_MAX + 1 && to.n <= STORE_KEY_MAX + 1;
}

int store_open(const struct store_config *c, struct store **out, struct err *e)
{
	*out = NULL;
	switch (c->engine) {
	case STORE_ENGINE_MEM: return engine_mem_open(c, out, e);
	case STORE_ENGINE_LMDB: return engine_lmdb_open(c, out, e);
	}
	return err_set(e, ERR_CONFIG, NULL, "no such storage engine: %d", (int)c->engine);
}

void store_close(struct store **s)
{
	if (*s)
		(*s)->engine->close(*s);
	*s = NULL;
}

int store_begin(struct store *s, struct store_scope scope, struct store_read **out)
{
	assert(scope_ok(scope));
	*out = NULL;
	return store_trouble(STORE_CALL_READ, s->engine->begin(s, scope, out));
}

int store_begin_all(struct store *s, struct store_read **out)
{
	*out = NULL;
	return store_trouble(STORE_CALL_READ, s->engine->begin_all(s, out));
}

void store_turn(struct store_read *r, struct store_scope scope)
{
	assert(scope_ok(scope));
	r->store->engine->turn(r, scope);
}

void store_end(struct store_read **r)
{
	if (*r)
		(*r)->store->engine->end(*r);
	*r = NULL;
}

uint64_t store_version(struct store_read *r) { return r->store->engine->version(r); }

unsigned store_level(struct store *s) { return s->engine->level(s); }

unsigned store_write_level(struct store_write *w) { return w->store->engine->write_level(w); }

int store_raise_level(struct store *s, unsigned level)
{
	if (level < store_level(s) || level > STORE_LEVEL_NEWEST)
		return ERR_INVALID;
	return s->read_only ? ERR_DENIED : s->engine->raise_level(s, level);
}

int store_get(struct store_read *r, struct str key, struct str *value_out)
{
	*value_out = STR_NONE;
	return key_ok(key) ? store_trouble(STORE_CALL_READ, r->store->engine->get(r, key, value_out)) : ERR_INVALID;
}

int store_range(struct store_read *r, struct str from, struct str to, bool reverse, struct store_iter **out)
{
	*out = NULL;
	return bounds_ok(from, to) ? r->store->engine->range(r, from, to, reverse, out) : ERR_INVALID;
}

int store_next(struct store_iter *it, struct str *key_out, struct str *value_out)
{
	*key_out = *value_out = STR_NONE;
	return store_trouble(STORE_CALL_READ, it->store->engine->next(it, key_out, value_out));
}

void store_iter_end(struct store_iter **it)
{
	if (*it)
		(*it)->store->engine->iter_end(*it);
	*it = NULL;
}

uint64_t store_scope_version(struct store *s, struct store_scope scope)
{
	assert(scope_ok(scope));
	return s->engine->scope_version(s, scope);
}

int store_commit(struct store *s, struct store_scope scope, store_commit_fn *fn, void *arg)
{
	struct store_op op = { .scope = scope, .fn = fn, .arg = arg };
	return store_commit_all(s, &op, 1);
}

int store_commit_all(struct store *s, struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(scope_ok(ops[i].scope));
		ops[i].result = ERR_DENIED;
	}
	if (!s->read_only && n > 0)
		s->engine->commit_all(s, ops, n);
	for (size_t i = 0; i < n; i++)
		store_trouble(STORE_CALL_COMMIT, ops[i].result);
	for (size_t i = 0; i < n; i++) {
		if (ops[i].result)
			return ops[i].result;
	}
	return 0;
}

int store_wget(struct store_write *w, struct str key, struct str *value_out)
{
	*value_out = STR_NONE;
	return key_ok(key) ? w->store->engine->wget(w, key, value_out) : ERR_INVALID;
}

int store_put_reserve(struct store_write *w, struct str key, size_t n, char **place_out)
{
	*place_out = NULL;
	if (!key_ok(key))
		return ERR_INVALID;
	if (n > STORE_VALUE_MAX)
		return ERR_TOO_BIG;
	return w->store->engine->put_reserve(w, key, n, place_out);
}

int store_put(struct store_write *w, struct str key, struct str value)
{
	char *place;
	int rc = store_put_reserve(w, key, value.n, &place);
	if (rc == 0 && value.n > 0)
		memcpy(place, value.p, value.n);
	return rc;
}

int store_del(struct store_write *w, struct str key)
{
	return key_ok(key) ? w->store->engine->del(w, key) : ERR_INVALID;
}

int store_del_range(struct store_write *w, struct str from, struct str to, uint64_t *n_out)
{
	uint64_t n = 0;
	int rc = bounds_ok(from, to) ? w->store->engine->del_range(w, from, to, &n) : ERR_INVALID;
	if (n_out)
		*n_out = n;
	return rc;
}

int store_wfind(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
				struct str *value_out)
{
	*key_out = *value_out = STR_NONE;
	return bounds_ok(from, to) ? w->store->engine->wfind(w, from, to, reverse, key_out, value_out) : ERR_INVALID;
}

int store_watch(struct store *s, struct store_scope scope, store_watch_fn *fn, void *arg, struct store_watch **out)
{
	assert(scope_ok(scope));
	*out = NULL;
	return s->engine->watch(s, scope, fn, arg, out);
}

void store_unwatch(struct store *s, struct store_watch **w)
{
	if (*w)
		s->engine->unwatch(s, *w);
	*w = NULL;
}

int store_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, const store_tag *tags, size_t n_tags,
				   store_blob_id *out)
{
	*out = 0;
	size_t size = 0;
	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].n > STORE_BLOB_MAX - size)
			return ERR_TOO_BIG;
		size += pieces[i].n;
	}
	if (n_tags > STORE_TAGS_MAX)
		return ERR_TOO_BIG;
	if (s->read_only)
		return ERR_DENIED;
	return store_trouble(STORE_CALL_PUT, s->engine->blob_put(s, pieces, n_pieces, size, tags, n_tags, out));
}

int store_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out)
{
	*out = (struct store_blob_view){ .handle = NULL };
	return id ? store_trouble(STORE_CALL_BLOB, s->engine->blob_map(s, id, out)) : ERR_NOT_FOUND;
}

void store_blob_unmap(struct store *s, struct store_blob_view *v)
{
	if (v->handle)
		s->engine->blob_unmap(s, v);
	*v = (struct store_blob_view){ .handle = NULL };
}

bool store_blob_intact(struct store *s, const struct store_blob_view *v)
{
	return !v->handle || s->engine->blob_intact(s, v);
}

int store_catch_bus_errors(void) { return bus_error_catch(); }

int store_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag)
{
	if (s->read_only)
		return ERR_DENIED;
	return n ? s->engine->blob_tag(s, ids, n, tag, true) : 0;
}

int store_blob_untag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag)
{
	if (s->read_only)
		return ERR_DENIED;
	return n ? s->engine->blob_tag(s, ids, n, tag, false) : 0;
}

int store_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out)
{
	return n ? s->engine->blob_tagged(s, ids, n, tag, has_out) : 0;
}

int store_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg)
{
	return s->engine->blob_visit(s, tag, fn, arg);
}

int store_hold(struct store *s, struct store_hold **out)
{
	*out = NULL;
	return s->engine->hold(s, out);
}

void store_release(struct store_hold **h)
{
	if (*h)
		(*h)->store->engine->release(*h);
	*h = NULL;
}

void store_pulse(struct store *s, struct store_pulse *out)
{
	*out = (struct store_pulse){ .syncs = 0 };
	s->engine->pulse(s, out);
}

void store_gave_way(struct store *s, uint64_t us) { s->engine->gave_way(s, us); }

int store_patrol(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out)
{
	*faults_out = 0;
	*done_out = true;
	return s->engine->patrol(s, bytes, fn, arg, faults_out, done_out);
}

int store_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out)
{
	*reclaimed_out = 0;
	return s->read_only ? ERR_DENIED : s->engine->maintain(s, max_bytes, reclaimed_out);
}

int store_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	*faults_out = 0;
	if (repair && s->read_only)
		return ERR_DENIED;
	return s->engine->check(s, repair, fn, arg, faults_out);
}

void store_stats(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){ .commits = 0 };
	s->engine->stats(s, out);
}

int store_inspect(const struct store_config *c, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	*faults_out = 0;
	return c->engine == STORE_ENGINE_LMDB ? engine_lmdb_inspect(c, fn, arg, faults_out) : 0;
}

int store_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e)
{
	return c->engine == STORE_ENGINE_LMDB ? engine_lmdb_salvage(c, fn, arg, e) : 0;
}

bool store_wounded(struct store *s, struct store_scope scope)
{
	assert(scope_ok(scope));
	return s->engine->wounded(s, scope);
}

int store_heal(struct store *s) { return s->read_only ? ERR_DENIED : s->engine->heal(s); }
