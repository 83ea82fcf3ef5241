/* The ESEARCH response (RFC 4731, RFC 4466 2.6.2) to SEARCH, SORT and ESEARCH, and what "SAVE" keeps (RFC 5182). Threads: as session.h. */
#ifndef PROTO_IMAP_ESEARCH_H
#define PROTO_IMAP_ESEARCH_H

#include "codec/imap/search_return.h"
#include "proto/imap/search_run.h"

struct imap_esearch {
	struct imap_request *r;
	const struct view *view;
	bool uid;                        /* answer with UIDs */
	bool modseq;                     /* MODSEQ was asked for: its highest value is answered too */
	bool mailbox_order;              /* false: hits stand in the order of a SORT */
	const struct imap_search_return *ret;
	const struct imap_hits *hits;
};

/* Writes " MIN 2 COUNT 3 ..." and the end of the line: what follows the correlators (and UID). */
void imap_esearch_write(const struct imap_esearch *e);
/* Writes "* ESEARCH (TAG "a")", UID, and the rest. */
void imap_esearch_respond(const struct imap_esearch *e);
/* Sets s->saved to what the options say (RFC 5182 2.4, RFC 9394 3.2). 0, ERR_NO_MEMORY, or ERR_TOO_BIG when that is more than
 * may be kept: then nothing is saved, to be answered NO [NOTSAVED]. */
int imap_esearch_save(const struct imap_esearch *e);

/* Writes the numbers or UIDs of n hits as a sequence set, in their order; "10:12" only where they ascend (RFC 5267 3.2). */
void imap_write_hits(struct conn *c, const struct imap_hit *v, size_t n, bool uid);

#endif
