/* Flags that changed there since they were noted. What somebody changed here meanwhile stays. */
#include "migrate/pass.h"

struct change {
	uint64_t add, remove;
	uint32_t ours;
};

size_t pass_keywords(const struct state_folder *sf, uint64_t flags, struct str names[KEYWORDS_MAX])
{
	size_t n = 0;
	for (unsigned i = 0; i < sf->n_keywords; i++)
		if (flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1)
			names[n++] = str_from_c(sf->keywords[i]);
	return n;
}

int pass_set_flags(struct pass *p, const struct rangeset *ours, enum flags_op op, uint64_t flags, struct err *e)
{
	struct str names[KEYWORDS_MAX];
	struct flags_change change = { .op = op, .flags = flags & MESSAGE_SYSTEM_FLAGS, .keywords = names };

	change.n_keywords = pass_keywords(p->sf, flags, names);
	int r = mailbox_flags(p->run->account, p->sf->target, ours, &change, NULL, NULL, NULL);
	if (r == ERR_TOO_BIG && change.n_keywords) {          /* no room for another keyword in the mailbox */
		p->run->report->dropped_flags += change.n_keywords;
		change.n_keywords = 0;
		r = mailbox_flags(p->run->account, p->sf->target, ours, &change, NULL, NULL, NULL);
	}
	return r ? err_set(e, r, NULL, "flags of messages: %s", err_text(r)) : 0;
}

static int by_kind(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	if (x->add != y->add)
		return x->add < y->add ? -1 : 1;
	if (x->remove != y->remove)
		return x->remove < y->remove ? -1 : 1;
	return (x->ours > y->ours) - (x->ours < y->ours);
}

/* Those with equal changes together. */
static int apply(struct pass *p, struct change *v, size_t n, struct err *e)
{
	struct rangeset set = RANGESET_INIT;
	int r = 0;

	if (n)
		qsort(v, n, sizeof *v, by_kind);
	for (size_t from = 0, to; r == 0 && from < n; from = to) {
		rangeset_clear(&set);
		for (to = from; to < n && v[to].add == v[from].add && v[to].remove == v[from].remove && r == 0; to++)
			r = rangeset_add(&set, v[to].ours, v[to].ours);
		if (r == 0 && v[from].add)
			r = pass_set_flags(p, &set, FLAGS_ADD, v[from].add, e);
		if (r == 0 && v[from].remove)
			r = pass_set_flags(p, &set, FLAGS_REMOVE, v[from].remove, e);
	}
	rangeset_fini(&set);
	return r;
}

int pass_flags(struct pass *p, struct err *e)
{
	struct change *changes = calloc(p->n + 1, sizeof *changes);
	struct note *notes = calloc(p->n + 1, sizeof *notes);
	size_t n = 0;
	int r = changes && notes ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct found *f = &p->v[i];
		const struct note *was = state_get(p->sf, f->uid);
		if (!was || !was->ours || !f->has_flags || was->flags == f->flags)
			continue;
		notes[n] = *was;
		notes[n].flags = f->flags;
		changes[n++] = (struct change){ .add = f->flags & ~was->flags, .remove = was->flags & ~f->flags, .ours = was->ours };
	}
	if (r == 0 && n)
		r = apply(p, changes, n, e);
	if (n)
		pass_crash_point();
	if (r == 0 && n)
		r = state_note(p->run->state, p->sf, notes, n, e);
	if (r == 0) {
		p->run->report->flagged += n;
		p->run->progress += n;
	}
	free(changes);
	free(notes);
	return r;
}
