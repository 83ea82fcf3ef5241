#include "base/clock.h"
#include "model/bin_inside.h"
#include "model/keys.h"
#include "model/model_private.h"
#include "model/name.h"
#include "model/tree.h"

/* ---- looking ---- */

struct look {
	struct str name;                              /* canonical; or empty, then by id */
	uint32_t id;
	struct mailbox_record mailbox;                /* out */
};

static int read_one(struct store_read *r, void *arg)
{
	struct look *look = arg;
	struct state state;
	int rc = state_load(source_read(r), &state);
	if (rc)
		return rc;
	if (look->name.n)
		return name_lookup(source_read(r), look->name, &look->mailbox);
	return mailbox_record_load(source_read(r), look->id, &look->mailbox);
}

int mailbox_find(struct account *a, struct arena *arena, struct str name, struct mailbox *out)
{
	char text[MAILBOX_NAME_MAX];
	struct look look;
	/* A name that cannot be is the name of no mailbox. */
	if (name_canonical(name, text, &look.name, NULL))
		return ERR_NOT_FOUND;
	int rc = account_read(a->model, a->id, read_one, &look);
	return rc ? rc : mailbox_record_show(&look.mailbox, arena, out);
}

int mailbox_get(struct account *a, struct arena *arena, uint32_t id, struct mailbox *out)
{
	struct look look = { .name = STR_NONE, .id = id };
	int rc = account_read(a->model, a->id, read_one, &look);
	return rc ? rc : mailbox_record_show(&look.mailbox, arena, out);
}

struct list {
	struct arena *arena;
	struct mailbox *v;
	size_t n;
};

static int read_list(struct store_read *r, void *arg)
{
	struct list *list = arg;
	struct state state;
	int rc = state_load(source_read(r), &state);
	if (rc)
		return rc;
	list->n = 0;
	list->v = arena_array(list->arena, (size_t)state.mailboxes + 1, sizeof(*list->v));
	struct key from = key_first(KEY_MAILBOX), to = key_after(KEY_MAILBOX);
	struct store_iter *it;
	rc = list->v ? store_range(r, key_str(&from), key_str(&to), false, &it) : ERR_NO_MEMORY;
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		struct mailbox_record mailbox;
		uint32_t id;
		rc = key_read_u32(key, KEY_MAILBOX, &id) ? mailbox_record_decode(value, id, &mailbox) : ERR_CORRUPT;
		if (!rc && list->n > state.mailboxes)
			rc = ERR_CORRUPT;
		if (!rc && !mailbox.bin)
			rc = mailbox_record_show(&mailbox, list->arena, &list->v[list->n++]);
		if (rc)
			break;
	}
	store_iter_end(&it);
	return rc;
}

static int compare(const void *a, const void *b)
{
	return name_compare(((const struct mailbox *)a)->name, ((const struct mailbox *)b)->name);
}

int mailbox_list(struct account *a, struct arena *arena, struct mailbox **out, size_t *n_out)
{
	struct list list = { .arena = arena };
	int rc = account_read(a->model, a->id, read_list, &list);
	if (!rc)
		qsort(list.v, list.n, sizeof(*list.v), compare);
	*out = rc ? NULL : list.v;
	*n_out = rc ? 0 : list.n;
	return rc;
}

/* ---- making ---- */

struct create {
	struct str name;
	uint32_t use;
	int64_t now;
	bool guest;
	struct mailbox_record mailbox;                /* out */
};

static int create(struct change *c, void *arg)
{
	struct create *op = arg;
	bool below_bin = false;
	c->heir_of = op->guest ? MAILBOX_INBOX : 0;
	int rc = name_lookup(change_source(c), op->name, &op->mailbox);
	if (rc == 0 && !op->mailbox.no_select)
		return ERR_EXISTS;
	/* With a new id, so that who had the old one open sees that it is gone. */
	if (rc == 0)
		rc = tree_remove(c, &op->mailbox);
	else if (rc == ERR_NOT_FOUND)
		rc = bin_covers(c, op->name, &below_bin);
	if (below_bin)
		return rc ? rc : ERR_DENIED;
	if (!rc)
		rc = tree_add_superiors(c, op->name, op->now);
	return rc ? rc : tree_add(c, op->name, op->use, op->now, &op->mailbox);
}

static int make(struct account *a, struct str name, struct create *op, struct err *e)
{
	char text[MAILBOX_NAME_MAX];
	int rc = name_canonical(name, text, &op->name, e);
	if (rc)
		return rc;
	op->now = clock_now();
	rc = commit_run(a->model, a->id, create, op, NULL);
	if (rc == ERR_EXISTS)
		return err_set(e, rc, "The mailbox exists already", "mailbox_create: exists");
	if (rc == ERR_DENIED)
		return err_set(e, rc, "There is nothing below the mailbox of deleted messages", "mailbox_create: below the bin");
	if (rc == ERR_TOO_BIG)
		return err_set(e, rc, "The account has too many mailboxes", "mailbox_create: over %d mailboxes", MAILBOXES_MAX);
	if (rc == ERR_QUOTA)
		return err_set(e, rc, "The account may not have more mailboxes", "mailbox_create: over quota");
	return rc ? err_set(e, rc, NULL, "mailbox_create: %s", err_text(rc)) : 0;
}

int mailbox_create(struct account *a, struct str name, uint32_t use, struct mailbox *out, struct err *e)
{
	struct create op = { .use = use };
	int rc = make(a, name, &op, e);
	if (!rc && out)
		mailbox_record_show(&op.mailbox, NULL, out);
	return rc;
}

int mailbox_create_as_guest(struct account *a, struct str name, uint32_t use, struct err *e)
{
	struct create op = { .use = use, .guest = true };
	return make(a, name, &op, e);
}

struct set_use {
	struct str name;
	uint32_t use;
};

static int set_use(struct change *c, void *arg)
{
	const struct set_use *op = arg;
	struct mailbox_record mailbox;
	int rc = name_lookup(change_source(c), op->name, &mailbox);
	if (rc || mailbox.no_select || mailbox.bin)
		return rc ? rc : mailbox.bin ? ERR_DENIED : ERR_NOT_FOUND;
	if (mailbox.use == op->use)
		return 0;
	mailbox.use = op->use;
	c->state.tree_modseq = c->modseq;
	changelog_add_plain(&c->log, LOG_MAILBOX_CHANGED, mailbox.id);
	return mailbox_record_save(c->w, &mailbox);
}

int mailbox_set_use(struct account *a, struct str name, uint32_t use, struct err *e)
{
	char text[MAILBOX_NAME_MAX];
	struct set_use op = { .use = use };
	int rc = name_canonical(name, text, &op.name, e);
	if (!rc)
		rc = commit_run(a->model, a->id, set_use, &op, NULL);
	return rc ? err_set(e, rc, NULL, "mailbox_set_use: %s", err_text(rc)) : 0;
}
