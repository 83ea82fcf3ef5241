/* The engine that keeps everything in memory: it defines how a store behaves, and serves tests. One writer at a time;
 * readers hold a version of a scope and never wait for writers. */
#ifndef STORE_ENGINE_MEM_MEM_H
#define STORE_ENGINE_MEM_MEM_H

#include "store/engine.h"
#include "store/engine_mem/tree.h"
#include "store/watch_table.h"

#include <stdatomic.h>

#define MEM_SCOPE_BUCKETS 1024

struct mem_scope {
	struct mem_scope *next;
	struct store_scope scope;
	struct tree *root;
	uint64_t version;
};

struct mem_blob;

struct mem_store {
	struct store base;
	pthread_mutex_t writer;           /* one commit at a time; before `lock` */
	pthread_mutex_t lock;             /* guards all below; held for moments */
	struct mem_scope *scopes[MEM_SCOPE_BUCKETS];
	struct mem_blob **blobs;          /* blob id - 1 is the index; NULL when dropped */
	size_t n_blobs, cap_blobs;
	size_t holds;                     /* while there are any, nothing is dropped */
	struct store_stats stats;
	struct watch_table watches;
	atomic_uint level;                /* set under `writer` */
};

static inline struct mem_store *mem_of(struct store *s) { return (struct mem_store *)s; }

/* The scope's entry, made when absent. NULL when out of memory. Under `lock`. */
struct mem_scope *mem_scope_get(struct mem_store *m, struct store_scope scope);

int mem_begin(struct store *s, struct store_scope scope, struct store_read **out);
int mem_begin_all(struct store *s, struct store_read **out);
void mem_turn(struct store_read *r, struct store_scope scope);
void mem_end(struct store_read *r);
uint64_t mem_version(struct store_read *r);
int mem_get(struct store_read *r, struct str key, struct str *value_out);
int mem_range(struct store_read *r, struct str from, struct str to, bool reverse, struct store_iter **out);
int mem_next(struct store_iter *it, struct str *key_out, struct str *value_out);
void mem_iter_end(struct store_iter *it);
uint64_t mem_scope_version(struct store *s, struct store_scope scope);

void mem_commit_all(struct store *s, struct store_op *ops, size_t n);
int mem_wget(struct store_write *w, struct str key, struct str *value_out);
int mem_put_reserve(struct store_write *w, struct str key, size_t n, char **place_out);
int mem_del(struct store_write *w, struct str key);
int mem_del_range(struct store_write *w, struct str from, struct str to, uint64_t *n_out);
int mem_wfind(struct store_write *w, struct str from, struct str to, bool reverse, struct str *key_out,
			  struct str *value_out);

int mem_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
				 size_t n_tags, store_blob_id *out);
int mem_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out);
void mem_blob_unmap(struct store *s, struct store_blob_view *v);
int mem_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool add);
int mem_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out);
int mem_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg);
int mem_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out);
void mem_blobs_fini(struct mem_store *m);

#endif
