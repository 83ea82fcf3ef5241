#include "migrate/account.h"

#include "base/clock.h"
#include "migrate/limits.h"
#include "migrate/pass.h"
#include "model/bin.h"
#include "rt/fault.h"

#include <signal.h>
#include <unistd.h>

void pass_crash_point(void)
{
	if (fault_hit("migrate.kill"))
		kill(getpid(), SIGKILL);
}

/* What is known of the account there, over all connections. */
struct tour {
	struct run run;
	struct arena arena;
	struct planned *plan;
	size_t n;
	bool *done;
	uint64_t *fresh;              /* messages that this run brought, by folder */
	struct rangeset *failed;
};

static bool is_cancelled(const struct run *run) { return run->o->cancel && *run->o->cancel; }

/* ---- what there is ---- */

/* The mailboxes here, and the bin, whose name no folder can have. */
static int list_ours(struct tour *t, struct mailbox **out, size_t *n_out)
{
	struct mailbox *listed, bin;
	size_t n;
	int r = mailbox_list(t->run.account, &t->arena, &listed, &n);
	if (r)
		return r;
	*out = arena_array(&t->arena, n + 1, sizeof **out);
	if (!*out)
		return ERR_NO_MEMORY;
	if (n)
		memcpy(*out, listed, n * sizeof **out);
	r = bin_find(t->run.account, &t->arena, &bin);
	if (r == 0)
		(*out)[n++] = bin;
	*n_out = n;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static void tell_plan(struct tour *t)
{
	struct run *run = &t->run;
	for (size_t i = 0; i < t->n; i++) {
		const struct planned *one = &t->plan[i];
		struct state_folder *known = state_find(run->state, one->folder->wire);
		if (known)
			known->listed = true;
		t->done[i] = one->skip != NULL;
		if (one->skip && *one->skip)
			report_trouble(run->report, "%.*s: folder skipped: %s", STR_ARG(one->folder->name), one->skip);
		if (!one->skip && one->renamed)
			report_trouble(run->report, "%.*s: becomes %.*s", STR_ARG(one->folder->name), STR_ARG(one->target));
		if (!one->skip)
			run->o->live->expected += one->folder->messages;
	}
}

static int look_around(struct tour *t, struct err *e)
{
	struct run *run = &t->run;
	struct source_folder *folders;
	struct mailbox *ours;
	size_t n_ours;

	int r = run->source->ops->folders(run->source, &t->arena, &folders, &t->n, e);
	if (r == 0)
		r = list_ours(t, &ours, &n_ours);
	if (r == 0)
		r = names_plan(&run->o->rules, run->source->has_emails, run->source->is_gmail, folders, t->n, ours, n_ours, &t->arena, &t->plan, e);
	if (r == 0) {
		t->done = arena_array(&t->arena, t->n, sizeof *t->done);
		t->fresh = arena_array(&t->arena, t->n, sizeof *t->fresh);
		t->failed = arena_array(&t->arena, t->n, sizeof *t->failed);
		r = t->done && t->fresh && t->failed ? 0 : ERR_NO_MEMORY;
	}
	if (r == 0)
		tell_plan(t);
	else
		t->plan = NULL;
	return r;
}

/* ---- one connection ---- */

/* Errors after which another connection may do. */
static bool is_passing(int r)
{
	return r == ERR_CLOSED || r == ERR_TIMEOUT || r == ERR_IO || r == ERR_BUSY || r == ERR_INVALID || r == ERR_TOO_BIG;
}

static int go_round(struct tour *t, struct err *e)
{
	struct run *run = &t->run;
	for (size_t i = 0; i < t->n; i++) {
		if (t->done[i])
			continue;
		struct report *report = run->report;
		uint64_t known = report->known, skipped = report->skipped, elsewhere = report->elsewhere;
		uint64_t before = report->imported + report->copied + report->recognised;
		struct err why = { 0 };
		run->fresh = t->fresh[i];
		int r = pass_folder(run, &t->plan[i], &t->failed[i], &why);
		t->fresh[i] += report->imported + report->copied + report->recognised - before;
		if (r == ERR_CONFLICT) {
			report_trouble(run->report, "%.*s: folder failed: %s", STR_ARG(t->plan[i].folder->name), why.log);
			run->report->folders_failed++;
			r = 0;
		} else if (r == 0) {
			run->report->folders++;
		}
		if (r) {                          /* the next connection counts them again: they are noted */
			run->o->live->messages -= report->known - known;
			report->known = known;
			report->skipped = skipped;
			report->elsewhere = elsewhere;
			return err_set(e, r, NULL, "%.*s: %s", STR_ARG(t->plan[i].folder->name), why.log[0] ? why.log : err_text(r));
		}
		t->done[i] = true;
		run->progress++;
		run->o->live->folders_done++;
		if (is_cancelled(run))
			return err_set(e, ERR_CLOSED, NULL, "interrupted");
	}
	return 0;
}

static int visit(struct tour *t, uint64_t *wait_ms_out, struct err *e)
{
	struct run *run = &t->run;
	bool first = !t->plan;
	int r = source_open(&run->job->setup, &run->source, wait_ms_out, e);
	if (r == 0 && first)
		r = look_around(t, e);
	if (r == 0)
		r = go_round(t, e);
	if (run->source)
		*wait_ms_out = run->source->wait_ms;
	source_close(&run->source);
	return r;
}

/* ---- all of them ---- */

static void rest(const struct run *run, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;
	for (uint64_t now; (now = clock_mono_ms()) < until && !is_cancelled(run);) {
		uint64_t left = until - now < 100 ? until - now : 100;
		struct timespec pause = { .tv_nsec = (long)left * 1000000 };
		nanosleep(&pause, NULL);
	}
}

static uint64_t pause_for(const struct migrate_options *o, unsigned failures, uint64_t asked)
{
	uint64_t ms = o->backoff_ms ? o->backoff_ms : MIGRATE_BACKOFF_MS;
	for (unsigned i = 1; i < failures && ms < MIGRATE_BACKOFF_MAX_MS; i++)
		ms *= 2;
	ms = ms > asked ? ms : asked;
	return ms < MIGRATE_BACKOFF_MAX_MS ? ms : MIGRATE_BACKOFF_MAX_MS;
}

static int keep_trying(struct tour *t, struct err *e)
{
	struct run *run = &t->run;
	unsigned failures = 0;
	for (;;) {
		uint64_t before = run->progress, wait_ms = 0;
		struct err why = { 0 };
		int r = visit(t, &wait_ms, &why);
		if (is_cancelled(run))
			return err_set(e, ERR_CLOSED, NULL, "interrupted; run it again to go on");
		if (r == 0)
			return 0;
		failures = run->progress > before ? 1 : failures + 1;
		if (!is_passing(r) || failures > run->o->retries)
			return err_set(e, r, NULL, "%s", why.log[0] ? why.log : err_text(r));
		run->report->retries++;
		rest(run, pause_for(run->o, failures, wait_ms));
	}
}

static int remove_vanished(struct tour *t, struct err *e)
{
	struct run *run = &t->run;
	int r = 0;
	for (size_t i = 0; r == 0 && i < state_count(run->state); i++)
		if (!state_at(run->state, i)->listed)
			r = pass_vanished(run, state_at(run->state, i), e);
	return r ? r : state_sync(run->state, e);
}

static void end(struct tour *t)
{
	for (size_t i = 0; t->failed && i < t->n; i++)
		rangeset_fini(&t->failed[i]);
	map_destroy(&t->run.emails);
	state_close(&t->run.state);
	account_close(&t->run.account);
	arena_fini(&t->arena);
}

int migrate_account(const struct migrate_options *o, struct migrate_job *job, struct err *e)
{
	struct tour t = { .run = { .o = o, .job = job, .report = &job->report } };
	bool damaged = false;

	arena_init(&t.arena, MIGRATE_FOLDERS_BYTES);
	int r = account_open(o->model, job->account, &t.run.account);
	if (r == 0)
		r = state_open(o->dir, job->account, job->source, &t.run.state, &damaged, e);
	if (damaged)
		report_trouble(t.run.report, "what former runs had noted was damaged and is set aside; messages are recognised by their content");
	if (r == 0)
		r = emails_load(&t.run);
	if (r == 0)
		r = keep_trying(&t, e);
	if (r == 0 && o->remove && !o->dry_run)
		r = remove_vanished(&t, e);
	end(&t);
	o->live->accounts_done++;
	return r;
}
