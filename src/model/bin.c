#include "model/bin.h"

#include "model/append.h"
#include "model/bin_inside.h"
#include "model/index.h"
#include "model/keyword.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/purge.h"
#include "model/removal.h"
#include "model/tomb.h"
#include "model/tree.h"

#define NAMES_MAX 10000u                          /* "Recently Deleted 10000": as many as there may be mailboxes */

void model_set_keep(struct model *m, const struct model_keep *keep)
{
	atomic_store_explicit(&m->keep_bytes, keep->bytes_max, memory_order_relaxed);
	atomic_store_explicit(&m->keep_quota_percent, keep->quota_percent, memory_order_relaxed);
	atomic_store_explicit(&m->keep_seconds, keep->seconds, memory_order_relaxed);
}

/* ---- within a commit ---- */

int bin_load(struct change *c, struct mailbox_record *out)
{
	return c->state.bin ? mailbox_record_load(change_source(c), c->state.bin, out) : ERR_NOT_FOUND;
}

static int make(struct change *c, struct mailbox_record *out)
{
	char text[sizeof(BIN_NAME) + 12];
	struct str name = STR(BIN_NAME);
	int rc = name_lookup(change_source(c), name, out);
	for (unsigned i = 2; rc == 0 && i < NAMES_MAX + 2; i++) {
		name = str_make(text, (size_t)snprintf(text, sizeof(text), "%s %u", BIN_NAME, i));
		rc = name_lookup(change_source(c), name, out);
	}
	return rc == ERR_NOT_FOUND ? tree_add_bin(c, name, c->now, out) : rc ? rc : ERR_EXISTS;
}

static int get(struct change *c, struct mailbox_record *out)
{
	int rc = bin_load(c, out);
	return rc == ERR_NOT_FOUND ? make(c, out) : rc;
}

int bin_covers(struct change *c, struct str name, bool *out)
{
	struct mailbox_record bin;
	int rc = bin_load(c, &bin);
	*out = rc == 0 && name_is_below(name, mailbox_record_name(&bin));
	/* Nobody knows the name of a damaged one, and what is below it can be moved. */
	return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT ? 0 : rc;
}

int bin_is_damaged(struct change *c, bool *out)
{
	struct mailbox_record bin;
	struct page_edit page;
	int rc = bin_load(c, &bin);
	if (!rc)
		rc = index_page_at(change_source(c), bin.id, UINT32_MAX, &page);
	*out = rc == ERR_CORRUPT;
	return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == 1 ? 0 : rc;
}

/* Into the terms of the bin, which has room for KEYWORDS_MAX different ones. */
static int map_flags(struct change *c, struct keyword_map *map, uint64_t *flags)
{
	int had = __builtin_popcountll(*flags >> MESSAGE_KEYWORD_SHIFT), rc = keyword_map_flags(c, map, *flags, flags);
	int has = __builtin_popcountll(*flags >> MESSAGE_KEYWORD_SHIFT);
	c->keywords_lost += !rc && has < had ? (unsigned)(had - has) : 0;
	return rc;
}

int bin_keep(struct change *c, struct mailbox_record *from, struct gone_list *gone)
{
	struct mailbox_record bin;
	struct keyword_map map = { .from = from, .to = &bin };
	int rc = get(c, &bin);
	for (size_t i = 0; !rc && i < gone->n; i++) {
		rc = map_flags(c, &map, &gone->v[i].flags);
		gone->v[i].kept = true;
	}
	return rc ? rc : mailbox_record_save(c->w, &bin);
}

void bin_keep_plain(struct gone_list *gone)
{
	for (size_t i = 0; i < gone->n; i++) {
		gone->v[i].flags &= MESSAGE_SYSTEM_FLAGS;
		gone->v[i].kept = true;
	}
}

static uint64_t ceiling(const struct state *state, uint64_t bytes, unsigned percent)
{
	uint64_t max = bytes ? bytes : UINT64_MAX, quota = state->bytes_max;
	return quota && quota != QUOTA_ZERO && percent && quota / 100 < max / percent ? quota / 100 * percent : max;
}

