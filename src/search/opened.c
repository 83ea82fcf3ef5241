#include "search/inside.h"

#include <stdlib.h>

static struct str account_key(const uint64_t *account) { return str_make(account, sizeof *account); }

/* ---- memory ---- */

static void count_bytes(struct search *s, struct opened *o, size_t more, size_t less)
{
	o->bytes += more - less;
	atomic_fetch_add(&s->vocabulary_bytes, more - less);
}

static void drop_terms(struct search *s, struct opened *o, struct terms *t)
{
	size_t bytes = 0;
	for (size_t i = 0; i < t->n; i++) {
		bytes += t->block[i].n;
		free((void *)(uintptr_t)t->block[i].p);
	}
	free(t->block);
	*t = (struct terms){ .loaded = false };
	count_bytes(s, o, 0, bytes);
}

static void drop_chunk(struct search *s, struct opened *o, struct chunk *c)
{
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		drop_terms(s, o, &c->field[f]);
	if (c->emails)
		count_bytes(s, o, 0, c->is.emails * sizeof(*c->emails));
	free(c->emails);
}

static void drop_chunks(struct search *s, struct opened *o)
{
	for (size_t i = 0; i < o->n_chunks; i++)
		drop_chunk(s, o, &o->chunk[i]);
	free(o->chunk);
	o->chunk = NULL;
	o->n_chunks = 0;
}

