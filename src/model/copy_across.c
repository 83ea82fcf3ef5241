/* Copying messages into another account. What is copied is read from a snapshot of the source; the target gets emails of its own, in one commit, that share
 * the bodies with the source where they can. A body belongs to one email of an account (email_record.h): one that the target has already is
 * put once more. */
#include "model/email_record.h"
#include "model/index.h"
#include "model/limits.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"

struct across {
	struct account *from, *to;
	uint32_t from_mailbox, to_mailbox;
	const struct rangeset *uids;
	uint64_t keep;
	struct arena arena;
	struct append *items;
	size_t n, cap;
	struct rangeset source;              /* their UIDs */
};

/* ---- reading ---- */

static int grow(struct across *x)
{
	if (x->n < x->cap)
		return 0;
	if (x->n >= COPY_ACROSS_MAX)
		return ERR_TOO_BIG;
	size_t cap = x->cap ? x->cap * 2 : 64;
	struct append *grown = reallocarray(x->items, cap, sizeof(*grown));
	if (!grown)
		return ERR_NO_MEMORY;
	x->items = grown;
	x->cap = cap;
	return 0;
}

/* Keywords by name: the target has bits of its own for them. */
static int take_keywords(struct across *x, const struct str *names, uint64_t flags, struct append *out)
{
	uint64_t bits = (flags & x->keep) >> MESSAGE_KEYWORD_SHIFT;
	if (!bits)
		return 0;
	struct str *v = arena_array(&x->arena, (size_t)__builtin_popcountll(bits), sizeof(*v));
	if (!v)
		return ERR_TOO_BIG;
	for (unsigned i = 0; i < KEYWORDS_MAX; i++)
		if (bits >> i & 1 && names[i].n)
			v[out->n_keywords++] = names[i];
	out->keywords = v;
	return 0;
}

static int take(struct across *x, struct source s, const struct str *names, const struct message *m)
{
	struct email email;
	int rc = grow(x);
	if (!rc)
		rc = email_record_load(s, m->email, &email);
	if (rc)
		return rc;
	struct append *item = &x->items[x->n];
	*item = (struct append){ .blob = email.blob, .size = email.size, .date = m->date, .flags = m->flags & MESSAGE_SYSTEM_FLAGS & x->keep };
	item->summary = arena_dup(&x->arena, email.summary);
	if (!item->summary.p)
		return ERR_TOO_BIG;
	rc = take_keywords(x, names, m->flags, item);
	if (rc)
		return rc;
	x->n++;
	return rangeset_add(&x->source, m->uid, m->uid);
}

static int read_names(struct across *x, const struct mailbox_record *mailbox, struct str names[KEYWORDS_MAX])
{
	for (unsigned i = 0; i < mailbox->n_keywords; i++) {
		names[i] = arena_dup(&x->arena, mailbox_record_keyword(mailbox, i));
		if (mailbox->keyword[i].n && !names[i].p)
			return ERR_TOO_BIG;
	}
	return 0;
}

static int read_source(struct store_read *r, void *arg)
{
	struct across *x = arg;
	struct mailbox_record mailbox;
	struct str names[KEYWORDS_MAX] = { { NULL, 0 } };
	struct page_edit page;
	arena_reset(&x->arena);
	x->n = 0;
	rangeset_clear(&x->source);
	int rc = mailbox_record_load(source_read(r), x->from_mailbox, &mailbox);
	if (!rc && mailbox.no_select)
		rc = ERR_NOT_FOUND;
	if (!rc)
		rc = read_names(x, &mailbox, names);
	if (rc)
		return rc;
	struct index_walk walk = index_walk_begin(source_read(r), x->from_mailbox, x->uids);
	struct uid_cursor cursor = { .uids = x->uids };
	while ((rc = index_walk_next(&walk, &page)) == 1)
		for (uint32_t i = 0; i < page.count; i++)
			if (uid_cursor_has(&cursor, page.m[i].uid) && (rc = take(x, source_read(r), names, &page.m[i])) != 0)
				return rc;
	return rc;
}

/* ---- bodies ---- */

struct place {
	store_blob_id blob;
	size_t at;
};

static int compare(const void *a, const void *b)
{
	const struct place *l = a, *r = b;
	return l->blob != r->blob ? (l->blob > r->blob) - (l->blob < r->blob) : (l->at > r->at) - (l->at < r->at);
}

