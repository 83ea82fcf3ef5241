#include "model/purge.h"

#include "base/array.h"
#include "model/bin_inside.h"
#include "model/email_record.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"

int member_list_add(struct member_list *l, struct member m)
{
	struct member *v = array_room(l->v, l->n, &l->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	l->v = v;
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
	store_blob_id *v = array_room(l->v, l->n, &l->cap, sizeof *v);
	if (!v)
		return ERR_NO_MEMORY;
	l->v = v;
	l->v[l->n++] = blob;
	return 0;
}

void blob_list_fini(struct blob_list *l)
{
	free(l->v);
	*l = (struct blob_list){ NULL, 0, 0 };
}

void purged_reset(struct purged *p)
{
	p->blobs.n = 0;
	p->buried = p->over = false;
}

void purged_fini(struct purged *p) { blob_list_fini(&p->blobs); }

/* ---- emails that lost places ---- */

enum fate { FATE_HELD, FATE_KEPT, FATE_DROPPED };

/* 0, or an error. */
static int find_fate(struct change *c, uint64_t email, bool kept, enum fate *out)
{
	struct member member;
	int rc = member_find(change_source(c), email, 0, 0, &member);
	bool in_bin = rc == 1 && c->state.bin && member.mailbox == c->state.bin;
	if (in_bin)
		rc = member_find(change_source(c), email, c->state.bin + 1, 0, &member);
	if (rc < 0)
		return rc;
	/* One that was restored by a copy and deleted again gets a new entry: its time begins anew. */
	*out = rc == 1 ? FATE_HELD : kept ? FATE_KEPT : in_bin ? FATE_HELD : FATE_DROPPED;
	return 0;
}

static int drop(struct change *c, uint64_t email, struct blob_list *blobs)
{
	struct email record;
	int rc = email_record_load(change_source(c), email, &record);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = blob_list_add(blobs, record.blob);
	return rc ? rc : email_record_del(c->w, email);
}

/* Those that go into the bin. */
struct kept {
	struct message *messages;
	struct origin *origins;
	size_t n;
};

static int keep(struct change *c, struct kept *kept, const struct gone *gone)
{
	struct email record;
	int rc = email_record_load(change_source(c), gone->member.email, &record);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	kept->messages[kept->n] = (struct message){ .email = gone->member.email, .size = record.size, .date = gone->date, .flags = gone->flags };
	kept->origins[kept->n] = (struct origin){ .mailbox = gone->member.mailbox, .uid = gone->member.uid };
	kept->n++;
	return 0;
}

/* The entries of one email. The last one that is kept speaks for it. */
static int decide(struct change *c, const struct gone *v, size_t n, struct kept *kept, struct purged *out)
{
	const struct gone *last = NULL;
	enum fate fate;
	for (size_t i = 0; i < n; i++)
		if (v[i].kept)
			last = &v[i];
	int rc = find_fate(c, v->member.email, last != NULL, &fate);
	if (rc || fate == FATE_HELD)
		return rc;
	return fate == FATE_KEPT ? keep(c, kept, last) : drop(c, v->member.email, &out->blobs);
}

static int put_kept(struct change *c, struct mailbox_record *from, struct kept *kept, struct purged *out)
{
	int rc = kept->n ? bin_put(c, from, kept->messages, kept->origins, kept->n, &out->over) : 0;
	/* The bin has used up its UIDs: deleting must be possible all the same. */
	if (rc != ERR_TOO_BIG)
		return rc;
	rc = 0;
	for (size_t i = 0; !rc && i < kept->n; i++)
		rc = drop(c, kept->messages[i].email, &out->blobs);
	return rc;
}

static int remove_members(struct change *c, const struct gone_list *gone)
{
	struct member *members = calloc(gone->n ? gone->n : 1, sizeof(*members));
	if (!members)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < gone->n; i++)
		members[i] = gone->v[i].member;
	int rc = member_edit(c->w, members, gone->n, NULL, 0);
	free(members);
	return rc;
}

/* from: as bin_put. */
static int forget(struct change *c, struct mailbox_record *from, const struct gone_list *gone, struct purged *out)
{
	struct kept kept = { calloc(gone->n ? gone->n : 1, sizeof(*kept.messages)), calloc(gone->n ? gone->n : 1, sizeof(*kept.origins)), 0 };
	int rc = kept.messages && kept.origins ? remove_members(c, gone) : ERR_NO_MEMORY;
	for (size_t i = 0, next; !rc && i < gone->n; i = next) {
		for (next = i + 1; next < gone->n && gone->v[next].member.email == gone->v[i].member.email;)
			next++;
		rc = decide(c, gone->v + i, next - i, &kept, out);
	}
	if (!rc)
		rc = put_kept(c, from, &kept, out);
	free(kept.messages);
	free(kept.origins);
	return rc;
}

