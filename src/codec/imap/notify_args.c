#include "codec/imap/notify_args.h"

#include "base/err.h"

static const struct { const char *name; enum imap_notify_event event; } known[] = {
	{ "MessageNew", IMAP_NOTIFY_NEW }, { "MessageExpunge", IMAP_NOTIFY_EXPUNGE }, { "FlagChange", IMAP_NOTIFY_FLAG },
	{ "MailboxName", IMAP_NOTIFY_NAME }, { "SubscriptionChange", IMAP_NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", IMAP_NOTIFY_METADATA }, { "ServerMetadataChange", IMAP_NOTIFY_SERVER_METADATA },
};
#define EVENTS (sizeof(known) / sizeof(known[0]))
const char imap_notify_events[] =
	"(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)";

static const struct { const char *name; bool has_names; } filters[] = {
	[IMAP_NOTIFY_SELECTED] = { "SELECTED", false },
	[IMAP_NOTIFY_SELECTED_DELAYED] = { "SELECTED-DELAYED", false },
	[IMAP_NOTIFY_INBOXES] = { "INBOXES", false },
	[IMAP_NOTIFY_PERSONAL] = { "PERSONAL", false },
	[IMAP_NOTIFY_SUBSCRIBED] = { "SUBSCRIBED", false },
	[IMAP_NOTIFY_SUBTREE] = { "SUBTREE", true },
	[IMAP_NOTIFY_MAILBOXES] = { "MAILBOXES", true },
};
#define FILTERS (sizeof(filters) / sizeof(filters[0]))

/* What is read, and what it adds up to over all groups. */
struct notify {
	struct imap_cursor *c;
	struct imap_notify_args *out;
	struct str *name;                    /* room for IMAP_NOTIFY_NAMES_MAX, shared by all groups */
	size_t names;
	bool selected;                       /* a group of the selected mailbox was there */
	bool unknown;                        /* an event that is none */
};

static bool no_memory(struct notify *n) { return imap_fail(n->c, "Out of memory"); }

static bool is_of_selected(const struct imap_notify_group *g) { return g->filter <= IMAP_NOTIFY_SELECTED_DELAYED; }

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool names(struct notify *n, struct imap_notify_group *g)
{
	bool many = imap_take(n->c, '(');
	if (!n->name)
		n->name = arena_array(n->c->arena, IMAP_NOTIFY_NAMES_MAX, sizeof(*n->name));
	if (!n->name)
		return no_memory(n);
	g->name = n->name + n->names;
	do {
		if (n->names++ == IMAP_NOTIFY_NAMES_MAX)
			return imap_fail(n->c, "Too many mailboxes");
		if (!imap_mailbox(n->c, &g->name[g->name_count++]))
			return false;
	} while (many && imap_take(n->c, ' '));
	return !many || imap_expect(n->c, ')', "A list of mailboxes must end with a parenthesis");
}

static bool filter(struct notify *n, struct imap_notify_group *g)
{
	struct str word;
	if (!imap_atom(n->c, &word))
		return false;
	size_t i = 0;
	while (i < FILTERS && !str_ieq(word, str_from_c(filters[i].name)))
		i++;
	if (i == FILTERS)
		return imap_fail(n->c, "Unknown kind of mailboxes");
	g->filter = (enum imap_notify_filter)i;
	if (is_of_selected(g) && n->selected)
		return imap_fail(n->c, "SELECTED and SELECTED-DELAYED can stand only once");
	n->selected |= is_of_selected(g);
	return !filters[i].has_names || (imap_sp(n->c) && names(n, g));
}

/* "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"], or the name of another event. */
static bool event(struct notify *n, struct imap_notify_group *g)
{
	struct str word;
	if (!imap_atom(n->c, &word))
		return false;
	size_t i = 0;
	while (i < EVENTS && !str_ieq(word, str_from_c(known[i].name)))
		i++;
	n->unknown |= i == EVENTS;
	if (i == EVENTS)
		return true;
	g->events |= known[i].event;
	struct imap_cursor ahead = *n->c;
	if (known[i].event != IMAP_NOTIFY_NEW || !imap_take(&ahead, ' ') || imap_peek(&ahead) != '(')
		return true;
	*n->c = ahead;
	if (!is_of_selected(g) || g->has_fetch)
		return imap_fail(n->c, "Attributes go with MessageNew of the selected mailbox, once");
	g->has_fetch = true;
	return imap_fetch_list(n->c, &g->fetch);
}

/* events = ( "(" event *(SP event) ")" ) / "NONE"; the RFC's own examples leave the parentheses out (3.1). */
static bool events(struct notify *n, struct imap_notify_group *g)
{
	if (imap_take_word(n->c, "NONE"))
		return true;
	bool list = imap_take(n->c, '(');
	do {
		if (!event(n, g))
			return false;
	} while (imap_take(n->c, ' '));
	return !list || imap_expect(n->c, ')', "A list of events must end with a parenthesis");
}

/* RFC 5465 5 and 6.1. */
static bool sensible(struct notify *n, const struct imap_notify_group *g)
{
	unsigned message = g->events & IMAP_NOTIFY_MESSAGE_EVENTS, both = IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE;
	if (message && (message & both) != both)
		return imap_fail(n->c, "MessageNew, MessageExpunge, and FlagChange beside them, go together");
	if (is_of_selected(g) && g->events & ~(unsigned)IMAP_NOTIFY_MESSAGE_EVENTS)
		return imap_fail(n->c, "Only events of messages can be asked for of the selected mailbox");
	return true;
}

static bool group(struct notify *n)
{
	if (n->out->group_count == IMAP_NOTIFY_GROUPS_MAX)
		return imap_fail(n->c, "Too many groups of events");
	struct imap_notify_group *g = &n->out->group[n->out->group_count++];
	*g = (struct imap_notify_group){ .name_count = 0 };
	if (!imap_expect(n->c, '(', "A group of events must begin with a parenthesis") || !filter(n, g) || !imap_sp(n->c) || !events(n, g)
		|| !imap_expect(n->c, ')', "A group of events must end with a parenthesis"))
		return false;
	return n->unknown || sensible(n, g);
}

static bool set(struct notify *n)
{
	if (!imap_sp(n->c))
		return false;
	n->out->status = imap_take_word(n->c, "STATUS");
	if (n->out->status && !imap_sp(n->c))
		return false;
	n->out->group = arena_array(n->c->arena, IMAP_NOTIFY_GROUPS_MAX, sizeof(*n->out->group));
	if (!n->out->group)
		return no_memory(n);
	do {
		if (!group(n))
			return false;
	} while (imap_take(n->c, ' '));
	return imap_end(n->c);
}

int imap_notify_args(struct imap_cursor *c, struct imap_notify_args *out)
{
	struct notify n = { .c = c, .out = out };
	*out = (struct imap_notify_args){ .none = imap_take_word(c, "NONE") };
	if (out->none)
		return imap_end(c) ? 0 : ERR_INVALID;
	if (!imap_take_word(c, "SET"))
		imap_fail(c, "NOTIFY wants SET or NONE");
	else if (set(&n))
		return n.unknown ? ERR_UNSUPPORTED : 0;
	return ERR_INVALID;
}