static uint64_t ceiling_of(const struct change *c) { return ceiling(&c->state, c->keep.bytes, c->keep.quota_percent); }

static int fill_in(struct change *c, struct mailbox_record *from, struct mailbox_record *bin, struct message *m, struct origin *origins, struct member *members, size_t n)
{
	struct keyword_map map = { .from = from, .to = bin };
	uint32_t uid;
	int rc = append_take_uids(bin, n, &uid);
	for (size_t i = 0; !rc && i < n; i++) {
		if (from)
			rc = map_flags(c, &map, &m[i].flags);
		m[i].flags &= ~(uint64_t)MESSAGE_DELETED;
		m[i].uid = origins[i].at = uid + (uint32_t)i;
		m[i].modseq = c->modseq;
		m[i].saved = c->now;
		members[i] = (struct member){ m[i].email, bin->id, m[i].uid };
		mailbox_record_count(bin, &m[i], 1);
	}
	return rc;
}

int bin_put(struct change *c, struct mailbox_record *from, struct message *m, struct origin *origins, size_t n, bool *over_out)
{
	struct mailbox_record bin;
	struct member *members = calloc(n, sizeof(*members));
	int rc = members ? get(c, &bin) : ERR_NO_MEMORY;
	if (!rc)
		rc = fill_in(c, from, &bin, m, origins, members, n);
	if (!rc)
		rc = index_append(c->w, bin.id, m, n);
	if (!rc) {
		member_sort(members, n);
		rc = member_edit(c->w, NULL, 0, members, n);
	}
	free(members);
	if (!rc)
		rc = origin_append(c, origins, n);
	if (rc)
		return rc;
	bin.modseq = c->modseq;
	changelog_add_range(&c->log, LOG_APPEND, bin.id, m[0].uid, m[n - 1].uid);
	*over_out |= bin.bytes > ceiling_of(c);
	return mailbox_record_save(c->w, &bin);
}

/* ---- taking out what is too old or too much ---- */

struct trim {
	int64_t until;                                /* what was saved then or before goes */
	bool all;
	struct purged purged;                         /* out */
	struct rangeset uids;                         /* out */
	uint64_t gone;                                /* out */
};

/* The oldest stand first; those that were deleted while the clock was ahead do not keep the ones behind them. */
static int choose(struct change *c, struct trim *op, const struct mailbox_record *bin)
{
	struct index_walk walk = index_walk_begin(change_source(c), bin->id, NULL);
	struct page_edit page;
	uint64_t left = bin->bytes, max = ceiling_of(c);
	unsigned passed = 0;
	int rc;
	while ((rc = index_walk_next(&walk, &page)) == 1)
		for (uint32_t i = 0; i < page.count; i++) {
			const struct message *m = &page.m[i];
			bool stays = !op->all && left <= max && message_saved(m) > op->until;
			if (op->gone == PURGE_STEP_MESSAGES || (stays && (op->until == INT64_MIN || passed++ == BIN_LOOK)))
				return 0;
			if (stays)
				continue;
			op->gone++;
			left -= m->size;
			rc = rangeset_add(&op->uids, m->uid, m->uid);
			if (rc)
				return rc;
		}
	return rc;
}

static int no_note(void *arg, const struct message *m)
{
	(void)arg;
	(void)m;
	return 0;
}

static int take_out(struct change *c, struct trim *op, struct mailbox_record *bin)
{
	struct gone_list gone = { NULL, 0, 0 };
	int rc = removal_run(c, bin, &op->uids, 0, &gone, no_note, NULL);
	if (!rc)
		rc = purge_now(c, &gone, &op->purged);
	gone_list_fini(&gone);
	if (rc)
		return rc;
	bin->modseq = c->modseq;
	changelog_add(&c->log, LOG_EXPUNGE, bin->id, &op->uids);
	return mailbox_record_save(c->w, bin);
}

