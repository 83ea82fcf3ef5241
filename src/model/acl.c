#include "model/acl_record.h"

#include "model/keys.h"
#include "model/mailbox_record.h"
#include "model/model_private.h"

/* ---- looking ---- */

/* Both keep what they decode: the values die with the read. */
static int keep(struct arena *arena, struct acl *acl)
{
	for (size_t i = 0; i < acl->n; i++) {
		acl->v[i].identifier = arena_dup(arena, acl->v[i].identifier);
		if (!acl->v[i].identifier.p)
			return ERR_NO_MEMORY;
	}
	return 0;
}

struct look {
	struct arena *arena;
	uint32_t mailbox;
	struct acl *out;
};

static int read_one(struct store_read *r, void *arg)
{
	struct look *look = arg;
	struct mailbox_record mailbox;
	struct key key = key_acl(look->mailbox);
	struct state state;
	struct str value;
	*look->out = (struct acl){ NULL, 0 };
	int rc = state_load(source_read(r), &state);
	if (!rc)
		rc = mailbox_record_load(source_read(r), look->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	rc = store_get(r, key_str(&key), &value);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	rc = acl_decode(value, look->arena, look->out);
	return rc ? rc : keep(look->arena, look->out);
}

int mailbox_acl(struct account *a, struct arena *arena, uint32_t mailbox, struct acl *out)
{
	struct look look = { .arena = arena, .mailbox = mailbox, .out = out };
	return account_read(a->model, a->id, read_one, &look);
}

uint32_t acl_rights(const struct acl *acl, const struct str *identifiers, size_t n)
{
	uint32_t given = 0, taken = 0;
	for (size_t i = 0; i < acl->n; i++)
		for (size_t k = 0; k < n; k++)
			if (str_eq(acl->v[i].identifier, identifiers[k]))
				*(acl->v[i].negative ? &taken : &given) |= acl->v[i].rights;
	return given & ~taken;
}

struct all {
	struct arena *arena;
	struct buf lists;                             /* struct acl_of_mailbox each */
};

static int read_all(struct store_read *r, void *arg)
{
	struct all *all = arg;
	struct state state;
	buf_reset(&all->lists);
	int rc = state_load(source_read(r), &state);
	if (rc)
		return rc;
	struct key from = key_first(KEY_ACL), to = key_after(KEY_ACL);
	struct store_iter *it;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1) {
		struct acl_of_mailbox one;
		rc = key_read_u32(key, KEY_ACL, &one.mailbox) ? acl_decode(value, all->arena, &one.acl) : ERR_CORRUPT;
		/* One that is damaged gives nobody anything; the others are as good as before. */
		if (rc == ERR_CORRUPT)
			continue;
		if (!rc)
			rc = keep(all->arena, &one.acl);
		if (rc)
			break;
		buf_add(&all->lists, &one, sizeof(one));
	}
	store_iter_end(&it);
	return rc ? rc : all->lists.failed ? ERR_NO_MEMORY : 0;
}

int account_acls(struct account *a, struct arena *arena, struct acl_of_mailbox **out, size_t *n_out)
{
	struct all all = { .arena = arena };
	*out = NULL;
	*n_out = 0;
	int rc = account_read(a->model, a->id, read_all, &all);
	size_t n = all.lists.n / sizeof(**out);
	if (!rc) {
		*out = arena_array(arena, n + 1, sizeof(**out));
		rc = *out ? 0 : ERR_NO_MEMORY;
	}
	if (!rc && n) {
		memcpy(*out, all.lists.p, all.lists.n);
		*n_out = n;
	}
	buf_fini(&all.lists);
	return rc;
}

/* ---- changing ---- */

struct set {
	uint32_t mailbox;
	struct str identifier;
	bool negative;
	enum acl_op op;
	uint32_t rights;
};

static int compare(const struct acl_entry *e, const struct set *s)
{
	int order = str_cmp(e->identifier, s->identifier);
	return order ? order : (int)e->negative - (int)s->negative;
}

/* How many entries that makes: one without rights is none. */
static size_t add_entry(struct buf *b, struct str identifier, bool negative, uint32_t rights)
{
	if (!rights)
		return 0;
	buf_add_u8(b, negative);
	buf_add_varint(b, rights);
	buf_add_u8(b, (uint8_t)identifier.n);
	buf_add_str(b, identifier);
	return 1;
}

static uint32_t change_rights(const struct set *s, uint32_t old)
{
	switch (s->op) {
	case ACL_ADD:
		return old | s->rights;
	case ACL_REMOVE:
		return old & ~s->rights;
	case ACL_REPLACE:
		break;
	}
	return s->rights;
}

