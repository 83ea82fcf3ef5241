#include "backup/run.h"

#include "backup/copier.h"
#include "backup/files.h"
#include "backup/limits.h"
#include "backup/shot.h"
#include "base/clock.h"
#include "queue/queue.h"
#include "rt/crypto.h"

#include <stdarg.h>
#include <stdio.h>

struct run {
	const struct backup_run *b;
	struct backup_report *report;
	struct err *e;
	struct marks marks;
	struct known known;
	struct pace pace;
	struct copier copy;
	struct moment moment;                 /* what is taken so far; its scopes in the order they came */
	size_t cap;
	struct store_scope now;               /* is being taken */
	struct store_hold *hold;              /* bodies stay as long as it lasts; NULL: they may go */
	uint64_t saved_ms, done, all;
};

static void tell(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct run *run, const char *format, ...)
{
	char line[400];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	run->report->faults++;
	if (run->b->tell)
		run->b->tell(run->b->arg, line);
}

static void tell_line(void *arg, const char *line) { tell(arg, "%s", line); }

static const char *scope_name(struct store_scope s, char out[40])
{
	snprintf(out, 40, s.kind == STORE_ACCOUNT ? "account %llu" : s.kind == STORE_QUEUE ? "queue %llu" : "directory", (unsigned long long)s.id);
	return out;
}

static void tell_body(void *arg, store_blob_id blob, int rc)
{
	struct run *run = arg;
	char name[40];
	tell(run, "%s: a body (%llx) is not in the backup: %s", scope_name(run->now, name), (unsigned long long)blob, err_text(rc));
}

/* ---- what is taken ---- */

