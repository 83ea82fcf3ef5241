#include "codec/imap/search_scopes.h"

static const struct {
	const char *name;
	bool has_names;
} kinds[] = {
	[IMAP_SCOPE_SELECTED] = { "SELECTED", false },       [IMAP_SCOPE_INBOXES] = { "INBOXES", false },
	[IMAP_SCOPE_PERSONAL] = { "PERSONAL", false },       [IMAP_SCOPE_SUBSCRIBED] = { "SUBSCRIBED", false },
	[IMAP_SCOPE_SUBTREE] = { "SUBTREE", true },          [IMAP_SCOPE_SUBTREE_ONE] = { "SUBTREE-ONE", true },
	[IMAP_SCOPE_MAILBOXES] = { "MAILBOXES", true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct reader {
	struct imap_cursor *c;
	struct str *name;                /* room for IMAP_SEARCH_NAMES_MAX, shared by all scopes */
	size_t names;
};

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool read_names(struct reader *x, struct imap_scope *out)
{
	bool many = imap_take(x->c, '(');
	out->name = x->name + x->names;
	do {
		if (x->names == IMAP_SEARCH_NAMES_MAX)
			return imap_fail(x->c, "Too many mailboxes");
		if (!imap_mailbox(x->c, &x->name[x->names++]))
			return false;
		out->name_count++;
	} while (many && imap_take(x->c, ' '));
	return !many || imap_expect(x->c, ')', "A list of mailboxes must end with a parenthesis");
}

static bool read_scope(struct reader *x, struct imap_scope *out)
{
	struct str word;
	if (!imap_atom(x->c, &word))
		return false;
	size_t i = 0;
	while (i < KINDS && !str_ieq(word, str_from_c(kinds[i].name)))
		i++;
	if (i == KINDS)
		return imap_fail(x->c, "Unknown kind of mailboxes");
	out->kind = (enum imap_scope_kind)i;
	return !kinds[i].has_names || (imap_sp(x->c) && read_names(x, out));
}

bool imap_search_scopes(struct imap_cursor *c, struct imap_scopes *out)
{
	struct reader x = { .c = c };
	*out = (struct imap_scopes){ .given = imap_take_word(c, "IN") };
	if (!out->given)
		return !c->error;
	out->v = arena_array(c->arena, IMAP_SEARCH_SCOPES_MAX, sizeof(*out->v));
	x.name = arena_array(c->arena, IMAP_SEARCH_NAMES_MAX, sizeof(*x.name));
	if (!out->v || !x.name)
		return imap_fail(c, "Out of memory");
	if (!imap_sp(c) || !imap_expect(c, '(', "IN wants a list in parentheses"))
		return false;
	do {
		if (out->n > 0 && imap_peek(c) == '(')
			return imap_fail(c, "Unknown scope option");
		if (out->n == IMAP_SEARCH_SCOPES_MAX)
			return imap_fail(c, "Too many kinds of mailboxes");
		if (!read_scope(&x, &out->v[out->n++]))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "The mailboxes to search must end with a parenthesis") && imap_sp(c);
}
