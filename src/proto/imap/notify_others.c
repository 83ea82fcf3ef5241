/* Telling what happened in mailboxes that are not selected: RFC 5465 5. */
#include "codec/imap/status_att.h"
#include "model/acl.h"
#include "model/changelog.h"
#include "proto/imap/limits.h"
#include "proto/imap/metadata.h"
#include "proto/imap/notify_state.h"
#include "proto/imap/place.h"
#include "proto/imap/status_response.h"
#include "proto/imap/sync.h"

#define BIT(kind) (1u << (kind))
#define TREE_KINDS \
	(BIT(LOG_MAILBOX_CREATED) | BIT(LOG_MAILBOX_DELETED) | BIT(LOG_MAILBOX_RENAMED) | BIT(LOG_ACL))

/* ---- one telling ---- */

void notify_teller_init(struct notify_teller *t, struct imap_session *s)
{
	*t = (struct notify_teller){ .s = s, .notify = s->notify };
	arena_init(&t->arena, IMAP_ARENA_MAX);
	t->r = (struct imap_request){ .s = s, .conn = s->conn, .arena = &t->arena };
}

void notify_teller_fini(struct notify_teller *t)
{
	imap_place_close_all(&t->r);
	arena_fini(&t->arena);
}

int notify_teller_list(struct notify_teller *t)
{
	int rc = t->listed ? 0 : imap_list_names(&t->r, true, &t->name, &t->name_count);
	t->listed = !rc;
	return rc;
}

const struct imap_listed *notify_teller_find(const struct notify_teller *t, struct str name)
{
	for (size_t i = 0; i < t->name_count; i++)
		if (str_eq(t->name[i].name, name))
			return &t->name[i];
	return NULL;
}

/* ---- STATUS ---- */

/* RFC 5465 5.1 to 5.3. */
static uint32_t items_for(const struct imap_session *s, unsigned events, uint32_t kinds)
{
	uint32_t items = 0;
	if ((events & IMAP_NOTIFY_NEW && kinds & BIT(LOG_APPEND)) || (events & IMAP_NOTIFY_EXPUNGE && kinds & BIT(LOG_EXPUNGE)))
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT;
	if (events & IMAP_NOTIFY_FLAG && kinds & BIT(LOG_FLAGS))
		items |= IMAP_STATUS_UIDVALIDITY | IMAP_STATUS_UNSEEN;
	/* A new one: its UIDVALIDITY is not that of one that had the name before. */
	if (events & IMAP_NOTIFY_MESSAGE_EVENTS && kinds & BIT(LOG_MAILBOX_CREATED))
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_UIDVALIDITY;
	return items && imap_condstore(s) ? items | IMAP_STATUS_HIGHESTMODSEQ : items;
}

/* In name[], or looked up alone. False: it is not there. */
static bool find_mailbox(struct notify_teller *t, struct account *account, uint32_t id, struct mailbox *mailbox, struct imap_listed *out)
{
	for (size_t i = 0; i < t->name_count; i++) {
		const struct imap_listed *l = &t->name[i];
		if (l->mailbox && l->mailbox->id == id && account_id(l->account) == account_id(account)) {
			*out = *l;
			return true;
		}
	}
	if (t->listed || mailbox_get(account, &t->arena, id, mailbox))
		return false;
	*out = (struct imap_listed){ .name = mailbox->name, .mailbox = mailbox, .account = account, .rights = ACL_ALL };
	return true;
}

static void tell_status(struct notify_teller *t, const struct imap_listed *l, unsigned events, uint32_t kinds)
{
	struct imap_session *s = t->s;
	uint32_t items = items_for(s, events, kinds);
	/* RFC 5465 3.1: the selected one is told by the group of its own. */
	bool selected = s->state == IMAP_SELECTED && s->selected.mailbox == l->mailbox->id && account_id(s->selected.account) == account_id(l->account);
	if (items && !t->silent && !selected && !l->mailbox->no_select && l->rights & ACL_READ)
		(void)imap_status_write(s, l->name, l->account, l->mailbox, items);
}

/* ---- one mailbox ---- */

static int tell_server_metadata(struct notify_teller *t, struct account *account, const struct account_change *change, uint64_t since)
{
	struct imap_annotated of = { .account = account };
	if (!(t->notify->others & IMAP_NOTIFY_SERVER_METADATA) || !(change->kinds & BIT(LOG_METADATA)) || account_id(account) != account_id(t->s->account))
		return 0;
	return notify_metadata_changed(t, &of, since, false);
}

