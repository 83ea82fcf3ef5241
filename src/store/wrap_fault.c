/* A store that fails as a plan says, around a real one. Its callers learn to live with every answer of the contract. */
#include "store/engine.h"

#include <stdatomic.h>

struct fault_store {
	struct store base;
	struct store *inner;
	struct store_fault_plan plan;
	atomic_uint_fast64_t draws;
};

/* Reads and iterators are wrapped; what closures get is the inner store's own. */
struct fault_read {
	struct store_read base;
	struct store_read *inner;
	struct fault_iter *open_iters;
};
struct fault_iter {
	struct store_iter base;
	struct store_iter *inner;
	struct fault_read *read;
	struct fault_iter *next;
};

static struct fault_store *fault_of(struct store *s) { return (struct fault_store *)s; }

/* The n-th draw of a seed is always the same (splitmix64); which call gets it depends on the threads. */
static bool draw(struct fault_store *f, unsigned percent)
{
	if (percent == 0)
		return false;
	uint64_t x =
		f->plan.seed + 0x9e3779b97f4a7c15u * (atomic_fetch_add_explicit(&f->draws, 1, memory_order_relaxed) + 1);
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (x ^ x >> 31) % 100 < percent;
}

static int read_fault(struct fault_store *f)
{
	if (draw(f, f->plan.read_retry_percent))
		return ERR_RETRY;
	return draw(f, f->plan.read_io_percent) ? ERR_IO : 0;
}

static int write_fault(struct fault_store *f)
{
	if (draw(f, f->plan.commit_io_percent))
		return ERR_IO;
	return draw(f, f->plan.commit_nospace_percent) ? ERR_NO_SPACE : 0;
}

static void fault_close(struct store *s)
{
	store_close(&fault_of(s)->inner);
	free(s);
}

/* ---- reading ---- */

/* scope: NULL: all of them. */
static int begin(struct store *s, const struct store_scope *scope, struct store_read **out)
{
	struct fault_store *f = fault_of(s);
	if (draw(f, f->plan.read_io_percent))
		return ERR_IO;
	struct fault_read *r = calloc(1, sizeof *r);
	int rc = !r ? ERR_NO_MEMORY : scope ? store_begin(f->inner, *scope, &r->inner) : store_begin_all(f->inner, &r->inner);
	if (rc) {
		free(r);
		return rc;
	}
	r->base.store = s;
	*out = &r->base;
	return 0;
}

static int fault_begin(struct store *s, struct store_scope scope, struct store_read **out) { return begin(s, &scope, out); }
static int fault_begin_all(struct store *s, struct store_read **out) { return begin(s, NULL, out); }

static void fault_iter_end(struct store_iter *iter)
{
	struct fault_iter *it = (struct fault_iter *)iter;
	struct fault_iter **at = &it->read->open_iters;
	while (*at != it)
		at = &(*at)->next;
	*at = it->next;
	store_iter_end(&it->inner);
	free(it);
}

static void end_iters(struct fault_read *r)
{
	for (struct fault_iter *it = r->open_iters, *next; it; it = next) {
		next = it->next;
		store_iter_end(&it->inner);
		free(it);
	}
	r->open_iters = NULL;
}

static void fault_turn(struct store_read *read, struct store_scope scope)
{
	struct fault_read *r = (struct fault_read *)read;
	end_iters(r);
	store_turn(r->inner, scope);
}

static void fault_end(struct store_read *read)
{
	struct fault_read *r = (struct fault_read *)read;
	end_iters(r);
	store_end(&r->inner);
	free(r);
}

static uint64_t fault_version(struct store_read *r) { return store_version(((struct fault_read *)r)->inner); }

static int fault_get(struct store_read *r, struct str key, struct str *value_out)
{
	int rc = read_fault(fault_of(r->store));
	return rc ? rc : store_get(((struct fault_read *)r)->inner, key, value_out);
}

