#include "report/tally.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"
#include "report/limits.h"
#include "rt/crypto.h"

#include <pthread.h>
#include <stdbool.h>

#define SCOPE ((struct store_scope){ STORE_SYSTEM, 0 })
#define PREFIX 'R'
#define KEY_ROW_HASH 8
#define DOMAIN_MAX 255

struct pending {
	uint64_t count;
	size_t key_n;
	struct str row;              /* behind the key, in the same memory */
	char key[];
};

struct tally {
	struct store *store;
	pthread_mutex_t lock;        /* a leaf: the two maps */
	struct map *rows;            /* key -> struct pending */
	struct map *domains;         /* kind, day, domain -> how many rows, as a number in the pointer's place */
};

int tally_create(struct store *s, struct tally **out)
{
	struct tally *t = calloc(1, sizeof *t);
	if (!t)
		return ERR_NO_MEMORY;
	t->store = s;
	pthread_mutex_init(&t->lock, NULL);
	if (map_create(&t->rows) || map_create(&t->domains)) {
		tally_destroy(&t);
		return ERR_NO_MEMORY;
	}
	*out = t;
	return 0;
}

static void drop_rows(struct map *rows)
{
	size_t pos = 0;
	struct str key;
	void *value;
	while (rows && map_next(rows, &pos, &key, &value))
		free(value);
}

void tally_destroy(struct tally **t)
{
	if (!*t)
		return;
	drop_rows((*t)->rows);
	map_destroy(&(*t)->rows);
	map_destroy(&(*t)->domains);
	pthread_mutex_destroy(&(*t)->lock);
	free(*t);
	*t = NULL;
}

/* 'R' kind be32(day) domain NUL: what all rows of one report share. */
static void add_domain_key(struct buf *b, enum tally_kind kind, uint32_t day, struct str domain)
{
	char be[4];
	store_be32(be, day);
	buf_add_char(b, PREFIX);
	buf_add_char(b, (char)kind);
	buf_add(b, be, sizeof be);
	buf_add_str(b, domain);
	buf_add_char(b, 0);
}

/* One more row of this domain; false when it has too many. */
static bool domain_has_room(struct tally *t, struct str domain_key)
{
	uintptr_t n = (uintptr_t)map_get(t->domains, domain_key);
	return n < TALLY_DOMAIN_ROWS_MAX && map_put(t->domains, domain_key, (void *)(n + 1)) == 0;
}

static void add_new(struct tally *t, struct str key, size_t domain_key_n, struct str row)
{
	if (map_count(t->rows) >= TALLY_ROWS_MAX || !domain_has_room(t, str_sub(key, 0, domain_key_n)))
		return;
	struct pending *p = malloc(sizeof *p + key.n + row.n);
	if (!p)
		return;
	p->count = 1;
	p->key_n = key.n;
	memcpy(p->key, key.p, key.n);
	if (row.n)
		memcpy(p->key + key.n, row.p, row.n);
	p->row = str_make(p->key + key.n, row.n);
	if (map_put(t->rows, key, p))
		free(p);
}

void tally_add(struct tally *t, enum tally_kind kind, uint32_t day, struct str domain, struct str row)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct buf key = BUF_INIT(STORE_KEY_MAX);

	if (domain.n == 0 || domain.n > DOMAIN_MAX || memchr(domain.p, 0, domain.n) || row.n > TALLY_ROW_MAX || crypto_sha256(row, digest))
		return;
	add_domain_key(&key, kind, day, domain);
	size_t domain_key_n = key.n;
	buf_add(&key, digest, KEY_ROW_HASH);
	if (!key.failed) {
		pthread_mutex_lock(&t->lock);
		struct pending *p = map_get(t->rows, buf_str(&key));
		if (p)
			p->count++;
		else
			add_new(t, buf_str(&key), domain_key_n, row);
		pthread_mutex_unlock(&t->lock);
	}
	buf_fini(&key);
}

/* ---- the store ---- */

struct merge {
	struct pending *list[TALLY_COMMIT_ROWS];
	size_t n;
};

/* A value is le64 count, then the row. */
static int merge_rows(struct store_write *w, void *arg)
{
	const struct merge *m = arg;
	for (size_t i = 0; i < m->n; i++) {
		const struct pending *p = m->list[i];
		struct str was;
		char *place;
		uint64_t count = p->count;
		int r = store_wget(w, str_make(p->key, p->key_n), &was);
		if (r == 0 && was.n >= 8)
			count += load_le64(was.p);
		else if (r && r != ERR_NOT_FOUND)
			return r;
		r = store_put_reserve(w, str_make(p->key, p->key_n), 8 + p->row.n, &place);
		if (r)
			return r;
		store_le64(place, count);
		if (p->row.n)
			memcpy(place + 8, p->row.p, p->row.n);
	}
	return 0;
}

/* Takes up to a commit's worth out of the map. */
static void take_some(struct tally *t, struct merge *m)
{
	size_t pos = 0;
	struct str key;
	void *value;

	m->n = 0;
	pthread_mutex_lock(&t->lock);
	while (m->n < TALLY_COMMIT_ROWS && map_next(t->rows, &pos, &key, &value)) {
		m->list[m->n++] = value;
		map_remove(t->rows, key);
	}
	pthread_mutex_unlock(&t->lock);
}

