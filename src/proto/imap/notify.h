/* NOTIFY (RFC 5465): from it on, events are told whenever they happen, also between commands, and also those of other mailboxes; and of the selected one
 * only those that were asked for. The session is woken by account watches; the change log says what happened (model.h, account_changes).
 *
 * Threads: as session.h. A session that never used NOTIFY has s->notify == NULL, and all of these do nothing then. */
#ifndef PROTO_IMAP_NOTIFY_H
#define PROTO_IMAP_NOTIFY_H

#include "codec/imap/notify_args.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

/* Replaces what was asked for. `text`: what stood behind "NOTIFY ", which args was parsed of: it is kept, and parsed again. Writes the STATUS
 * responses that were asked for, and tells what is due in the selected mailbox. 0, or an error of the model: then all is as it was. */
int imap_notify_set(struct imap_request *r, struct str text);
/* Forgets all, as if NOTIFY had never been used. Before the accounts of the session are closed. */
void imap_notify_destroy(struct imap_session *s);

/* ---- the selected mailbox ---- */

/* Which events of its messages the client wants: enum imap_notify_event bits; without NOTIFY all. */
unsigned imap_notify_wanted(const struct imap_session *s);
/* EXPUNGE may come at any time (RFC 5465 6.1.1): SELECTED was asked for, not SELECTED-DELAYED. */
bool imap_notify_at_once(const struct imap_session *s);
/* What to tell of new messages; NULL: nothing but EXISTS. */
const struct imap_fetch *imap_notify_fetch(const struct imap_session *s);
/* These messages were put there by the session itself, so they are not fetched for it (RFC 5465 5.2). */
void imap_notify_own(struct imap_session *s, struct account *account, uint32_t mailbox, const struct rangeset *uids);
/* Takes them out of the set of UIDs, and forgets them. */
void imap_notify_without_own(struct imap_session *s, struct rangeset *uids);
/* Another mailbox was selected, or none: watches its account. */
void imap_notify_follow(struct imap_session *s);

/* ---- all others ---- */

/* Before a command that may make one commit of its own (IMAP_ONE_CHANGE): tells what others did up to now. */
void imap_notify_before(struct imap_session *s);
/* The command has made at least one commit in this account. When it is the only one there since imap_notify_before, it is not told (RFC 5465 5). */
void imap_notify_made(struct imap_session *s, const struct account *account);
/* After a command, before its tagged line: tells what happened. */
void imap_notify_after(struct imap_session *s);
/* The connection was woken: tells what is due anywhere. */
void imap_notify_wake(struct imap_session *s);

#endif
