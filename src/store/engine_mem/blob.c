/* Blobs of the memory engine. */
#include "base/clock.h"
#include "store/engine_mem/mem.h"
#include "store/limits.h"

struct mem_blob {
	atomic_uint refs;                 /* the table's, and one per view */
	store_tag *tags;
	size_t n_tags, cap_tags;
	int64_t dead_since;               /* when its last tag went; meaningful while n_tags is 0 */
	size_t size;
	char bytes[];
};

static void blob_unref(struct mem_blob *b)
{
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
		free(b->tags);
		free(b);
	}
}

void mem_blobs_fini(struct mem_store *m)
{
	for (size_t i = 0; i < m->n_blobs; i++)
		blob_unref(m->blobs[i]);
	free(m->blobs);
}

static size_t tag_index(const struct mem_blob *b, store_tag tag)
{
	size_t i = 0;
	while (i < b->n_tags && b->tags[i] != tag)
		i++;
	return i;
}

static int tag_add(struct mem_blob *b, store_tag tag)
{
	if (tag_index(b, tag) < b->n_tags)
		return 0;
	if (b->n_tags == b->cap_tags) {
		size_t cap = b->cap_tags ? b->cap_tags * 2 : 4;
		store_tag *grown = realloc(b->tags, cap * sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		b->tags = grown;
		b->cap_tags = cap;
	}
	b->tags[b->n_tags++] = tag;
	return 0;
}

static void tag_remove(struct mem_store *m, struct mem_blob *b, store_tag tag)
{
	size_t i = tag_index(b, tag);
	if (i == b->n_tags)
		return;
	b->tags[i] = b->tags[--b->n_tags];
	if (b->n_tags == 0) {
		b->dead_since = clock_now();
		m->stats.dead_bytes += b->size;
	}
}

static struct mem_blob *blob_create(const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
									size_t n_tags)
{
	struct mem_blob *b = calloc(1, sizeof *b + size);
	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	for (size_t i = 0; i < n_pieces; i++) {
		if (pieces[i].n)
			memcpy(b->bytes + b->size, pieces[i].p, pieces[i].n);
		b->size += pieces[i].n;
	}
	for (size_t i = 0; i < n_tags; i++) {
		if (tag_add(b, tags[i])) {
			blob_unref(b);
			return NULL;
		}
	}
	b->dead_since = clock_now();
	return b;
}

int mem_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
				 size_t n_tags, store_blob_id *out)
{
	struct mem_store *m = mem_of(s);
	struct mem_blob *b = blob_create(pieces, n_pieces, size, tags, n_tags);
	if (!b)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&m->lock);
	if (m->n_blobs == m->cap_blobs) {
		size_t cap = m->cap_blobs ? m->cap_blobs * 2 : 64;
		struct mem_blob **grown =
			realloc(m->blobs, cap * sizeof(*grown)); // NOLINT(bugprone-sizeof-expression): pointers
		if (!grown) {
			pthread_mutex_unlock(&m->lock);
			blob_unref(b);
			return ERR_NO_MEMORY;
		}
		m->blobs = grown;
		m->cap_blobs = cap;
	}
	m->blobs[m->n_blobs++] = b;
	*out = m->n_blobs;
	m->stats.blob_puts++;
	m->stats.blob_syncs++;
	m->stats.blob_bytes += size;
	if (n_tags == 0)
		m->stats.dead_bytes += size;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* Under the lock; NULL when it never was or is gone. */
static struct mem_blob *blob_find(struct mem_store *m, store_blob_id id)
{
	return id >= 1 && id <= m->n_blobs ? m->blobs[id - 1] : NULL;
}

int mem_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->lock);
	struct mem_blob *b = blob_find(m, id);
	if (b)
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&m->lock);
	if (!b)
		return ERR_NOT_FOUND;
	*out = (struct store_blob_view){ .bytes = str_make(b->bytes, b->size), .handle = b };
	return 0;
}

void mem_blob_unmap(struct store *s, struct store_blob_view *v)
{
	(void)s;
	blob_unref(v->handle);
}

int mem_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out)
{
	struct mem_store *m = mem_of(s);
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n; i++) {
		const struct mem_blob *b = blob_find(m, ids[i]);
		has_out[i] = b && tag_index(b, tag) < b->n_tags;
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}

int mem_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool add)
{
	struct mem_store *m = mem_of(s);
	int result = 0;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n; i++) {
		struct mem_blob *b = blob_find(m, ids[i]);
		if (!b) {
			if (add && result == 0)
				result = ERR_NOT_FOUND;
			continue;
		}
		if (!add) {
			tag_remove(m, b, tag);
			continue;
		}
		bool was_dead = b->n_tags == 0;
		int rc = tag_add(b, tag);
		if (rc)
			result = rc;
		else if (was_dead)
			m->stats.dead_bytes -= b->size;
	}
	pthread_mutex_unlock(&m->lock);
	return result;
}

struct visited {
	store_blob_id id;
	uint64_t size;
	store_tag tag;
};

static int note(struct visited **list, size_t *n, size_t *cap, struct visited v)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		struct visited *grown = realloc(*list, more * sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		*list = grown;
		*cap = more;
	}
	(*list)[(*n)++] = v;
	return 0;
}

/* The callback may call the store, so it runs on a list, without the lock. */
int mem_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg)
{
	struct mem_store *m = mem_of(s);
	struct visited *list = NULL;
	size_t n = 0, cap = 0;
	int rc = 0;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->n_blobs && rc == 0; i++) {
		const struct mem_blob *b = m->blobs[i];
		if (!b)
			continue;
		for (size_t t = 0; t < b->n_tags && rc == 0; t++) {
			if (tag == 0 || b->tags[t] == tag)
				rc = note(&list, &n, &cap, (struct visited){ i + 1, b->size, b->tags[t] });
		}
		if (tag == 0 && b->n_tags == 0 && rc == 0)
			rc = note(&list, &n, &cap, (struct visited){ i + 1, b->size, 0 });
	}
	pthread_mutex_unlock(&m->lock);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = fn(arg, list[i].id, list[i].size, list[i].tag);
	free(list);
	return rc;
}

int mem_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out)
{
	(void)max_bytes;                  /* nothing is rewritten here */
	struct mem_store *m = mem_of(s);
	int64_t dead_before = clock_now() - STORE_GRACE_SECONDS;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; m->holds == 0 && i < m->n_blobs; i++) {
		struct mem_blob *b = m->blobs[i];
		if (!b || b->n_tags > 0 || b->dead_since > dead_before)
			continue;
		*reclaimed_out += b->size;
		m->stats.dead_bytes -= b->size;
		m->blobs[i] = NULL;
		blob_unref(b);
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}
