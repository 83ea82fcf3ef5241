/* Private to notify*.c: what a session with NOTIFY keeps, and one telling. Threads: as session.h. */
#ifndef PROTO_IMAP_NOTIFY_STATE_H
#define PROTO_IMAP_NOTIFY_STATE_H

#include "base/arena.h"
#include "model/model.h"
#include "proto/imap/list_names.h"
#include "proto/imap/notify.h"

/* An account of which events are told: the user's own, and those that share mailboxes that were asked for. */
struct notify_account {
	struct account *account;
	struct account_watch *watch;
	uint64_t since;                          /* all up to this modseq was told */
	bool made;                               /* imap_notify_made */
};

/* A name that the client knows of, to find out what it is called, or was. */
struct notify_name {
	uint64_t account;
	uint32_t mailbox;
	bool no_select;
	struct str name;
};
/* Only kept when MailboxName or SubscriptionChange is wanted. */
struct notify_names {
	struct arena arena;
	struct notify_name *v;                   /* by account and mailbox */
	size_t n;
	struct str *subscribed;                  /* sorted */
	size_t n_subscribed;
};

/* The shared annotations of the house, which no change log tells of; only kept when ServerMetadataChange is wanted. */
struct notify_annotation {
	struct str name;
	uint64_t hash;                           /* of the value */
};
struct notify_house {
	struct arena arena;
	struct notify_annotation *v;
	size_t n;
};

struct imap_notify {
	struct arena arena;                      /* the text, and args */
	struct imap_notify_args args;
	const struct imap_notify_group *selected;     /* NULL: nothing is wanted of the selected mailbox */
	unsigned others;                         /* events that any other group wants */
	struct notify_account *account;          /* the own one first */
	size_t account_count;
	struct notify_names names;
	struct notify_house house;
	struct rangeset own;                     /* UIDs that the session itself put into the selected mailbox */
	struct account *followed;                /* of the selected mailbox, when it is not the own one */
	struct account_watch *followed_watch;
};

/* One telling: a request of no command's, and what was looked up for it. */
struct notify_teller {
	struct imap_session *s;
	struct imap_notify *notify;
	struct arena arena;
	struct imap_request r;
	bool listed;                             /* name[] is there */
	struct imap_listed *name;
	size_t name_count;
	bool silent;                             /* the one change is the session's own: what the client knows is brought up to date, no more */
};
void notify_teller_init(struct notify_teller *t, struct imap_session *s);
void notify_teller_fini(struct notify_teller *t);
/* Fills name[], with subscriptions, once. 0 or an error of the model. */
int notify_teller_list(struct notify_teller *t);
/* NULL: there is no such name. */
const struct imap_listed *notify_teller_find(const struct notify_teller *t, struct str name);

/* Which events groups other than that of the selected mailbox want of this name (RFC 5465 6). `own`: it is in the user's own account, and not the bin. */
unsigned notify_events_of(const struct imap_notify *n, struct str name, bool own, bool subscribed);

/* Looks what the names and subscriptions are by now, tells what is wanted of what changed (5.4, 5.5), unless silent, and keeps it. 0 or an error. */
int notify_names_look(struct notify_teller *t);
void notify_names_fini(struct notify_names *names);

/* Tells which annotations changed after modseq `since` (5.6, 5.7), unless silent; of the user's own of the server when of->mailbox is NULL. `use`: its special
 * use did too. 0 or an error. */
struct imap_annotated;
int notify_metadata_changed(struct notify_teller *t, const struct imap_annotated *of, uint64_t since, bool use);
/* Looks what the house's annotations are by now, and tells what changed. 0 or an error. */
int notify_house_look(struct notify_teller *t, bool tell);
void notify_house_fini(struct notify_house *house);

/* Watches the accounts that name[] shows to be of interest. 0 or an error of the model. */
int notify_watch_accounts(struct notify_teller *t);

#endif
