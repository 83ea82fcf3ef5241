#include "proto/common/email_facts.h"

#include "base/bytes.h"
#include "base/map.h"
#include "proto/common/email_facts_make.h"

#include <pthread.h>
#include <stdlib.h>

#define CHUNK_EMAILS 128u                 /* ids that follow each other share a chunk */
#define BLOCK 1024u                       /* emails that are looked up under one lock */
#define READ_MAX 200u                     /* records in one store read */
#define READ_ATTEMPTS 3
#define KEY_BYTES 8u

enum { PRESENT = 1, HAS_SENT = 2, REPLY = 4 };

struct record {                           /* struct email_fact, packed */
	int64_t sent;
	uint64_t id, subject;
	uint32_t refs_at;
	uint16_t n_refs;
	uint8_t flags;
};
struct chunk {
	struct record record[CHUNK_EMAILS];
	struct email_refs refs;
};
/* All that is kept of one account. */
struct shelf {
	uint64_t account;
	struct map *chunks;
	size_t bytes;
	struct shelf *prev, *next;            /* the one used last comes first */
};

struct email_facts {
	pthread_mutex_t lock;
	size_t bytes, bytes_max;
	struct map *shelves;
	struct shelf *first, *last;
};

static struct str key_of(char key[KEY_BYTES], uint64_t v)
{
	store_le64(key, v);
	return str_make(key, KEY_BYTES);
}

/* ---- shelves, under the lock ---- */

static void unlist(struct email_facts *f, struct shelf *s)
{
	*(s->prev ? &s->prev->next : &f->first) = s->next;
	*(s->next ? &s->next->prev : &f->last) = s->prev;
}

static void list_first(struct email_facts *f, struct shelf *s)
{
	s->prev = NULL;
	s->next = f->first;
	*(f->first ? &f->first->prev : &f->last) = s;
	f->first = s;
}

static void shelf_free(struct email_facts *f, struct shelf *s)
{
	char key[KEY_BYTES];
	size_t pos = 0;
	struct str name;
	void *value;
	while (map_next(s->chunks, &pos, &name, &value)) {
		struct chunk *c = value;
		free(c->refs.v);
		free(c);
	}
	map_destroy(&s->chunks);
	map_remove(f->shelves, key_of(key, s->account));
	unlist(f, s);
	f->bytes -= s->bytes;
	free(s);
}

