#include "backup/dump.h"

#include "backup/limits.h"
#include "backup/pairs.h"
#include "base/array.h"
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
	store_blob_id *v = array_room(l->v, l->n, &l->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	l->v = v;
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
	struct growth *growth;
	enum store_scope_kind kind;
	char last[STORE_KEY_MAX];             /* the key that was taken last */
	size_t n_last;
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

/* What one read has of it, behind what was taken before. One value that fails its checksum does not take the others with it. */
static int take_all(struct taking *t, struct store_read *r)
{
	struct store_iter *it;
	struct str key, value;
	struct str last = str_make(t->last, t->n_last);
	t->d->version = store_version(r);
	int rc = store_range(r, t->n_last ? last : STR("\0"), STR_NONE, false, &it);
	if (rc)
		return rc;
	while ((rc = store_next(it, &key, &value)) == 1 || (rc == ERR_CORRUPT && key.n)) {
		if (t->n_last && str_eq(key, str_make(t->last, t->n_last)))
			continue;
		if (rc == ERR_CORRUPT)
			add_unread(t->d, key);
		else if ((rc = take_pair(t, key, value)))
			break;
		memcpy(t->last, key.p, key.n);
		t->n_last = key.n;
		if (growth_is_over_at_pair(t->growth)) {
			rc = DUMP_OVER;
			break;
		}
	}
	store_iter_end(&it);
	return rc;
}

static struct taking taking_of(struct dump *d, enum store_scope_kind kind, struct repository *r, struct pace *pace, struct growth *growth)
{
	*d = (struct dump){ .unread_keys = BUF_INIT(0) };
	return (struct taking){ .d = d, .pairs = { .repository = r, .runs = &d->runs, .run = BUF_INIT(CHUNK_MAX) }, .pace = pace, .growth = growth, .kind = kind };
}

static int finish(struct taking *t, int rc)
{
	struct dump *d = t->d;
	if (!rc)
		rc = pairs_end(&t->pairs);
	buf_fini(&t->pairs.run);
	if (!rc)
		sort_blobs(&d->blobs);
	return rc ? rc : d->runs.n || d->unread ? 0 : ERR_NOT_FOUND;
}

int dump_read(struct store_read *read, enum store_scope_kind kind, struct repository *r, struct pace *pace, struct growth *growth, struct dump *out)
{
	struct taking t = taking_of(out, kind, r, pace, growth);
	return finish(&t, take_all(&t, read));
}

/* In as many reads as it takes. ERR_RETRY: the scope changed between two of them, or the store asks for it. */
static int take_parts(struct taking *t, struct store *s, struct store_scope scope, uint64_t growth_max)
{
	int rc;
	do {
		struct store_read *read;
		rc = store_begin(s, scope, &read);
		if (rc)
			return rc;
		growth_begin(t->growth, s, growth_max, UINT64_MAX);
		rc = t->n_last && store_version(read) != t->d->version ? ERR_RETRY : take_all(t, read);
		store_end(&read);
	} while (rc == DUMP_OVER);
	return rc;
}

int dump_scope(struct store *s, struct store_scope scope, struct repository *r, struct pace *pace, uint64_t growth_max, struct dump *out)
{
	struct growth growth;
	int rc = ERR_RETRY;
	*out = (struct dump){ .unread_keys = BUF_INIT(0) };
	for (unsigned tries = 1; rc == ERR_RETRY && tries <= RETRIES_MAX; tries++) {
		dump_fini(out);
		struct taking t = taking_of(out, scope.kind, r, pace, &growth);
		rc = finish(&t, take_parts(&t, s, scope, tries < DUMP_TRIES ? growth_max : UINT64_MAX));
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
