#include "proto/imap/notify.h"

#include "codec/imap/status_att.h"
#include "model/acl.h"
#include "proto/imap/limits.h"
#include "proto/imap/list_response.h"
#include "proto/imap/notify_state.h"
#include "proto/imap/place.h"
#include "proto/imap/status_response.h"
#include "proto/imap/sync.h"

static void wake(void *conn) { conn_wake(conn); }

/* ---- the selected mailbox ---- */

unsigned imap_notify_wanted(const struct imap_session *s)
{
	if (!s->notify)
		return IMAP_NOTIFY_MESSAGE_EVENTS;
	return s->notify->selected ? s->notify->selected->events : 0;
}

bool imap_notify_at_once(const struct imap_session *s)
{
	return s->notify && s->notify->selected && s->notify->selected->filter == IMAP_NOTIFY_SELECTED;
}

const struct imap_fetch *imap_notify_fetch(const struct imap_session *s)
{
	const struct imap_notify_group *g = s->notify ? s->notify->selected : NULL;
	return g && g->has_fetch ? &g->fetch : NULL;
}

void imap_notify_own(struct imap_session *s, struct account *account, uint32_t mailbox, const struct rangeset *uids)
{
	if (!imap_notify_fetch(s) || s->state != IMAP_SELECTED || s->selected.mailbox != mailbox ||
		account_id(s->selected.account) != account_id(account))
		return;
	/* Without memory for it they are fetched for nothing. */
	for (size_t i = 0; i < uids->n; i++)
		(void)rangeset_add(&s->notify->own, uids->v[i].lo, uids->v[i].hi);
}

void imap_notify_without_own(struct imap_session *s, struct rangeset *uids)
{
	if (!s->notify)
		return;
	for (size_t i = 0; i < s->notify->own.n; i++)
		rangeset_remove(uids, s->notify->own.v[i].lo, s->notify->own.v[i].hi);
	rangeset_clear(&s->notify->own);
}

static void unfollow(struct imap_notify *n)
{
	if (n->followed_watch)
		account_unwatch(n->followed, &n->followed_watch);
	account_close(&n->followed);
	rangeset_clear(&n->own);
}

void imap_notify_follow(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	if (!n)
		return;
	unfollow(n);
	if (!n->selected || s->state != IMAP_SELECTED || account_id(s->selected.account) == account_id(s->account))
		return;
	/* When this fails, the news come with the next command. */
	if (account_open(services_model(s->services), account_id(s->selected.account), &n->followed) == 0 &&
		account_watch(n->followed, wake, s->conn, &n->followed_watch))
		account_close(&n->followed);
}

/* ---- which mailboxes ---- */

static bool is_named(const struct imap_notify_group *g, struct str name)
{
	for (size_t i = 0; i < g->name_count; i++)
		if (str_eq(g->name[i], name) || (g->filter == IMAP_NOTIFY_SUBTREE && imap_name_is_below(name, g->name[i])))
			return true;
	return false;
}

unsigned notify_events_of(const struct imap_notify *n, struct str name, bool own, bool subscribed)
{
	unsigned events = 0;
	for (size_t i = 0; i < n->args.group_count; i++) {
		const struct imap_notify_group *g = &n->args.group[i];
		bool matches = false;
		switch (g->filter) {
		case IMAP_NOTIFY_SELECTED:
		case IMAP_NOTIFY_SELECTED_DELAYED:
			break;
		case IMAP_NOTIFY_INBOXES:        /* RFC 5465 6.3: filters can deliver anywhere */
		case IMAP_NOTIFY_PERSONAL:
			matches = own;
			break;
		case IMAP_NOTIFY_SUBSCRIBED:
			matches = subscribed;
			break;
		case IMAP_NOTIFY_SUBTREE:
		case IMAP_NOTIFY_MAILBOXES:
			matches = is_named(g, name);
			break;
		}
		events |= matches ? g->events : 0;
	}
	return events;
}

static void unwatch(struct notify_account *a)
{
	if (a->watch)
		account_unwatch(a->account, &a->watch);
	account_close(&a->account);
}

static int watch_account(struct notify_teller *t, uint64_t id)
{
	struct imap_notify *n = t->notify;
	for (size_t i = 0; i < n->account_count; i++)
		if (account_id(n->account[i].account) == id)
			return 0;
	if (n->account_count == IMAP_NOTIFY_ACCOUNTS_MAX)
		return 0;
	struct notify_account *grown = reallocarray(n->account, n->account_count + 1, sizeof(*grown));
	if (!grown)
		return ERR_NO_MEMORY;
	n->account = grown;
	struct notify_account a = { .account = NULL };
	struct account_changes now;
	int rc = account_open(services_model(t->s->services), id, &a.account);
	/* The watch first: what changes after this look wakes us. */
	if (!rc)
		rc = account_watch(a.account, wake, t->s->conn, &a.watch);
	if (!rc)
		rc = account_changes(a.account, &t->arena, UINT64_MAX, &now);
	if (rc) {
		unwatch(&a);
		return rc;
	}
	a.since = now.until;
	n->account[n->account_count++] = a;
	return 0;
}

