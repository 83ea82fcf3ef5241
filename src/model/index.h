/* The index of a mailbox in the store: walking and editing its pages (page.h) within a commit. */
#ifndef MODEL_INDEX_H
#define MODEL_INDEX_H

#include "model/page.h"
#include "model/record.h"
#include "model/uids.h"

/* The page that covers uid: the last one with start <= uid. 1, 0 when there is none, or an error. */
int index_page_at(struct source s, uint32_t mailbox, uint32_t uid, struct page_edit *out);
/* The first page with start > uid. */
int index_page_after(struct source s, uint32_t mailbox, uint32_t uid, struct page_edit *out);

/* One message: 1, 0 when it is not there, or an error. */
int index_find(struct source s, uint32_t mailbox, uint32_t uid, struct message *out);

/* Walks the pages that may hold any of the UIDs (NULL: all pages), each once, ascending. The page that was returned may
 * be changed, deleted or merged with the one before it; those after it must stay. */
struct index_walk {
	struct source source;
	uint32_t mailbox;
	const struct rangeset *uids;
	size_t range;
	uint64_t done;                                /* pages with start below this were visited */
	uint32_t last_uid;                            /* of the page visited last */
};
struct index_walk index_walk_begin(struct source s, uint32_t mailbox, const struct rangeset *uids);
int index_walk_next(struct index_walk *walk, struct page_edit *out);      /* 1, 0 at the end, or an error */

int index_put(struct store_write *w, uint32_t mailbox, const struct page_edit *page);
int index_del(struct store_write *w, uint32_t mailbox, uint32_t start);
/* Adds messages behind all others; their UIDs ascend and are greater than any that was there. */
int index_append(struct store_write *w, uint32_t mailbox, const struct message *m, size_t n);
/* After messages near uid went away: merges the pages around it as long as neighbours fit into one. */
int index_tidy(struct store_write *w, uint32_t mailbox, uint32_t uid);

#endif
