/* The bodies' owners. A body that an email needs must have the account's tag. A tag that no email needs may be stale (a
 * crash came between an expunge and the untagging, or between a put and its commit), or its message is being delivered
 * at this moment, by this process or another one. So such a blob is first condemned, in a commit that looks whether an
 * email has come to need it; an append that comes later sees the sentence and refuses (ERR_RETRY), so that taking the
 * tag away loses nothing. */
#include "model/audit.h"
#include "model/audit_recover.h"

#include "model/email_record.h"
#include "model/limits.h"
#include "model/model_private.h"

#define ROUNDS 3u                                 /* looks at what may be a delivery under way */
#define PAUSE_MS 100u
/* A delivery that stood still for longer than that has no client any more. */
#define CONDEMNED_SECONDS INT64_C(86400)

static int compare_ids(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return (left > right) - (left < right);
}

bool audit_has_blob(const struct blob_list *l, store_blob_id id)
{
	return l->n && bsearch(&id, l->v, l->n, sizeof(id), compare_ids);
}

static void sort_ids(struct blob_list *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_ids);
}

static int add_tag(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)size;
	(void)tag;
	return blob_list_add(arg, id);
}

int audit_list_tags(struct audit *c, struct blob_list *out)
{
	out->n = 0;
	int rc = store_blob_visit(c->model->store, account_tag(c->account), add_tag, out);
	sort_ids(out);
	return rc;
}

/* ---- bodies without the tag ---- */

struct suspects {
	const struct audit_email **v, **guilty;
	size_t n, n_guilty;
};

/* A tag goes after its email: what is still there now had to have its tag a moment ago. */
static int read_still_there(struct store_read *r, void *arg)
{
	struct suspects *s = arg;
	s->n_guilty = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct email email;
		int rc = email_record_load(source_read(r), s->v[i]->id, &email);
		if (rc == 0 && email.blob == s->v[i]->blob)
			s->guilty[s->n_guilty++] = s->v[i];
		else if (rc && rc != ERR_NOT_FOUND)
			return rc;
	}
	return 0;
}

/* Emails may have come after `tagged` was listed, and gone since the snapshot. */
static int find_disowned(struct audit *c, struct suspects *s)
{
	for (size_t i = 0; i < c->emails.n; i++)
		if (!c->emails.v[i].bad && !audit_has_blob(c->tagged, c->emails.v[i].blob))
			s->v[s->n++] = &c->emails.v[i];
	if (s->n == 0)
		return 0;
	struct blob_list now = { NULL, 0, 0 };
	int rc = audit_list_tags(c, &now);
	size_t kept = 0;
	for (size_t i = 0; !rc && i < s->n; i++)
		if (!audit_has_blob(&now, s->v[i]->blob))
			s->v[kept++] = s->v[i];
	s->n = kept;
	blob_list_fini(&now);
	return rc ? rc : account_read(c->model, c->account, read_still_there, s);
}

static bool is_loss(int rc) { return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT; }

/* 0, or is_loss: a body whose head is all that is left takes the tag too. Else nobody knows: it must not be called lost. */
static int take_again(struct audit *c, store_blob_id blob)
{
	struct store_blob_view view;
	int rc = store_blob_tag(c->model->store, &blob, 1, account_tag(c->account));
	if (rc)
		return rc;
	rc = ERR_RETRY;
	for (unsigned tries = 0; rc == ERR_RETRY && tries < READ_RETRIES_MAX; tries++)
		rc = store_blob_map(c->model->store, blob, &view);
	if (!rc)
		store_blob_unmap(c->model->store, &view);
	return rc;
}

static int check_owned(struct audit *c, bool repair)
{
	struct suspects s = { .n = 0 };
	s.v = arena_array(&c->arena, c->emails.n + 1, sizeof(void *));
	s.guilty = arena_array(&c->arena, c->emails.n + 1, sizeof(void *));
	int rc = s.v && s.guilty ? find_disowned(c, &s) : ERR_NO_MEMORY;
	for (size_t i = 0; !rc && i < s.n_guilty; i++) {
		const struct audit_email *e = s.guilty[i];
		/* Perhaps it has come back. */
		int again = repair ? take_again(c, e->blob) : 0;
		if (again && !is_loss(again))
			rc = again;
		if (e->bodyless && (!repair || again)) {
			audit_note(c, "email %llu: its body is lost, as was found before", (unsigned long long)e->id);
			continue;
		}
		audit_fault(c, 0, "email %llu: its body is not kept for this account", (unsigned long long)e->id);
		if (!again || rc)
			continue;
		audit_fault(c, 0, "email %llu: its body is lost", (unsigned long long)e->id);
		rc = audit_note_bodyless(c, e->id);
	}
	return rc;
}

/* ---- tags without an email ---- */

struct stale {
	uint64_t email;                               /* the first that came after the snapshot */
	struct blob_list blobs;                       /* sorted */
};

static void strike(struct blob_list *l, store_blob_id id)
{
	store_blob_id *found = l->n ? bsearch(&id, l->v, l->n, sizeof(id), compare_ids) : NULL;
	if (!found)
		return;
	memmove(found, found + 1, (size_t)(l->v + l->n - (found + 1)) * sizeof(id));
	l->n--;
}