static int add_scope(struct run *run, const struct moment_scope *s)
{
	struct moment *m = &run->moment;
	if (m->n == run->cap) {
		size_t cap = run->cap ? run->cap * 2 : 64;
		struct moment_scope *grown = reallocarray(m->scopes, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		m->scopes = grown;
		run->cap = cap;
	}
	m->scopes[m->n++] = *s;
	return 0;
}

static int compare_scopes(const void *a, const void *b)
{
	return moment_scope_cmp(((const struct moment_scope *)a)->scope, ((const struct moment_scope *)b)->scope);
}

static void sort_scopes(struct moment *m)
{
	if (m->n)
		qsort(m->scopes, m->n, sizeof(*m->scopes), compare_scopes);
}

/* What this run has taken, and what the one before it that did not end had and this one has not come to. */
static int encode_note(struct run *run, struct buf *b)
{
	struct moment m = run->moment;
	const struct moment *old = run->known.has_note ? &run->known.moments[0] : NULL;
	sort_scopes(&run->moment);
	m.scopes = malloc((m.n + (old ? old->n : 0) + 1) * sizeof(*m.scopes));
	if (!m.scopes)
		return ERR_NO_MEMORY;
	if (run->moment.n)
		memcpy(m.scopes, run->moment.scopes, m.n * sizeof(*m.scopes));
	for (size_t i = 0; old && i < old->n; i++)
		if (!moment_find(&run->moment, old->scopes[i].scope))
			m.scopes[m.n++] = old->scopes[i];
	sort_scopes(&m);
	moment_encode(&m, b);
	free(m.scopes);
	return b->failed ? ERR_TOO_BIG : 0;
}

static int put_holding(struct run *run, const struct chunk_list *runs, const struct bodies *bodies, struct chunk_id *out)
{
	struct buf b = BUF_INIT(CHUNK_MAX - 1);
	struct holding h = { .runs = *runs };
	int rc = bodies_put(bodies, run->b->repository, &h.tables);
	holding_encode(&h, &b);
	if (!rc)
		rc = b.failed ? ERR_TOO_BIG : repository_put(run->b->repository, buf_str(&b), out, NULL);
	chunk_list_fini(&h.tables);
	buf_fini(&b);
	return rc;
}

/* Writes down what a run that is killed now would leave. In this order: what the directory names was made before (marks.h). */
static int save(struct run *run)
{
	struct buf b = BUF_INIT(CHUNK_MAX - 1);
	int rc = repository_flush(run->b->repository);
	crypto_random(run->moment.token, MOMENT_TOKEN);
	if (!rc)
		rc = encode_note(run, &b);
	if (!rc)
		rc = repository_note_put(run->b->repository, run->marks.name, buf_str(&b));
	buf_fini(&b);
	if (!rc) {
		memcpy(run->marks.part, run->moment.token, MOMENT_TOKEN);
		rc = marks_write(run->b->dir, &run->marks, run->e);
	}
	run->saved_ms = clock_mono_ms();
	run->copy.bytes_unsaved = 0;
	return rc;
}

/* In the midst of a scope: its bodies so far. What is known of it besides is found in the last snapshot. */
static int save_part(void *arg, const struct bodies *so_far)
{
	struct run *run = arg;
	struct chunk_list none = { NULL, 0, 0 };
	struct moment_scope part = { .scope = run->now };
	int rc = put_holding(run, &none, so_far, &part.holding);
	if (!rc)
		rc = add_scope(run, &part);
	if (!rc)
		rc = save(run);
	/* It is the scope of version 0: sorted in somewhere. */
	for (size_t i = 0; i < run->moment.n; i++)
		if (moment_scope_cmp(run->moment.scopes[i].scope, run->now) == 0)
			run->moment.scopes[i] = run->moment.scopes[--run->moment.n];
	return rc;
}

static int save_now_and_then(struct run *run)
{
	bool due = clock_mono_ms() - run->saved_ms >= CHECKPOINT_MS || run->copy.bytes_unsaved >= CHECKPOINT_BYTES;
	return due ? save(run) : 0;
}

/* ---- a scope ---- */

static void show(void *arg, uint64_t bodies)
{
	struct run *run = arg;
	if (run->b->progress)
		run->b->progress(run->b->arg, run->report->messages + bodies, run->done, run->all);
}

static void tell_damaged(struct run *run, uint64_t damaged)
{
	char name[40];
	if (damaged)
		tell(run, "%s: %llu damaged records were taken as they are; see: troika check", scope_name(run->now, name), (unsigned long long)damaged);
}

static void tell_unread(struct run *run, uint64_t unread, const struct buf *keys)
{
	char name[40];
	if (unread)
		tell(run, "%s: %llu record%s cannot be read, and %s not in the backup (%.*s); a moment before may have it; see: troika check", scope_name(run->now, name),
			 (unsigned long long)unread, unread == 1 ? "" : "s", unread == 1 ? "is" : "are", STR_ARG(buf_str(keys)));
}

/* What was taken of the scope, and the bodies that it names: they become *out, unless some went meanwhile. */
static int take_bodies(struct run *run, const struct chunk_list *runs, const struct blob_ids *blobs, bool last_try, struct moment_scope *out, uint64_t *gone_out)
{
	struct copied copied = { .gone = 0 };
	int rc = copier_take(&run->copy, run->now, blobs, last_try, &copied);
	*gone_out = copied.gone;
	if (!rc && (copied.gone == 0 || last_try)) {
		out->bytes = copied.bytes;
		out->lost = copied.gone + copied.lost;
		rc = put_holding(run, runs, &copied.bodies, &out->holding);
	}
	copied_fini(&copied);
	return rc;
}

static int take_once(struct run *run, bool last_try, struct moment_scope *out, uint64_t *gone_out)
{
	struct dump dump;
	uint64_t growth_max = run->b->growth_max ? run->b->growth_max : SHOT_GROWTH_MAX;
	int rc = dump_scope(run->b->store, run->now, run->b->repository, &run->pace, growth_max, &dump);
	if (!rc) {
		pace_spend(&run->pace, dump.bytes);
		*out = (struct moment_scope){ .scope = run->now, .version = dump.version, .messages = dump.messages };
		rc = take_bodies(run, &dump.runs, &dump.blobs, last_try, out, gone_out);
	}
	if (!rc && (*gone_out == 0 || last_try)) {
		out->lost += dump.unread;
		tell_damaged(run, dump.damaged);
		tell_unread(run, dump.unread, &dump.unread_keys);
	}
	dump_fini(&dump);
	return rc;
}

/* At a moment of its own. A body that went between the moment of the pairs and its turn was expunged meanwhile: the scope is taken anew. */
static int take_anew(struct run *run, struct moment_scope *out)
{
	uint64_t gone = 1;
	int rc = 0;
	run->report->later++;
	for (unsigned tries = 1; !rc && gone && tries <= DUMP_TRIES; tries++) {
		rc = take_once(run, tries == DUMP_TRIES, out, &gone);
		run->report->again += !rc && gone && tries < DUMP_TRIES;
	}
	return rc;
}

static int count(struct run *run, const struct moment_scope *taken, bool same)
{
	int rc = add_scope(run, taken);
	if (rc)
		return rc;
	run->report->accounts += taken->scope.kind == STORE_ACCOUNT && !same;
	run->report->same += taken->scope.kind == STORE_ACCOUNT && same;
	run->report->messages += taken->messages;
	run->report->bytes += taken->bytes;
	/* The directory has no bodies. */
	*(taken->scope.kind == STORE_SYSTEM ? &run->report->unread : &run->report->lost) += taken->lost;
	return save_now_and_then(run);
}

/* 0 also when there is none, or none any more. */
static int take(struct run *run, struct store_scope scope)
{
	const struct moment_scope *same = known_same(&run->known, scope, store_scope_version(run->b->store, scope));
	struct moment_scope fresh;
	run->now = scope;
	int rc = same ? 0 : take_anew(run, &fresh);
	return rc == ERR_NOT_FOUND ? 0 : rc ? rc : count(run, same ? same : &fresh, same != NULL);
}

/* ---- at one moment ---- */

/* The pairs are there. Of bodies that went all the same (somebody set the clock back, or nothing could be held) the scope is taken as it is by now. */
static int take_shot(struct run *run, const struct shot_scope *s)
{
	struct moment_scope fresh = { .scope = s->scope, .version = s->version, .messages = s->messages };
	struct blob_ids blobs = { NULL, 0, 0 };
	uint64_t gone = 1;
	run->now = s->scope;
	if (s->same)
		return count(run, s->same, true);
	int rc = s->later ? 0 : shot_blobs(s, &blobs);
	if (!rc && !s->later)
		rc = take_bodies(run, &s->runs, &blobs, false, &fresh, &gone);
	free(blobs.v);
	if (!rc && gone) {
		run->report->again += !s->later;
		return take(run, s->scope);
	}
	if (rc)
		return rc;
	fresh.lost += s->unread;
	tell_damaged(run, s->damaged);
	tell_unread(run, s->unread, &s->unread_keys);
	return count(run, &fresh, false);
}

static void show_shot(void *arg, uint64_t done, uint64_t all)
{
	struct run *run = arg;
	if (run->b->progress)
		run->b->progress(run->b->arg, 0, done, all);
}

static int take_pairs(struct run *run, struct shot *out)
{
	const struct backup_run *b = run->b;
	int rc = known_look(&run->known, b->store);
	/* Without a hold it goes on: take_shot. */
	if (!rc && store_hold(b->store, &run->hold) == ERR_NO_MEMORY)
		rc = ERR_NO_MEMORY;
	if (rc)
		return rc;
	rc = shot_take(&(struct shot_wish){ .store = b->store, .repository = b->repository, .known = &run->known, .pace = &run->pace, .everything = b->set.n == 0,
										.accounts = b->accounts, .n_accounts = b->n_accounts, .ms_max = b->shot_ms_max, .growth_max = b->growth_max, .progress = show_shot, .arg = run },
				   out);
	if (b->lower)
		pace_lower();
	pace_spend(&run->pace, out->bytes);
	run->report->shot_ms = out->ms;
	run->report->shot_growth = out->growth;
	return rc;
}

/* ---- all ---- */

static bool is_taken(const struct run *run, uint64_t account)
{
	for (size_t i = 0; i < run->moment.n; i++)
		if (run->moment.scopes[i].scope.kind == STORE_ACCOUNT && run->moment.scopes[i].scope.id == account)
			return true;
	return false;
}

/* Users who came while the others were taken: the newest accounts, since ids ascend. */
static int take_newcomers(struct run *run, const uint64_t *before, size_t n_before)
{
	struct arena arena = ARENA_INIT(0);
	uint64_t *ids;
	size_t n;
	int rc = model_accounts(run->b->model, &arena, &ids, &n);
	while (!rc && n && n_before && ids[n - 1] > before[n_before - 1] && !is_taken(run, ids[n - 1]))
		rc = take(run, (struct store_scope){ STORE_ACCOUNT, ids[--n] });
	arena_fini(&arena);
	return rc;
}

/* What the common moment does not have: accounts, one after another; the queue was taken before them, so that a message that is delivered meanwhile is there twice
 * rather than not at all; the directory last. */
static int take_rest(struct run *run, const struct shot *shot)
{
	int rc = 0;
	for (size_t i = shot->n_looked_at; !rc && i < shot->n_accounts; i++) {
		show(run, 0);
		rc = take(run, (struct store_scope){ STORE_ACCOUNT, shot->accounts[i] });
		run->done++;
	}
	if (!rc && run->b->set.n == 0)
		rc = take_newcomers(run, shot->accounts, shot->n_accounts);
	return rc ? rc : take(run, (struct store_scope){ STORE_SYSTEM, 0 });
}

static int take_everything(struct run *run)
{
	struct shot shot = { .n = 0 };
	int rc = take_pairs(run, &shot);
	run->all = shot.n_accounts;
	for (size_t i = 0; !rc && i < shot.n; i++) {
		show(run, 0);
		rc = take_shot(run, &shot.v[i]);
		run->done += shot.v[i].scope.kind == STORE_ACCOUNT;
	}
	if (!rc && !shot.whole)
		rc = take_rest(run, &shot);
	show(run, 0);
	shot_fini(&shot);
	return rc;
}

static int finish(struct run *run)
{
	struct buf b = BUF_INIT(CHUNK_MAX - 1);
	crypto_random(run->moment.token, MOMENT_TOKEN);
	run->moment.ended = clock_now();
	run->moment.one = run->report->later == 0;
	run->moment.level = store_level(run->b->store);      /* of what was taken last; it never falls */
	sort_scopes(&run->moment);
	moment_encode(&run->moment, &b);
	int rc = b.failed ? ERR_TOO_BIG : repository_snapshot_put(run->b->repository, run->moment.ended, buf_str(&b), run->report->id);
	buf_fini(&b);
	if (rc)
		return rc;
	memcpy(run->marks.whole, run->moment.token, MOMENT_TOKEN);
	memset(run->marks.part, 0, MOMENT_TOKEN);
	return marks_write(run->b->dir, &run->marks, run->e);
}

static int begin(struct run *run)
{
	const struct backup_run *b = run->b;
	run->moment.began = clock_now();
	run->moment.level = store_level(b->store);
	run->moment.set = b->set;
	run->moment.before_restore = b->before_restore;
	run->saved_ms = clock_mono_ms();
	pace_begin(&run->pace, b->store, b->rate);
	run->copy = (struct copier){ .store = b->store, .repository = b->repository, .known = &run->known, .pace = &run->pace, .save = save_part,
							   .tell = tell_body, .progress = show, .arg = run };
	int rc = marks_read(b->dir, b->repository, b->set, &run->marks, run->e);
	if (!rc)
		rc = known_open(b->repository, &run->marks, &run->known);
	if (!rc)
		rc = files_take(b->dir, b->repository, tell_line, run, &run->moment.files, run->e);
	run->moment.has_files = !rc;
	return rc;
}

int backup_run(const struct backup_run *b, struct backup_report *out, struct err *e)
{
	struct repository_stats before, after;
	*out = (struct backup_report){ .id = "" };
	struct run run = { .b = b, .report = out, .e = e };
	repository_stats(b->repository, &before);
	int rc = begin(&run);
	if (!rc)
		rc = take_everything(&run);
	if (!rc)
		rc = finish(&run);
	repository_stats(b->repository, &after);
	out->bodies_read = run.copy.bodies_read;
	out->bytes_read = run.copy.bytes_read;
	out->bytes_new = after.bytes - before.bytes;
	if (rc && e && !e->log[0])
		err_set(e, rc, NULL, "the backup: %s", err_text(rc));
	out->yields = run.pace.yields;
	out->yielded_ms = run.pace.yielded_us / 1000;
	store_release(&run.hold);
	copier_fini(&run.copy);
	known_close(&run.known);
	free(run.moment.scopes);
	return rc;
}
