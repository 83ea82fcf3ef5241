/* Puts found messages into the order that SORT asks for: RFC 5256, RFC 5957; strings by i;unicode-casemap (RFC 5255). Threads: as session.h. */
#ifndef PROTO_IMAP_SORT_H
#define PROTO_IMAP_SORT_H

#include "codec/imap/sort_args.h"
#include "proto/imap/search_run.h"

/* Hits stand in mailbox order before. 0, ERR_NO_MEMORY, ERR_TOO_BIG (IMAP_SORT_TEXT_BYTES_MAX), ERR_CLOSED when the client went away,
 * or an error of the model. */
int imap_sort_hits(struct imap_request *r, const struct imap_search_scope *scope, const struct imap_sort *sort, struct imap_hits *hits);

/* The messages of hits in mailbox order, one after the other. */
struct imap_hit_walk {
	const struct imap_hits *hits;
	size_t at;
	struct view_iter iter;
};
struct imap_hit_walk imap_hit_walk(const struct view *v, const struct imap_hits *hits);
const struct message *imap_hit_next(struct imap_hit_walk *w);          /* NULL at the end */

#endif
