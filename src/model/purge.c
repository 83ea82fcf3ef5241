#include "model/purge.h"

#include "model/email_record.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"

int member_list_add(struct member_list *l, struct member m)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct member *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = m;
	return 0;
}

void member_list_fini(struct member_list *l)
{
	free(l->v);
	*l = (struct member_list){ NULL, 0, 0 };
}

int blob_list_add(struct blob_list *l, store_blob_id blob)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		store_blob_id *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = blob;
	return 0;
}

void blob_list_fini(struct blob_list *l)
{
	free(l->v);
	*l = (struct blob_list){ NULL, 0, 0 };
}

/* An email that lost its last membership goes. */
static int drop_orphan(struct change *c, uint64_t email, struct blob_list *blobs)
{
	struct member member;
	int rc = member_find(change_source(c), email, 0, 0, &member);
	if (rc)
		return rc < 0 ? rc : 0;
	struct email record;
	rc = email_record_load(change_source(c), email, &record);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = blob_list_add(blobs, record.blob);
	return rc ? rc : email_record_del(c->w, email);
}

static int forget(struct change *c, const struct member *gone, size_t n, struct blob_list *blobs)
{
	int rc = member_edit(c->w, gone, n, NULL, 0);
	for (size_t i = 0; !rc && i < n; i++)
		if (i == 0 || gone[i].email != gone[i - 1].email)
			rc = drop_orphan(c, gone[i].email, blobs);
	return rc;
}

static int bury(struct change *c, const struct member *gone, size_t n)
{
	uint32_t part = 0;
	for (size_t done = 0; done < n; part++) {
		uint32_t count = n - done < MEMBER_PAGE_MAX ? (uint32_t)(n - done) : MEMBER_PAGE_MAX;
		char value[MEMBER_VALUE_MAX];
		struct key key = key_grave(c->modseq, part);
		int rc = store_put(c->w, key_str(&key), str_make(value, member_page_encode(gone + done, count, value)));
		if (rc)
			return rc;
		done += count;
	}
	c->state.grave_pages += part;
	return 0;
}

int purge_members(struct change *c, struct member_list *gone, struct blob_list *blobs)
{
	member_sort(gone->v, gone->n);
	return gone->n <= PURGE_INLINE_MAX ? forget(c, gone->v, gone->n, blobs) : bury(c, gone->v, gone->n);
}

int purge_untag(struct model *m, uint64_t account, const struct blob_list *blobs)
{
	int rc = 0;
	for (size_t done = 0; !rc && done < blobs->n;) {
		size_t n = blobs->n - done < UNTAG_BATCH ? blobs->n - done : UNTAG_BATCH;
		rc = store_blob_untag(m->store, blobs->v + done, n, account_tag(account));
		done += n;
	}
	return rc;
}

/* ---- emptying the graves ---- */

struct step {
	struct member_list gone;
	struct blob_list blobs;
	bool more;
};

static int open_grave(struct change *c, struct step *step, bool *found_out)
{
	struct key from = key_first(KEY_GRAVE), to = key_after(KEY_GRAVE);
	struct str key, value;
	int rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value);
	*found_out = rc == 1;
	if (rc <= 0)
		return rc;
	struct member_page page;
	rc = member_page_decode(value, &page);
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = member_list_add(&step->gone, page.m[i]);
	if (rc)
		return rc;
	char copy[STORE_KEY_MAX];
	memcpy(copy, key.p, key.n);
	return store_del(c->w, str_make(copy, key.n));
}

static int purge_step(struct change *c, void *arg)
{
	struct step *step = arg;
	step->gone.n = step->blobs.n = 0;
	step->more = c->state.grave_pages > 0;
	bool found = step->more;
	for (unsigned i = 0; found && i < PURGE_STEP_PAGES; i++) {
		int rc = open_grave(c, step, &found);
		if (rc)
			return rc;
		c->state.grave_pages -= found && c->state.grave_pages;
		c->dirty = true;
	}
	if (!found)
		c->state.grave_pages = 0;
	step->more = c->state.grave_pages > 0;
	member_sort(step->gone.v, step->gone.n);
	return forget(c, step->gone.v, step->gone.n, &step->blobs);
}

int purge_graves(struct model *m, uint64_t account)
{
	struct step step = { .more = true };
	int rc = 0;
	while (!rc && step.more) {
		rc = commit_run(m, account, purge_step, &step, NULL);
		if (!rc)
			purge_untag(m, account, &step.blobs);
	}
	member_list_fini(&step.gone);
	blob_list_fini(&step.blobs);
	return rc;
}