/* The shelf of an account, now the one used last; NULL: out of memory, nothing is kept. */
static struct shelf *shelf_of(struct email_facts *f, uint64_t account)
{
	char key[KEY_BYTES];
	struct shelf *s = map_get(f->shelves, key_of(key, account));
	if (s) {
		unlist(f, s);
		list_first(f, s);
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (!s || map_create(&s->chunks)) {
		free(s);
		return NULL;
	}
	if (map_put(f->shelves, key_of(key, account), s)) {
		map_destroy(&s->chunks);
		free(s);
		return NULL;
	}
	s->account = account;
	list_first(f, s);
	return s;
}

/* Makes room by giving up other accounts; false when there is none. */
static bool make_room(struct email_facts *f, const struct shelf *keep, size_t bytes)
{
	while (f->bytes + bytes > f->bytes_max && f->last && f->last != keep)
		shelf_free(f, f->last);
	return f->bytes + bytes <= f->bytes_max;
}

static struct chunk *chunk_of(struct email_facts *f, struct shelf *s, uint64_t email, bool make)
{
	char key[KEY_BYTES];
	struct str name = key_of(key, email / CHUNK_EMAILS);
	struct chunk *c = map_get(s->chunks, name);
	if (c || !make || !make_room(f, s, sizeof(*c)))
		return c;
	c = calloc(1, sizeof(*c));
	if (!c || map_put(s->chunks, name, c)) {
		free(c);
		return NULL;
	}
	s->bytes += sizeof(*c);
	f->bytes += sizeof(*c);
	return c;
}

static void put(struct email_facts *f, struct shelf *s, uint64_t email, const struct email_fact *fact, const struct email_refs *refs)
{
	struct chunk *c = chunk_of(f, s, email, true);
	if (!c || !make_room(f, s, fact->n_refs * sizeof(uint64_t)))
		return;
	struct record *r = &c->record[email % CHUNK_EMAILS];
	size_t at = c->refs.n, before = c->refs.cap;
	/* Somebody else may have been faster. */
	if (r->flags & PRESENT || (fact->n_refs && email_refs_add(&c->refs, refs->v + fact->refs_at, fact->n_refs)))
		return;
	s->bytes += (c->refs.cap - before) * sizeof(uint64_t);
	f->bytes += (c->refs.cap - before) * sizeof(uint64_t);
	*r = (struct record){
		.sent = fact->sent, .id = fact->id, .subject = fact->subject, .refs_at = (uint32_t)at, .n_refs = (uint16_t)fact->n_refs,
		.flags = (uint8_t)(PRESENT | (fact->has_sent ? HAS_SENT : 0) | (fact->reply ? REPLY : 0)),
	};
}

static int unpack(const struct chunk *c, const struct record *r, struct email_fact *out, struct email_refs *refs)
{
	*out = (struct email_fact){
		.sent = r->sent, .id = r->id, .subject = r->subject, .refs_at = (uint32_t)refs->n, .n_refs = r->n_refs,
		.has_sent = r->flags & HAS_SENT, .reply = r->flags & REPLY,
	};
	return r->n_refs ? email_refs_add(refs, c->refs.v + r->refs_at, r->n_refs) : 0;
}

/* ---- a block of emails ---- */

struct block {
	struct email_facts *facts;
	struct account *account;
	const uint64_t *email;
	uint32_t n;
	struct email_fact *out;
	struct email_refs *refs;
	uint32_t missing[BLOCK], n_missing;   /* indexes */
};

static int look_up(struct block *b)
{
	struct email_facts *f = b->facts;
	int err = 0;
	pthread_mutex_lock(&f->lock);
	struct shelf *s = shelf_of(f, account_id(b->account));
	const struct chunk *c = NULL;
	uint64_t number = UINT64_MAX;         /* of c */
	for (uint32_t i = 0; i < b->n && !err; i++) {
		if (s && b->email[i] / CHUNK_EMAILS != number) {
			number = b->email[i] / CHUNK_EMAILS;
			c = chunk_of(f, s, b->email[i], false);
		}
		const struct record *r = c ? &c->record[b->email[i] % CHUNK_EMAILS] : NULL;
		if (r && r->flags & PRESENT)
			err = unpack(c, r, &b->out[i], b->refs);
		else
			b->missing[b->n_missing++] = i;
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

static int read_summary(struct block *b, struct email_reader **reader, uint64_t email, struct email *out)
{
	int err = 0;
	for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
		if (!*reader)
			err = email_reader_begin(b->account, reader);
		if (!err)
			err = email_reader_get(*reader, email, out);
		if (err != ERR_RETRY)
			return err;
		email_reader_end(reader);
	}
	return err;
}

static int read_missing(struct block *b)
{
	struct facts_maker maker = FACTS_MAKER_INIT;
	struct email_reader *reader = NULL;
	struct email email;
	int err = 0;
	for (uint32_t k = 0; k < b->n_missing && !err; k++) {
		struct email_fact *out = &b->out[b->missing[k]];
		if (k % READ_MAX == 0)
			email_reader_end(&reader);
		err = read_summary(b, &reader, b->email[b->missing[k]], &email);
		if (!err)
			err = facts_make(&maker, email.summary, out, b->refs);
		if (err == ERR_NOT_FOUND || err == ERR_CORRUPT || err == ERR_VERSION) {
			*out = (struct email_fact){ .missing = true };
			err = 0;
		}
	}
	email_reader_end(&reader);
	facts_maker_fini(&maker);
	return err;
}

static void keep_missing(struct block *b)
{
	struct email_facts *f = b->facts;
	pthread_mutex_lock(&f->lock);
	struct shelf *s = shelf_of(f, account_id(b->account));
	for (uint32_t k = 0; k < b->n_missing && s; k++) {
		const struct email_fact *fact = &b->out[b->missing[k]];
		if (!fact->missing)
			put(f, s, b->email[b->missing[k]], fact, b->refs);
	}
	pthread_mutex_unlock(&f->lock);
}

int email_facts_load(struct email_facts *f, struct account *a, const uint64_t *email, uint32_t n, struct email_fact *out,
					 struct email_refs *refs)
{
	int err = 0;
	for (uint32_t at = 0; at < n && !err; at += BLOCK) {
		struct block b = {
			.facts = f, .account = a, .email = email + at, .n = n - at < BLOCK ? n - at : BLOCK, .out = out + at, .refs = refs,
		};
		err = look_up(&b);
		if (!err && b.n_missing)
			err = read_missing(&b);
		if (!err && b.n_missing)
			keep_missing(&b);
	}
	return err;
}

/* ---- */

int email_facts_create(size_t bytes_max, struct email_facts **out)
{
	struct email_facts *f = *out = calloc(1, sizeof(*f));
	if (!f || map_create(&f->shelves)) {
		free(f);
		*out = NULL;
		return ERR_NO_MEMORY;
	}
	f->bytes_max = bytes_max;
	pthread_mutex_init(&f->lock, NULL);
	return 0;
}

void email_facts_destroy(struct email_facts **f)
{
	if (!f || !*f)
		return;
	while ((*f)->first)
		shelf_free(*f, (*f)->first);
	map_destroy(&(*f)->shelves);
	pthread_mutex_destroy(&(*f)->lock);
	free(*f);
	*f = NULL;
}