int purge_now(struct change *c, struct gone_list *gone, struct purged *out)
{
	gone_list_sort(gone);
	return forget(c, NULL, gone, out);
}

/* ---- graves ---- */

static uint32_t fill_grave(const struct gone *v, size_t n, bool kept, char *value, size_t *size_out)
{
	uint32_t max = kept ? GRAVE_PAGE_MAX : MEMBER_PAGE_MAX, count = n < max ? (uint32_t)n : max;
	struct member members[MEMBER_PAGE_MAX];
	if (kept) {
		*size_out = grave_page_encode(v, count, value);
		return count;
	}
	for (uint32_t i = 0; i < count; i++)
		members[i] = v[i].member;
	*size_out = member_page_encode(members, count, value);
	return count;
}

static int bury(struct change *c, const struct gone_list *gone, bool kept)
{
	uint32_t part = 0;
	for (size_t done = 0; done < gone->n; part++) {
		char value[GRAVE_VALUE_MAX > MEMBER_VALUE_MAX ? GRAVE_VALUE_MAX : MEMBER_VALUE_MAX];
		struct key key = key_grave(c->modseq, part);
		size_t size;
		done += fill_grave(gone->v + done, gone->n - done, kept, value, &size);
		int rc = store_put(c->w, key_str(&key), str_make(value, size));
		if (rc)
			return rc;
	}
	c->state.grave_pages += part;
	return 0;
}

int purge_gone(struct change *c, struct mailbox_record *from, struct gone_list *gone, struct purged *out)
{
	bool kept = c->keep.on && !from->bin, damaged = false;
	/* A damaged bin stops no deletion: what belongs into it waits in a grave until it is mended. */
	int rc = kept ? bin_is_damaged(c, &damaged) : 0;
	if (rc)
		return rc;
	gone_list_sort(gone);
	for (size_t i = 0; i < gone->n; i++)
		gone->v[i].kept = kept;
	if (gone->n <= PURGE_INLINE_MAX && !damaged) {
		rc = forget(c, from, gone, out);
	} else {
		if (damaged)
			bin_keep_plain(gone);
		else if (kept)
			rc = bin_keep(c, from, gone);
		if (!rc)
			rc = bury(c, gone, kept);
	}
	out->buried = c->state.grave_pages > 0;
	return rc;
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

void purge_finish(struct model *m, uint64_t account, const struct purged *p)
{
	purge_untag(m, account, &p->blobs);
	if (p->over)
		bin_trim(m, account);
	if (p->buried)
		purge_graves(m, account);
}

/* ---- emptying the graves ---- */

struct step {
	struct gone_list gone;
	struct purged purged;
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
	struct grave_page page;
	rc = grave_page_decode(value, &page);
	for (uint32_t i = 0; !rc && i < page.count; i++)
		rc = gone_list_add(&step->gone, page.v[i]);
	if (rc)
		return rc;
	char copy[STORE_KEY_MAX];
	memcpy(copy, key.p, key.n);
	return store_del(c->w, str_make(copy, key.n));
}

static int purge_step(struct change *c, void *arg)
{
	struct step *step = arg;
	step->gone.n = 0;
	purged_reset(&step->purged);
	step->more = c->state.grave_pages > 0;
	bool found = step->more;
	while (found && step->gone.n < PURGE_STEP_MESSAGES) {
		int rc = open_grave(c, step, &found);
		if (rc)
			return rc;
		c->state.grave_pages -= found && c->state.grave_pages;
		c->dirty = true;
	}
	if (!found)
		c->state.grave_pages = 0;
	step->more = c->state.grave_pages > 0;
	gone_list_sort(&step->gone);
	return forget(c, NULL, &step->gone, &step->purged);
}

int purge_graves(struct model *m, uint64_t account)
{
	struct step step = { .more = true };
	bool over = false;
	int rc = 0;
	while (!rc && step.more) {
		rc = commit_run(m, account, purge_step, &step, NULL);
		over |= !rc && step.purged.over;
		if (!rc)
			purge_untag(m, account, &step.purged.blobs);
	}
	if (over)
		bin_trim(m, account);
	gone_list_fini(&step.gone);
	purged_fini(&step.purged);
	return rc;
}
