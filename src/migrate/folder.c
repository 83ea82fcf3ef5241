/* One folder, from EXAMINE to the note that all of it is here. */
#include "migrate/pass.h"

/* The mailbox here; made, with its subscription, when it is not there. */
static int find_target(struct pass *p, uint32_t *id_out, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	struct account *a = p->run->account;
	int r = mailbox_find(a, &arena, p->plan->target, &box);

	if (r == ERR_NOT_FOUND || (r == 0 && box.no_select)) {
		r = mailbox_create(a, p->plan->target, p->plan->use, &box, e);
		if (r == ERR_EXISTS)              /* another account's import into this one was quicker */
			r = mailbox_find(a, &arena, p->plan->target, &box);
		else if (r == 0 && p->plan->folder->subscribed)
			r = subscription_set(a, p->plan->target, true, e);
	}
	if (r == ERR_DENIED || (r == 0 && box.bin))       /* the bin was made since the plan: the next run knows */
		r = err_set(e, ERR_CONFLICT, NULL, "the mailbox of deleted messages has that name");
	*id_out = r ? 0 : box.id;
	arena_fini(&arena);
	return r ? err_set(e, r, NULL, "%.*s: %s", STR_ARG(p->plan->target), e && e->log[0] ? e->log : err_text(r)) : 0;
}

static bool target_is_there(struct pass *p, uint32_t id)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox box;
	bool there = mailbox_get(p->run->account, &arena, id, &box) == 0 && !box.no_select;
	arena_fini(&arena);
	return there;
}

/* What was noted of the folder holds as long as its UIDs do (RFC 9051 2.3.1.1) and its mailbox here is there, under whatever name by now. */
static int begin(struct pass *p, struct err *e)
{
	struct run *run = p->run;
	struct str wire = p->plan->folder->wire;
	uint32_t target;

	p->sf = state_find(run->state, wire);
	bool holds = p->sf && p->entered.uidvalidity && p->sf->uidvalidity == p->entered.uidvalidity && target_is_there(p, p->sf->target);
	if (holds)
		return 0;
	if (run->o->dry_run) {
		p->sf = NULL;
		return 0;
	}
	for (size_t i = 0; p->sf && i < p->sf->n; i++)
		emails_drop(run, p->sf->v[i].email, p->sf, p->sf->v[i].ours);
	int r = find_target(p, &target, e);
	if (r == 0)
		r = state_begin(run->state, wire, p->entered.uidvalidity, target, &p->sf, e);
	if (p->sf)
		p->sf->listed = true;
	return r;
}

static int open_match(struct pass *p, struct err *e)
{
	struct rangeset noted = RANGESET_INIT;
	int r = 0;
	for (size_t i = 0; r == 0 && i < state_count(p->run->state); i++) {
		const struct state_folder *f = state_at(p->run->state, i);
		for (size_t k = 0; r == 0 && f->target == p->sf->target && k < f->n; k++)
			if (f->v[k].ours)
				r = rangeset_add(&noted, f->v[k].ours, f->v[k].ours);
	}
	if (r == 0)
		r = match_open(p->run->account, p->sf->target, &noted, &p->match);
	rangeset_fini(&noted);
	return r ? err_set(e, r, NULL, "%.*s: %s", STR_ARG(p->plan->target), err_text(r)) : 0;
}

static void count_known(struct pass *p)
{
	struct report *report = p->run->report;
	uint64_t known = 0;
	for (size_t i = 0; p->sf && i < p->sf->n; i++) {
		known += p->sf->v[i].ours != 0;
		if (!p->sf->v[i].ours && p->sf->v[i].flags == NOTE_TOO_BIG)
			report->skipped++;
	}
	known -= known < p->run->fresh ? known : p->run->fresh;
	report->known += known;
	p->run->o->live->messages += known;
}

/* The server stumbled, or another program removed them meanwhile. Nothing can be concluded from what is not told. */
static void tell_hidden(struct pass *p)
{
	p->run->report->failed += p->hidden;
	if (p->hidden)
		report_trouble(p->run->report, "%.*s: the server tells of %zu of %u messages", STR_ARG(p->plan->folder->name), p->n, p->entered.messages);
}

/* Dry run: how many would come. */
static void count_pending(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!pass_is_pending(p, &p->v[i]))
			continue;
		if (p->v[i].size > STORE_BLOB_MAX) {
			p->run->report->skipped++;
			continue;
		}
		p->run->report->imported++;
		p->run->report->bytes += p->v[i].size;
	}
}

static int bring_pending(struct pass *p, struct err *e)
{
	pass_take_turn(p->run);
	int r = open_match(p, e);
	if (r == 0)
		r = pass_copy(p, e);
	if (r == 0)
		r = pass_bring(p, e);
	pass_end_turn(p->run);
	return r;
}

static int bring_over(struct pass *p, struct err *e)
{
	struct run *run = p->run;
	int r = pass_flags(p, e);
	if (r == 0 && run->o->remove && p->full)
		r = pass_remove(p, e);
	bool pending = false;
	for (size_t i = 0; i < p->n && !pending; i++)
		pending = pass_is_pending(p, &p->v[i]);
	if (r == 0 && pending)
		r = bring_pending(p, e);
	/* with something left to be tried again, the next run has to look at everything */
	if (r == 0 && !p->failed->n && !p->hidden)
		r = state_complete(run->state, p->sf, p->entered.modseq, p->entered.uidnext, p->entered.messages, e);
	int synced = state_sync(run->state, e);
	return r ? r : synced;
}

int pass_folder(struct run *run, const struct planned *plan, struct rangeset *failed, struct err *e)
{
	struct pass p = { .run = run, .plan = plan, .failed = failed };
	int r = run->source->ops->enter(run->source, plan->folder, &p.entered, e);

	if (r == 0)
		r = begin(&p, e);
	if (r == 0)
		count_known(&p);
	if (r == 0)
		r = pass_scan(&p, e);
	if (r == 0 && run->o->dry_run)
		count_pending(&p);
	else if (r == 0)
		r = bring_over(&p, e);
	if (r == 0)
		tell_hidden(&p);
	match_close(&p.match);
	free(p.v);
	return r;
}
