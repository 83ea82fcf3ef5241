/* Steps that visiting, maintaining and checking share. */
#ifndef STORE_ENGINE_LMDB_SEGMENT_WALK_H
#define STORE_ENGINE_LMDB_SEGMENT_WALK_H

#include "store/blob_segment/scan.h"
#include "store/engine_lmdb/blob_index.h"

/* Scans one segment file. Ends early with what fn returns when that is not 0. ERR_NOT_FOUND: no such file, or one of which the cut of its maker's life left
 * not even the header. */
typedef int segment_walk_fn(void *arg, uint32_t number, const struct scan_item *item);
int segment_walk(struct lmdb_store *s, uint32_t number, bool verify, segment_walk_fn *fn, void *arg);
/* The next row of the segments table, in a transaction of its own. ERR_NOT_FOUND at the end. */
int segment_next(struct lmdb_store *s, uint32_t after, uint32_t *number_out, struct segment_row *row_out);
/* The tags of the record's blob; *here_out: this record is the blob's present place (otherwise there are no tags). The
 * caller frees *tags_out. */
int segment_item_tags(struct lmdb_store *s, uint32_t number, const struct scan_item *item, bool *here_out,
					  store_tag **tags_out, size_t *n_out);
/* Ends a segment whose writer died: fd is its file, locked. What is not zero stays in it. 0, or an error of disk or
 * index. */
int segment_seal(struct lmdb_store *s, uint32_t number, int fd);

#endif
