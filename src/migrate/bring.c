/* The messages that must be fetched: batch after batch, one asked for while the one before is stored. */
#include "migrate/batch.h"

#define HOPELESS 100u                 /* messages in a row that the server does not give: then the folder is given up */

/* What is still to be done. */
struct work {
	struct pass *pass;
	const struct found **v;
	size_t n, next;
	const struct found **missed;      /* asked for with others and not given */
	size_t n_missed;
};

bool pass_is_pending(const struct pass *p, const struct found *f)
{
	const struct note *note = p->sf ? state_get(p->sf, f->uid) : NULL;
	/* of \All: what lay in another folder may have left it */
	if (note && !(note->ours == 0 && note->flags == NOTE_ELSEWHERE))
		return false;
	return !p->failed || !rangeset_has(p->failed, f->uid);
}

static int too_big(struct pass *p, const struct found *f, struct err *e)
{
	struct note note = { .uid = f->uid, .flags = NOTE_TOO_BIG };
	p->run->report->skipped++;
	report_trouble(p->run->report, "%.*s: message %u skipped: it has %llu MB, more than a message may have here", STR_ARG(p->plan->folder->name), f->uid,
				   (unsigned long long)(f->size >> 20));
	return state_note(p->run->state, p->sf, &note, 1, e);
}

/* The next batch; n 0: that was all. */
static void next_batch(struct work *w, struct batch *b)
{
	struct run *run = w->pass->run;
	size_t most = run->lookout->careful ? 1 : MIGRATE_BATCH;
	batch_clear(b);
	while (w->next < w->n && b->n < most) {
		const struct found *f = w->v[w->next];
		if (b->n && b->bytes + f->size > MIGRATE_BATCH_BYTES)
			break;
		b->items[b->n] = (struct item){ .f = f };
		buf_init(&b->items[b->n].message, STORE_BLOB_MAX);
		arena_init(&b->items[b->n].arena, 0);
		b->n++;
		b->bytes += f->size;
		w->next++;
	}
	if (run->lookout->careful && b->n)
		run->lookout->careful--;
}

static int ask(struct pass *p, const struct batch *b, struct err *e)
{
	uint32_t uids[MIGRATE_BATCH];
	for (size_t i = 0; i < b->n; i++)
		uids[i] = b->items[i].f->uid;
	return p->run->source->ops->ask(p->run->source, uids, b->n, e);
}

/* The connection broke while these were asked for. Is one of them the reason? Ask for one at a time; whose turn it is twice when it breaks is passed over. */
static void suspect(struct pass *p, const struct batch *b, size_t arrived, size_t behind)
{
	struct run *run = p->run;
	if (b->n > 1) {
		run->lookout->careful = (unsigned)(b->n - arrived + behind);
		return;
	}
	uint32_t uid = b->items[0].f->uid;
	struct lookout *l = run->lookout;
	l->alone_losses = l->alone_uid == uid ? l->alone_losses + 1 : 1;
	l->alone_uid = uid;
	l->careful += (unsigned)behind + 1;
	if (l->alone_losses < 2 || arrived)
		return;
	rangeset_add(p->failed, uid, uid);
	run->report->failed++;
	run->progress++;
	report_trouble(run->report, "%.*s: message %u failed: the connection breaks when it is asked for", STR_ARG(p->plan->folder->name), uid);
}

static bool is_lost(int r) { return r == ERR_CLOSED || r == ERR_IO || r == ERR_TIMEOUT || r == ERR_INVALID || r == ERR_TOO_BIG; }

