#include "backup/dump.h"

#include "backup/limits.h"
#include "backup/pairs.h"
#include "model/transfer.h"
#include "queue/transfer.h"

#define RETRIES_MAX 100

static int compare_ids(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

static int add_blob(struct blob_ids *l, store_blob_id blob)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		store_blob_id *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = blob;
	return 0;
}

static void sort_blobs(struct blob_ids *l)
{
	size_t kept = 0;
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_ids);
	for (size_t i = 0; i < l->n; i++)
		if (kept == 0 || l->v[kept - 1] != l->v[i])
			l->v[kept++] = l->v[i];
	l->n = kept;
}

/* What the directory and the rooms beside it keep names no bodies, and is taken whole. */
static int look(enum store_scope_kind kind, struct str key, struct str value, store_blob_id *blob, bool *damaged)
{
	*blob = 0;
	*damaged = false;
	switch (kind) {
	case STORE_ACCOUNT: return transfer_look(key, value, blob, damaged);
	case STORE_QUEUE: return queue_transfer_look(key, value, blob, damaged);
	default: return 1;
	}
}

static int take_pair(struct dump *d, struct pairs_out *out, enum store_scope_kind kind, struct str key, struct str value)
{
	store_blob_id blob;
	bool damaged;
	if (look(kind, key, value, &blob, &damaged) == 0)
		return 0;
	d->damaged += damaged;
	d->bytes += key.n + value.n;
	if (blob) {
		int rc = add_blob(&d->blobs, blob);
		if (rc)
			return rc;
		d->messages++;
	}
	return pairs_add(out, key, value);
}

static int take_all(struct store *s, struct store_scope scope, struct pairs_out *out, struct dump *d)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	int rc = store_begin(s, scope, &r);
	if (rc)
		return rc;
	d->version = store_version(r);
	rc = store_range(r, STR("\0"), STR_NONE, false, &it);
	if (!rc) {
		while ((rc = store_next(it, &key, &value)) == 1 && (rc = take_pair(d, out, scope.kind, key, value)) == 0)
			;
		store_iter_end(&it);
	}
	store_end(&r);
	return rc ? rc : pairs_end(out);
}

int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct dump *out)
{
	int rc = ERR_RETRY;
	*out = (struct dump){ .version = 0 };
	for (unsigned tries = 0; rc == ERR_RETRY && tries < RETRIES_MAX; tries++) {
		struct pairs_out pairs = { .repository = r, .runs = &out->runs, .run = BUF_INIT(CHUNK_MAX) };
		out->runs.n = out->blobs.n = 0;
		out->messages = out->damaged = out->bytes = 0;
		rc = take_all(s, scope, &pairs, out);
		buf_fini(&pairs.run);
	}
	if (!rc)
		sort_blobs(&out->blobs);
	return rc ? rc : out->runs.n ? 0 : ERR_NOT_FOUND;
}

void dump_fini(struct dump *d)
{
	chunk_list_fini(&d->runs);
	free(d->blobs.v);
	d->blobs = (struct blob_ids){ NULL, 0, 0 };
}