static void destroy(struct search *s, struct opened *o)
{
	drop_chunks(s, o);
	shelf_close(&o->shelf);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ---- the list; under search.lock ---- */

static void unlink_opened(struct search *s, struct opened *o)
{
	*(o->prev ? &o->prev->next : &s->newest) = o->next;
	*(o->next ? &o->next->prev : &s->oldest) = o->prev;
	o->prev = o->next = NULL;
}

static void link_newest(struct search *s, struct opened *o)
{
	o->next = s->newest;
	*(s->newest ? &s->newest->prev : &s->oldest) = o;
	s->newest = o;
}

/* Takes those out that nobody uses, the oldest first, until few enough are open and little enough is in memory; chained by next. */
static struct opened *take_surplus(struct search *s)
{
	struct opened *out = NULL;
	size_t bytes = atomic_load(&s->vocabulary_bytes);
	for (struct opened *o = s->oldest, *newer; o; o = newer) {
		newer = o->prev;
		if (o->refs || (map_count(s->opened) <= SHELVES_OPEN_MAX && bytes <= VOCABULARY_BYTES_MAX))
			continue;
		bytes -= o->bytes < bytes ? o->bytes : bytes;
		map_remove(s->opened, account_key(&o->account));
		unlink_opened(s, o);
		o->next = out;
		out = o;
	}
	return out;
}

static struct opened *find_or_make(struct search *s, uint64_t account)
{
	struct opened *o = map_get(s->opened, account_key(&account));
	if (o) {
		unlink_opened(s, o);
	} else {
		o = calloc(1, sizeof(*o));
		if (!o || map_put(s->opened, account_key(&account), o)) {
			free(o);
			return NULL;
		}
		o->account = account;
		pthread_mutex_init(&o->lock, NULL);
	}
	link_newest(s, o);
	o->refs++;
	return o;
}

/* ---- */

int opened_take(struct search *s, uint64_t account, struct opened **out)
{
	pthread_mutex_lock(&s->lock);
	struct opened *o = *out = find_or_make(s, account);
	pthread_mutex_unlock(&s->lock);
	if (!o)
		return ERR_NO_MEMORY;
	pthread_mutex_lock(&o->lock);
	int r = o->closed ? ERR_NOT_FOUND : 0;
	if (!r && !o->shelf) {
		char path[SEARCH_PATH_MAX];
		search_path(s, account, path);
		r = shelf_open(path, false, &o->shelf, NULL);
		if (!r)
			shelf_hurry_when(o->shelf, &s->stopping);
	}
	if (r)
		opened_give(s, out);
	return r;
}

void opened_give(struct search *s, struct opened **o)
{
	pthread_mutex_unlock(&(*o)->lock);
	pthread_mutex_lock(&s->lock);
	struct opened *surplus = NULL;
	if (--(*o)->refs == 0 && (*o)->stale)
		surplus = *o;
	else
		surplus = take_surplus(s);
	pthread_mutex_unlock(&s->lock);
	for (struct opened *next; surplus; surplus = next) {
		next = surplus->next;
		destroy(s, surplus);
	}
	*o = NULL;
}

void opened_forget(struct search *s, uint64_t account)
{
	pthread_mutex_lock(&s->lock);
	struct opened *o = map_remove(s->opened, account_key(&account));
	if (o) {
		unlink_opened(s, o);
		o->stale = true;
		o->refs++;                   /* who asks now may give it back before we have it */
	}
	pthread_mutex_unlock(&s->lock);
	if (!o)
		return;
	/* Whoever asks now goes on; before this returns it has closed, so that the name may be given to another file. */
	pthread_mutex_lock(&o->lock);
	o->closed = true;
	drop_chunks(s, o);
	shelf_close(&o->shelf);
	opened_give(s, &o);
}

void opened_close_all(struct search *s)
{
	for (struct opened *o = s->newest, *next; o; o = next) {
		next = o->next;
		destroy(s, o);
	}
	s->newest = s->oldest = NULL;
}

/* ---- chunks ---- */

int opened_refresh(struct search *s, struct opened *o, uint64_t made)
{
	if (o->made != made)
		drop_chunks(s, o);
	o->made = made;
	struct shelf_chunk *now;
	size_t n, at = 0;
	int r = shelf_chunks(o->shelf, &now, &n);
	struct chunk *fresh = r ? NULL : calloc(n + 1, sizeof(*fresh));
	if (!fresh) {
		free(now);
		return r ? r : ERR_NO_MEMORY;
	}
	/* Both lists ascend: what is known moves over, what is gone is dropped. */
	for (size_t i = 0; i < n; i++) {
		while (at < o->n_chunks && o->chunk[at].is.id < now[i].id)
			drop_chunk(s, o, &o->chunk[at++]);
		if (at < o->n_chunks && o->chunk[at].is.id == now[i].id)
			fresh[i] = o->chunk[at++];
		fresh[i].is = now[i];
	}
	while (at < o->n_chunks)
		drop_chunk(s, o, &o->chunk[at++]);
	free(o->chunk);
	free(now);
	o->chunk = fresh;
	o->n_chunks = n;
	for (size_t i = 0; !r && i < n; i++) {
		struct chunk *c = &fresh[i];
		if (c->emails)
			continue;
		c->emails = calloc(c->is.emails, sizeof(*c->emails));
		if (c->emails)
			count_bytes(s, o, c->is.emails * sizeof(*c->emails), 0);
		r = c->emails ? shelf_chunk_emails(o->shelf, &c->is, c->emails) : ERR_NO_MEMORY;
	}
	if (r)
		drop_chunks(s, o);
	return r;
}

struct loading { struct search *search; struct opened *opened; struct terms *terms; };

static int load_block(void *arg, uint32_t number, struct str terms)
{
	struct loading *l = arg;
	struct terms *t = l->terms;
	if (number != t->n || terms.n < 2 || terms.p[0] || terms.p[terms.n - 1])
		return ERR_CORRUPT;
	if ((t->n & (t->n - 1)) == 0) {
		struct str *more = reallocarray(t->block, t->n ? t->n * 2 : 1, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		t->block = more;
	}
	char *copy = malloc(terms.n);
	if (!copy)
		return ERR_NO_MEMORY;
	memcpy(copy, terms.p, terms.n);
	t->block[t->n++] = str_make(copy, terms.n);
	count_bytes(l->search, l->opened, terms.n, 0);
	return 0;
}

int opened_terms(struct search *s, struct opened *o, struct chunk *c, enum field field, const struct terms **out)
{
	struct terms *t = &c->field[field];
	*out = t;
	if (t->loaded)
		return 0;
	struct loading l = { s, o, t };
	int r = shelf_terms(o->shelf, c->is.id, field, load_block, &l);
	if (r)
		drop_terms(s, o, t);
	else
		t->loaded = true;
	return r;
}
