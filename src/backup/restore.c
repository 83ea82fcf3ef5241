#include "backup/restore.h"

#include "backup/blob_map.h"
#include "backup/files.h"
#include "backup/limits.h"
#include "backup/put_pairs.h"
#include "backup/workplace.h"
#include "base/clock.h"
#include "directory/directory.h"
#include "model/transfer.h"
#include "queue/transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
	const struct restore *r;
	struct restore_report *report;
	struct store *store;
	struct model *model;
	struct blob_map blobs;                /* of all scopes: accounts share bodies */
	struct transfer transfer;
	struct put_pairs put;
	struct buf value;
	enum store_scope_kind kind;
	bool *missing;                        /* of the moment's scopes: left out */
	bool directory_lost;                  /* some of it */
};

static void tell(const struct work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const struct work *w, const char *format, ...)
{
	char line[PATH_LENGTH_MAX + 100];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (w->r->tell)
		w->r->tell(w->r->arg, line);
}

static void leave_out(void *arg, const char *what)
{
	struct work *w = arg;
	w->report->left_out++;
	tell(w, "%s is damaged in the backup, and left out", what);
}

/* ---- bodies ---- */

static int new_id(void *arg, store_blob_id old, store_blob_id *out)
{
	struct work *w = arg;
	*out = old ? blob_map_get(&w->blobs, old) : 0;
	w->report->lost += old && *out == 0;
	return 0;
}

/* One that is damaged in the backup, or went with what was, is lost; it does not take the others with it. */
static int put_body(struct work *w, struct past_bodies *bodies, store_blob_id old, store_tag tag, struct buf *body)
{
	store_blob_id fresh = blob_map_get(&w->blobs, old);
	if (fresh)
		return store_blob_tag(w->store, &fresh, 1, tag);
	buf_reset(body);
	int rc = past_body(bodies, old, body);
	if (rc)
		return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
	struct str bytes = buf_str(body);
	rc = store_blob_put(w->store, &bytes, 1, &tag, 1, &fresh);
	w->report->bytes += bytes.n;
	return rc ? rc : blob_map_put(&w->blobs, old, fresh);
}

static int put_bodies(struct work *w, const struct moment_scope *s)
{
	struct past_bodies bodies;
	struct buf body = BUF_INIT(STORE_BLOB_MAX);
	int rc = past_bodies_open(w->r->past, s, &bodies);
	/* Where they are is damaged: those that it says after that are lost. */
	rc = past_is_lost(rc) ? 0 : rc;
	for (size_t i = 0; !rc && i < bodies.bodies.n; i++) {
		if (i && bodies.bodies.v[i].blob == bodies.bodies.v[i - 1].blob)
			continue;
		rc = put_body(w, &bodies, bodies.bodies.v[i].blob, store_tag_of(s->scope), &body);
		w->report->messages++;
		if (w->r->progress && i % 256 == 0)
			w->r->progress(w->r->arg, w->report->messages, w->report->accounts, w->r->past->moment.n);
	}
	past_bodies_close(&bodies);
	buf_fini(&body);
	return rc;
}

/* ---- pairs ---- */

static int put_pair(void *arg, struct str key, struct str value)
{
	struct work *w = arg;
	int rc = 0;
	buf_reset(&w->value);
	buf_add_str(&w->value, value);
	if (w->value.failed)
		return ERR_NO_MEMORY;
	if (w->kind == STORE_ACCOUNT)
		rc = transfer_move(&w->transfer, key, &w->value);
	else if (w->kind == STORE_QUEUE)
		rc = queue_transfer_move(key, &w->value, new_id, w);
	return rc ? rc : put_pairs_add(&w->put, key, buf_str(&w->value));
}

static int ignore_pair(void *arg, struct str key, struct str value)
{
	(void)arg, (void)key, (void)value;
	return 0;
}

