#include "model/change.h"

#include "base/clock.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "rt/metric.h"

METRIC_COUNTER(keywords_lost, "troika_model_keywords_lost_total", "", "Keywords of deleted messages that are not kept, as the user's deleted messages have too many different ones.");

/* Cuts the log off at its old end. Every modseq after log_from has its record: the difference is their number. */
static int trim_log(struct change *c)
{
	if (c->modseq - c->state.log_from <= LOG_RECORDS_MAX + LOG_TRIM_STEP)
		return 0;
	uint64_t last = c->modseq - LOG_RECORDS_MAX;
	struct key from = key_first(KEY_LOG), to = key_log(last + 1);
	c->state.log_from = last;
	return store_del_range(c->w, key_str(&from), key_str(&to), NULL);
}

static int finish(struct change *c, struct commit *commit)
{
	bool logged = !changelog_is_empty(&c->log);
	if (c->log.failed)
		return ERR_NO_MEMORY;
	if (logged) {
		int rc = changelog_save(c->w, c->modseq, &c->log);
		if (rc)
			return rc;
		c->state.modseq = c->modseq;
		commit->modseq = c->modseq;
		rc = trim_log(c);
		if (rc)
			return rc;
	}
	return logged || c->dirty ? state_save(c->w, &c->state) : 0;
}

static struct change_keep keep_of(struct model *m, struct store_write *w)
{
	return (struct change_keep){
		.on = atomic_load_explicit(&m->keep_seconds, memory_order_relaxed) > 0 && store_write_level(w) >= LEVEL_KEEPS_DELETED,
		.bytes = atomic_load_explicit(&m->keep_bytes, memory_order_relaxed),
		.quota_percent = atomic_load_explicit(&m->keep_quota_percent, memory_order_relaxed),
	};
}

static int run(struct store_write *w, void *arg)
{
	struct commit *commit = arg;
	struct change c = { .w = w, .now = clock_now(), .keep = keep_of(commit->model, w) };
	commit->modseq = 0;
	int rc = state_load(source_write(w), &c.state);
	if (rc && !(rc == ERR_NOT_FOUND && commit->creates) && !(rc == ERR_CORRUPT && commit->mends))
		return rc;
	c.modseq = c.state.modseq + 1;
	changelog_begin(&c.log, commit->nonce);
	rc = commit->fn(&c, commit->arg);
	if (!rc)
		rc = finish(&c, commit);
	commit->keywords_lost = c.keywords_lost;
	buf_fini(&c.log);
	return rc;
}

/* Did it happen? Its log record carries the nonce. 0 when it did, ERR_CONFLICT when it did not. */
static int look(struct store_write *w, void *arg)
{
	const struct commit *commit = arg;
	if (commit->modseq == 0)
		return ERR_CONFLICT;
	struct key key = key_log(commit->modseq);
	struct str value;
	int rc = store_wget(w, key_str(&key), &value);
	if (rc)
		return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
	struct changelog_reader reader;
	rc = changelog_open(value, &reader);
	if (rc)
		return rc;
	return reader.nonce == commit->nonce ? 0 : ERR_CONFLICT;
}

/* ERR_UNKNOWN is settled by a commit that looks, and if it did not happen, by doing it again. What a change without a
 * log record does may be done twice. */
static void settle(struct model *m, struct commit *commit)
{
	struct store_scope scope = account_scope(commit->account);
	for (unsigned tries = 0; commit->result == ERR_UNKNOWN && tries < COMMIT_TRIES_MAX; tries++) {
		int rc = store_commit(m->store, scope, look, commit);
		if (rc == ERR_CONFLICT)
			rc = store_commit(m->store, scope, run, commit);
		else if (rc)
			continue;
		commit->result = rc;
	}
}

int commit_run_all(struct model *m, struct commit *commits, size_t n)
{
	struct store_op few[16];
	struct store_op *ops = n <= 16 ? few : calloc(n, sizeof(*ops));
	int first = ops ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		commits[i].nonce = atomic_fetch_add_explicit(&m->nonce, 1, memory_order_relaxed);
		commits[i].result = ERR_NO_MEMORY;
		commits[i].model = m;
		commits[i].modseq = 0;
		commits[i].keywords_lost = 0;
		if (ops)
			ops[i] = (struct store_op){ .scope = account_scope(commits[i].account), .fn = run, .arg = &commits[i] };
	}
	if (ops)
		store_commit_all(m->store, ops, n);
	for (size_t i = 0; ops && i < n; i++) {
		commits[i].result = ops[i].result;
		settle(m, &commits[i]);
		if (commits[i].result == 0 && commits[i].keywords_lost)
			metric_add(&keywords_lost, commits[i].keywords_lost);
		if (commits[i].result && !first)
			first = commits[i].result;
	}
	if (ops != few)
		free(ops);
	return first;
}

int commit_run(struct model *m, uint64_t account, change_fn *fn, void *arg, uint64_t *modseq_out)
{
	struct commit commit = { .account = account, .fn = fn, .arg = arg };
	int rc = commit_run_all(m, &commit, 1);
	if (modseq_out)
		*modseq_out = rc ? 0 : commit.modseq;
	return rc;
}
