#include "migrate/account.h"

#include "base/clock.h"
#include "migrate/limits.h"
#include "migrate/pass.h"
#include "migrate/tour.h"
#include "model/bin.h"
#include "rt/fault.h"

#include <signal.h>
#include <unistd.h>

void pass_crash_point(void)
{
	if (fault_hit("migrate.kill"))
		kill(getpid(), SIGKILL);
}

/* ---- what there is ---- */

/* The mailboxes here, and the bin, whose name no folder can have. */
static int list_ours(struct tour *t, struct account *account, struct mailbox **out, size_t *n_out)
{
	struct mailbox *listed, bin;
	size_t n;
	int r = mailbox_list(account, &t->arena, &listed, &n);
	if (r)
		return r;
	*out = arena_array(&t->arena, n + 1, sizeof **out);
	if (!*out)
		return ERR_NO_MEMORY;
	if (n)
		memcpy(*out, listed, n * sizeof **out);
	r = bin_find(account, &t->arena, &bin);
	if (r == 0)
		(*out)[n++] = bin;
	*n_out = n;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static void tell_plan(struct tour *t, struct run *run)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct planned *one = &t->plan[i];
		struct state_folder *known = state_find(run->state, one->folder->wire);
		if (known)
			known->listed = true;
		t->legs[i].done = one->skip != NULL;
		if (one->skip && *one->skip)
			report_trouble(run->report, "%.*s: folder skipped: %s", STR_ARG(one->folder->name), one->skip);
		if (!one->skip && one->renamed)
			report_trouble(run->report, "%.*s: becomes %.*s", STR_ARG(one->folder->name), STR_ARG(one->target));
		if (!one->skip)
			run->o->live->expected += one->folder->messages;
	}
}

static int look_around(struct tour *t, struct run *run, struct err *e)
{
	struct source_folder *folders;
	struct mailbox *ours;
	size_t n_ours;

	int r = run->source->ops->folders(run->source, &t->arena, &folders, &t->n, e);
	if (r == 0)
		r = list_ours(t, run->account, &ours, &n_ours);
	if (r == 0)
		r = names_plan(&run->o->rules, run->source->has_emails, run->source->is_gmail, folders, t->n, ours, n_ours, &t->arena, &t->plan, e);
	if (r == 0) {
		t->legs = arena_array(&t->arena, t->n, sizeof *t->legs);
		r = t->legs ? 0 : ERR_NO_MEMORY;
	}
	if (r == 0)
		tell_plan(t, run);
	else
		t->plan = NULL;
	return r;
}

/* ---- one connection ---- */

static void *walk(void *arg);

/* Errors after which another connection may do. */
static bool is_passing(int r)
{
	return r == ERR_CLOSED || r == ERR_TIMEOUT || r == ERR_IO || r == ERR_BUSY || r == ERR_INVALID || r == ERR_TOO_BIG;
}

static void add_up(struct run *run, struct report *of_folder)
{
	report_add(&run->job->report, of_folder);
	report_fini(of_folder);
	run->report = &run->job->report;
}

static int visit_folder(struct tour *t, struct run *run, size_t i, struct err *e)
{
	struct report report;
	struct err why = { 0 };
	struct leg *leg = &t->legs[i];

	report_init(&report);
	run->report = &report;                /* cppcheck-suppress autoVariables ; add_up puts the job's in its place before this returns */
	run->fresh = leg->fresh;
	run->lookout = &leg->lookout;
	int r = pass_folder(run, &t->plan[i], &leg->failed, &why);
	leg->fresh += report.imported + report.copied + report.recognised;
	if (r == ERR_CONFLICT) {
		report_trouble(&report, "%.*s: folder failed: %s", STR_ARG(t->plan[i].folder->name), why.log);
		report.folders_failed++;
		r = 0;
	} else if (r == 0) {
		report.folders++;
	} else {                              /* the next connection counts them again: they are noted */
		run->o->live->messages -= report.known;
		report.known = report.skipped = report.elsewhere = 0;
		err_set(e, r, NULL, "%.*s: %s", STR_ARG(t->plan[i].folder->name), why.log[0] ? why.log : err_text(r));
	}
	add_up(run, &report);
	return r;
}

static int go_round(struct tour *t, struct run *run, struct err *e)
{
	size_t i;
	while (tour_claim(t, run, &i)) {
		int r = visit_folder(t, run, i, e);
		tour_release(t, i, r == 0);
		if (r)
			return r;
		run->progress++;
		run->o->live->folders_done++;
	}
	return pass_is_ended(run) ? err_set(e, ERR_CLOSED, NULL, "interrupted") : 0;
}

