/* Messages of emails that lie here already, because another folder there shows them too: copied here, so that the body is kept once. RFC 8474 5.1. */
#include "migrate/pass.h"

#define CHUNK 1000u                   /* messages copied in one commit */

struct known {
	const struct found *f;
	struct state_folder *there;       /* whose mailbox here has it */
	uint32_t there_uid;
	uint32_t ours;                    /* the copy */
};

/* Of \All: nothing is brought over that another folder shows. */
static int note_elsewhere(struct pass *p, const struct known *v, size_t n, struct err *e)
{
	struct note *notes = calloc(n, sizeof *notes);
	size_t fresh = 0;
	if (!notes)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (!state_get(p->sf, v[i].f->uid))
			notes[fresh++] = (struct note){ .uid = v[i].f->uid, .flags = NOTE_ELSEWHERE, .email = v[i].f->email };
	int r = fresh ? state_note(p->run->state, p->sf, notes, fresh, e) : 0;
	p->run->report->elsewhere += n;
	free(notes);
	return r;
}

/* After a run that was killed the copy may be there, though nobody noted it. */
static int recognise(struct pass *p, struct known *v, size_t n, size_t *left_out)
{
	struct view *view;
	size_t left = 0;
	*left_out = n;
	if (!match_count(p->match) || view_open(p->run->account, v[0].there->target, &view))
		return 0;
	for (size_t i = 0; i < n; i++) {
		bool exact;
		uint32_t at = view_find(view, v[i].there_uid, &exact);
		v[i].ours = exact ? match_find_email(p->match, view_at(view, at).email) : 0;
		p->run->report->recognised += v[i].ours != 0;
		left += v[i].ours == 0;
	}
	view_unref(&view);
	*left_out = left;
	return 0;
}

static int by_there(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	return (x->there_uid > y->there_uid) - (x->there_uid < y->there_uid);
}

/* What stands in both sets in order belongs together. v is sorted by there_uid. */
static void assign(struct known *v, size_t n, const struct rangeset *from, const struct rangeset *to)
{
	size_t k = 0, at = 0;
	uint32_t next = to->n ? to->v[0].lo : 0;
	for (size_t i = 0; i < from->n; i++) {
		for (uint64_t uid = from->v[i].lo; uid <= from->v[i].hi && k < to->n; uid++) {
			while (at < n && (v[at].there_uid < uid || v[at].ours))
				at++;
			if (at < n && v[at].there_uid == uid)
				v[at].ours = next;
			if (next == to->v[k].hi)
				next = ++k < to->n ? to->v[k].lo : 0;
			else
				next++;
		}
	}
}

static int copy(struct pass *p, struct known *v, size_t n, struct err *e)
{
	struct rangeset uids = RANGESET_INIT, from = RANGESET_INIT, to = RANGESET_INIT;
	int r = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!v[i].ours)
			r = rangeset_add(&uids, v[i].there_uid, v[i].there_uid);
	if (r == 0)
		r = mailbox_copy(p->run->account, v[0].there->target, p->sf->target, &uids, false, &from, &to, NULL);
	if (r == 0) {
		assign(v, n, &from, &to);
		p->run->report->copied += rangeset_count(&to);
		r = 0;
	} else if (r == ERR_NOT_FOUND || (r == ERR_QUOTA && p->run->o->ignore_quota)) {
		r = 0;                            /* then they are fetched */
	} else {
		err_set(e, r, NULL, "copying messages: %s", err_text(r));
	}
	rangeset_fini(&uids);
	rangeset_fini(&from);
	rangeset_fini(&to);
	return r;
}

static int by_flags(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	if (x->f->flags != y->f->flags)
		return x->f->flags < y->f->flags ? -1 : 1;
	return (x->ours > y->ours) - (x->ours < y->ours);
}

/* A copy has the flags of what it was copied from. */
static int set_flags(struct pass *p, struct known *v, size_t n, struct err *e)
{
	struct rangeset set = RANGESET_INIT;
	int r = 0;
	qsort(v, n, sizeof *v, by_flags);
	for (size_t from = 0, to; r == 0 && from < n; from = to) {
		rangeset_clear(&set);
		for (to = from; to < n && v[to].f->flags == v[from].f->flags && r == 0; to++)
			r = v[to].ours ? rangeset_add(&set, v[to].ours, v[to].ours) : 0;
		if (r == 0 && set.n)
			r = pass_set_flags(p, &set, FLAGS_REPLACE, v[from].f->flags, e);
	}
	rangeset_fini(&set);
	return r;
}

static int note(struct pass *p, const struct known *v, size_t n, struct err *e)
{
	struct note *notes = calloc(n, sizeof *notes);
	size_t done = 0;
	if (!notes)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		if (v[i].ours)
			notes[done++] = (struct note){ .uid = v[i].f->uid, .ours = v[i].ours, .flags = v[i].f->flags, .email = v[i].f->email };
		else
			emails_drop(p->run, v[i].f->email, v[i].there, v[i].there_uid);      /* is not there any more */
	}
	int r = done ? state_note(p->run->state, p->sf, notes, done, e) : 0;
	if (r == 0)
		r = state_sync(p->run->state, e);
	p->run->progress += done;
	p->run->o->live->messages += done;
	free(notes);
	return r;
}

/* All in one mailbox here. */
static int copy_chunk(struct pass *p, struct known *v, size_t n, struct err *e)
{
	size_t left;
	qsort(v, n, sizeof *v, by_there);
	int r = recognise(p, v, n, &left);
	if (r == 0 && left)
		r = copy(p, v, n, e);
	pass_crash_point();
	if (r == 0)
		r = set_flags(p, v, n, e);
	pass_crash_point();
	return r ? r : note(p, v, n, e);
}

static size_t gather(struct pass *p, struct known *v)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct known *k = &v[n];
		if (!pass_is_pending(p, &p->v[i]) || !emails_get(p->run, p->v[i].email, &k->there, &k->there_uid) || k->there == p->sf)
			continue;
		k->f = &p->v[i];
		k->ours = 0;
		n++;
	}
	return n;
}

int pass_copy(struct pass *p, struct err *e)
{
	int r = 0;
	if (!p->run->source->has_emails || p->n == 0)
		return 0;
	struct known *v = calloc(p->n, sizeof *v);
	size_t n = v ? gather(p, v) : 0;
	if (!v)
		return ERR_NO_MEMORY;
	if (p->plan->rest) {
		r = n ? note_elsewhere(p, v, n, e) : 0;
		n = 0;
	}
	for (size_t from = 0, to; r == 0 && from < n; from = to) {
		for (to = from; to < n && to - from < CHUNK && v[to].there == v[from].there;)
			to++;
		r = copy_chunk(p, v + from, to - from, e);
	}
	free(v);
	return r;
}
