/* Messages and folders that vanished there, with migrate_options.remove. What is removed here is kept for a while like all that is deleted (model/bin.h). */
#include "migrate/pass.h"

static bool has(const struct pass *p, uint32_t uid)
{
	size_t low = 0, high = p->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->v[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->n && p->v[low].uid == uid;
}

/* p: NULL: all. */
static int remove_notes(struct run *run, struct state_folder *sf, const struct pass *p, struct err *e)
{
	struct rangeset ours = RANGESET_INIT;
	uint32_t *gone = calloc(sf->n + 1, sizeof *gone);
	size_t n = 0;
	int r = gone ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < sf->n; i++) {
		if (p && has(p, sf->v[i].uid))
			continue;
		gone[n++] = sf->v[i].uid;
		if (sf->v[i].ours)
			r = rangeset_add(&ours, sf->v[i].ours, sf->v[i].ours);
	}
	if (r == 0 && ours.n)
		r = mailbox_expunge(run->account, sf->target, &ours, false, NULL, NULL);
	pass_crash_point();
	if (r == ERR_NOT_FOUND)               /* the whole mailbox was deleted here */
		r = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct note *note = state_get(sf, gone[i]);
		emails_drop(run, note->email, sf, note->ours);
	}
	if (r == 0) {
		run->report->removed += rangeset_count(&ours);
		run->progress += n;
		r = n ? state_forget(run->state, sf, gone, n, e) : 0;
	}
	rangeset_fini(&ours);
	free(gone);
	return r;
}

int pass_remove(struct pass *p, struct err *e) { return remove_notes(p->run, p->sf, p, e); }

int pass_vanished(struct run *run, struct state_folder *sf, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;

	if (sf->n == 0)
		return 0;
	int r = remove_notes(run, sf, NULL, e);
	/* an empty mailbox that has no use of its own, and nothing below it, was made for the folder */
	if (r == 0 && mailbox_get(run->account, &arena, sf->target, &box) == 0 && box.messages == 0 && !box.use && !str_eq(box.name, STR("INBOX")))
		(void)mailbox_delete(run->account, box.name, NULL);
	arena_fini(&arena);
	return r;
}