static void put_back(struct tally *t, struct pending *p)
{
	pthread_mutex_lock(&t->lock);
	struct pending *there = map_get(t->rows, str_make(p->key, p->key_n));
	if (there)
		there->count += p->count;
	bool kept = !there && map_put(t->rows, str_make(p->key, p->key_n), p) == 0;
	pthread_mutex_unlock(&t->lock);
	if (!kept)
		free(p);
}

int tally_flush(struct tally *t)
{
	struct merge m;
	for (;;) {
		take_some(t, &m);
		if (m.n == 0)
			return 0;
		int r = store_commit(t->store, SCOPE, merge_rows, &m);
		for (size_t i = 0; i < m.n; i++) {
			if (r)
				put_back(t, m.list[i]);
			else
				free(m.list[i]);
		}
		if (r)
			return r;
	}
}

/* One past every key that starts with these bytes: none of ours ends in 0xff. */
static void key_end(struct buf *b)
{
	b->p[b->n - 1]++;
}

static int each_domain(struct store_read *r, enum tally_kind kind, uint32_t before, struct arena *a, struct tally_domain *list, size_t *n_out)
{
	struct buf from = BUF_INIT(STORE_KEY_MAX), to = BUF_INIT(STORE_KEY_MAX);
	int rc = 1;

	add_domain_key(&from, kind, 0, STR_NONE);
	add_domain_key(&to, kind, before, STR_NONE);
	to.n--;                                          /* the days before it, not the day itself */
	while (rc == 1 && *n_out < REPORT_DOMAINS_MAX && !from.failed && !to.failed) {
		struct store_iter *it = NULL;
		struct str key = STR_NONE, value;
		rc = store_range(r, buf_str(&from), buf_str(&to), false, &it);
		if (rc == 0)
			rc = store_next(it, &key, &value);
		if (rc == 1) {
			struct str rest = str_from(key, 6);
			size_t n = str_chr(rest, 0);
			if (n == STR_NPOS) {
				rc = ERR_CORRUPT;
			} else {
				list[(*n_out)++] = (struct tally_domain){ load_be32(key.p + 2), arena_dup(a, str_sub(rest, 0, n)) };
				buf_reset(&from);
				buf_add(&from, key.p, 6 + n + 1);
				key_end(&from);
			}
		}
		store_iter_end(&it);
	}
	buf_fini(&from);
	buf_fini(&to);
	return rc == 1 ? 0 : rc;
}

int tally_domains(struct tally *t, enum tally_kind kind, uint32_t before, struct arena *a, struct tally_domain **out, size_t *n_out)
{
	struct store_read *r;
	struct tally_domain *list = calloc(REPORT_DOMAINS_MAX, sizeof *list);
	int rc = list ? store_begin(t->store, SCOPE, &r) : ERR_NO_MEMORY;

	*n_out = 0;
	if (rc == 0) {
		rc = each_domain(r, kind, before, a, list, n_out);
		store_end(&r);
	}
	*out = rc == 0 ? arena_array(a, *n_out ? *n_out : 1, sizeof *list) : NULL;
	if (rc == 0 && *out)
		memcpy(*out, list, *n_out * sizeof *list);
	free(list);
	return rc ? rc : a->failed ? ERR_NO_MEMORY : 0;
}

int tally_rows(struct tally *t, enum tally_kind kind, const struct tally_domain *d, struct arena *a, struct tally_row **out, size_t *n_out)
{
	struct buf from = BUF_INIT(STORE_KEY_MAX), to = BUF_INIT(STORE_KEY_MAX);
	struct store_read *r = NULL;
	struct store_iter *it = NULL;
	struct str key, value;
	size_t room = TALLY_DOMAIN_ROWS_MAX;

	*n_out = 0;
	*out = arena_array(a, room, sizeof **out);
	add_domain_key(&from, kind, d->day, d->domain);
	add_domain_key(&to, kind, d->day, d->domain);
	if (from.failed || to.failed || !*out) {
		buf_fini(&from);
		buf_fini(&to);
		return ERR_NO_MEMORY;
	}
	key_end(&to);
	int rc = store_begin(t->store, SCOPE, &r);
	if (rc == 0)
		rc = store_range(r, buf_str(&from), buf_str(&to), false, &it);
	while (rc == 0 && *n_out < room && (rc = store_next(it, &key, &value)) == 1) {
		rc = value.n < 8 ? ERR_CORRUPT : 0;
		if (rc == 0)
			(*out)[(*n_out)++] = (struct tally_row){ arena_dup(a, str_from(value, 8)), load_le64(value.p) };
	}
	store_iter_end(&it);
	store_end(&r);
	buf_fini(&from);
	buf_fini(&to);
	return rc ? rc : a->failed ? ERR_NO_MEMORY : 0;
}

struct forget { struct str from, to; };

static int forget_rows(struct store_write *w, void *arg)
{
	const struct forget *f = arg;
	return store_del_range(w, f->from, f->to, NULL);
}

int tally_forget(struct tally *t, enum tally_kind kind, const struct tally_domain *d)
{
	struct buf from = BUF_INIT(STORE_KEY_MAX), to = BUF_INIT(STORE_KEY_MAX);

	add_domain_key(&from, kind, d->day, d->domain);
	add_domain_key(&to, kind, d->day, d->domain);
	int rc = from.failed || to.failed ? ERR_NO_MEMORY : 0;
	if (rc == 0) {
		key_end(&to);
		struct forget f = { buf_str(&from), buf_str(&to) };
		rc = store_commit(t->store, SCOPE, forget_rows, &f);
	}
	buf_fini(&from);
	buf_fini(&to);
	return rc;
}
