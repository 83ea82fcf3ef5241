/* Runs a search over a view: what SEARCH, SORT, THREAD and ESEARCH share. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_RUN_H
#define PROTO_IMAP_SEARCH_RUN_H

#include "proto/imap/search_program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message that was found. */
struct imap_hit {
	uint32_t number;                 /* in the view, from 1 */
	uint32_t uid;
	uint32_t score;                  /* RFC 6203: 1 to 100 */
};
struct imap_hits {
	struct imap_hit *v;              /* malloc: imap_hits_fini */
	size_t n, cap;
	uint32_t limited_uid;            /* only messages from this UID on were looked at, by scope.limit; 0: all */
	bool missing;                    /* one was expunged meanwhile and could not be looked at (RFC 2180 4.3) */
};
#define IMAP_HITS_INIT { NULL, 0, 0, 0, false }
void imap_hits_fini(struct imap_hits *h);
int imap_hits_add(struct imap_hits *h, uint32_t number, uint32_t uid);        /* 0 or ERR_NO_MEMORY */

/* Appends the messages that match, in mailbox order; at most `most` of them when that is not 0. ERR_CLOSED when the client went away
 * meanwhile, or an error of the model. */
int imap_search_run(struct conn *conn, const struct imap_search_scope *scope, const struct imap_test *root, size_t most,
					struct imap_hits *out);

#endif
