#include "model/view.h"

struct diff {
	const struct view *old, *newer;
	uint64_t renamed;                             /* keyword bits that stand for another word now */
	struct view_diff *out;
	int failed;
};

static uint64_t renamed_keywords(const struct view *old, const struct view *newer, bool *added_out)
{
	uint64_t renamed = 0;
	*added_out = false;
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		struct str was = i < old->n_keywords ? old->keywords[i] : STR_NONE;
		struct str is = i < newer->n_keywords ? newer->keywords[i] : STR_NONE;
		if (str_eq(was, is))
			continue;
		*added_out |= is.n != 0;
		if (was.n)
			renamed |= (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
	}
	return renamed;
}

static void note(struct diff *d, struct rangeset *set, uint32_t uid)
{
	if (rangeset_add(set, uid, uid))
		d->failed = ERR_NO_MEMORY;
}

/* Compares at message level and moves whichever cursor is behind. */
static void step(struct diff *d, struct view_cursor *a, struct view_cursor *b)
{
	uint64_t was = view_cursor_uid(a), is = view_cursor_uid(b);
	if (was < is) {
		note(d, &d->out->vanished, (uint32_t)was);
		view_cursor_skip_message(a);
		return;
	}
	if (is < was) {
		d->out->added += is >= d->old->uidnext;
		view_cursor_skip_message(b);
		return;
	}
	uint64_t old_flags = view_cursor_flags(a), flags = view_cursor_flags(b);
	if (((old_flags ^ flags) & ~(uint64_t)MESSAGE_GHOST) || ((old_flags | flags) & d->renamed))
		note(d, &d->out->changed, (uint32_t)is);
	view_cursor_skip_message(a);
	view_cursor_skip_message(b);
}

int view_diff(const struct view *old, const struct view *newer, struct view_diff *out)
{
	*out = (struct view_diff){ .added = 0 };
	if (old == newer)
		return 0;
	struct diff d = { .old = old, .newer = newer, .out = out };
	d.renamed = renamed_keywords(old, newer, &out->keywords_added);
	struct view_cursor a = { .v = old }, b = { .v = newer };
	while (!d.failed && (view_cursor_page(&a) || view_cursor_page(&b))) {
		if (view_cursors_sheet(&a, &b)) {
			view_cursor_skip_sheet(&a);
			view_cursor_skip_sheet(&b);
		} else if (view_cursors_page(&a, &b)) {
			view_cursor_skip_page(&a);
			view_cursor_skip_page(&b);
		} else {
			step(&d, &a, &b);
		}
	}
	if (d.failed)
		view_diff_fini(out);
	return d.failed;
}

void view_diff_fini(struct view_diff *d)
{
	rangeset_fini(&d->vanished);
	rangeset_fini(&d->changed);
}