int notify_watch_accounts(struct notify_teller *t)
{
	int rc = watch_account(t, account_id(t->s->account));
	for (size_t i = 0; !rc && i < t->name_count; i++) {
		const struct imap_listed *l = &t->name[i];
		if (l->mailbox && l->account != t->s->account && notify_events_of(t->notify, l->name, false, l->subscribed))
			rc = watch_account(t, account_id(l->account));
	}
	return rc;
}

/* ---- NOTIFY SET and NONE ---- */

static void destroy(struct imap_notify *n)
{
	if (!n)
		return;
	unfollow(n);
	for (size_t i = 0; i < n->account_count; i++)
		unwatch(&n->account[i]);
	free(n->account);
	notify_names_fini(&n->names);
	notify_house_fini(&n->house);
	rangeset_fini(&n->own);
	arena_fini(&n->arena);
	free(n);
}

void imap_notify_destroy(struct imap_session *s)
{
	destroy(s->notify);
	s->notify = NULL;
}

/* What was read before is read again, into memory that stays. Names in their canonical form; one that can be no mailbox matches nothing. */
static int read_again(struct imap_notify *n, struct str text, bool utf8)
{
	struct imap_cursor c;
	struct str kept = arena_dup(&n->arena, text);
	if (!kept.p)
		return ERR_NO_MEMORY;
	imap_cursor_init(&c, kept, &n->arena, utf8);
	if (imap_notify_args(&c, &n->args))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n->args.group_count; i++) {
		struct imap_notify_group *g = &n->args.group[i];
		for (size_t k = 0; k < g->name_count; k++)
			if (mailbox_name_check(&n->arena, g->name[k], &g->name[k], NULL) == ERR_NO_MEMORY)
				return ERR_NO_MEMORY;
		if (g->filter > IMAP_NOTIFY_SELECTED_DELAYED)
			n->others |= g->events;
		else if (g->events)
			n->selected = g;
	}
	return 0;
}

/* RFC 5465 3.1: which STATUS the client needs to understand what follows. */
static uint32_t first_items(unsigned events)
{
	uint32_t items = 0;
	if (events & IMAP_NOTIFY_NEW)
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
	if (events & IMAP_NOTIFY_EXPUNGE)
		items |= IMAP_STATUS_MESSAGES;
	if (events & IMAP_NOTIFY_FLAG)
		items |= IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

static bool is_selected(const struct imap_session *s, const struct imap_listed *l)
{
	return s->state == IMAP_SELECTED && s->selected.mailbox == l->mailbox->id && account_id(s->selected.account) == account_id(l->account);
}

static void tell_first(struct notify_teller *t)
{
	for (size_t i = 0; i < t->name_count; i++) {
		const struct imap_listed *l = &t->name[i];
		if (!l->mailbox || l->mailbox->no_select)
			continue;
		unsigned events = notify_events_of(t->notify, l->name, l->account == t->s->account && !l->mailbox->bin, l->subscribed);
		if (events && !(l->rights & ACL_READ))
			imap_list_no_access(t->s, l);
		else if (t->notify->args.status && first_items(events) && !is_selected(t->s, l))
			(void)imap_status_write(t->s, l->name, l->account, l->mailbox, first_items(events));
		if (conn_out_check(t->s->conn))
			return;
	}
}

int imap_notify_set(struct imap_request *r, struct str text)
{
	struct imap_session *s = r->s;
	struct imap_notify *n = calloc(1, sizeof(*n)), *before = s->notify;
	if (!n)
		return ERR_NO_MEMORY;
	arena_init(&n->arena, IMAP_NOTIFY_BYTES_MAX);
	arena_init(&n->names.arena, 0);
	int rc = read_again(n, text, imap_utf8(s));
	/* RFC 5465 3.1: as NOOP does, whatever is wanted from now on. */
	s->notify = NULL;
	if (!rc)
		imap_sync(s, true);
	s->notify = n;
	struct notify_teller t;
	notify_teller_init(&t, s);
	t.silent = true;
	/* The watches before the looks: what happens in between is told later, or twice, and never lost. */
	if (!rc && (n->others || n->selected))
		rc = notify_watch_accounts(&t);
	if (!rc && n->others)
		rc = notify_teller_list(&t);
	if (!rc && n->others)
		rc = notify_watch_accounts(&t);
	if (!rc && n->account_count > 1) {
		t.listed = false;
		rc = notify_teller_list(&t);
	}
	if (!rc && n->others & (IMAP_NOTIFY_NAME | IMAP_NOTIFY_SUBSCRIPTION))
		rc = notify_names_look(&t);
	if (!rc && n->others & IMAP_NOTIFY_SERVER_METADATA)
		rc = notify_house_look(&t, false);
	if (!rc)
		tell_first(&t);
	notify_teller_fini(&t);
	if (rc)
		s->notify = before;
	destroy(rc ? n : before);
	if (!rc)
		imap_notify_follow(s);
	return rc;
}
