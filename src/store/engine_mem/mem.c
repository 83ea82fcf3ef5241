#include "store/engine_mem/mem.h"

static void mem_close(struct store *s)
{
	struct mem_store *m = mem_of(s);
	for (size_t i = 0; i < MEM_SCOPE_BUCKETS; i++) {
		for (struct mem_scope *at = m->scopes[i], *next; at; at = next) {
			next = at->next;
			tree_unref(at->root);
			free(at);
		}
	}
	mem_blobs_fini(m);
	watch_table_fini(&m->watches);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->writer);
	free(m);
}

struct mem_scope *mem_scope_get(struct mem_store *m, struct store_scope scope)
{
	struct mem_scope **bucket = &m->scopes[scope_hash(scope) % MEM_SCOPE_BUCKETS];
	for (struct mem_scope *at = *bucket; at; at = at->next) {
		if (scope_eq(at->scope, scope))
			return at;
	}
	struct mem_scope *fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return NULL;
	fresh->scope = scope;
	fresh->next = *bucket;
	*bucket = fresh;
	return fresh;
}

static int mem_watch(struct store *s, struct store_scope scope, store_watch_fn *fn, void *arg, struct store_watch **out)
{
	return watch_table_add(&mem_of(s)->watches, scope, mem_scope_version(s, scope), fn, arg, out);
}

static void mem_unwatch(struct store *s, struct store_watch *w) { watch_table_remove(&mem_of(s)->watches, w); }

/* Memory has no faults that could be found by looking. */
static int mem_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	(void)s, (void)repair, (void)fn, (void)arg, (void)faults_out;
	return 0;
}

static bool mem_blob_intact(struct store *s, const struct store_blob_view *v)
{
	(void)s, (void)v;
	return true;
}

static unsigned mem_level(struct store *s) { return atomic_load(&mem_of(s)->level); }

/* One writer at a time: it cannot rise while a closure runs. */
static unsigned mem_write_level(struct store_write *w) { return mem_level(w->store); }

static int mem_raise_level(struct store *s, unsigned level)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->writer);
	if (level > atomic_load(&m->level))
		atomic_store(&m->level, level);
	pthread_mutex_unlock(&m->writer);
	return 0;
}

/* Memory does not rot here. */
static bool mem_wounded(struct store *s, struct store_scope scope)
{
	(void)s, (void)scope;
	return false;
}

static int mem_heal(struct store *s)
{
	(void)s;
	return 0;
}

static void mem_stats(struct store *s, struct store_stats *out)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->lock);
	*out = m->stats;
	for (size_t i = 0; i < MEM_SCOPE_BUCKETS; i++) {
		for (struct mem_scope *at = m->scopes[i]; at; at = at->next)
			out->keys += tree_count(at->root);
	}
	pthread_mutex_unlock(&m->lock);
}

static int mem_hold(struct store *s, struct store_hold **out)
{
	struct mem_store *m = mem_of(s);
	struct store_hold *h = calloc(1, sizeof *h);
	if (!h)
		return ERR_NO_MEMORY;
	h->store = s;
	pthread_mutex_lock(&m->lock);
	m->holds++;
	pthread_mutex_unlock(&m->lock);
	*out = h;
	return 0;
}

static void mem_release(struct store_hold *h)
{
	struct mem_store *m = mem_of(h->store);
	pthread_mutex_lock(&m->lock);
	m->holds--;
	pthread_mutex_unlock(&m->lock);
	free(h);
}

/* Nothing is synced here, so nobody waits. */
static void mem_pulse(struct store *s, struct store_pulse *out) { (void)s, (void)out; }

/* Memory has no pages that rot unseen. */
static int mem_patrol(struct store *s, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out)
{
	(void)s, (void)bytes, (void)fn, (void)arg, (void)faults_out, (void)done_out;
	return 0;
}

static void mem_gave_way(struct store *s, uint64_t us)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->lock);
	m->stats.gave_way++;
	m->stats.gave_way_us += us;
	pthread_mutex_unlock(&m->lock);
}

static const struct engine engine_mem = {
	.name = "mem",
	.close = mem_close,
	.begin = mem_begin,
	.begin_all = mem_begin_all,
	.turn = mem_turn,
	.end = mem_end,
	.version = mem_version,
	.get = mem_get,
	.range = mem_range,
	.next = mem_next,
	.iter_end = mem_iter_end,
	.scope_version = mem_scope_version,
	.level = mem_level,
	.write_level = mem_write_level,
	.raise_level = mem_raise_level,
	.commit_all = mem_commit_all,
	.wget = mem_wget,
	.put_reserve = mem_put_reserve,
	.del = mem_del,
	.del_range = mem_del_range,
	.wfind = mem_wfind,
	.watch = mem_watch,
	.unwatch = mem_unwatch,
	.blob_put = mem_blob_put,
	.blob_map = mem_blob_map,
	.blob_unmap = mem_blob_unmap,
	.blob_intact = mem_blob_intact,
	.blob_tag = mem_blob_tag,
	.blob_tagged = mem_blob_tagged,
	.blob_visit = mem_blob_visit,
	.hold = mem_hold,
	.release = mem_release,
	.pulse = mem_pulse,
	.gave_way = mem_gave_way,
	.patrol = mem_patrol,
	.maintain = mem_maintain,
	.check = mem_check,
	.wounded = mem_wounded,
	.heal = mem_heal,
	.stats = mem_stats,
};

int engine_mem_open(const struct store_config *c, struct store **out, struct err *e)
{
	struct mem_store *m = calloc(1, sizeof *m);
	if (!m)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a store");
	m->base.engine = &engine_mem;
	m->base.read_only = c->read_only;
	atomic_init(&m->level, c->level ? c->level : STORE_LEVEL_NEWEST);
	pthread_mutex_init(&m->writer, NULL);
	pthread_mutex_init(&m->lock, NULL);
	watch_table_init(&m->watches);
	*out = &m->base;
	return 0;
}