/* Which bodies the target cannot share: those it has, and those that come twice. */
static int find_owned(const struct across *x, bool *owned)
{
	struct place *sorted = calloc(x->n, sizeof(*sorted));
	store_blob_id *ids = calloc(x->n, sizeof(*ids));
	int rc = sorted && ids ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; !rc && i < x->n; i++) {
		ids[i] = x->items[i].blob;
		sorted[i] = (struct place){ ids[i], i };
	}
	if (!rc)
		rc = store_blob_tagged(x->to->model->store, ids, x->n, account_tag(x->to->id), owned);
	if (!rc)
		qsort(sorted, x->n, sizeof(*sorted), compare);
	for (size_t i = 1; !rc && i < x->n; i++)
		owned[sorted[i].at] |= sorted[i].blob == sorted[i - 1].blob;
	free(sorted);
	free(ids);
	return rc;
}

static int put_again(const struct across *x, struct append *item)
{
	struct model *m = x->to->model;
	struct store_blob_view body;
	int rc = store_blob_map(m->store, item->blob, &body);
	if (rc)
		return rc;
	rc = model_put_blob(m, &body.bytes, 1, &x->to->id, 1, &item->blob);
	/* What a failing disk made of the body is not kept for a good one. */
	if (!rc && !store_blob_intact(m->store, &body)) {
		model_drop_blob(m, item->blob, x->to->id);
		rc = ERR_CORRUPT;
	}
	store_blob_unmap(m->store, &body);
	return rc;
}

static int share(const struct across *x, const bool *owned)
{
	store_blob_id *ids = calloc(x->n, sizeof(*ids));
	size_t n = 0;
	if (!ids)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < x->n; i++)
		if (!owned[i])
			ids[n++] = x->items[i].blob;
	struct store *s = x->to->model->store;
	int rc = store_blob_tag(s, ids, n, account_tag(x->to->id));
	if (rc)
		store_blob_untag(s, ids, n, account_tag(x->to->id));
	free(ids);
	return rc;
}

/* All bodies are the target's too afterwards, or none is more than before. */
static int take_bodies(struct across *x, const bool *owned)
{
	size_t done = 0;
	int rc = 0;
	while (!rc && done < x->n) {
		if (owned[done])
			rc = put_again(x, &x->items[done]);
		done += !rc;
	}
	if (!rc)
		rc = share(x, owned);
	for (size_t i = 0; rc && i < done; i++)
		if (owned[i])
			model_drop_blob(x->to->model, x->items[i].blob, x->to->id);
	return rc;
}

/* ---- both ---- */

/* Nobody else may share bodies with the target between the look at what it has and the commit. */
static int copy_once(struct across *x, bool all_anew, uint32_t *uidvalidity_out)
{
	int rc = account_read(x->from->model, x->from->id, read_source, x);
	if (rc || x->n == 0)
		return rc;
	bool *owned = malloc(x->n * sizeof(*owned));
	if (!owned)
		return ERR_NO_MEMORY;
	memset(owned, all_anew, x->n * sizeof(*owned));
	pthread_mutex_lock(&x->to->model->across_lock);
	rc = all_anew ? 0 : find_owned(x, owned);
	if (!rc)
		rc = take_bodies(x, owned);
	if (!rc)
		rc = mailbox_append(x->to, x->to_mailbox, x->items, x->n, false, uidvalidity_out);
	pthread_mutex_unlock(&x->to->model->across_lock);
	free(owned);
	return rc;
}

static int tell(const struct across *x, struct rangeset *source_out, struct rangeset *target_out)
{
	int rc = uids_merge(source_out, &x->source);
	for (size_t i = 0; !rc && i < x->n; i++)
		rc = rangeset_add(target_out, x->items[i].uid_out, x->items[i].uid_out);
	return rc;
}

int mailbox_copy_across(struct account *from, uint32_t from_mailbox, struct account *to, uint32_t to_mailbox, const struct rangeset *uids, uint64_t keep,
						struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out)
{
	struct across x = { .from = from, .from_mailbox = from_mailbox, .to = to, .to_mailbox = to_mailbox, .uids = uids, .keep = keep };
	arena_init(&x.arena, COPY_ACROSS_BYTES_MAX);
	*uidvalidity_out = 0;
	int rc = copy_once(&x, false, uidvalidity_out);
	/* A check has condemned one of the bodies (audit_tags.c): then all are put anew. */
	if (rc == ERR_RETRY)
		rc = copy_once(&x, true, uidvalidity_out);
	if (!rc)
		rc = tell(&x, source_out, target_out);
	rangeset_fini(&x.source);
	arena_fini(&x.arena);
	free(x.items);
	return rc;
}
