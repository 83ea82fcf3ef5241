/* Access lists of mailboxes (model/acl.h), for whom no owner can do it: shared accounts have none. Rights are spelled as IMAP spells them. */
#include "cli/admin.h"
#include "codec/imap/rights.h"
#include "directory/identity.h"
#include "model/acl.h"

_Static_assert((unsigned)IMAP_RIGHTS_ALL == ACL_ALL, "the letters are in the order of enum acl_right");

/* Whose mailboxes, and which. */
struct target {
	struct account *account;
	struct directory_user owner;
	struct mailbox *v;
	size_t n;
};

static int open_target(struct house *h, struct arena *arena, char *const *words, const char *mailbox, struct target *out, struct err *e)
{
	*out = (struct target){ .account = NULL };
	int r = house_open_account(h, words[0], &out->account, e);
	if (r == 0)
		r = directory_user_find(h->directory, arena, str_from_c(words[0]), &out->owner);
	if (r == 0 && (!mailbox || !strcmp(mailbox, "*")))
		return mailbox_list(out->account, arena, &out->v, &out->n);
	if (r == 0) {
		out->v = arena_alloc(arena, sizeof(*out->v));
		out->n = 1;
		r = out->v ? mailbox_find(out->account, arena, str_from_c(mailbox), out->v) : ERR_NO_MEMORY;
		if (r == ERR_NOT_FOUND)
			err_set(e, r, NULL, "there is no mailbox %s of %s", mailbox, words[0]);
	}
	return r;
}

/* ---- looking ---- */

static void print_entry(struct str mailbox, const struct acl_entry *entry)
{
	struct buf rights = BUF_INIT(0);
	imap_format_rights(&rights, entry->rights);
	printf("%.*s\t%s%.*s\t%.*s\n", STR_ARG(mailbox), entry->negative ? "-" : "", STR_ARG(entry->identifier), STR_ARG(buf_str(&rights)));
	buf_fini(&rights);
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct target t;
	struct acl acl;

	(void)o;
	int r = open_target(h, &arena, words, n > 1 ? words[1] : NULL, &t, e);
	for (size_t i = 0; r == 0 && i < t.n; i++) {
		if (t.v[i].no_select)
			continue;
		r = mailbox_acl(t.account, &arena, t.v[i].id, &acl);
		for (size_t k = 0; r == 0 && k < acl.n; k++)
			print_entry(t.v[i].name, &acl.v[k]);
	}
	account_close(&t.account);
	arena_fini(&arena);
	return r;
}

/* ---- changing ---- */

struct setting {
	struct str identifier;               /* canonical, without the dash */
	bool negative, known;
	enum acl_op op;
	uint32_t rights;
};

static int parse_identifier(struct house *h, struct arena *arena, const char *word, struct setting *out, struct err *e)
{
	struct str text = str_from_c(word);
	*out = (struct setting){ .negative = text.n && text.p[0] == '-', .op = ACL_REPLACE };
	int r = directory_identifier(h->directory, arena, str_from(text, out->negative), &out->identifier);
	out->known = r == 0;
	if (r == ERR_INVALID)
		return err_set(e, r, NULL, "'%s' is no user, group or \"anyone\"", word);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int parse_rights(const char *word, struct setting *out, struct err *e)
{
	static const enum acl_op ops[] = {
		[IMAP_RIGHTS_REPLACE] = ACL_REPLACE, [IMAP_RIGHTS_ADD] = ACL_ADD, [IMAP_RIGHTS_REMOVE] = ACL_REMOVE,
	};
	enum imap_rights_op op;
	const char *why;
	if (!imap_rights_parse(str_from_c(word), &op, &out->rights, &why))
		return err_set(e, ERR_INVALID, NULL, "'%s': %s; the rights are " IMAP_RIGHTS_LETTERS, word, why);
	out->op = ops[op];
	return 0;
}

/* The index first: identity.h. A level of the hierarchy has no list. */
static int apply(struct house *h, const struct target *t, const struct setting *s, struct err *e)
{
	int r = 0;
	bool grants = !s->negative && s->op != ACL_REMOVE && s->rights;
	if (!s->known && s->rights && s->op != ACL_REMOVE)
		return err_set(e, ERR_NOT_FOUND, NULL, "there is no user or group %.*s", STR_ARG(s->identifier));
	if (!t->owner.shared && str_eq(s->identifier, t->owner.name))
		return err_set(e, ERR_INVALID, NULL, "the owner has all rights, always");
	if (grants)
		r = directory_share_note(h->directory, s->identifier, t->owner.account, t->owner.name);
	for (size_t i = 0; r == 0 && i < t->n; i++)
		if (!t->v[i].no_select)
			r = mailbox_acl_set(t->account, t->v[i].id, s->identifier, s->negative, s->op, s->rights, e);
	return r;
}

static int change(struct house *h, char *const *words, const char *rights, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct target t = { .account = NULL };
	struct setting s;
	int r = parse_identifier(h, &arena, words[2], &s, e);
	if (r == 0 && rights)
		r = parse_rights(rights, &s, e);
	if (r == 0)
		r = open_target(h, &arena, words, words[1], &t, e);
	if (r == 0)
		r = apply(h, &t, &s, e);
	account_close(&t.account);
	arena_fini(&arena);
	return r;
}

static int set(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return change(h, words, words[3], e);
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return change(h, words, NULL, e);
}

static const struct admin_verb verbs[] = { { "list", 1, 2, 0, list }, { "set", 4, 4, 0, set }, { "del", 3, 3, 0, del }, { 0 } };

int cli_acl(int argc, char **argv)
{
	return admin_run("acl", verbs, argc, argv);
}
