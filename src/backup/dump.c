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

struct taking {
	struct dump *d;
	struct pairs_out pairs;
	struct pace *pace;
	enum store_scope_kind kind;
};

static int take_pair(struct taking *t, struct str key, struct str value)
{
	struct dump *d = t->d;
	store_blob_id blob;
	bool damaged;
	if (look(t->kind, key, value, &blob, &damaged) == 0)
		return 0;
	d->damaged += damaged;
	d->bytes += key.n + value.n;
	pace_yield(t->pace, key.n + value.n);
	if (blob) {
		int rc = add_blob(&d->blobs, blob);
		if (rc)
			return rc;
		d->messages++;
	}
	return pairs_add(&t->pairs, key, value);
}

/* As the log and the check name it. */
static void add_unread(struct dump *d, struct str key)
{
	char text[STORE_KEY_MAX];
	d->unread++;
	for (size_t i = 0; i < key.n && i < sizeof(text); i++)
		text[i] = key.p[i] > ' ' && key.p[i] < 0x7f ? key.p[i] : '.';
	if (d->unread_keys.n + key.n + 1 > UNREAD_NAMED)
		return;
	buf_add_str(&d->unread_keys, d->unread_keys.n ? STR(" ") : STR_NONE);
	buf_add(&d->unread_keys, text, key.n < sizeof(text) ? key.n : sizeof(text));
}

static int take_all(struct taking *t, struct store_read *r)
{
	struct store_iter *it;
	struct str key, value;
	t->d->version = store_version(r);
	int rc = store_range(r, STR("\0"), STR_NONE, false, &it);
	if (rc)
		return rc;
	/* One value that fails its checksum does not take the others with it. */
	while ((rc = store_next(it, &key, &value)) == 1 || (rc == ERR_CORRUPT && key.n)) {
		if (rc == ERR_CORRUPT)
			add_unread(t->d, key);
		else if ((rc = take_pair(t, key, value)))
			break;
	}
	store_iter_end(&it);
	return rc;
}

int dump_read(struct store_read *read, enum store_scope_kind kind, struct repository *r, struct pace *pace, struct dump *out)
{
	*out = (struct dump){ .unread_keys = BUF_INIT(0) };
	struct taking t = { .d = out, .pairs = { .repository = r, .runs = &out->runs, .run = BUF_INIT(CHUNK_MAX) }, .pace = pace, .kind = kind };
	int rc = take_all(&t, read);
	if (!rc)
		rc = pairs_end(&t.pairs);
	buf_fini(&t.pairs.run);
	if (!rc)
		sort_blobs(&out->blobs);
	return rc ? rc : out->runs.n || out->unread ? 0 : ERR_NOT_FOUND;
}

int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct pace *pace, struct dump *out)
{
	int rc = ERR_RETRY;
	*out = (struct dump){ .unread_keys = BUF_INIT(0) };
	for (unsigned tries = 0; rc == ERR_RETRY && tries < RETRIES_MAX; tries++) {
		struct store_read *read;
		dump_fini(out);
		rc = store_begin(s, scope, &read);
		if (rc)
			return rc;
		rc = dump_read(read, scope.kind, r, pace, out);
		store_end(&read);
	}
	return rc;
}

void dump_fini(struct dump *d)
{
	chunk_list_fini(&d->runs);
	buf_fini(&d->unread_keys);
	free(d->blobs.v);
	d->blobs = (struct blob_ids){ NULL, 0, 0 };
}
