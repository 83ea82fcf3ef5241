/* What NOTIFY asks for: RFC 5465 3.1 and 8. For one thread. */
#ifndef CODEC_IMAP_NOTIFY_ARGS_H
#define CODEC_IMAP_NOTIFY_ARGS_H

#include "codec/imap/cursor.h"
#include "codec/imap/fetch_att.h"

#include <stdbool.h>
#include <stddef.h>

enum imap_notify_filter {
	IMAP_NOTIFY_SELECTED,
	IMAP_NOTIFY_SELECTED_DELAYED,
	IMAP_NOTIFY_INBOXES,
	IMAP_NOTIFY_PERSONAL,
	IMAP_NOTIFY_SUBSCRIBED,
	IMAP_NOTIFY_SUBTREE,
	IMAP_NOTIFY_MAILBOXES,
};

/* RFC 5465 5; bits. AnnotationChange is not among them: no message has annotations (RFC 5257). */
enum imap_notify_event {
	IMAP_NOTIFY_NEW = 1,                 /* MessageNew */
	IMAP_NOTIFY_EXPUNGE = 2,             /* MessageExpunge */
	IMAP_NOTIFY_FLAG = 4,                /* FlagChange */
	IMAP_NOTIFY_NAME = 8,                /* MailboxName */
	IMAP_NOTIFY_SUBSCRIPTION = 16,       /* SubscriptionChange */
	IMAP_NOTIFY_METADATA = 32,           /* MailboxMetadataChange */
	IMAP_NOTIFY_SERVER_METADATA = 64,    /* ServerMetadataChange */
};
#define IMAP_NOTIFY_MESSAGE_EVENTS (IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE | IMAP_NOTIFY_FLAG)

struct imap_notify_group {
	enum imap_notify_filter filter;
	struct str *name;                    /* SUBTREE, MAILBOXES; in the arena */
	size_t name_count;
	unsigned events;                     /* enum imap_notify_event; 0: NONE */
	bool has_fetch;                      /* MessageNew names attributes; only of the selected mailbox */
	struct imap_fetch fetch;             /* without modifiers */
};

struct imap_notify_args {
	bool none;                           /* NOTIFY NONE: no more of it */
	bool status;
	struct imap_notify_group *group;     /* in the arena; at most one is SELECTED or SELECTED_DELAYED */
	size_t group_count;
};

/* Everything after "NOTIFY SP". 0; ERR_INVALID, with c->error; or ERR_UNSUPPORTED: an event is unknown, for NO [BADEVENT]. */
int imap_notify_args(struct imap_cursor *c, struct imap_notify_args *out);

/* "(MessageNew MessageExpunge ...)": all there are, for that code. */
extern const char imap_notify_events[];

#endif
