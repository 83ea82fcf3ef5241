#include "model/view.h"

/* Messages on their way into pages of the overlay's own. */
struct pending {
	struct view_builder *b;
	uint32_t n;
	struct message m[PAGE_MESSAGES_MAX];
};

static void flush(struct pending *p)
{
	struct page *page;
	if (p->n == 0)
		return;
	if (page_create(p->m[0].uid, p->m, p->n, &page))
		p->b->failed = ERR_NO_MEMORY;
	else
		view_builder_add_page(p->b, page);
	page_unref(page);
	p->n = 0;
}

static void add(struct pending *p, const struct view_cursor *c, uint64_t more_flags)
{
	if (p->n == PAGE_MESSAGES_MAX)
		flush(p);
	view_cursor_message(c, &p->m[p->n]);
	p->m[p->n++].flags |= more_flags;
}

/* Where both differ: what is only in old becomes a ghost. */
static void step(struct pending *p, struct view_cursor *a, struct view_cursor *b)
{
	uint64_t was = view_cursor_uid(a), is = view_cursor_uid(b);
	if (was < is) {
		add(p, a, MESSAGE_GHOST);
		view_cursor_skip_message(a);
		return;
	}
	add(p, b, 0);
	if (was == is)
		view_cursor_skip_message(a);
	view_cursor_skip_message(b);
}

int view_overlay(struct view *old, struct view *newest, struct view **out)
{
	if (old == newest) {
		*out = view_ref(old);
		return 0;
	}
	struct view_builder b;
	view_builder_init(&b);
	struct pending pending = { .b = &b };
	struct view_cursor at = { .v = old }, bt = { .v = newest };
	while (!b.failed && (view_cursor_page(&at) || view_cursor_page(&bt))) {
		struct sheet *sheet = view_cursors_sheet(&at, &bt);
		struct page *page = sheet ? NULL : view_cursors_page(&at, &bt);
		if (sheet || page)
			flush(&pending);
		if (sheet) {
			view_builder_add_sheet(&b, sheet);
			view_cursor_skip_sheet(&at);
			view_cursor_skip_sheet(&bt);
		} else if (page) {
			view_builder_add_page(&b, page);
			view_cursor_skip_page(&at);
			view_cursor_skip_page(&bt);
		} else {
			step(&pending, &at, &bt);
		}
	}
	flush(&pending);
	int rc = view_builder_finish_overlay(&b, newest, out);
	view_builder_fini(&b);
	return rc;
}
