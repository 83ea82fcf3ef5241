#include "guard/ledger.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "guard/limits.h"

#include <pthread.h>
#include <stdlib.h>

#define SCOPE ((struct store_scope){ STORE_SYSTEM, 0 })
#define PREFIX 'j'
#define VERSION 1
#define KEY_SIZE 4
#define ENTRY_SIZE 24
#define READ_TRIES 16

struct bucket {
	struct ledger_entry ways[LEDGER_WAYS];
};
struct ledger {
	struct store *store;         /* NULL: in memory only */
	char kind;
	unsigned n;                  /* buckets, a power of two */
	unsigned shift;              /* a hash's bucket is its highest bits */
	pthread_mutex_t lock;        /* a leaf; guards what follows */
	struct bucket *buckets;
	bool *changed;               /* of each bucket: to be written */
};

/* ---- in memory ---- */

static unsigned bucket_of(const struct ledger *l, uint64_t hash)
{
	return l->shift == 64 ? 0 : (unsigned)(hash >> l->shift);
}

/* What is the least loss: a free place, else what was touched longest ago. */
static struct ledger_entry *make_room(struct bucket *b)
{
	struct ledger_entry *to = &b->ways[0];

	for (unsigned i = 1; i < LEDGER_WAYS && to->hash; i++)
		if (!b->ways[i].hash || b->ways[i].touched < to->touched)
			to = &b->ways[i];
	return to;
}

struct ledger_entry *ledger_hold(struct ledger *l, uint64_t hash, bool make, int64_t now)
{
	pthread_mutex_lock(&l->lock);
	struct bucket *b = &l->buckets[bucket_of(l, hash)];
	for (unsigned i = 0; i < LEDGER_WAYS; i++)
		if (b->ways[i].hash == hash)
			return hash ? &b->ways[i] : NULL;
	if (!make || !hash)
		return NULL;
	struct ledger_entry *e = make_room(b);
	*e = (struct ledger_entry){ .hash = hash, .touched = (uint32_t)now };
	return e;
}

void ledger_release(struct ledger *l, uint64_t hash, bool changed)
{
	if (changed)
		l->changed[bucket_of(l, hash)] = true;
	pthread_mutex_unlock(&l->lock);
}

void ledger_sweep(struct ledger *l, int64_t before)
{
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->n; i++)
		for (unsigned k = 0; k < LEDGER_WAYS; k++) {
			struct ledger_entry *e = &l->buckets[i].ways[k];
			if (e->hash && e->touched < before) {
				*e = (struct ledger_entry){ .hash = 0 };
				l->changed[i] = true;
			}
		}
	pthread_mutex_unlock(&l->lock);
}

size_t ledger_count(struct ledger *l)
{
	size_t n = 0;

	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < l->n; i++)
		for (unsigned k = 0; k < LEDGER_WAYS; k++)
			n += l->buckets[i].ways[k].hash != 0;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* ---- in the store ---- */

static void make_key(const struct ledger *l, unsigned i, char key[KEY_SIZE])
{
	key[0] = PREFIX;
	key[1] = l->kind;
	key[2] = (char)(i >> 8);
	key[3] = (char)(i & 0xff);
}

/* Entries of an unknown version or shape are nobody's loss: they are written over in time. */
static void read_bucket(struct bucket *b, struct str value)
{
	struct cursor c = cursor_make(value);

	if (cursor_u8(&c) != VERSION || cursor_left(&c) % ENTRY_SIZE)
		return;
	for (unsigned i = 0; i < LEDGER_WAYS && cursor_left(&c); i++) {
		struct ledger_entry *e = &b->ways[i];
		e->hash = cursor_le64(&c);
		e->touched = cursor_le32(&c);
		e->a = cursor_le32(&c);
		e->b = cursor_le32(&c);
		e->c = cursor_le32(&c);
	}
}

static int load_once(struct ledger *l)
{
	char from[] = { PREFIX, l->kind }, to[] = { PREFIX, (char)(l->kind + 1) };
	struct store_read *r = NULL;
	struct store_iter *it = NULL;
	struct str key, value;
	int code = store_begin(l->store, SCOPE, &r);

	if (code == 0)
		code = store_range(r, str_make(from, sizeof from), str_make(to, sizeof to), false, &it);
	if (code == 0)
		while ((code = store_next(it, &key, &value)) == 1 || (code == ERR_CORRUPT && key.n)) {
			if (code == ERR_CORRUPT)
				continue;            /* who was in it is met for the first time */
			unsigned i = key.n == KEY_SIZE ? (unsigned)(uint8_t)key.p[2] << 8 | (uint8_t)key.p[3] : UINT32_MAX;
			if (i < l->n)
				read_bucket(&l->buckets[i], value);
		}
	store_iter_end(&it);
	store_end(&r);
	return code;
}

