/* What became of a job. */
#include "queue/change.h"
#include "queue/queue_private.h"
#include "queue/submit.h"

#include "base/clock.h"

struct finish {
	const struct queue_job *job;
	unsigned group;
	const uint16_t *groups;               /* of a notice's recipients */
	const uint64_t *retry_s;              /* for each recipient */
	struct submit *notice;                /* or NULL */
	unsigned delivered, failed, deferred; /* out */
	int64_t next;                         /* out: when there is more to do */
	bool wasted;                          /* out: the notice is not wanted any more */
};

static struct entry *entry_find(const struct group *g, uint32_t index)
{
	for (size_t i = 0; i < g->r.n; i++)
		if (g->r.entries[i].index == index)
			return &g->r.entries[i];
	return NULL;
}

/* ---- deliveries ---- */

static void apply_result(struct change *c, struct finish *f, const struct message *m, struct entry *e, size_t i)
{
	const struct queue_job_recipient *r = &f->job->recipients[i];
	const struct queue_result *result = &r->result;
	if (!result->outcome)
		return;
	entry_said(e, result->status, result->reply, result->remote);
	/* not counted up: this may run twice */
	e->attempts = r->attempts + 1;
	e->last_attempt = c->now;
	if (result->outcome != QUEUE_DELAYED) {
		entry_settle(m, e, (unsigned)result->outcome, result);
	} else if (message_is_over(m, c->now)) {
		/* the clock leaves alone what is in flight */
		entry_expire(m, e, c->now);
	} else {
		e->next = c->now + (int64_t)f->retry_s[i];
	}
	f->deferred += !e->settled;
	f->failed += e->settled && (result->outcome == QUEUE_FAILED || result->outcome == QUEUE_DELAYED);
	f->delivered += e->settled && result->outcome != QUEUE_FAILED && result->outcome != QUEUE_DELAYED;
}

static int write_results(struct change *c, void *arg)
{
	struct finish *f = arg;
	struct message m;
	struct group g;
	f->delivered = f->failed = f->deferred = 0;
	f->next = SCHEDULE_NEVER;
	int rc = message_load(c, f->job->id, &m);
	if (rc == 0)
		rc = group_load(c, &m, f->group, &g);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;          /* dropped meanwhile */
	for (size_t i = 0; i < f->job->n_recipients; i++) {
		struct entry *e = entry_find(&g, f->job->recipients[i].index);
		if (e && !e->settled)
			apply_result(c, f, &m, e, i);
	}
	rc = group_save(c, &m, &g);
	if (g.was_pending && !(m.e.envelope.flags & QUEUE_HELD))
		f->next = g.r.due;
	return rc ? rc : message_save(c, &m);
}

static bool is_untried(const struct queue_job *j)
{
	for (size_t i = 0; i < j->n_recipients; i++)
		if (j->recipients[i].result.outcome)
			return false;
	return true;
}

int job_write(struct queue *q, struct job *j, int64_t *next_out)
{
	struct queue_config config = queue_config_get(q);
	struct finish f = { .job = &j->pub, .group = j->group };
	/* not the job's own memory: it may come here every second until a damaged record is mended */
	uint64_t *retry = calloc(j->pub.n_recipients, sizeof(*retry));
	if (!retry)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < j->pub.n_recipients; i++)
		retry[i] = (queue_retry_ms(q, &config, j->pub.recipients[i].attempts + 1) + 999) / 1000;
	f.retry_s = retry;
	int rc = change_run(q, queue_shard(j->pub.id), write_results, &f);
	free(retry);
	*next_out = f.next;
	if (rc == 0) {
		atomic_fetch_add_explicit(&q->delivered, f.delivered, memory_order_relaxed);
		atomic_fetch_add_explicit(&q->failed, f.failed, memory_order_relaxed);
		atomic_fetch_add_explicit(&q->deferred, f.deferred, memory_order_relaxed);
	}
	return rc;
}

/* ---- notices ---- */

