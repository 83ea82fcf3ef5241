/* One email's texts, for the index. For one thread at a time. */
#ifndef SEARCH_READER_H
#define SEARCH_READER_H

#include "base/buf.h"
#include "codec/imap/search_text.h"
#include "model/model.h"
#include "search/shelf.h"

#include <stdbool.h>

struct reader {
	struct imap_search_tools tools;
	struct buf header, body, source;             /* as IMAP's SEARCH reads them: codec/imap/search_text.h */
	struct buf column[STEM_BODY];                /* subject and addresses */
	struct buf others;                           /* the other fields of the envelope */
	struct buf attached;                         /* folded */
	struct buf octets;                           /* private */
	struct str converter;                        /* "": none */
	const _Atomic bool *stop;
	struct store *store;
};
void reader_init(struct reader *r, struct store *store, struct str converter, const _Atomic bool *stop);
void reader_fini(struct reader *r);
/* Fills the buffers. 0, ERR_NOT_FOUND (it is gone), ERR_TOO_BIG (too much text), or an error of the model; ERR_CLOSED when stopped. */
int reader_read(struct reader *r, struct account *a, const struct email *email);

#endif
