/* The newest versions of scopes, so that asking costs no transaction. Exact: an entry says up to which transaction of
 * the index it was checked, and commits of other processes (seen by the index's transaction number moving without us)
 * make older entries stale. Any thread.
 */
#ifndef STORE_ENGINE_LMDB_VERSION_CACHE_H
#define STORE_ENGINE_LMDB_VERSION_CACHE_H

#include "store/store.h"

struct version_cache;

int version_cache_create(struct version_cache **out);          /* 0 or ERR_NO_MEMORY */
void version_cache_destroy(struct version_cache **c);

/* `newest` is the index's last transaction number now. False: unknown, ask the index. */
bool version_cache_get(struct version_cache *c, struct store_scope scope, uint64_t newest, uint64_t *version_out);
/* The scope had this version at transaction txn. Older knowledge never replaces newer. */
void version_cache_put(struct version_cache *c, struct store_scope scope, uint64_t version, uint64_t txn);

/* The committer's steps: when transaction txn begins (it holds the index's writer lock), just before it is committed,
 * when all its versions were put here, or when its commit failed. */
void version_cache_txn_begin(struct version_cache *c, uint64_t txn);
void version_cache_txn_commit(struct version_cache *c, uint64_t txn);
void version_cache_txn_published(struct version_cache *c, uint64_t txn);
void version_cache_txn_failed(struct version_cache *c);
/* The last transaction known to be of another process. */
uint64_t version_cache_foreign(struct version_cache *c, uint64_t newest);

#endif