/* Takes what was asked for as b, stores it. ahead: what is asked for already beside it; may be empty. */
static int take(struct work *w, struct batch *b, struct batch *ahead, struct err *e)
{
	struct pass *p = w->pass;
	struct batch_taking taking = { b, ahead };
	struct err why = { 0 };
	int r = p->run->source->ops->take(p->run->source, batch_arrive, &taking, &why);
	size_t arrived = batch_arrived(b);
	/* whatever happened to the connection, what came is kept */
	int stored = batch_store(p, b, e);
	if (stored)
		return stored;
	if (r && r != ERR_CONFLICT) {
		if (is_lost(r))
			suspect(p, b, arrived, ahead->n);
		return err_set(e, r, NULL, "%s", why.log);
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].result == 0 || b->items[i].result == ERR_NOT_FOUND)
			w->missed[w->n_missed++] = b->items[i].f;
	return 0;
}

static int bring_all(struct work *w, struct batch *two, struct err *e)
{
	struct batch *now = &two[0], *then = &two[1];
	int r = 0;
	next_batch(w, now);
	if (now->n)
		r = ask(w->pass, now, e);
	while (r == 0 && now->n) {
		/* nothing is asked ahead when it must be known which message breaks the connection */
		bool ahead = !w->pass->run->lookout->careful && now->n > 1;
		batch_clear(then);
		if (ahead)
			next_batch(w, then);
		if (then->n)
			r = ask(w->pass, then, e);
		if (r == 0)
			r = take(w, now, then, e);
		if (r == 0 && !ahead) {
			next_batch(w, then);
			r = then->n ? ask(w->pass, then, e) : 0;
		}
		struct batch *swap = now;
		now = then;
		then = swap;
		if (r == 0 && pass_is_ended(w->pass->run))
			r = err_set(e, ERR_CLOSED, NULL, "interrupted");
	}
	return r;
}

/* Those that were not given with others, each alone: one refusal may have been for a neighbour. */
static int bring_missed(struct work *w, struct batch *two, struct err *e)
{
	struct batch *b = &two[0], *none = &two[1];
	struct pass *p = w->pass;
	size_t n = w->n_missed;
	unsigned row = 0;
	int r = 0;
	batch_clear(none);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct found *f = w->missed[i];
		struct work one = { .pass = p, .v = &f, .n = 1, .missed = w->missed + n };
		next_batch(&one, b);
		r = ask(p, b, e);
		if (r == 0)
			r = take(&one, b, none, e);
		if (r || !one.n_missed) {
			row = 0;
			continue;
		}
		p->run->report->failed++;
		report_trouble(p->run->report, "%.*s: message %u failed: the server does not give it (or it is gone by now)", STR_ARG(p->plan->folder->name), f->uid);
		r = rangeset_add(p->failed, f->uid, f->uid);
		if (++row == HOPELESS)
			return err_set(e, ERR_CONFLICT, NULL, "the server gives none of the messages");
	}
	return r;
}

int pass_bring(struct pass *p, struct err *e)
{
	struct work w = { .pass = p };
	struct batch *two = calloc(2, sizeof *two);
	int r = 0;

	w.v = calloc(p->n + 1, sizeof *w.v);        // NOLINT(bugprone-sizeof-expression): pointers are what it holds
	w.missed = calloc(p->n + 2, sizeof *w.missed);        // NOLINT(bugprone-sizeof-expression): pointers are what it holds
	if (!two || !w.v || !w.missed)
		r = err_set(e, ERR_NO_MEMORY, NULL, "messages of a folder");
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		if (!pass_is_pending(p, &p->v[i]))
			continue;
		struct state_folder *there;
		uint32_t uid;
		if (p->plan->rest && emails_get(p->run, p->v[i].email, &there, &uid) && there != p->sf)
			continue;                     /* noted to be elsewhere */
		if (p->v[i].size > STORE_BLOB_MAX)
			r = too_big(p, &p->v[i], e);
		else
			w.v[w.n++] = &p->v[i];
	}
	if (r == 0)
		r = bring_all(&w, two, e);
	if (r == 0)
		r = bring_missed(&w, two, e);
	for (size_t i = 0; two && i < 2; i++)
		batch_clear(&two[i]);
	free(two);
	free(w.v);
	free(w.missed);
	return r;
}