static int trim_step(struct change *c, void *arg)
{
	struct trim *op = arg;
	struct mailbox_record bin;
	purged_reset(&op->purged);
	rangeset_clear(&op->uids);
	op->gone = 0;
	int rc = tomb_expire(c, op->all ? INT64_MAX : op->until);
	if (!rc)
		rc = bin_load(c, &bin);
	if (!rc)
		rc = choose(c, op, &bin);
	if (!rc && op->gone)
		rc = take_out(c, op, &bin);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int trim(struct model *m, uint64_t account, struct trim *op, uint64_t *gone_out)
{
	uint64_t gone = 0;
	int rc;
	do {
		rc = commit_run(m, account, trim_step, op, NULL);
		gone += rc ? 0 : op->gone;
		if (!rc)
			purge_untag(m, account, &op->purged.blobs);
	} while (!rc && op->gone == PURGE_STEP_MESSAGES);
	if (gone_out)
		*gone_out = gone;
	purged_fini(&op->purged);
	rangeset_fini(&op->uids);
	return rc;
}

int bin_trim(struct model *m, uint64_t account)
{
	struct trim op = { .until = INT64_MIN };
	return trim(m, account, &op, NULL);
}

int bin_empty(struct account *a, uint64_t *gone_out)
{
	struct trim op = { .all = true };
	return trim(a->model, a->id, &op, gone_out);
}

/* ---- the sweep ---- */

struct sweep {
	struct model *model;
	int64_t until;
	bool graves, due;                             /* out */
};

/* 1 when a message is due. */
static int look_at(struct source s, const struct sweep *op, uint32_t bin)
{
	struct index_walk walk = index_walk_begin(s, bin, NULL);
	struct page_edit page;
	int rc = 0;
	for (unsigned passed = 0; passed <= BIN_LOOK && (rc = index_walk_next(&walk, &page)) == 1; passed += page.count)
		for (uint32_t i = 0; i < page.count; i++)
			if (passed + i <= BIN_LOOK && message_saved(&page.m[i]) <= op->until)
				return 1;
	return rc < 0 ? rc : 0;
}

/* Is one too old, or all of it too much? */
static int look_into(struct source s, struct sweep *op, const struct state *state)
{
	struct mailbox_record bin;
	int rc = mailbox_record_load(s, state->bin, &bin);
	if (!rc)
		rc = look_at(s, op, bin.id);
	if (rc < 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	op->due = rc == 1;
	op->due |= bin.messages && bin.bytes > ceiling(state, atomic_load(&op->model->keep_bytes), atomic_load(&op->model->keep_quota_percent));
	return 0;
}

static int look(struct store_read *r, void *arg)
{
	struct sweep *op = arg;
	struct source s = source_read(r);
	struct state state;
	struct tomb t = { .mailbox = 0 };
	op->graves = op->due = false;
	int rc = state_load(s, &state);
	if (!rc && state.bin)
		rc = look_into(s, op, &state);
	op->graves = !rc && state.grave_pages;
	/* A damaged one keeps nothing from being swept. */
	while (!rc && !op->due && state.tombs && ((rc = tomb_next(s, t.mailbox, &t)) == 1 || (rc == ERR_CORRUPT && t.mailbox))) {
		op->due = rc == 1 && t.deleted <= op->until;
		rc = 0;
	}
	return rc;
}

int bin_sweep(struct model *m, uint64_t account, int64_t now, uint64_t *gone_out)
{
	struct sweep op = { .model = m, .until = now - atomic_load(&m->keep_seconds) };
	if (gone_out)
		*gone_out = 0;
	int rc = account_read(m, account, look, &op);
	/* What an expunge left to do when the program was ended. */
	if (!rc && op.graves)
		rc = purge_graves(m, account);
	struct trim trimming = { .until = op.until };
	return rc || !op.due ? rc : trim(m, account, &trimming, gone_out);
}
