/* A page of a mailbox index: up to PAGE_MESSAGES_MAX messages with ascending UIDs, stored under (mailbox, start). It
 * covers the UIDs from start up to the start of the next page; the first message may have been expunged, the start
 * stays. Pages are never split: they are filled at the end of the mailbox, shrink, merge with a neighbour, and vanish.
 * A reader that knows which UIDs a commit touched therefore finds all of its effect in the pages that cover these UIDs
 * now. */
#ifndef MODEL_PAGE_H
#define MODEL_PAGE_H

#include "base/str.h"
#include "model/limits.h"
#include "model/model.h"

#include <stdatomic.h>
#include <stdint.h>

#define PAGE_HEADER 16u                           /* record header, highest modseq */
#define PAGE_VALUE_MAX (PAGE_HEADER + PAGE_MESSAGES_MAX * sizeof(struct message))

/* For editing: on the stack of a commit. */
struct page_edit {
	uint32_t start;
	uint32_t count;
	struct message m[PAGE_MESSAGES_MAX];
};

/* 0, ERR_CORRUPT, ERR_VERSION. */
int page_decode(struct str value, uint32_t start, struct page_edit *out);
/* Into p (PAGE_VALUE_MAX bytes); returns the size. */
size_t page_encode(const struct page_edit *page, char *p);

/* For views: shared, reference counted, never changes. */
struct page {
	_Atomic uint32_t refs;
	uint32_t start;
	uint32_t count;                               /* at least 1 */
	uint32_t unseen;
	struct message m[];
};

int page_create(uint32_t start, const struct message *m, uint32_t count, struct page **out);
/* Of a stored value; *out is NULL (and 0 returned) when the page is empty. When `like` (may be NULL) is the same page,
 * it comes back with another reference. */
int page_from_value(struct str value, uint32_t start, struct page *like, struct page **out);
struct page *page_ref(struct page *page);
void page_unref(struct page *page);               /* accepts NULL */

#endif
