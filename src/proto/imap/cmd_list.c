/* LIST, with its options: RFC 3501 6.3.8, RFC 5258, RFC 5819, RFC 6154, RFC 9590. */
#include "codec/imap/list_args.h"
#include "codec/imap/status_att.h"
#include "proto/imap/commands.h"
#include "proto/imap/list_response.h"
#include "proto/imap/metadata.h"
#include "proto/imap/rights_response.h"
#include "proto/imap/status_response.h"

/* What is known of one name before it is told. */
struct verdict {
	bool matches;                    /* one of the patterns */
	bool selected;                   /* fulfils all selection options */
	bool child;                      /* a name below it is selected */
	bool hidden_child;               /* one that matches no pattern, so that it will not be told itself */
};

struct list {
	struct imap_request *r;
	struct imap_list args;
	struct imap_listed *v;
	struct verdict *verdict;         /* of each */
	size_t n;
};

/* RFC 3501 6.3.8: an empty pattern asks for the delimiter and the root of the reference. Names have no root here. */
static enum imap_result list_delimiter(struct imap_request *r)
{
	conn_printf(r->conn, "* LIST (\\Noselect) \"/\" \"\"\r\n");
	return imap_ok(r, "LIST completed");
}

/* A level that is no mailbox is told for a pattern that ends in "%" (RFC 3501 6.3.8), when there are mailboxes below it. */
static bool level_is_asked(const struct list *list, const struct imap_listed *listed)
{
	if (!listed->has_children)
		return false;
	for (size_t i = 0; i < list->args.pattern_count; i++) {
		struct str pattern = list->args.pattern[i];
		if (pattern.p[pattern.n - 1] == '%' && imap_list_match(pattern, listed->name, MAILBOX_SEPARATOR))
			return true;
	}
	return false;
}

/* The name in full, and nothing but wildcards behind it. */
static bool is_named(const struct list *list, struct str name)
{
	for (size_t i = 0; i < list->args.pattern_count; i++) {
		struct str pattern = list->args.pattern[i];
		size_t n = pattern.n;
		while (n > name.n && (pattern.p[n - 1] == '*' || pattern.p[n - 1] == '%'))
			n--;
		if (str_eq(str_sub(pattern, 0, n), name))
			return true;
	}
	return false;
}

/* RFC 5258 3.1. REMOTE adds nothing: all mailboxes are on this server. */
static bool is_selected(const struct list *list, const struct imap_listed *listed)
{
	unsigned select = list->args.select;
	if (select & IMAP_LIST_SPECIAL_USE && !(listed->mailbox && listed->mailbox->use))
		return false;
	if (select & IMAP_LIST_SUBSCRIBED)
		return listed->subscribed;
	return listed->mailbox || level_is_asked(list, listed);
}

/* Sorted, what is above a name stands before it: a stack of them is enough. */
static void judge(struct list *list)
{
	size_t above[MAILBOX_NAME_MAX], depth = 0;
	for (size_t i = 0; i < list->n; i++) {
		struct verdict *verdict = &list->verdict[i];
		verdict->matches = imap_list_match_any(&list->args, list->v[i].name, MAILBOX_SEPARATOR) && (!list->v[i].hidden || is_named(list, list->v[i].name));
		verdict->selected = is_selected(list, &list->v[i]);
		while (depth && !imap_name_is_below(list->v[i].name, list->v[above[depth - 1]].name))
			depth--;
		for (size_t k = 0; verdict->selected && k < depth; k++) {
			list->verdict[above[k]].child = true;
			list->verdict[above[k]].hidden_child |= !verdict->matches;
		}
		if (depth < MAILBOX_NAME_MAX)
			above[depth++] = i;
	}
}

static void tell(const struct list *list, const struct imap_listed *listed, const struct verdict *verdict)
{
	struct imap_session *s = list->r->s;
	unsigned returns = list->args.returns, told = 0;
	if (returns & IMAP_LIST_RETURN_SUBSCRIBED)
		told |= IMAP_TELL_SUBSCRIBED;
	if (returns & IMAP_LIST_RETURN_CHILDREN)
		told |= IMAP_TELL_CHILDREN;
	if (returns & IMAP_LIST_RETURN_STATUS)
		told |= IMAP_TELL_STATUS;
	if (list->args.extended || imap_rev2(s))
		told |= IMAP_TELL_NONEXISTENT;
	imap_list_begin(s, listed, told);
	if (list->args.select & IMAP_LIST_RECURSIVE && verdict->child)
		imap_list_childinfo(s, list->args.select);
	imap_list_end(s);
}

/* What the return options ask for besides the LIST response; only of what fulfils the selection options (RFC 5819 3, example A02). */
static void tell_more(const struct list *list, const struct imap_listed *listed)
{
	const struct imap_annotated of = { listed->account, listed->mailbox, listed->name, listed->rights };
	const struct imap_metadata_wish wish = { .entry = list->args.entry, .count = list->args.entry_count };
	/* RFC 8440 3: none of what does not exist. */
	if (list->args.returns & IMAP_LIST_RETURN_MYRIGHTS && listed->mailbox)
		imap_write_myrights(list->r, listed->name, listed->rights);
	/* RFC 5819 2, RFC 9590 3: what cannot be looked up is left out, and the command goes on. */
	if (list->args.returns & IMAP_LIST_RETURN_STATUS && imap_list_selectable(listed))
		(void)imap_status_write(list->r->s, listed->name, listed->account, listed->mailbox, list->args.status);
	if (list->args.returns & IMAP_LIST_RETURN_METADATA && listed->mailbox && imap_metadata_allowed(&of))
		(void)imap_metadata_write(list->r, &of, &wish, NULL);
}

static void tell_all(const struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct verdict *verdict = &list->verdict[i];
		/* RFC 5258 3.3, and 3.5: a name only for what is below it when that is not told itself. */
		bool for_child = list->args.select & IMAP_LIST_RECURSIVE && verdict->hidden_child;
		if (!verdict->matches || !(verdict->selected || for_child))
			continue;
		tell(list, &list->v[i], verdict);
		if (verdict->selected)
			tell_more(list, &list->v[i]);
		if (conn_out_check(list->r->conn))
			return;
	}
}

enum imap_result imap_cmd_list(struct imap_request *r)
{
	struct list list = { .r = r };
	if (!imap_list_args(&r->args, &list.args))
		return imap_bad_args(r);
	if (!list.args.extended && !list.args.pattern[0].n)
		return list_delimiter(r);
	if (list.args.status & IMAP_STATUS_HIGHESTMODSEQ)
		imap_enable_condstore(r);                        /* RFC 7162 3.1 */
	int rc = imap_list_names(r, list.args.returns & IMAP_LIST_RETURN_SUBSCRIBED, &list.v, &list.n);
	if (!rc && !(list.verdict = arena_array(r->arena, list.n + 1, sizeof(*list.verdict))))
		rc = ERR_NO_MEMORY;
	if (rc)
		return imap_error(r, rc, NULL);
	judge(&list);
	tell_all(&list);
	return imap_ok(r, "LIST completed");
}
