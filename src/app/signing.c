#include "app/signing.h"

#include "base/ascii.h"
#include "base/map.h"
#include "rt/log.h"

#include <pthread.h>

#define CACHED_DOMAINS_MAX 10000      /* then all are forgotten */
#define DOMAIN_MAX 253

/* The active keys of one domain, ready to use. */
struct ring {
	struct arena arena;
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct dkim_key *keys[DKIM_SIGNERS_MAX];
	size_t n;
};

struct signing {
	struct directory *directory;
	pthread_mutex_t lock;                 /* a leaf; guards the two below, held for copying only */
	struct map *rings;                    /* domain -> struct ring; only domains that have keys */
	uint64_t version;                     /* of the directory's keys, when they were read */
};

/* ---- one domain ---- */

static void ring_destroy(struct ring *r)
{
	for (size_t i = 0; r && i < r->n; i++)
		dkim_key_unref(&r->keys[i]);
	if (r)
		arena_fini(&r->arena);
	free(r);
}

static void ring_add(struct ring *r, const struct signing_key *k)
{
	struct err e = { 0 };
	if (k->state != SIGNING_ACTIVE || r->n == DKIM_SIGNERS_MAX)
		return;
	if (dkim_key_parse(k->pem, &r->keys[r->n], &e) != 0) {
		log_event(LOG_ERROR, "dkim.bad-key", LOG_LIST(LOG_S("domain", k->domain), LOG_S("selector", k->selector), LOG_C("error", e.log)));
		return;
	}
	r->signers[r->n] = (struct dkim_signer){ .domain = arena_dup(&r->arena, k->domain), .selector = arena_dup(&r->arena, k->selector),
											 .key = r->keys[r->n] };
	r->n++;
}

/* 0 with *out == NULL: the domain has no active keys. */
static int ring_load(struct directory *d, struct str domain, struct ring **out)
{
	struct arena a = ARENA_INIT(0);
	struct signing_key *keys;
	size_t n;
	*out = NULL;
	int code = directory_signing_list(d, &a, domain, &keys, &n);
	struct ring *r = code == 0 && n > 0 ? calloc(1, sizeof(*r)) : NULL;
	if (code == 0 && n > 0 && !r)
		code = ERR_NO_MEMORY;
	for (size_t i = 0; r && i < 2 * n; i++)
		if (keys[i % n].algorithm == (i < n ? SIGNING_RSA : SIGNING_ED25519))
			ring_add(r, &keys[i % n]);
	directory_signing_wipe(keys, n);
	arena_fini(&a);
	if (r && (r->n == 0 || r->arena.failed)) {
		code = r->arena.failed ? ERR_NO_MEMORY : code;
		ring_destroy(r);
		r = NULL;
	}
	*out = r;
	return code;
}

static int ring_copy(const struct ring *r, struct arena *a, struct dkim_signer *out, size_t max)
{
	size_t n = r->n < max ? r->n : max;
	for (size_t i = 0; i < n; i++) {
		out[i] = r->signers[i];
		out[i].domain = arena_dup(a, r->signers[i].domain);
		out[i].selector = arena_dup(a, r->signers[i].selector);
		dkim_key_ref(r->keys[i]);
	}
	if (!a->failed)
		return (int)n;
	dkim_signers_drop(out, n);
	return ERR_NO_MEMORY;
}

/* ---- the cache ---- */

static void forget_all(struct signing *s)
{
	size_t pos = 0;
	struct str domain;
	void *ring;
	while (map_next(s->rings, &pos, &domain, &ring)) {
		map_remove(s->rings, domain);
		ring_destroy(ring);
	}
}

/* The number of signers, 0 when it is not cached, or an error. */
static int find_cached(struct signing *s, struct arena *a, struct str domain, uint64_t version, struct dkim_signer *out, size_t max)
{
	pthread_mutex_lock(&s->lock);
	if (s->version != version) {
		forget_all(s);
		s->version = version;
	}
	const struct ring *r = map_get(s->rings, domain);
	int n = r ? ring_copy(r, a, out, max) : 0;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Another thread may have been faster; what was read at another version is not kept. */
static void keep(struct signing *s, struct str domain, uint64_t version, struct ring *r)
{
	pthread_mutex_lock(&s->lock);
	if (s->version == version && map_count(s->rings) >= CACHED_DOMAINS_MAX)
		forget_all(s);
	if (s->version == version && !map_get(s->rings, domain) && map_put(s->rings, domain, r) == 0)
		r = NULL;
	pthread_mutex_unlock(&s->lock);
	ring_destroy(r);
}

static int signers_of(struct signing *s, struct arena *a, struct str domain, uint64_t version, struct dkim_signer *out, size_t max)
{
	struct ring *r;
	int n = find_cached(s, a, domain, version, out, max);
	if (n != 0)
		return n;
	int code = ring_load(s->directory, domain, &r);
	if (code != 0 || !r)
		return code;
	n = ring_copy(r, a, out, max);
	keep(s, domain, version, r);
	return n;
}

static int signers(void *ctx, struct arena *a, struct str domain, struct dkim_signer *out, size_t max)
{
	struct signing *s = ctx;
	char lower[DOMAIN_MAX];
	uint64_t version;
	if (domain.n == 0 || domain.n > DOMAIN_MAX || max == 0)
		return 0;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = (char)ascii_lower((unsigned char)domain.p[i]);
	int n = directory_signing_version(s->directory, &version);
	struct str name = str_make(lower, domain.n), label;
	for (bool more = true; n == 0 && more && name.n > 0; more = str_cut(name, '.', &label, &name))
		n = signers_of(s, a, name, version, out, max);
	return n;
}

struct dkim_keyring signing_keyring(struct signing *s) { return (struct dkim_keyring){ signers, s }; }

int signing_create(struct directory *d, struct signing **out)
{
	struct signing *s = calloc(1, sizeof(*s));
	*out = NULL;
	if (!s || map_create(&s->rings) != 0) {
		free(s);
		return ERR_NO_MEMORY;
	}
	s->directory = d;
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

void signing_destroy(struct signing **s)
{
	if (!*s)
		return;
	forget_all(*s);
	map_destroy(&(*s)->rings);
	pthread_mutex_destroy(&(*s)->lock);
	free(*s);
	*s = NULL;
}