static int tell_mailbox(struct notify_teller *t, struct account *account, const struct account_change *change, uint64_t since)
{
	struct mailbox mailbox;
	struct imap_listed l;
	bool own = account_id(account) == account_id(t->s->account);
	if (!change->mailbox)
		return tell_server_metadata(t, account, change, since);
	if (!find_mailbox(t, account, change->mailbox, &mailbox, &l))
		return 0;
	unsigned events = notify_events_of(t->notify, l.name, own && !l.mailbox->bin, l.subscribed);
	tell_status(t, &l, events, change->kinds);
	struct imap_annotated of = { .account = account, .mailbox = l.mailbox, .name = l.name, .rights = l.rights };
	bool use = own && change->kinds & BIT(LOG_MAILBOX_CHANGED);
	if (!(events & IMAP_NOTIFY_METADATA) || !(use || change->kinds & BIT(LOG_METADATA)) || !imap_metadata_allowed(&of))
		return 0;
	return notify_metadata_changed(t, &of, since, use);
}

/* ---- what happened ---- */

static bool needs_list(const struct notify_teller *t, const struct account_changes *c, bool own)
{
	uint32_t kinds = 0;
	for (size_t i = 0; i < c->n; i++)
		kinds |= c->v[i].kinds;
	if (!own || kinds & (TREE_KINDS | BIT(LOG_SUBSCRIPTION)))
		return kinds != 0;
	for (size_t i = 0; i < t->notify->args.group_count; i++)
		if (t->notify->args.group[i].filter == IMAP_NOTIFY_SUBSCRIBED)
			return kinds != 0;
	return false;
}

static int tell_account(struct notify_teller *t, struct notify_account *a)
{
	struct account_changes c;
	int rc = account_changes(a->account, &t->arena, a->since, &c);
	bool own = account_id(a->account) == account_id(t->s->account);
	t->silent = a->made && c.commits == 1;
	a->made = false;
	if (rc || c.until == a->since)
		return rc;
	if (needs_list(t, &c, own))
		rc = notify_teller_list(t);
	uint32_t kinds = 0;
	for (size_t i = 0; i < c.n; i++)
		kinds |= c.v[i].kinds;
	if (!rc && kinds & (TREE_KINDS | BIT(LOG_SUBSCRIPTION)) && t->notify->others & (IMAP_NOTIFY_NAME | IMAP_NOTIFY_SUBSCRIPTION))
		rc = notify_names_look(t);
	for (size_t i = 0; !rc && i < c.n; i++)
		rc = tell_mailbox(t, a->account, &c.v[i], a->since);
	if (!rc)
		a->since = c.until;
	return rc;
}

/* RFC 5465 5.8. */
static void overflow(struct imap_session *s)
{
	conn_write_lit(s->conn, "* OK [NOTIFICATIONOVERFLOW] Too much happened: nothing more is told\r\n");
	struct imap_notify *n = s->notify;
	n->selected = NULL;
	n->others = 0;
	n->args.group_count = 0;
}

static void tell_others(struct imap_session *s)
{
	struct imap_notify *n = s->notify;
	if (!n || !n->others || s->closing)
		return;
	struct notify_teller t;
	notify_teller_init(&t, s);
	int rc = 0;
	for (size_t i = 0; i < n->account_count && rc != ERR_NO_MEMORY && !(i == 0 && rc); i++) {
		rc = tell_account(&t, &n->account[i]);
		/* Another account that is gone has nothing more to tell. */
		if (i && rc == ERR_NOT_FOUND)
			rc = 0;
	}
	if (!rc && n->others & IMAP_NOTIFY_SERVER_METADATA)
		rc = notify_house_look(&t, true);
	/* Accounts may have begun to share. */
	if (!rc && t.listed)
		rc = notify_watch_accounts(&t);
	notify_teller_fini(&t);
	if (rc == ERR_NOT_FOUND || rc == ERR_NO_MEMORY)
		overflow(s);
	else if (rc)
		conn_log(s->conn, LOG_WARN, "imap.notify", LOG_LIST(LOG_C("error", err_text(rc))));
}

void imap_notify_before(struct imap_session *s) { tell_others(s); }
void imap_notify_after(struct imap_session *s) { tell_others(s); }

void imap_notify_made(struct imap_session *s, const struct account *account)
{
	for (size_t i = 0; s->notify && i < s->notify->account_count; i++)
		s->notify->account[i].made |= account_id(s->notify->account[i].account) == account_id(account);
}

void imap_notify_wake(struct imap_session *s)
{
	if (!s->notify)
		return;
	/* IDLE may tell what SELECTED-DELAYED holds back. */
	if (s->notify->selected && s->state == IMAP_SELECTED) {
		imap_selected_look(s, true);
		imap_sync(s, imap_notify_at_once(s) || (s->continued && s->continued->flags & IMAP_TELLS_NEWS));
	}
	tell_others(s);
}