static int begin_pairs(struct work *w, const struct moment_scope *s)
{
	int rc = s->scope.kind == STORE_ACCOUNT ? transfer_register(w->model, s->scope.id) : 0;
	w->kind = s->scope.kind;
	w->transfer = (struct transfer){ .blob = new_id, .arg = w, .moved_on = !w->r->unchanged, .now = clock_now() };
	w->put.store = w->store;
	w->put.scope = s->scope;
	return rc;
}

/* Is all there that must be? Nothing is put of what is not whole. */
static int look_at_scope(struct work *w, const struct moment_scope *s, bool *whole)
{
	char what[64];
	int rc = past_pairs(w->r->past, s, ignore_pair, NULL);
	*whole = rc == 0;
	if (!past_is_lost(rc))
		return rc;
	snprintf(what, sizeof(what), "%s %llu", s->scope.kind == STORE_ACCOUNT ? "account" : "part of the queue", (unsigned long long)s->scope.id);
	leave_out(w, what);
	w->missing[s - w->r->past->moment.scopes] = true;
	return 0;
}

static int put_scope(struct work *w, const struct moment_scope *s)
{
	bool whole;
	int rc = look_at_scope(w, s, &whole);
	if (rc || !whole)
		return rc;
	rc = put_bodies(w, s);
	if (!rc)
		rc = begin_pairs(w, s);
	if (!rc)
		rc = past_pairs(w->r->past, s, put_pair, w);
	if (!rc)
		rc = put_pairs_end(&w->put);
	w->report->accounts += s->scope.kind == STORE_ACCOUNT;
	return rc;
}

/* Users, domains, groups and keys stand each for itself, so that those are put that are left. */
static int put_directory(struct work *w, const struct moment_scope *s)
{
	uint64_t lost = 0, runs = 0;
	int rc = begin_pairs(w, s);
	if (!rc)
		rc = past_pairs_left(w->r->past, s, put_pair, w, &lost, &runs);
	if (!rc)
		rc = put_pairs_end(&w->put);
	w->report->unread = s->lost;
	w->directory_lost = s->lost || lost;
	if (!rc && s->lost)
		tell(w, "%llu records of the directory (users, domains, aliases, groups, keys) could not be read when this backup was made; an earlier moment may have them",
			 (unsigned long long)s->lost);
	if (rc || !lost)
		return rc;
	w->report->left_out++;
	tell(w, "%llu of %llu parts of the directory (users, domains, aliases, groups, keys) %s damaged in the backup, and left out; look through what is there",
		 (unsigned long long)lost, (unsigned long long)runs, lost == 1 ? "is" : "are");
	return 0;
}

static int make_one(struct work *w, uint64_t account)
{
	int rc = account_create(w->model, account);
	return rc == ERR_EXISTS ? 0 : rc;
}

/* A user whose account was being deleted while the backup was taken, or is damaged there, still has a name: an account must be there. */
static int make_missing(struct work *w)
{
	const struct moment *m = &w->r->past->moment;
	struct arena arena = ARENA_INIT(0);
	uint64_t *ids;
	size_t n;
	int rc = model_accounts(w->model, &arena, &ids, &n);
	for (size_t i = 0; !rc && i < n; i++)
		if (!moment_find(m, (struct store_scope){ STORE_ACCOUNT, ids[i] }))
			rc = make_one(w, ids[i]);
	for (size_t i = 0; !rc && i < m->n; i++)
		if (w->missing[i] && m->scopes[i].scope.kind == STORE_ACCOUNT)
			rc = make_one(w, m->scopes[i].scope.id);
	arena_fini(&arena);
	return rc;
}

static bool has_user(const struct directory_user *users, size_t n, uint64_t account)
{
	for (size_t i = 0; i < n; i++)
		if (users[i].account == account)
			return true;
	return false;
}

static void tell_nameless(struct work *w, const struct directory_user *users, size_t n_users, const uint64_t *accounts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!has_user(users, n_users, accounts[i])) {
			w->report->nameless++;
			tell(w, "account %llu: the backup does not know any more whose it is; give it a user with: troika user adopt NAME %llu", (unsigned long long)accounts[i],
				 (unsigned long long)accounts[i]);
		}
}