static int load(struct ledger *l)
{
	int code = ERR_RETRY;

	for (int tries = 0; code == ERR_RETRY && tries < READ_TRIES; tries++)
		code = load_once(l);
	return code;
}

/* What one commit writes: copies, since writers go on meanwhile. */
struct batch {
	const struct ledger *ledger;
	unsigned n;
	unsigned at[LEDGER_FLUSH_MAX];
	struct bucket buckets[LEDGER_FLUSH_MAX];
};

static int write_bucket(struct store_write *w, const struct ledger *l, unsigned i, const struct bucket *b)
{
	char key[KEY_SIZE];
	struct buf value = BUF_INIT(1 + LEDGER_WAYS * ENTRY_SIZE);

	make_key(l, i, key);
	buf_add_u8(&value, VERSION);
	for (unsigned k = 0; k < LEDGER_WAYS; k++) {
		const struct ledger_entry *e = &b->ways[k];
		if (!e->hash)
			continue;
		buf_add_le64(&value, e->hash);
		buf_add_le32(&value, e->touched);
		buf_add_le32(&value, e->a);
		buf_add_le32(&value, e->b);
		buf_add_le32(&value, e->c);
	}
	int code = ERR_NO_MEMORY;
	if (!value.failed)
		code = value.n > 1 ? store_put(w, str_make(key, sizeof key), buf_str(&value)) : store_del(w, str_make(key, sizeof key));
	buf_fini(&value);
	return code;
}

static int write_batch(struct store_write *w, void *arg)
{
	const struct batch *b = arg;
	int code = 0;

	for (unsigned i = 0; i < b->n && code == 0; i++)
		code = write_bucket(w, b->ledger, b->at[i], &b->buckets[i]);
	return code;
}

/* False when nothing is left from *from on. */
static bool take_batch(struct ledger *l, unsigned *from, struct batch *b)
{
	b->n = 0;
	pthread_mutex_lock(&l->lock);
	for (; *from < l->n && b->n < LEDGER_FLUSH_MAX; ++*from)
		if (l->changed[*from]) {
			l->changed[*from] = false;
			b->at[b->n] = *from;
			b->buckets[b->n++] = l->buckets[*from];
		}
	pthread_mutex_unlock(&l->lock);
	return b->n > 0;
}

static void give_back(struct ledger *l, const struct batch *b)
{
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < b->n; i++)
		l->changed[b->at[i]] = true;
	pthread_mutex_unlock(&l->lock);
}

int ledger_flush(struct ledger *l)
{
	struct batch *b = l->store ? malloc(sizeof *b) : NULL;
	unsigned from = 0;
	int code = 0;

	if (!l->store)
		return 0;
	if (!b)
		return ERR_NO_MEMORY;
	b->ledger = l;
	while (code == 0 && take_batch(l, &from, b)) {
		code = store_commit(l->store, SCOPE, write_batch, b);
		if (code)
			give_back(l, b);
	}
	free(b);
	return code;
}

int ledger_open(struct store *s, char kind, unsigned buckets, struct ledger **out)
{
	struct ledger *l = calloc(1, sizeof *l);
	unsigned bits = 0;
	int code = 0;

	*out = NULL;
	while ((1u << bits) < buckets)
		bits++;
	if (l) {
		*l = (struct ledger){ .store = s, .kind = kind, .n = 1u << bits, .shift = 64 - bits };
		pthread_mutex_init(&l->lock, NULL);
		l->buckets = calloc(l->n, sizeof *l->buckets);
		l->changed = calloc(l->n, sizeof *l->changed);
	}
	if (!l || !l->buckets || !l->changed)
		code = ERR_NO_MEMORY;
	if (code == 0 && s)
		code = load(l);
	if (code) {
		ledger_close(&l);
		return code;
	}
	*out = l;
	return 0;
}

void ledger_close(struct ledger **l)
{
	if (!*l)
		return;
	pthread_mutex_destroy(&(*l)->lock);
	free((*l)->buckets);
	free((*l)->changed);
	free(*l);
	*l = NULL;
}
