#include "model/view.h"

void sheet_unref(struct sheet *sheet)
{
	if (!sheet || atomic_fetch_sub_explicit(&sheet->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < sheet->n; i++)
		page_unref(sheet->slot[i].page);
	free(sheet);
}

void view_free(struct view *v)
{
	for (uint32_t i = 0; i < v->n_slots; i++)
		sheet_unref(v->slot[i].sheet);
	free(v->slot);
	free(v->text);
	free(v);
}

void view_builder_init(struct view_builder *b)
{
	b->slot = NULL;
	b->n = b->cap = b->count = b->unseen = b->n_open = 0;
	b->bytes = sizeof(struct view);
	b->failed = 0;
}

void view_builder_fini(struct view_builder *b)
{
	for (uint32_t i = 0; i < b->n_open; i++)
		page_unref(b->open[i]);
	for (uint32_t i = 0; i < b->n; i++)
		sheet_unref(b->slot[i].sheet);
	free(b->slot);
	view_builder_init(b);
}

/* Takes the reference over. */
static void push(struct view_builder *b, struct sheet *sheet)
{
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 8;
		struct view_slot *grown = reallocarray(b->slot, cap, sizeof(*grown));
		if (!grown) {
			b->failed = ERR_NO_MEMORY;
			sheet_unref(sheet);
			return;
		}
		b->slot = grown;
		b->cap = cap;
	}
	b->slot[b->n++] = (struct view_slot){ sheet, b->count, sheet->slot[0].uid };
	b->count += sheet->count;
	b->unseen += sheet->unseen;
	b->bytes += sheet->bytes;
}

void view_builder_end_sheet(struct view_builder *b)
{
	if (b->n_open == 0)
		return;
	struct sheet *sheet = malloc(sizeof(*sheet) + b->n_open * sizeof(struct sheet_slot));
	if (!sheet) {
		b->failed = ERR_NO_MEMORY;
		for (uint32_t i = 0; i < b->n_open; i++)
			page_unref(b->open[i]);
		b->n_open = 0;
		return;
	}
	atomic_init(&sheet->refs, 1);
	sheet->n = b->n_open;
	sheet->count = sheet->unseen = 0;
	sheet->bytes = (uint32_t)(sizeof(*sheet) + sheet->n * sizeof(struct sheet_slot));
	for (uint32_t i = 0; i < b->n_open; i++) {
		struct page *page = b->open[i];
		sheet->slot[i] = (struct sheet_slot){ page, sheet->count, page_uid(page, 0) };
		sheet->bytes += page->bytes;
		sheet->count += page->count;
		sheet->unseen += page->unseen;
	}
	b->n_open = 0;
	push(b, sheet);
}

void view_builder_add_page(struct view_builder *b, struct page *page)
{
	if (b->n_open == SHEET_PAGES)
		view_builder_end_sheet(b);
	b->open[b->n_open++] = page_ref(page);
}

void view_builder_add_sheet(struct view_builder *b, struct sheet *sheet)
{
	/* A sheet that shrank and its neighbour become one, so that sheets do not grow sparse. */
	if (b->n_open && b->n_open + sheet->n <= SHEET_PAGES / 2) {
		for (uint32_t i = 0; i < sheet->n; i++)
			view_builder_add_page(b, sheet->slot[i].page);
		return;
	}
	view_builder_end_sheet(b);
	atomic_fetch_add_explicit(&sheet->refs, 1, memory_order_relaxed);
	push(b, sheet);
}

/* Everything but the facts of the mailbox. */
static int finish(struct view_builder *b, struct view **out)
{
	*out = NULL;
	view_builder_end_sheet(b);
	struct view *v = b->failed ? NULL : calloc(1, sizeof(*v));
	if (!v) {
		view_builder_fini(b);
		return ERR_NO_MEMORY;
	}
	atomic_init(&v->refs, 1);
	v->slot = b->slot;
	v->n_slots = b->n;
	v->count = b->count;
	v->unseen = b->unseen;
	v->bytes = b->bytes + b->cap * sizeof(*b->slot);
	view_builder_init(b);
	*out = v;
	return 0;
}

/* Copies the names into one text. */
static int set_keywords(struct view *v, const struct str *names, unsigned n)
{
	size_t size = 0;
	for (unsigned i = 0; i < n; i++)
		size += names[i].n;
	v->text = malloc(size + 1);
	if (!v->text)
		return ERR_NO_MEMORY;
	char *p = v->text;
	for (unsigned i = 0; i < n; i++) {
		v->keywords[i] = names[i].n ? str_make(p, names[i].n) : STR_NONE;
		if (names[i].n)
			memcpy(p, names[i].p, names[i].n);
		p += names[i].n;
	}
	v->n_keywords = n;
	v->bytes += size + 1;
	return 0;
}

int view_builder_finish(struct view_builder *b, struct view_cache *cache, uint64_t account,
						const struct mailbox_record *mailbox, struct view **out)
{
	int rc = finish(b, out);
	if (rc)
		return rc;
	struct view *v = *out;
	v->cache = cache;
	v->account = account;
	v->mailbox = mailbox->id;
	v->uidvalidity = mailbox->uidvalidity;
	v->uidnext = mailbox->uidnext;
	v->modseq = mailbox->modseq;
	struct str names[KEYWORDS_MAX];
	for (unsigned i = 0; i < mailbox->n_keywords; i++)
		names[i] = mailbox_record_keyword(mailbox, i);
	rc = set_keywords(v, names, mailbox->n_keywords);
	if (rc) {
		view_free(v);
		*out = NULL;
	}
	return rc;
}

int view_builder_finish_overlay(struct view_builder *b, const struct view *like, struct view **out)
{
	int rc = finish(b, out);
	if (rc)
		return rc;
	struct view *v = *out;
	v->account = like->account;
	v->mailbox = like->mailbox;
	v->uidvalidity = like->uidvalidity;
	v->uidnext = like->uidnext;
	v->modseq = like->modseq;
	rc = set_keywords(v, like->keywords, like->n_keywords);
	if (rc) {
		view_free(v);
		*out = NULL;
	}
	return rc;
}