int audit_strike_new(struct source s, uint64_t email, struct blob_list *blobs)
{
	struct key from = key_email(email), to = key_after(KEY_EMAIL);
	struct str key, value;
	int rc;
	while ((rc = source_find(s, key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		struct email record;
		uint64_t id;
		if (!key_read_u64(key, KEY_EMAIL, &id))
			return ERR_CORRUPT;
		if (email_record_decode(value, &record) == 0)
			strike(blobs, record.blob);
		from = key_email(id);
		from = key_next(&from);
	}
	return rc;
}

static int look_again(struct store_read *r, void *arg)
{
	struct stale *stale = arg;
	return audit_strike_new(source_read(r), stale->email, &stale->blobs);
}

static int find_stale(struct audit *c, struct stale *stale)
{
	struct blob_list needed = { NULL, 0, 0 }, now = { NULL, 0, 0 };
	int rc = 0;
	for (size_t i = 0; !rc && i < c->emails.n; i++)
		rc = blob_list_add(&needed, c->emails.v[i].blob);
	sort_ids(&needed);
	for (size_t i = 0; !rc && i < c->tagged->n; i++)
		if (!audit_has_blob(&needed, c->tagged->v[i]))
			rc = blob_list_add(&stale->blobs, c->tagged->v[i]);
	for (unsigned round = 0; !rc && stale->blobs.n && round < ROUNDS; round++) {
		if (round)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
		rc = account_read(c->model, c->account, look_again, stale);
		if (!rc)
			rc = audit_list_tags(c, &now);
		size_t kept = 0;
		for (size_t i = 0; !rc && i < stale->blobs.n; i++)
			if (audit_has_blob(&now, stale->blobs.v[i]))
				stale->blobs.v[kept++] = stale->blobs.v[i];
		stale->blobs.n = kept;
	}
	blob_list_fini(&needed);
	blob_list_fini(&now);
	return rc;
}

/* ---- taking them away ---- */

int audit_condemn(struct change *c, store_blob_id blob, bool recovered)
{
	char value[RECORD_HEADER + 8];
	struct key key = key_condemned(blob);
	struct str old;
	c->state.condemned += store_wget(c->w, key_str(&key), &old) == ERR_NOT_FOUND;
	c->dirty = true;
	store_le64(value + RECORD_HEADER, (uint64_t)c->now);
	record_seal(value, sizeof(value), recovered, 0);
	return store_put(c->w, key_str(&key), str_make(value, sizeof(value)));
}

struct condemn {
	const struct stale *stale;
	struct blob_list blobs;                       /* out: those that are condemned now */
};

static int condemn(struct change *c, void *arg)
{
	struct condemn *op = arg;
	op->blobs.n = 0;
	int rc = 0;
	for (size_t i = 0; !rc && i < op->stale->blobs.n; i++)
		rc = blob_list_add(&op->blobs, op->stale->blobs.v[i]);
	if (!rc)
		rc = audit_strike_new(change_source(c), op->stale->email, &op->blobs);
	for (size_t i = 0; !rc && i < op->blobs.n; i++)
		rc = audit_condemn(c, op->blobs.v[i], false);
	return rc;
}

/* Old sentences are forgotten. */
static int pardon(struct change *c, void *arg)
{
	(void)arg;
	struct key from = key_first(KEY_CONDEMNED), to = key_after(KEY_CONDEMNED);
	struct str key, value;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		uint64_t blob;
		if (!key_read_u64(key, KEY_CONDEMNED, &blob))
			return ERR_CORRUPT;
		bool readable = record_check(value, RECORD_HEADER + 8) == 0;
		struct key at = key_condemned(blob);
		if (!readable || c->now - (int64_t)load_le64(value.p + RECORD_HEADER) > CONDEMNED_SECONDS) {
			rc = store_del(c->w, key_str(&at));
			c->state.condemned -= c->state.condemned > 0;
			c->dirty = true;
		}
		if (rc < 0)
			return rc;
		from = key_next(&at);
	}
	return rc;
}

static int mend(struct audit *c, const struct stale *stale)
{
	struct condemn op = { .stale = stale };
	int rc = commit_run(c->model, c->account, pardon, NULL, NULL);
	if (!rc && stale->blobs.n)
		rc = commit_run(c->model, c->account, condemn, &op, NULL);
	if (!rc)
		rc = purge_untag(c->model, c->account, &op.blobs);
	blob_list_fini(&op.blobs);
	return rc;
}

int audit_tags(struct audit *c, bool repair)
{
	struct stale stale = { .email = c->state.email_next };
	int rc = check_owned(c, repair);
	bool wounded = c->lost || c->wounded;
	if (!rc && (!wounded || repair))
		rc = find_stale(c, &stale);
	/* In a wounded account a body without an email is not garbage: its email is lost. */
	if (!rc && wounded) {
		if (repair)
			rc = audit_recover_bodies(c, stale.email, &stale.blobs);
		blob_list_fini(&stale.blobs);
		return rc;
	}
	/* The order of the steps makes a crash leave these behind, so they are no fault; --repair gives their room back. */
	if (!rc && stale.blobs.n)
		audit_note(c, "%zu bodies are kept for it that no email needs (left by a crash; repair frees them)",
				   stale.blobs.n);
	if (!rc && repair)
		rc = mend(c, &stale);
	blob_list_fini(&stale.blobs);
	return rc;
}
