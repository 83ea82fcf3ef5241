/* A page of a mailbox index: up to PAGE_MESSAGES_MAX messages with ascending UIDs, stored under (mailbox, start). It
 * covers the UIDs from start up to the start of the next page; the first message may have been expunged, the start
 * stays. Pages are never split: they are filled at the end of the mailbox, shrink, merge with a neighbour, and vanish.
 * A reader that knows which UIDs a commit touched therefore finds all of its effect in the pages that cover these UIDs
 * now.
 *
 * A page is packed by columns (doc/format/model.md): each has a base and as many octets for each message as the
 * greatest difference needs, often none. So its size depends on what is in it, and grows when flags and modseqs drift
 * apart. As a page cannot be split then, it is filled with room for that (PAGE_VALUE_GOOD), and what outgrows the room
 * nevertheless is stored all the same: at most PAGE_VALUE_MAX octets, which cost whole leaves of the index until an
 * expunge makes them fewer. */
#ifndef MODEL_PAGE_H
#define MODEL_PAGE_H

#include "base/bytes.h"
#include "base/str.h"
#include "model/limits.h"
#include "model/model.h"

#include <stdatomic.h>
#include <stdint.h>

enum page_column_name {
	PAGE_UID, PAGE_SIZE, PAGE_EMAIL, PAGE_MODSEQ, PAGE_DATE, PAGE_FLAGS, PAGE_SAVED, PAGE_COLUMNS,
};
#define PAGE_VERSION 2u                           /* older ones are read */
#define PAGE_HEADER 16u                           /* record header, highest modseq */
#define PAGE_COLUMN_HEADER 9u                     /* how it is packed, base */
#define PAGE_DATA (PAGE_HEADER + PAGE_COLUMNS * PAGE_COLUMN_HEADER)
#define PAGE_MESSAGE_MAX (4u + 4u + 5u * 8u)      /* octets of one message where every column needs all */
#define PAGE_VALUE_MAX (PAGE_DATA + PAGE_MESSAGES_MAX * PAGE_MESSAGE_MAX)
#define PAGE_SLACK 8u                             /* behind packed columns: octets are read and written eight at once */
#define PAGE_VALUE_ROOM (PAGE_VALUE_MAX + PAGE_SLACK)

/* For editing: on the stack of a commit. */
struct page_edit {
	uint32_t start;
	uint32_t count;
	struct message m[PAGE_MESSAGES_MAX];
};

/* 0, ERR_CORRUPT, ERR_VERSION. Reads every version. */
int page_decode(struct str value, uint32_t start, struct page_edit *out);
/* Into p (PAGE_VALUE_ROOM bytes); returns the size. The same messages always make the same bytes. */
size_t page_encode(const struct page_edit *page, char *p);
/* Adds the first of m[0..n-1], as many as the page has room for, at least one when it is empty (n is not 0); how
 * many. */
uint32_t page_fill(struct page_edit *page, const struct message *m, size_t n);

/* How a column is packed: message i has base + its `width` octets at data[at + i * width], + i when it is rising, and
 * + its date when it is counted from there. */
struct page_column {
	uint64_t base;
	uint32_t at;
	uint8_t width;
	bool rising;
	bool from_date;                               /* PAGE_SAVED only */
	uint8_t zero;
};

/* For views: shared, reference counted, never changes. */
struct page {
	_Atomic uint32_t refs;
	uint32_t start;
	uint32_t count;                               /* at least 1 */
	uint32_t unseen;
	uint32_t bytes;                               /* of all this */
	struct page_column column[PAGE_COLUMNS];
	char data[];                                  /* columns; then PAGE_SLACK octets */
};

int page_create(uint32_t start, const struct message *m, uint32_t count, struct page **out);
/* Of a stored value; *out is NULL (and 0 returned) when the page is empty. When `like` (may be NULL) is the same page,
 * it comes back with another reference. */
int page_from_value(struct str value, uint32_t start, struct page *like, struct page **out);
struct page *page_ref(struct page *page);
void page_unref(struct page *page);               /* accepts NULL */

/* ---- messages of a view's page, i < count ---- */

extern const uint64_t page_mask[9];               /* by width */
static inline uint64_t page_unpack(const struct page_column *c, const char *data, uint32_t i)
{
	uint64_t packed = load_le64(data + c->at + i * c->width) & page_mask[c->width];
	return c->base + packed + (i & -(uint32_t)c->rising);
}
static inline uint32_t page_uid(const struct page *page, uint32_t i)
{
	return (uint32_t)page_unpack(&page->column[PAGE_UID], page->data, i);
}
static inline uint64_t page_flags(const struct page *page, uint32_t i)
{
	return page_unpack(&page->column[PAGE_FLAGS], page->data, i);
}
void page_message(const struct page *page, uint32_t i, struct message *out);
/* The first message with at least this UID; count when there is none. */
uint32_t page_find(const struct page *page, uint32_t uid);

#endif
