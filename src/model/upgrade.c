#include "model/upgrade.h"

#include "model/change.h"
#include "model/email_record.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/page.h"

/* The kinds that have had several shapes, and the newest of each. */
static const struct {
	enum key_kind kind;
	uint8_t newest;
} shapes[] = { { KEY_EMAIL, EMAIL_VERSION }, { KEY_PAGE, PAGE_VERSION } };

enum shape { SHAPE_NEWEST, SHAPE_OLD, SHAPE_DAMAGED };

static enum shape shape_of(unsigned i, struct str value)
{
	uint8_t version;
	if (record_check_version(value, RECORD_HEADER, shapes[i].newest, &version))
		return SHAPE_DAMAGED;
	return version < shapes[i].newest ? SHAPE_OLD : SHAPE_NEWEST;
}

/* Some old records, found in one short read. */
struct batch {
	unsigned kind;                    /* of shapes */
	struct key from;                  /* where the next look begins; n == 0: this kind is done */
	struct key found[UPGRADE_STEP];
	unsigned n_found;
	struct upgrade_count count;       /* of what was looked at */
};

static int look(struct store_read *r, void *arg)
{
	struct batch *b = arg;
	struct key from = b->from, to = key_after(shapes[b->kind].kind);
	struct store_iter *it;
	struct str key, value;
	unsigned looked = 0;

	b->n_found = 0;
	b->count = (struct upgrade_count){ .all = 0 };
	int rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	while (looked < UPGRADE_LOOK && b->n_found < UPGRADE_STEP && (rc = store_next(it, &key, &value)) == 1) {
		if (key.n >= sizeof from.p) {
			rc = ERR_CORRUPT;
			break;
		}
		enum shape shape = shape_of(b->kind, value);
		looked++;
		b->count.all++;
		b->count.old += shape == SHAPE_OLD;
		b->count.damaged += shape == SHAPE_DAMAGED;
		memcpy(from.p, key.p, key.n);
		from.n = key.n;
		if (shape == SHAPE_OLD)
			b->found[b->n_found++] = from;
	}
	store_iter_end(&it);
	if (rc < 0)
		return rc;
	/* a read that begins again must begin where this one did */
	bool over = rc == 0 && looked < UPGRADE_LOOK && b->n_found < UPGRADE_STEP;
	b->from = key_next(&from);
	if (over)
		b->from.n = 0;
	return 0;
}

static int renew_email(struct change *c, const struct key *key)
{
	uint64_t id;
	struct email email;
	if (!key_read_u64(key_str(key), KEY_EMAIL, &id))
		return ERR_CORRUPT;
	int rc = email_record_load(change_source(c), id, &email);
	/* the bytes of a write must be copied before the next put */
	struct str summary = email.summary;
	char *copy = rc ? NULL : malloc(summary.n + 1);
	if (rc || !copy)
		return rc ? rc : ERR_NO_MEMORY;
	memcpy(copy, summary.p, summary.n);
	email.summary = str_make(copy, summary.n);
	rc = email_record_save(c->w, id, &email);
	free(copy);
	return rc;
}

static int renew_page(struct change *c, const struct key *key)
{
	uint32_t mailbox, start;
	struct page_edit page;
	struct str value;
	char again[PAGE_VALUE_ROOM];
	if (!key_read_page(key_str(key), &mailbox, &start))
		return ERR_CORRUPT;
	int rc = source_get(change_source(c), key_str(key), &value);
	if (rc == 0)
		rc = page_decode(value, start, &page);
	return rc ? rc : store_put(c->w, key_str(key), str_make(again, page_encode(&page, again)));
}

/* Nothing is logged: nobody sees a difference. What went or was written anew meanwhile is passed over. */
static int renew(struct change *c, void *arg)
{
	const struct batch *b = arg;
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < b->n_found; i++) {
		struct str value;
		rc = source_get(change_source(c), key_str(&b->found[i]), &value);
		if (rc == 0 && shape_of(b->kind, value) == SHAPE_OLD)
			rc = shapes[b->kind].kind == KEY_PAGE ? renew_page(c, &b->found[i]) : renew_email(c, &b->found[i]);
		if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
			rc = 0;
		c->dirty = true;
	}
	return rc;
}

typedef int batch_fn(struct model *m, uint64_t account, struct batch *b, void *arg);

static int walk(struct model *m, uint64_t account, batch_fn *fn, void *arg)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < sizeof shapes / sizeof shapes[0]; i++) {
		struct batch b = { .kind = i, .from = key_first(shapes[i].kind) };
		while (rc == 0 && b.from.n) {
			struct key began = b.from;
			do {
				b.from = began;
				rc = account_read(m, account, look, &b);
			} while (rc == ERR_RETRY);
			if (rc == 0)
				rc = fn(m, account, &b, arg);
		}
	}
	return rc;
}

static int add_up(struct model *m, uint64_t account, struct batch *b, void *arg)
{
	struct upgrade_count *sum = arg;
	(void)m, (void)account;
	sum->old += b->count.old;
	sum->all += b->count.all;
	sum->damaged += b->count.damaged;
	return 0;
}

int model_upgrade_count(struct model *m, uint64_t account, struct upgrade_count *out)
{
	*out = (struct upgrade_count){ .all = 0 };
	return walk(m, account, add_up, out);
}

struct upgrade {
	int (*step)(void *arg, uint64_t done);
	void *arg;
	uint64_t done;
};

static int upgrade_batch(struct model *m, uint64_t account, struct batch *b, void *arg)
{
	struct upgrade *u = arg;
	int rc = b->n_found ? commit_run(m, account, renew, b, NULL) : 0;
	if (rc == 0)
		u->done += b->n_found;
	return rc || !u->step ? rc : u->step(u->arg, u->done);
}

int model_upgrade(struct model *m, uint64_t account, int (*step)(void *arg, uint64_t done), void *arg, uint64_t *done_out)
{
	struct upgrade u = { .step = step, .arg = arg };
	int rc = walk(m, account, upgrade_batch, &u);
	*done_out = u.done;
	return rc;
}