/* All entries in order, the one of s in its place. */
static int write_edited(const struct acl *acl, const struct set *s, struct buf *b)
{
	bool done = false;
	size_t n = 0;
	for (size_t i = 0; i < acl->n; i++) {
		const struct acl_entry *e = &acl->v[i];
		int order = compare(e, s);
		if (order > 0 && !done) {
			n += add_entry(b, s->identifier, s->negative, change_rights(s, 0));
			done = true;
		}
		n += add_entry(b, e->identifier, e->negative, order == 0 ? change_rights(s, e->rights) : e->rights);
		done |= order == 0;
	}
	if (!done)
		n += add_entry(b, s->identifier, s->negative, change_rights(s, 0));
	return n > ACL_ENTRIES_MAX ? ERR_TOO_BIG : b->failed ? ERR_NO_MEMORY : 0;
}

static int save(struct change *c, uint32_t mailbox, struct buf *b)
{
	struct key key = key_acl(mailbox);
	struct str was;
	int rc = store_wget(c->w, key_str(&key), &was);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	record_seal(b->p, b->n, 0, 0);
	bool empty = b->n == RECORD_HEADER;
	if (rc ? empty : str_eq(was, buf_str(b)))
		return 0;
	changelog_add_plain(&c->log, LOG_ACL, mailbox);
	return empty ? store_del(c->w, key_str(&key)) : store_put(c->w, key_str(&key), buf_str(b));
}

/* Nothing is logged when nothing changes. */
static int edit(struct change *c, const struct set *s, struct arena *arena, struct buf *b)
{
	struct key key = key_acl(s->mailbox);
	struct acl acl = { NULL, 0 };
	struct str value;
	buf_add_le64(b, 0);
	int rc = store_wget(c->w, key_str(&key), &value);
	rc = rc == ERR_NOT_FOUND ? 0 : rc ? rc : acl_decode(value, arena, &acl);
	if (!rc)
		rc = write_edited(&acl, s, b);
	return rc ? rc : save(c, s->mailbox, b);
}

static int edit_one(struct change *c, const struct set *s)
{
	struct arena arena = ARENA_INIT(0);
	struct buf b = BUF_INIT(STORE_VALUE_MAX);
	int rc = edit(c, s, &arena, &b);
	buf_fini(&b);
	arena_fini(&arena);
	return rc;
}

static int run_set(struct change *c, void *arg)
{
	const struct set *s = arg;
	struct mailbox_record mailbox;
	int rc = mailbox_record_load(change_source(c), s->mailbox, &mailbox);
	if (rc || mailbox.no_select)
		return rc ? rc : ERR_NOT_FOUND;
	if (mailbox.bin)
		return ERR_DENIED;
	return edit_one(c, s);
}

int mailbox_acl_set(struct account *a, uint32_t mailbox, struct str identifier, bool negative, enum acl_op op, uint32_t rights, struct err *e)
{
	struct set s = { .mailbox = mailbox, .identifier = identifier, .negative = negative, .op = op, .rights = rights & ACL_ALL };
	if (identifier.n == 0)
		return err_set(e, ERR_INVALID, "Rights are of somebody", "acl: an empty identifier");
	if (identifier.n > ACL_IDENTIFIER_MAX)
		return err_set(e, ERR_TOO_BIG, "The identifier is too long", "acl: an identifier of %zu bytes", identifier.n);
	int rc = commit_run(a->model, a->id, run_set, &s, NULL);
	if (rc == ERR_TOO_BIG)
		return err_set(e, rc, "The mailbox has too many access rights", "acl: over %d entries", ACL_ENTRIES_MAX);
	if (rc == ERR_DENIED)
		return err_set(e, rc, "The mailbox of deleted messages cannot be shared", "acl: of the bin");
	return rc ? err_set(e, rc, NULL, "acl: %s", err_text(rc)) : 0;
}

static int run_forget(struct change *c, void *arg)
{
	struct set s = *(const struct set *)arg;
	struct key from = key_first(KEY_ACL), to = key_after(KEY_ACL);
	struct str key, value;
	int rc;
	while ((rc = source_find(change_source(c), key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		if (!key_read_u32(key, KEY_ACL, &s.mailbox))
			return ERR_CORRUPT;
		from = key_acl(s.mailbox);
		from = key_next(&from);
		for (int sign = 0; sign < 2; sign++) {
			s.negative = sign;
			rc = edit_one(c, &s);
			if (rc && rc != ERR_CORRUPT)
				return rc;
		}
	}
	return rc;
}

int account_acl_forget(struct account *a, struct str identifier)
{
	struct set s = { .identifier = identifier, .op = ACL_REPLACE, .rights = 0 };
	return commit_run(a->model, a->id, run_forget, &s, NULL);
}