static int open_source(struct tour *t, struct run *run, uint64_t *wait_ms_out, struct err *e)
{
	struct source *source;
	pthread_mutex_unlock(&t->lock);
	int r = source_open(&run->job->setup, &source, wait_ms_out, e);
	pthread_mutex_lock(&t->lock);
	return r ? r : source_share(&source, &t->lock, &run->source);
}

static int visit(struct tour *t, struct walker *w, uint64_t *wait_ms_out, struct err *e)
{
	struct run *run = &w->run;
	int r = open_source(t, run, wait_ms_out, e);
	w->was_in |= r == 0;
	if (r == 0 && !t->plan)
		r = look_around(t, run, e);
	if (r == 0 && w->first)
		tour_call_others(t, w, walk);
	if (r == 0)
		r = go_round(t, run, e);
	if (run->source)
		*wait_ms_out = run->source->wait_ms;
	source_close(&run->source);
	return r;
}

/* ---- all of them ---- */

static void rest(struct tour *t, const struct run *run, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;
	for (uint64_t now; (now = clock_mono_ms()) < until && !pass_is_ended(run) && !tour_is_done(t);) {
		uint64_t left = until - now < 100 ? until - now : 100;
		struct timespec pause = { .tv_nsec = (long)left * 1000000 };
		pthread_mutex_unlock(&t->lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&t->lock);
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

static int keep_trying(struct tour *t, struct walker *w, struct err *e)
{
	struct run *run = &w->run;
	unsigned failures = 0;
	while (!tour_is_done(t)) {
		uint64_t before = run->progress, wait_ms = 0;
		struct err why = { 0 };
		int r = visit(t, w, &wait_ms, &why);
		if (pass_is_ended(run))
			return err_set(e, ERR_CLOSED, NULL, "interrupted; run it again to go on");
		if (r == 0)
			return 0;
		failures = run->progress > before ? 1 : failures + 1;
		if (!is_passing(r) || failures > run->o->retries || (!w->first && !w->was_in))
			return err_set(e, r, NULL, "%s", why.log[0] ? why.log : err_text(r));
		run->report->retries++;
		rest(t, run, pause_for(run->o, failures, wait_ms));
	}
	return 0;
}

/* A further connection. That the server allows no more of them, or that it breaks, harms nobody: the first one goes on. */
static void *walk(void *arg)
{
	struct walker *w = arg;
	struct tour *t = w->run.tour;
	struct err e = { 0 };

	pthread_mutex_lock(&t->lock);
	int r = keep_trying(t, w, &e);
	if (r && w->was_in && !is_passing(r))
		tour_end(t, r, &e);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* By the first connection, and what others it called. */
static int walk_all(struct tour *t, struct walker *w, struct err *e)
{
	pthread_mutex_lock(&t->lock);
	int r = keep_trying(t, w, e);
	if (r)
		tour_end(t, r, e);
	pthread_mutex_unlock(&t->lock);
	tour_await_others(t);
	/* what another one met is why this one was told to end */
	if (t->result)
		r = err_set(e, t->result, NULL, "%s", t->why.log);
	return r;
}

static int remove_vanished(struct run *run, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < state_count(run->state); i++)
		if (!state_at(run->state, i)->listed)
			r = pass_vanished(run, state_at(run->state, i), e);
	return r ? r : state_sync(run->state, e);
}

static void end(struct tour *t, struct run *run)
{
	map_destroy(&run->emails);
	state_close(&run->state);
	account_close(&run->account);
	tour_fini(t);
}

int migrate_account(const struct migrate_options *o, struct migrate_job *job, struct err *e)
{
	struct tour t;
	struct walker first = { .first = true, .run = { .o = o, .job = job, .tour = &t, .report = &job->report } };
	struct run *run = &first.run;
	bool damaged = false;

	tour_init(&t);
	int r = account_open(o->model, job->account, &run->account);
	if (r == 0)
		r = state_open(o->dir, job->account, job->source, &run->state, &damaged, e);
	if (damaged)
		report_trouble(run->report, "what former runs had noted was damaged and is set aside; messages are recognised by their content");
	if (r == 0)
		r = emails_load(run);
	if (r == 0)
		r = walk_all(&t, &first, e);
	if (r == 0 && o->remove && !o->dry_run)
		r = remove_vanished(run, e);
	end(&t, run);
	o->live->accounts_done++;
	return r;
}
