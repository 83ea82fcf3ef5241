#include "store/engine_lmdb/version_cache.h"

#include "store/engine.h"
#include "store/limits.h"

#include <pthread.h>
#include <stdatomic.h>

#define STRIPES 64

struct slot {
	struct store_scope scope;
	uint64_t version;
	uint64_t as_of; /* the transaction at which this was true; never goes back, whichever scope lives here */
};

struct version_cache {
	atomic_uint_fast64_t own;         /* our newest transaction, counted from just before its commit */
	atomic_uint_fast64_t own_before;  /* the one before it, should its commit fail; the committer's alone */
	atomic_uint_fast64_t published;   /* up to here our transactions are in the slots */
	atomic_uint_fast64_t foreign;     /* the newest transaction seen that is not ours */
	pthread_mutex_t locks[STRIPES];
	struct slot slots[STORE_VERSION_SLOTS];
};

int version_cache_create(struct version_cache **out)
{
	struct version_cache *c = calloc(1, sizeof *c);
	if (!c)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&c->locks[i], NULL);
	*out = c;
	return 0;
}

void version_cache_destroy(struct version_cache **c)
{
	if (*c) {
		for (size_t i = 0; i < STRIPES; i++)
			pthread_mutex_destroy(&(*c)->locks[i]);
	}
	free(*c);
	*c = NULL;
}

static void raise_to(atomic_uint_fast64_t *at, uint64_t to)
{
	uint64_t was = atomic_load(at);
	while (was < to && !atomic_compare_exchange_weak(at, &was, to))
		;
}

uint64_t version_cache_foreign(struct version_cache *c, uint64_t newest)
{
	/* `newest` was read before `own`: a transaction of ours that is visible by now is counted in `own` already. */
	if (newest > atomic_load(&c->own))
		raise_to(&c->foreign, newest);
	return atomic_load(&c->foreign);
}

bool version_cache_get(struct version_cache *c, struct store_scope scope, uint64_t newest, uint64_t *version_out)
{
	uint64_t foreign = version_cache_foreign(c, newest), published = atomic_load(&c->published);
	size_t i = scope_hash(scope) % STORE_VERSION_SLOTS;
	struct slot *slot = &c->slots[i];
	pthread_mutex_lock(&c->locks[i % STRIPES]);
	/* A transaction can be seen by readers a moment before it is published here: then the index is asked, lest somebody
	 * who has read the new version is told the old one. */
	bool whole = newest <= published || slot->as_of >= newest;
	bool good = slot->as_of > 0 && slot->as_of >= foreign && whole && scope_eq(slot->scope, scope);
	*version_out = good ? slot->version : 0;
	pthread_mutex_unlock(&c->locks[i % STRIPES]);
	return good;
}

void version_cache_put(struct version_cache *c, struct store_scope scope, uint64_t version, uint64_t txn)
{
	size_t i = scope_hash(scope) % STORE_VERSION_SLOTS;
	struct slot *slot = &c->slots[i];
	pthread_mutex_lock(&c->locks[i % STRIPES]);
	if (txn >= slot->as_of)
		*slot = (struct slot){ .scope = scope, .version = version, .as_of = txn };
	pthread_mutex_unlock(&c->locks[i % STRIPES]);
}

void version_cache_txn_begin(struct version_cache *c, uint64_t txn)
{
	uint64_t own = atomic_load(&c->own);
	if (txn - 1 > own)
		raise_to(&c->foreign, txn - 1);
	atomic_store(&c->own_before, own);
}

void version_cache_txn_commit(struct version_cache *c, uint64_t txn) { atomic_store(&c->own, txn); }

void version_cache_txn_published(struct version_cache *c, uint64_t txn) { raise_to(&c->published, txn); }

void version_cache_txn_failed(struct version_cache *c) { atomic_store(&c->own, atomic_load(&c->own_before)); }
