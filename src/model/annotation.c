#include "model/annotation_record.h"

#include "base/buf.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"
#include "model/registry.h"

#define SHARED 0u                                 /* as a user: no account has this id */
#define HOUSE_BYTES_MAX ((uint64_t)1 << 20)

/* ---- reading ---- */

struct list {
	struct arena *arena;
	uint32_t mailbox;
	uint64_t user, since;
	bool changes;                                 /* those that are gone too */
	struct buf v;                                 /* struct annotation each; out */
};

static int keep(struct list *list, const struct annotation_record *record, bool is_private)
{
	struct annotation a = { .is_private = is_private };
	a.name = arena_dup(list->arena, record->name);
	if (!record->gone)
		a.value = record->value.n ? arena_dup(list->arena, record->value) : STR("");
	buf_add(&list->v, &a, sizeof(a));
	return !a.name.p || (!record->gone && !a.value.p) || list->v.failed ? ERR_NO_MEMORY : 0;
}

static int read_set(struct source s, struct list *list, const struct key *prefix, bool is_private)
{
	struct annotation_record record;
	struct key at = *prefix;
	int rc;
	while ((rc = annotation_next(s, prefix, &at, &record)) == 1) {
		if (record.modseq > list->since && (list->changes || !record.gone))
			rc = keep(list, &record, is_private);
		if (rc < 0)
			return rc;
		at = key_next(&at);
	}
	return rc;
}

static int read_mailbox(struct store_read *r, void *arg)
{
	struct list *list = arg;
	struct state state;
	struct mailbox_record mailbox;
	buf_reset(&list->v);
	int rc = state_load(source_read(r), &state);
	if (!rc && list->mailbox)
		rc = mailbox_record_load(source_read(r), list->mailbox, &mailbox);
	struct key shared = key_annotations(list->mailbox, SHARED), own = key_annotations(list->mailbox, list->user);
	if (!rc)
		rc = read_set(source_read(r), list, &shared, false);
	return rc ? rc : read_set(source_read(r), list, &own, true);
}

static int give(struct list *list, int rc, struct annotation **out, size_t *n_out)
{
	*n_out = rc ? 0 : list->v.n / sizeof(struct annotation);
	*out = rc ? NULL : arena_array(list->arena, *n_out + 1, sizeof(struct annotation));
	if (!rc && !*out)
		rc = ERR_NO_MEMORY;
	if (!rc && *n_out)
		memcpy(*out, list->v.p, list->v.n);
	buf_fini(&list->v);
	return rc;
}

int annotation_list(struct account *a, uint32_t mailbox, uint64_t user, struct arena *arena, struct annotation **out, size_t *n_out)
{
	struct list list = { .arena = arena, .mailbox = mailbox, .user = user };
	return give(&list, account_read(a->model, a->id, read_mailbox, &list), out, n_out);
}

int annotation_changes(struct account *a, uint32_t mailbox, uint64_t user, uint64_t since, struct arena *arena, struct annotation **out,
					   size_t *n_out)
{
	struct list list = { .arena = arena, .mailbox = mailbox, .user = user, .since = since, .changes = true };
	return give(&list, account_read(a->model, a->id, read_mailbox, &list), out, n_out);
}

/* ---- changing ---- */

static int check(const struct annotation *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].name.n == 0 || v[i].name.n > ANNOTATION_NAME_MAX)
			return ERR_INVALID;
		if (v[i].value.n > ANNOTATION_VALUE_MAX)
			return ERR_TOO_BIG;
	}
	return 0;
}

struct set {
	uint32_t mailbox;
	uint64_t user;
	const struct annotation_change *change;
	uint64_t bytes_max;
};

static int set_use(struct change *c, struct mailbox_record *mailbox, uint32_t use)
{
	if ((mailbox->no_select || mailbox->bin) && use)
		return ERR_CONFLICT;
	if (mailbox->use == use)
		return 0;
	mailbox->use = use;
	c->state.tree_modseq = c->modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, mailbox->id);
	return mailbox_record_save(c->w, mailbox);
}

static int run(struct change *c, void *arg)
{
	const struct set *op = arg;
	const struct annotation_change *change = op->change;
	struct mailbox_record mailbox;
	int rc = op->mailbox ? mailbox_record_load(change_source(c), op->mailbox, &mailbox) : 0;
	if (!rc && op->mailbox && change->use)
		rc = set_use(c, &mailbox, *change->use);
	for (size_t i = 0; !rc && i < change->n; i++) {
		struct key prefix = key_annotations(op->mailbox, change->v[i].is_private ? op->user : SHARED);
		rc = annotation_put(c->w, &prefix, &change->v[i], c->modseq, &c->state.annotation_bytes, op->bytes_max);
	}
	if (rc || !change->n)
		return rc;
	changelog_add_plain(&c->log, LOG_METADATA, op->mailbox);
	if (!op->mailbox)
		return 0;
	/* RFC 7162 3.2: who resynchronises shall see that something happened here. */
	mailbox.modseq = c->modseq;
	return mailbox_record_save(c->w, &mailbox);
}

int annotation_set(struct account *a, uint32_t mailbox, uint64_t user, const struct annotation_change *change)
{
	struct set op = { mailbox, user, change, user == a->id ? ANNOTATION_BYTES_MAX : ANNOTATION_BYTES_MAX / 4 * 3 };
	int rc = check(change->v, change->n);
	return rc ? rc : commit_run(a->model, a->id, run, &op, NULL);
}

/* ---- the house's ---- */

static int read_house(struct store_read *r, void *arg)
{
	struct list *list = arg;
	struct key prefix = registry_annotations();
	buf_reset(&list->v);
	return read_set(source_read(r), list, &prefix, false);
}

int model_annotation_list(struct model *m, struct arena *arena, struct annotation **out, size_t *n_out)
{
	struct list list = { .arena = arena };
	return give(&list, scope_read(m, registry_scope(), read_house, &list), out, n_out);
}

struct house {
	const struct annotation *v;
	size_t n;
};

/* There is no change log here; the modseq of these is 1. */
static int run_house(struct store_write *w, void *arg)
{
	const struct house *op = arg;
	struct key prefix = registry_annotations(), at = prefix;
	struct annotation_record record;
	uint64_t bytes = 0;
	int rc;
	while ((rc = annotation_next(source_write(w), &prefix, &at, &record)) == 1) {
		bytes += record.gone ? 0 : record.name.n + record.value.n;
		at = key_next(&at);
	}
	for (size_t i = 0; !rc && i < op->n; i++)
		rc = annotation_put(w, &prefix, &op->v[i], 1, &bytes, HOUSE_BYTES_MAX);
	return rc;
}

int model_annotation_set(struct model *m, const struct annotation *v, size_t n)
{
	struct house op = { v, n };
	int rc = check(v, n);
	return rc ? rc : registry_commit(m, run_house, &op);
}
