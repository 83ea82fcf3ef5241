#include "model/view.h"

uint32_t view_mailbox(const struct view *v) { return v->mailbox; }
uint32_t view_count(const struct view *v) { return v->count; }
uint32_t view_uidvalidity(const struct view *v) { return v->uidvalidity; }
uint32_t view_uidnext(const struct view *v) { return v->uidnext; }
uint64_t view_modseq(const struct view *v) { return v->modseq; }
uint32_t view_unseen(const struct view *v) { return v->unseen; }

const struct str *view_keywords(const struct view *v, unsigned *n_out)
{
	*n_out = v->n_keywords;
	return v->keywords;
}

/* The last sheet whose first index is not greater. */
static uint32_t sheet_of_index(const struct view *v, uint32_t index)
{
	uint32_t low = 0, high = v->n_slots;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (v->slot[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t page_of_index(const struct sheet *sheet, uint32_t index)
{
	uint32_t low = 0, high = sheet->n;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (sheet->slot[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void view_locate(const struct view *v, uint32_t index, uint32_t *sheet_out, uint32_t *page_out, uint32_t *slot_out)
{
	*sheet_out = sheet_of_index(v, index);
	const struct view_slot *slot = &v->slot[*sheet_out];
	*page_out = page_of_index(slot->sheet, index - slot->first);
	*slot_out = index - slot->first - slot->sheet->slot[*page_out].first;
}

struct message view_at(const struct view *v, uint32_t index)
{
	uint32_t sheet, page, slot;
	view_locate(v, index, &sheet, &page, &slot);
	struct message m;
	page_message(v->slot[sheet].sheet->slot[page].page, slot, &m);
	return m;
}

uint32_t view_find(const struct view *v, uint32_t uid, bool *exact_out)
{
	if (exact_out)
		*exact_out = false;
	if (v->n_slots == 0 || uid < v->slot[0].uid)
		return 0;
	uint32_t low = 0, high = v->n_slots;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (v->slot[middle].uid <= uid)
			low = middle;
		else
			high = middle;
	}
	const struct view_slot *slot = &v->slot[low];
	low = 0, high = slot->sheet->n;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (slot->sheet->slot[middle].uid <= uid)
			low = middle;
		else
			high = middle;
	}
	const struct sheet_slot *found = &slot->sheet->slot[low];
	uint32_t at = page_find(found->page, uid);
	if (exact_out)
		*exact_out = at < found->page->count && page_uid(found->page, at) == uid;
	return slot->first + found->first + at;
}

uint32_t view_first_unseen(const struct view *v)
{
	for (uint32_t i = 0; i < v->n_slots; i++) {
		const struct sheet *sheet = v->slot[i].sheet;
		for (uint32_t k = 0; sheet->unseen && k < sheet->n; k++) {
			const struct page *page = sheet->slot[k].page;
			for (uint32_t m = 0; page->unseen && m < page->count; m++)
				if (!(page_flags(page, m) & (MESSAGE_SEEN | MESSAGE_GHOST)))
					return v->slot[i].first + sheet->slot[k].first + m;
		}
	}
	return v->count;
}

/* An iterator's page is sheet * SHEET_PAGES + the page within it. */
struct view_iter view_iter_at(const struct view *v, uint32_t index)
{
	struct view_iter it = { .v = v, .index = index };
	if (index < v->count) {
		uint32_t sheet, page;
		view_locate(v, index, &sheet, &page, &it.slot);
		it.page = sheet * SHEET_PAGES + page;
	}
	return it;
}

const struct message *view_iter_next(struct view_iter *it)
{
	if (it->index >= it->v->count)
		return NULL;
	const struct sheet *sheet = it->v->slot[it->page / SHEET_PAGES].sheet;
	const struct page *page = sheet->slot[it->page % SHEET_PAGES].page;
	page_message(page, it->slot, &it->message);
	it->index++;
	if (++it->slot == page->count) {
		it->slot = 0;
		if (it->page % SHEET_PAGES + 1 == sheet->n)
			it->page = (it->page / SHEET_PAGES + 1) * SHEET_PAGES;
		else
			it->page++;
	}
	return &it->message;
}