/* After parts of the directory were lost: its counters must not give out again what others have, and accounts may be nobody's. */
static int mend_directory(struct work *w, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory *d = NULL;
	struct directory_user *users = NULL;
	uint64_t *accounts = NULL;
	size_t n_users = 0, n = 0;
	int rc = directory_open(w->store, &(struct directory_config){ 0 }, &d, e);
	if (!rc)
		rc = model_accounts(w->model, &arena, &accounts, &n);
	if (!rc)
		rc = directory_mend(d, n ? accounts[n - 1] : 0);
	if (!rc)
		rc = directory_user_list(d, &arena, &users, &n_users);
	if (!rc)
		tell_nameless(w, users, n_users, accounts, n);
	directory_close(&d);
	arena_fini(&arena);
	return rc;
}

/* What waited then may have been sent since. */
static int hold_queue(struct work *w, struct err *e)
{
	struct queue *q;
	int rc = queue_open(w->store, NULL, &q, e);
	if (rc)
		return rc;
	rc = queue_act(q, &(struct queue_filter){ .id = 0 }, QUEUE_HOLD, &w->report->held, e);
	queue_close(&q);
	return rc;
}

static int fill(struct work *w, struct err *e)
{
	const struct moment *m = &w->r->past->moment;
	int rc = 0;
	for (size_t i = 0; !rc && i < m->n; i++) {
		rc = m->scopes[i].scope.kind == STORE_SYSTEM ? put_directory(w, &m->scopes[i]) : put_scope(w, &m->scopes[i]);
		if (rc)
			err_set(e, rc, NULL, "scope %d/%llu of the backup: %s", (int)m->scopes[i].scope.kind, (unsigned long long)m->scopes[i].scope.id, err_text(rc));
	}
	if (!rc)
		rc = make_missing(w);
	if (!rc && w->directory_lost)
		rc = mend_directory(w, e);
	return !rc && !w->r->unchanged ? hold_queue(w, e) : rc;
}

static int fill_store(struct work *w, const char *dir, struct err *e)
{
	/* Nothing in it counts before all is there, and then all is synced together. */
	const struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = dir, .create = true, .no_sync = true, .level = w->r->past->moment.level };
	int rc = store_open(&c, &w->store, e);
	if (!rc)
		rc = model_open(w->store, NULL, &w->model, e);
	if (!rc)
		rc = fill(w, e);
	model_close(&w->model);
	store_close(&w->store);
	blob_map_fini(&w->blobs);
	buf_fini(&w->value);
	buf_fini(&w->put.run);
	return rc;
}

int restore_whole(const struct restore *r, struct restore_report *out, struct err *e)
{
	*out = (struct restore_report){ .accounts = 0 };
	struct work w = { .r = r, .report = out, .value = BUF_INIT(STORE_VALUE_MAX), .put = { .run = BUF_INIT(CHUNK_MAX) } };
	const struct moment *m = &r->past->moment;
	struct workplace place;
	if (m->set.n)
		return err_set(e, ERR_INVALID, NULL, "this snapshot is of some users only: restore them one by one, with --user");
	if (m->level > STORE_LEVEL_NEWEST)
		return err_set(e, ERR_VERSION, NULL, "the backup was made by a newer Troika (level %u; this one knows %u)", m->level, STORE_LEVEL_NEWEST);
	int rc = workplace_open(r->to, &place, e);
	if (!rc && m->has_files)
		rc = files_put(place.path, r->past->repository, &m->files, leave_out, &w, e);
	w.missing = calloc(m->n + 1, sizeof(*w.missing));
	if (!rc)
		rc = w.missing ? fill_store(&w, place.store, e) : ERR_NO_MEMORY;
	free(w.missing);
	return rc ? workplace_leave(&place, rc, e) : workplace_finish(&place, r->owner, e);
}