static int fault_range(struct store_read *read, struct str from, struct str to, bool reverse, struct store_iter **out)
{
	struct fault_read *r = (struct fault_read *)read;
	struct fault_iter *it = calloc(1, sizeof *it);
	int rc = it ? store_range(r->inner, from, to, reverse, &it->inner) : ERR_NO_MEMORY;
	if (rc) {
		free(it);
		return rc;
	}
	it->base.store = read->store;
	it->read = r;
	it->next = r->open_iters;
	r->open_iters = it;
	*out = &it->base;
	return 0;
}

static int fault_next(struct store_iter *it, struct str *key_out, struct str *value_out)
{
	int rc = read_fault(fault_of(it->store));
	return rc ? rc : store_next(((struct fault_iter *)it)->inner, key_out, value_out);
}

static uint64_t fault_scope_version(struct store *s, struct store_scope scope)
{
	return store_scope_version(fault_of(s)->inner, scope);
}

static unsigned fault_level(struct store *s) { return store_level(fault_of(s)->inner); }

static int fault_raise_level(struct store *s, unsigned level)
{
	int rc = write_fault(fault_of(s));
	return rc ? rc : store_raise_level(fault_of(s)->inner, level);
}

/* ---- writing ---- */

static int run_then_refuse(struct store_write *w, void *arg)
{
	const struct store_op *op = arg;
	op->fn(w, op->arg);
	return ERR_RETRY;
}

/* Runs the closure once for nothing, as an engine does that meets a conflict; the next run is the one that counts. */
static void run_in_vain(struct fault_store *f, struct store_op *op)
{
	store_commit(f->inner, op->scope, run_then_refuse, op);
}

static void fault_commit_one(struct fault_store *f, struct store_op *op)
{
	op->result = write_fault(f);
	if (op->result)
		return;
	bool unknown = draw(f, f->plan.commit_unknown_percent);
	if (draw(f, f->plan.twice_percent))
		run_in_vain(f, op);
	if (unknown && draw(f, 50)) {
		op->result = ERR_UNKNOWN;
		return;
	}
	op->result = store_commit(f->inner, op->scope, op->fn, op->arg);
	if (unknown && op->result == 0)
		op->result = ERR_UNKNOWN;
}

static void fault_commit_all(struct store *s, struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fault_commit_one(fault_of(s), &ops[i]);
}

/* Closures hold the inner store's struct store_write, so these are never reached through a wrapper; they pass on all
 * the same, because every slot must be filled. */
static int fault_wget(struct store_write *w, struct str key, struct str *value_out)
{
	return fault_of(w->store)->inner->engine->wget(w, key, value_out);
}

static unsigned fault_write_level(struct store_write *w) { return fault_of(w->store)->inner->engine->write_level(w); }

static int fault_put_reserve(struct store_write *w, struct str key, size_t n, char **place_out)
{
	return fault_of(w->store)->inner->engine->put_reserve(w, key, n, place_out);
}

static int fault_del(struct store_write *w, struct str key) { return fault_of(w->store)->inner->engine->del(w, key); }

static int fault_del_range(struct store_write *w, struct str from, struct str to, uint64_t *n_out)
{
	return fault_of(w->store)->inner->engine->del_range(w, from, to, n_out);
}

static int fault_wfind(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
					   struct str *value_out)
{
	return fault_of(w->store)->inner->engine->wfind(w, from, to, reverse, key_out, value_out);
}

/* ---- watches, blobs, care ---- */

static int fault_watch(struct store *s, struct store_scope scope, store_watch_fn *fn, void *arg,
					   struct store_watch **out)
{
	return store_watch(fault_of(s)->inner, scope, fn, arg, out);
}

static void fault_unwatch(struct store *s, struct store_watch *w) { store_unwatch(fault_of(s)->inner, &w); }

static int fault_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, size_t size,
						  const store_tag *tags, size_t n_tags, store_blob_id *out)
{
	(void)size;
	int rc = write_fault(fault_of(s));
	return rc ? rc : store_blob_put(fault_of(s)->inner, pieces, n_pieces, tags, n_tags, out);
}

