#include "directory/verify_cache.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "directory/limits.h"
#include "rt/crypto.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
	struct verify_tag tag;
	uint64_t until_ms;     /* 0: free */
};

struct verify_cache {
	pthread_mutex_t lock;  /* innermost: nothing is taken under it */
	uint64_t keep_ms;
	uint8_t key[CRYPTO_SHA256_SIZE];
	struct slot *slots;    /* VERIFY_CACHE_SLOTS, in buckets of VERIFY_CACHE_WAYS; NULL: nothing is kept */
};

int verify_cache_create(uint64_t keep_ms, struct verify_cache **out)
{
	struct verify_cache *c = calloc(1, sizeof(*c));
	*out = NULL;
	if (!c)
		return ERR_NO_MEMORY;
	/* calloc: pages that no login has touched cost nothing */
	if (keep_ms && !(c->slots = calloc(VERIFY_CACHE_SLOTS, sizeof(*c->slots)))) {
		free(c);
		return ERR_NO_MEMORY;
	}
	c->keep_ms = keep_ms;
	crypto_random(c->key, sizeof(c->key));
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void verify_cache_destroy(struct verify_cache **c)
{
	if (!*c)
		return;
	pthread_mutex_destroy(&(*c)->lock);
	free((*c)->slots);
	crypto_wipe(*c, sizeof(**c));
	free(*c);
	*c = NULL;
}

int verify_cache_tag(const struct verify_cache *c, struct str name, struct str password, struct str record,
					 struct verify_tag *out)
{
	struct buf b = BUF_INIT(0);
	/* at once: growing would leave copies of the password behind */
	buf_reserve(&b, 16 + name.n + password.n + record.n);
	/* with lengths, so that no two triples read the same */
	buf_add_le64(&b, name.n);
	buf_add_str(&b, name);
	buf_add_le64(&b, password.n);
	buf_add_str(&b, password);
	buf_add_str(&b, record);
	int code = b.failed ? ERR_NO_MEMORY : crypto_hmac_sha256(str_make(c->key, sizeof(c->key)), buf_str(&b), out->bytes);
	if (b.p)
		crypto_wipe(b.p, b.n);
	buf_fini(&b);
	return code;
}

static struct slot *bucket_of(const struct verify_cache *c, const struct verify_tag *t)
{
	size_t buckets = VERIFY_CACHE_SLOTS / VERIFY_CACHE_WAYS;
	return &c->slots[load_le64(t->bytes) % buckets * VERIFY_CACHE_WAYS];
}

bool verify_cache_has(struct verify_cache *c, const struct verify_tag *t, uint64_t now_ms)
{
	if (!c->slots)
		return false;
	bool has = false;
	const struct slot *bucket = bucket_of(c, t);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < VERIFY_CACHE_WAYS; i++)
		has |= bucket[i].until_ms > now_ms && crypto_equal(&bucket[i].tag, t, sizeof(*t));
	pthread_mutex_unlock(&c->lock);
	return has;
}

void verify_cache_put(struct verify_cache *c, const struct verify_tag *t, uint64_t now_ms)
{
	if (!c->slots)
		return;
	struct slot *bucket = bucket_of(c, t), *to = &bucket[0];
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < VERIFY_CACHE_WAYS; i++) {
		if (memcmp(&bucket[i].tag, t, sizeof(*t)) == 0) {
			to = &bucket[i];
			break;
		}
		if (bucket[i].until_ms < to->until_ms)
			to = &bucket[i];
	}
	to->tag = *t;
	to->until_ms = now_ms + c->keep_ms;
	pthread_mutex_unlock(&c->lock);
}