/* Takes off what the job told, group by group; *told_out: of how many recipients. */
static int forget_owed(struct change *c, struct message *m, const struct finish *f, unsigned *told_out)
{
	const struct queue_job *job = f->job;
	int rc = 0;
	*told_out = 0;
	for (size_t i = 0; rc == 0 && i < job->n_recipients;) {
		struct group g;
		unsigned number = f->groups[i], told = 0;
		rc = group_load(c, m, number, &g);
		for (; i < job->n_recipients && f->groups[i] == number; i++) {
			struct entry *e = rc ? NULL : entry_find(&g, job->recipients[i].index);
			told += e && e->owed & job->recipients[i].owed;
			if (e)
				e->owed &= ~job->recipients[i].owed;
		}
		if (rc == 0 && told)
			rc = group_save(c, m, &g);
		else if (rc == ERR_NOT_FOUND)
			rc = 0;
		*told_out += told;
	}
	return rc;
}

static int write_notice(struct change *c, void *arg)
{
	struct finish *f = arg;
	struct message m;
	unsigned told = 0;
	f->next = SCHEDULE_NEVER;
	f->wasted = false;
	int rc = message_load(c, f->job->id, &m);
	if (rc == 0)
		rc = forget_owed(c, &m, f, &told);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == 0) {
		rc = message_save(c, &m);
		f->next = m.e.notice_at ? m.e.notice_at : SCHEDULE_NEVER;
	} else {
		rc = 0;
	}
	if (rc || !f->notice)
		return rc;
	if (told)
		return submit_insert(c, f->notice);
	/* an earlier run took effect, or the message was dropped meanwhile */
	rc = submit_took_effect(c, f->notice);
	f->wasted = rc == 0;
	return rc < 0 ? rc : 0;
}

static int finish_notice(struct queue *q, struct job *j, const struct queue_submission *notice, int64_t *next_out)
{
	struct finish f = { .job = &j->pub, .groups = j->groups };
	struct submit op;
	unsigned shard = queue_shard(j->pub.id);
	int rc = notice ? submit_prepare(q, notice, shard, &j->pub.arena, &op, NULL) : 0;
	if (rc)
		return rc;
	f.notice = notice ? &op : NULL;
	rc = change_run(q, shard, write_notice, &f);
	*next_out = f.next;
	if (notice && ((rc && rc != ERR_UNKNOWN) || f.wasted))
		submit_abandon(q, &op);
	else if (rc == 0 && notice)
		atomic_fetch_add_explicit(&q->notices, 1, memory_order_relaxed);
	return rc;
}

/* ---- the contract ---- */

void job_end(struct queue *q, struct job **job, int64_t next, int64_t pause_ms)
{
	struct job *j = *job;
	struct destination *d = j->destination;
	int64_t now_ms = clock_now_ms();
	pthread_mutex_lock(&q->schedule.lock);
	schedule_job_remove(&q->schedule, j);
	d->busy->active--;
	if (pause_ms && now_ms + pause_ms > d->busy->pause_ms)
		d->busy->pause_ms = now_ms + pause_ms;
	destination_due(d, next);
	/* who was not to be had a moment ago is news; for the rest, the thread that ends a job comes for the next */
	if (d->ring_next)
		schedule_place_quietly(&q->schedule, d, now_ms);
	else
		schedule_place(&q->schedule, d, now_ms);
	pthread_mutex_unlock(&q->schedule.lock);
	job_free(job);
}

static void keep_unwritten(struct queue *q, struct job *j)
{
	pthread_mutex_lock(&q->schedule.lock);
	j->unwritten = true;
	q->schedule.n_unwritten++;
	pthread_cond_signal(&q->schedule.clerk);
	pthread_mutex_unlock(&q->schedule.lock);
}

int queue_finish(struct queue *q, struct queue_job **job)
{
	struct job *j = job_of(*job);
	int64_t next = j->due;
	bool untried = is_untried(&j->pub);
	*job = NULL;
	int rc = untried ? 0 : job_write(q, j, &next);
	if (rc)
		keep_unwritten(q, j);
	else
		job_end(q, &j, next, untried ? QUEUE_NOT_TRIED_MS : 0);
	return rc;
}

int queue_finish_notice(struct queue *q, struct queue_job **job, const struct queue_submission *notice)
{
	struct job *j = job_of(*job);
	int64_t next = j->due;
	*job = NULL;
	int rc = finish_notice(q, j, notice, &next);
	job_end(q, &j, rc ? j->due : next, rc ? QUEUE_NOT_TRIED_MS : 0);
	return rc;
}

int queue_job_map(struct queue *q, const struct queue_job *j, struct store_blob_view *out) { return store_blob_map(q->store, j->blob, out); }