static int fault_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out)
{
	struct fault_store *f = fault_of(s);
	return draw(f, f->plan.read_io_percent) ? ERR_IO : store_blob_map(f->inner, id, out);
}

static void fault_blob_unmap(struct store *s, struct store_blob_view *v) { store_blob_unmap(fault_of(s)->inner, v); }

static bool fault_blob_intact(struct store *s, const struct store_blob_view *v)
{
	return store_blob_intact(fault_of(s)->inner, v);
}

static int fault_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool add)
{
	int rc = write_fault(fault_of(s));
	if (rc)
		return rc;
	return add ? store_blob_tag(fault_of(s)->inner, ids, n, tag) : store_blob_untag(fault_of(s)->inner, ids, n, tag);
}

static int fault_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out)
{
	return store_blob_tagged(fault_of(s)->inner, ids, n, tag, has_out);
}

static int fault_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg)
{
	return store_blob_visit(fault_of(s)->inner, tag, fn, arg);
}

/* A hold is the inner store's own, and released there. */
static int fault_hold(struct store *s, struct store_hold **out)
{
	int rc = write_fault(fault_of(s));
	return rc ? rc : store_hold(fault_of(s)->inner, out);
}

static void fault_release(struct store_hold *h) { store_release(&h); }

static void fault_pulse(struct store *s, struct store_pulse *out) { store_pulse(fault_of(s)->inner, out); }
static void fault_gave_way(struct store *s, uint64_t us) { store_gave_way(fault_of(s)->inner, us); }

static int fault_patrol(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out)
{
	return store_patrol(fault_of(s)->inner, bytes, fn, arg, faults_out, done_out);
}

static int fault_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out)
{
	return store_maintain(fault_of(s)->inner, max_bytes, reclaimed_out);
}

static int fault_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	return store_check(fault_of(s)->inner, repair, fn, arg, faults_out);
}

static bool fault_wounded(struct store *s, struct store_scope scope) { return store_wounded(fault_of(s)->inner, scope); }
static int fault_heal(struct store *s) { return store_heal(fault_of(s)->inner); }

static void fault_stats(struct store *s, struct store_stats *out) { store_stats(fault_of(s)->inner, out); }

static const struct engine engine_fault = {
	.name = "fault",
	.close = fault_close,
	.begin = fault_begin,
	.begin_all = fault_begin_all,
	.turn = fault_turn,
	.end = fault_end,
	.version = fault_version,
	.get = fault_get,
	.range = fault_range,
	.next = fault_next,
	.iter_end = fault_iter_end,
	.scope_version = fault_scope_version,
	.level = fault_level,
	.write_level = fault_write_level,
	.raise_level = fault_raise_level,
	.commit_all = fault_commit_all,
	.wget = fault_wget,
	.put_reserve = fault_put_reserve,
	.del = fault_del,
	.del_range = fault_del_range,
	.wfind = fault_wfind,
	.watch = fault_watch,
	.unwatch = fault_unwatch,
	.blob_put = fault_blob_put,
	.blob_map = fault_blob_map,
	.blob_unmap = fault_blob_unmap,
	.blob_intact = fault_blob_intact,
	.blob_tag = fault_blob_tag,
	.blob_tagged = fault_blob_tagged,
	.blob_visit = fault_blob_visit,
	.hold = fault_hold,
	.release = fault_release,
	.pulse = fault_pulse,
	.gave_way = fault_gave_way,
	.patrol = fault_patrol,
	.maintain = fault_maintain,
	.check = fault_check,
	.wounded = fault_wounded,
	.heal = fault_heal,
	.stats = fault_stats,
};

int store_wrap_faults(struct store **s, const struct store_fault_plan *plan)
{
	struct fault_store *f = calloc(1, sizeof *f);
	if (!f)
		return ERR_NO_MEMORY;
	f->base = (struct store){ .engine = &engine_fault, .read_only = (*s)->read_only };
	f->inner = *s;
	f->plan = *plan;
	*s = &f->base;
	return 0;
}
