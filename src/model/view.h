/* How a view is made: pages (page.h), gathered in sheets of up to SHEET_PAGES, gathered in the view. Each of the three
 * is immutable and reference counted, so that a new version shares whole sheets with the former one and a mailbox of a
 * million messages costs a delivery some hundred pointers, not ten megabytes. For this room only. */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include "model/mailbox_record.h"
#include "model/model.h"
#include "model/page.h"
#include "model/view_cache.h"

#include <stdatomic.h>

struct sheet_slot {
	struct page *page;
	uint32_t first;                               /* index of its first message within the sheet */
	uint32_t uid;                                 /* of its first message */
};
struct sheet {
	_Atomic uint32_t refs;
	uint32_t n;                                   /* pages, 1 to SHEET_PAGES */
	uint32_t count, unseen;                       /* messages in all of them */
	uint32_t bytes;                               /* with the pages */
	struct sheet_slot slot[];
};

struct view_slot {
	struct sheet *sheet;
	uint32_t first;                               /* index of its first message */
	uint32_t uid;                                 /* of its first message */
};
struct view {
	_Atomic uint32_t refs;
	uint64_t account;
	uint32_t mailbox;
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;
	uint32_t count, unseen;
	_Atomic uint64_t checked;                     /* the store version at which nothing newer was there */
	_Atomic uint64_t account_modseq;              /* likewise: the log need be read from after this */
	size_t bytes;                                 /* memory, as if nothing were shared */

	/* view_cache.h; what follows is under its lock */
	struct view_cache *cache;                     /* NULL: an overlay, never cached */
	bool cached;
	struct view *idle_prev, *idle_next;
	bool idle;

	unsigned n_keywords;
	struct str keywords[KEYWORDS_MAX];            /* in the text */
	char *text;
	uint32_t n_slots;
	struct view_slot *slot;
};

void sheet_unref(struct sheet *sheet);            /* accepts NULL */
/* Frees what is no longer referenced. For view_unref and the cache only. */
void view_free(struct view *v);
static inline struct view *view_ref(struct view *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}
/* The position of an index: sheet and page within it. index < count. */
void view_locate(const struct view *v, uint32_t index, uint32_t *sheet_out, uint32_t *page_out, uint32_t *slot_out);

/* ---- building ---- */

struct view_builder {
	struct view_slot *slot;
	uint32_t n, cap;
	uint32_t count, unseen;
	size_t bytes;
	uint32_t n_open;
	struct page *open[SHEET_PAGES];               /* the sheet that is being filled; references are owned */
	int failed;
};
void view_builder_init(struct view_builder *b);
void view_builder_fini(struct view_builder *b);
/* Both take over nothing: they add references of their own. */
void view_builder_add_sheet(struct view_builder *b, struct sheet *sheet);
void view_builder_add_page(struct view_builder *b, struct page *page);
/* The pages to come start a sheet of their own, so that this sheet's bounds stay where they were. */
void view_builder_end_sheet(struct view_builder *b);
/* Makes the view with the facts of the mailbox; the builder is empty afterwards. 0 or ERR_NO_MEMORY. */
int view_builder_finish(struct view_builder *b, struct view_cache *cache, uint64_t account,
						const struct mailbox_record *mailbox, struct view **out);
/* Likewise an overlay, with the facts of another view of the same mailbox. */
int view_builder_finish_overlay(struct view_builder *b, const struct view *like, struct view **out);

/* ---- walking two versions at once ---- */

/* A place in a view. Two cursors that stand on the same sheet or page know that all in it is equal. */
struct view_cursor {
	const struct view *v;
	uint32_t sheet, page, slot;
};
static inline struct sheet *view_cursor_sheet(const struct view_cursor *c)
{
	return c->sheet < c->v->n_slots ? c->v->slot[c->sheet].sheet : NULL;
}
static inline struct page *view_cursor_page(const struct view_cursor *c)
{
	const struct sheet *sheet = view_cursor_sheet(c);
	return sheet ? sheet->slot[c->page].page : NULL;
}
#define VIEW_CURSOR_END ((uint64_t)UINT32_MAX + 1)
/* Of the message it stands on; behind all messages VIEW_CURSOR_END, which is greater than any. */
static inline uint64_t view_cursor_uid(const struct view_cursor *c)
{
	const struct page *page = view_cursor_page(c);
	return page ? page_uid(page, c->slot) : VIEW_CURSOR_END;
}
/* Not at the end. */
static inline uint64_t view_cursor_flags(const struct view_cursor *c) { return page_flags(view_cursor_page(c), c->slot); }
static inline void view_cursor_message(const struct view_cursor *c, struct message *out)
{
	page_message(view_cursor_page(c), c->slot, out);
}
static inline void view_cursor_skip_sheet(struct view_cursor *c) { c->sheet++, c->page = 0, c->slot = 0; }
static inline void view_cursor_skip_page(struct view_cursor *c)
{
	c->slot = 0;
	if (++c->page == view_cursor_sheet(c)->n)
		view_cursor_skip_sheet(c);
}
static inline void view_cursor_skip_message(struct view_cursor *c)
{
	if (++c->slot == view_cursor_page(c)->count)
		view_cursor_skip_page(c);
}
/* The whole sheet or page on which both stand at the beginning, or NULL. */
static inline struct sheet *view_cursors_sheet(const struct view_cursor *a, const struct view_cursor *b)
{
	struct sheet *sheet = view_cursor_sheet(a);
	return a->page == 0 && a->slot == 0 && b->page == 0 && b->slot == 0 && sheet == view_cursor_sheet(b) ? sheet : NULL;
}
static inline struct page *view_cursors_page(const struct view_cursor *a, const struct view_cursor *b)
{
	struct page *page = view_cursor_page(a);
	return a->slot == 0 && b->slot == 0 && page == view_cursor_page(b) ? page : NULL;
}

#endif
