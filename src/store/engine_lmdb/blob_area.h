/* The segment files of one store: those it appends to and those it reads. */
#ifndef STORE_ENGINE_LMDB_BLOB_AREA_H
#define STORE_ENGINE_LMDB_BLOB_AREA_H

#include "store/blob_segment/segment_file.h"
#include "store/blob_segment/segment_map.h"
#include "store/engine_lmdb/lmdb_store.h"

/* Where blobs are appended: callers that wait share a write and a sync. */
struct blob_appender {
	struct combiner combiner;
	struct lmdb_store *store;
	struct segment_file file;         /* the leader's alone, as */
	uint32_t spare;                   /* a number of a segment whose file could not be made; 0: none */
};

struct blob_area {
	int dir_fd;                       /* DIR/blobs */
	uint64_t segment_size;
	struct segment_maps *maps;
	struct blob_appender small, bulk; /* two, so that a small blob does not wait until 64 MB are written */
	atomic_uint_fast64_t puts, syncs, bytes;
	pthread_mutex_t maintain;         /* one pass of maintenance or check at a time */
};

/* Takes over dir_fd when it succeeds. 0 or ERR_NO_MEMORY. */
int blob_area_open(struct lmdb_store *s, const struct store_config *c, int dir_fd);
void blob_area_close(struct lmdb_store *s);       /* ends the open segments in good order; nothing when not opened */

int lmdb_blob_put(struct store *s, const struct str *pieces, size_t n_pieces, size_t size, const store_tag *tags,
				  size_t n_tags, store_blob_id *out);
int lmdb_blob_map(struct store *s, store_blob_id id, struct store_blob_view *out);
bool lmdb_blob_intact(struct store *s, const struct store_blob_view *v);
void lmdb_blob_unmap(struct store *s, struct store_blob_view *v);
int lmdb_blob_tag(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool add);
int lmdb_blob_tagged(struct store *s, const store_blob_id *ids, size_t n, store_tag tag, bool *has_out);
int lmdb_blob_visit(struct store *s, store_tag tag, store_blob_visit_fn *fn, void *arg);
int lmdb_maintain(struct store *s, uint64_t max_bytes, uint64_t *reclaimed_out);
int lmdb_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);

/* One record to be appended: memory of the caller. */
struct blob_append {
	struct combine_item item;
	const struct str *pieces;
	size_t n_pieces;
	const store_tag *tags;
	struct record record;             /* kind, sizes, crc, n_tags; id: 0 for a new blob, or that of one to be moved */
	uint8_t *head;                    /* room for record_head_size bytes */
	uint64_t place;                   /* out */
	int result;                       /* out */
};
/* Appends all, linked by `item.next`, and returns when they are durable or have failed. */
void blob_append(struct lmdb_store *s, bool bulk, struct blob_append *first, struct blob_append *last);

/* Holds the mapping in which the blob's record lies. txn may be NULL: then the newest state counts. */
struct blob_ref {
	struct segment_map *map;
	uint64_t place;
	struct record record;
};
int blob_find(struct lmdb_store *s, MDB_txn *txn, store_blob_id id, struct blob_ref *out);
void blob_ref_end(struct lmdb_store *s, struct blob_ref *ref);

/* Whether the blob had the tag at the moment of the snapshot; false of one that is not there, or dropped. */
int blob_is_tagged(struct lmdb_store *s, MDB_txn *txn, store_blob_id id, store_tag tag, bool *has_out);

#endif
