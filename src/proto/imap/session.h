/* What an IMAP session keeps from one command to the next, and the words in which it answers. Seen only inside proto/imap.
 *
 * Threads: a session is run by one worker at a time (rt/conn.h), so nothing here locks. At rest it costs this struct (half
 * a KB at most, a test holds it), the account handle shared by all sessions of the user, and one reference to a shared view.
 *
 * Sequence numbers: selected.view is what the client knows. It changes only in imap_sync (sync.h), which tells the client
 * so; commands read messages from it, and UIDs from it are what they hand to the model. */
#ifndef PROTO_IMAP_SESSION_H
#define PROTO_IMAP_SESSION_H

#include "base/rangeset.h"
#include "model/model.h"
#include "proto/common/services.h"
#include "proto/imap/gather.h"
#include "proto/imap/language.h"
#include "rt/conn.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_append;
struct imap_command;
struct imap_notify;
struct sasl;

/* RFC 3501 section 3; bits, for the command table. */
enum imap_state {
	IMAP_NOT_AUTHENTICATED = 1,
	IMAP_AUTHENTICATED = 2,
	IMAP_SELECTED = 4,
};
#define IMAP_ANY_STATE (IMAP_NOT_AUTHENTICATED | IMAP_AUTHENTICATED | IMAP_SELECTED)
#define IMAP_LOGGED_IN (IMAP_AUTHENTICATED | IMAP_SELECTED)

/* What the client asked for, for good (RFC 5161, RFC 7162 3.1); bits. */
enum imap_enabled {
	IMAP_ENABLED_CONDSTORE = 1,
	IMAP_ENABLED_UTF8 = 2,           /* UTF8=ACCEPT, RFC 9755 */
	IMAP_ENABLED_QRESYNC = 4,        /* RFC 7162 3.2: VANISHED instead of EXPUNGE */
	IMAP_ENABLED_REV2 = 8,           /* IMAP4rev2, RFC 9051 */
	IMAP_ENABLED_UIDONLY = 16,       /* RFC 9586: no message numbers, UIDFETCH instead of FETCH */
};

struct imap_selected {
	struct account *account;         /* that holds it: a handle of its own, also when it is the user's */
	uint32_t rights;                 /* enum acl_right bits of the user in it (RFC 4314) */
	struct view *view;               /* NULL when gone, and when nothing is selected */
	uint32_t mailbox;                /* id */
	bool read_only;                  /* EXAMINE: nothing may change, not even \Seen by FETCH */
	uint64_t held;                   /* 0: all changes were told; else some are held back, and all up to this modseq was told */
	bool untold;                     /* flags changed of which the client does not want to hear (NOTIFY): held for good */
	bool gone;                       /* deleted meanwhile, and the client was told that all messages are expunged */
	bool quota_warned;               /* the client knows that the quota is exceeded */
	struct rangeset recent;          /* UIDs that are \Recent to this session (RFC 3501 2.3.2); kept by sync.c */
};

struct imap_session {
	struct conn *conn;
	struct services *services;
	const struct mail_config *config;        /* as it was when the session opened */
	enum imap_state state;
	unsigned enabled;                        /* enum imap_enabled */
	enum imap_language language;             /* of what people read: RFC 5255 */
	struct account *account;                 /* the user's own, from login on */
	struct imap_selected selected;           /* in state IMAP_SELECTED */
	struct imap_gather gather;               /* the command that is arriving */

	/* A command that goes on with lines of the client's (AUTHENTICATE, IDLE). */
	const struct imap_command *continued;    /* NULL: none */
	char *continued_tag;
	struct sasl *sasl;                       /* AUTHENTICATE */
	bool sasl_done;                          /* proven; the client has yet to answer the server's last word with nothing */
	struct account_watch *watch;             /* IDLE: of selected.account */

	struct imap_notify *notify;              /* NULL until NOTIFY is used: notify.h */
	struct imap_contexts *contexts;          /* searches that are kept up to date; context.h */
	struct imap_append *append;              /* the message under way; append.h */
	struct rangeset saved;                   /* "$" of RFC 5182: UIDs of the selected mailbox */

	uint64_t opened_ms;                      /* clock_mono_ms, for the login timeout */
	uint64_t commands;                       /* for the log */
	unsigned bad;                            /* commands answered BAD before login */
	unsigned login_failures;
	unsigned told;                           /* refusals that were logged */
	bool closing;                            /* BYE was said */
	bool tls_starting;                       /* no input is read until CONN_TLS */
};

/* UTF-8 in quoted strings, and mailbox names in UTF-8: RFC 9755 3, RFC 9051 5.1. */
static inline bool imap_utf8(const struct imap_session *s) { return (s->enabled & (IMAP_ENABLED_UTF8 | IMAP_ENABLED_REV2)) != 0; }
/* What only UTF8=ACCEPT brings. */
static inline bool imap_utf8_accept(const struct imap_session *s) { return (s->enabled & IMAP_ENABLED_UTF8) != 0; }
static inline bool imap_qresync(const struct imap_session *s) { return (s->enabled & IMAP_ENABLED_QRESYNC) != 0; }
static inline bool imap_rev2(const struct imap_session *s) { return (s->enabled & IMAP_ENABLED_REV2) != 0; }
static inline bool imap_uidonly(const struct imap_session *s) { return (s->enabled & IMAP_ENABLED_UIDONLY) != 0; }
static inline bool imap_condstore(const struct imap_session *s) { return (s->enabled & IMAP_ENABLED_CONDSTORE) != 0; }

/* Writes "* BYE text" and lets the connection close after this run. */
void imap_bye(struct imap_session *s, const char *text);
/* Ends the connection in the middle of an answer whose octets turned out to be lost, and logs it. */
void imap_break_off(struct imap_session *s);
/* Leaves the selected mailbox without expunging; does nothing when there is none. Says nothing to the client. */
void imap_unselect(struct imap_session *s);
/* Back to the state of a new connection, for STARTTLS (RFC 3501 6.2.1) and the end. */
void imap_session_reset(struct imap_session *s);
/* The same but for the command that is under way: for UNAUTHENTICATE (RFC 8437 4.1). */
void imap_session_forget(struct imap_session *s);

#endif
