/* Which passwords were verified lately, so that a client that logs in every minute does not cost a yescrypt each
 * time. Holds no password and no name: only keyed hashes over (name, password, the user's record), so an entry stops
 * matching in the moment the record changes. Bounded; the oldest of a bucket gives way. Any thread. */
#ifndef DIRECTORY_VERIFY_CACHE_H
#define DIRECTORY_VERIFY_CACHE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct verify_cache;

struct verify_tag { uint8_t bytes[32]; };

/* keep_ms 0: tags can be made, nothing is kept. */
int verify_cache_create(uint64_t keep_ms, struct verify_cache **out);
void verify_cache_destroy(struct verify_cache **c);
/* HMAC-SHA-256 under a random key of this process. 0 or ERR_NO_MEMORY. */
int verify_cache_tag(const struct verify_cache *c, struct str name, struct str password, struct str record,
					 struct verify_tag *out);
bool verify_cache_has(struct verify_cache *c, const struct verify_tag *t, uint64_t now_ms);
void verify_cache_put(struct verify_cache *c, const struct verify_tag *t, uint64_t now_ms);

#endif
