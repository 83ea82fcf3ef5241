/* What a mail account is: mailboxes, messages with flags, emails, a change log; no protocol's spelling anywhere. Every
 * protocol is a reader and writer of this one model.
 *
 * Threads: everything may be called from any thread unless said otherwise. Nothing here holds a lock or a store
 * transaction after it has returned, except email_reader (which belongs to one thread and must be ended before any
 * socket I/O).
 * Errors: base/err.h codes; ERR_NOT_FOUND when the account, mailbox or message is not (or no longer) there. All changes
 * are durable when the call returns 0. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/rangeset.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct model;
struct account;

struct model_config {
	uint64_t view_cache_bytes;        /* ceiling for cached views that no session holds; 0: 256 MB */
};
int model_open(struct store *s, const struct model_config *c, struct model **out, struct err *e);
void model_close(struct model **m);               /* no accounts or views may be left; accepts NULL */
struct store *model_store(struct model *m);
/* Called after new emails came into an account through this model, by the thread that brought them; must be quick, and not call the model. One
 * for a model; set it before there are other threads. NULL: none. */
void model_on_emails(struct model *m, void (*fn)(void *arg, uint64_t account), void *arg);

/* ---- accounts ---- */

/* Makes the account with INBOX and the special-use defaults (Drafts, Sent, Junk, Trash, Archive), all subscribed.
 * ERR_EXISTS. */
int account_create(struct model *m, uint64_t id);
/* Removes everything of the account in bounded steps; interrupted, it can be called again. */
int account_delete(struct model *m, uint64_t id);
/* One shared object per account while anybody holds it. ERR_NOT_FOUND. */
int account_open(struct model *m, uint64_t id, struct account **out);
void account_close(struct account **a);           /* accepts NULL */
uint64_t account_id(const struct account *a);

/* Called after any change in the account, by any thread or process; from any thread; must only do something like
 * conn_wake. */
struct account_watch;
int account_watch(struct account *a, void (*fn)(void *arg), void *arg, struct account_watch **out);
/* Afterwards fn is not running and will not run. Accepts NULL. */
void account_unwatch(struct account *a, struct account_watch **w);
/* Grows with every change in the account: cheap, to see whether there is news. */
uint64_t account_version(struct account *a);

/* The POP3 maildrop lock (RFC 1939 section 4): one holder at a time. 0 or ERR_BUSY. IMAP does not ask for it. */
int account_lock_maildrop(struct account *a);
void account_unlock_maildrop(struct account *a);
/* When the last POP3 session of the account began, unix seconds, 0 never since the program started (for LOGIN-DELAY).
 * Sets it to now. */
int64_t account_touch_login(struct account *a, int64_t now);

struct quota {
	uint64_t bytes_max, messages_max, mailboxes_max;      /* 0: no limit; or QUOTA_ZERO */
	uint64_t bytes, messages;         /* of all mailboxes but the bin; a copy counts */
	uint64_t mailboxes;               /* every name of mailbox_list */
	unsigned grace_percent;           /* what deliveries may exceed bytes_max and messages_max by */
};
#define QUOTA_ZERO ((uint64_t)1 << 63)    /* as a limit: nothing at all may be there */
int account_quota(struct account *a, struct quota *out);
/* The three limits; the rest of *limits is not looked at. What is over a new limit stays; nothing more comes in. */
int account_set_quota(struct account *a, const struct quota *limits);
/* Is there room for so much more? A delivery may use the grace, what users put there themselves may not. */
bool quota_has_room(const struct quota *q, uint64_t messages, uint64_t bytes, bool delivery);
/* Is there more than bytes_max or messages_max permits? */
bool quota_is_exceeded(const struct quota *q);
/* The grace of every account from now on, percent; 0 at first. */
void model_set_quota_grace(struct model *m, unsigned percent);
/* The same without opening the account: to see early that a message cannot be taken. */
int model_quota(struct model *m, uint64_t account, struct quota *out);

/* ---- mailboxes ---- */

#define MAILBOX_SEPARATOR '/'
#define MAILBOX_NAME_MAX 1000          /* bytes of UTF-8 */
#define MAILBOX_DEPTH_MAX 32
#define MAILBOXES_MAX 10000            /* an account */
#define KEYWORDS_MAX 56                /* a mailbox; bits of message.flags */
#define KEYWORD_LENGTH_MAX 100         /* bytes */

/* Special uses, RFC 6154 section 2. */
enum mailbox_use {
	MAILBOX_USE_NONE = 0, MAILBOX_USE_ALL = 1, MAILBOX_USE_ARCHIVE = 2, MAILBOX_USE_DRAFTS = 4, MAILBOX_USE_FLAGGED = 8,
	MAILBOX_USE_JUNK = 16, MAILBOX_USE_SENT = 32, MAILBOX_USE_TRASH = 64, MAILBOX_USE_IMPORTANT = 128,
};

struct mailbox {
	uint32_t id;                      /* never reused in the account */
	struct str name;                  /* UTF-8, levels parted by '/'; "INBOX" in capitals is the inbox */
	uint32_t use;                     /* enum mailbox_use bits */
	bool no_select;                   /* only a level of the hierarchy: it was deleted while it had children */
	bool bin;                         /* where deleted messages lie (bin.h): nothing can be put there, and it can be neither renamed nor deleted */
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;                  /* highest of any message, expunge or annotation in it; at least 1 */
	uint32_t messages, unseen, deleted, recent;
	uint64_t bytes;                   /* sum of sizes */
};

/* Is this name allowed for a new mailbox? UTF-8, no control characters, no empty level, within the limits; "inbox" in
 * any case means INBOX, and what is written in another Unicode normalization than C means the same in that. Fills canonical_out (in the arena). 0, ERR_INVALID, ERR_TOO_BIG. */
int mailbox_name_check(struct arena *a, struct str name, struct str *canonical_out, struct err *e);

/* All mailboxes but the bin in the arena, sorted by name: INBOX first, each directly before what is below it. */
int mailbox_list(struct account *a, struct arena *arena, struct mailbox **out, size_t *n_out);
/* By name (canonicalised as above). ERR_NOT_FOUND. `out->name` lives in the arena. */
int mailbox_find(struct account *a, struct arena *arena, struct str name, struct mailbox *out);
int mailbox_get(struct account *a, struct arena *arena, uint32_t id, struct mailbox *out);
/* Missing superiors are made too. ERR_EXISTS, ERR_INVALID, ERR_TOO_BIG, ERR_QUOTA (too many mailboxes). A no_select one becomes a real one, with a new
 * id and UIDVALIDITY. out may be NULL; its name is not filled. */
int mailbox_create(struct account *a, struct str name, uint32_t use, struct mailbox *out, struct err *e);
/* The same for somebody else than the owner: what is made at the top begins with INBOX's access list (acl.h), for at the top INBOX stands for the
 * account. */
int mailbox_create_as_guest(struct account *a, struct str name, uint32_t use, struct err *e);
/* With its messages. With children it stays as no_select (RFC 3501 6.3.4). ERR_DENIED for INBOX and the bin, ERR_CONFLICT when it
 * is no_select with children. */
int mailbox_delete(struct account *a, struct str name, struct err *e);
/* Children move along. INBOX: its messages move into a new mailbox, INBOX stays, empty (RFC 3501 6.3.5). UIDs and
 * UIDVALIDITY of renamed ones stay. ERR_DENIED for the bin. */
int mailbox_rename(struct account *a, struct str from, struct str to, struct err *e);
int mailbox_set_use(struct account *a, struct str name, uint32_t use, struct err *e);

/* Subscriptions are a set of names: one may name no mailbox (RFC 3501 6.3.9). */
int subscription_set(struct account *a, struct str name, bool subscribed, struct err *e);
/* Is it one now? */
int subscription_is_set(struct account *a, struct str name, bool *out);
int subscription_list(struct account *a, struct arena *arena, struct str **names_out, size_t *n_out);     /* sorted */

/* ---- messages: immutable views of a mailbox ---- */

enum message_flag {
	MESSAGE_SEEN = 1, MESSAGE_ANSWERED = 2, MESSAGE_FLAGGED = 4, MESSAGE_DELETED = 8, MESSAGE_DRAFT = 16,
	MESSAGE_GHOST = 128,              /* only in views by view_overlay: expunged, but the client was not told yet */
};
#define MESSAGE_SYSTEM_FLAGS 0x1fu
#define MESSAGE_KEYWORD_SHIFT 8       /* bit 8 + i is keyword i of the mailbox */

struct message {
	uint32_t uid;
	uint32_t size;                    /* octets of the message as sent, RFC822.SIZE */
	uint64_t email;                   /* the email it shows, unique in the account, never reused */
	uint64_t modseq;
	int64_t date;                     /* internal date, unix seconds */
	uint64_t flags;
	int64_t saved;                    /* unix seconds when it came into this mailbox (RFC 8514); 0: not known, as of
										 messages from before this was kept */
};
/* The save date as it is told: where it is not known, the internal date is the best answer. */
static inline int64_t message_saved(const struct message *m) { return m->saved ? m->saved : m->date; }

/* One version of a mailbox: shared, reference counted, never changes. Versions share the pages that are equal. */
struct view;
int view_open(struct account *a, uint32_t mailbox, struct view **out);            /* the newest */
void view_unref(struct view **v);                 /* accepts NULL */
/* The newest version: *out may be `old` itself with another reference. ERR_NOT_FOUND: the mailbox was deleted. */
int view_refresh(struct account *a, struct view *old, struct view **out);
/* `newest`, but with the messages that `old` has and newest has not, kept in place as ghosts (MESSAGE_GHOST): sequence
 * numbers of `old` stay right and new messages come after them. For when no EXPUNGE may be sent (RFC 3501 7.4.1). */
int view_overlay(struct view *old, struct view *newest, struct view **out);

uint32_t view_mailbox(const struct view *v);
uint32_t view_count(const struct view *v);
uint32_t view_uidvalidity(const struct view *v);
uint32_t view_uidnext(const struct view *v);
uint64_t view_modseq(const struct view *v);       /* the mailbox's modseq at this version */
uint32_t view_unseen(const struct view *v);       /* how many without \Seen */
uint32_t view_first_unseen(const struct view *v); /* index of the first without \Seen, or view_count */
/* Keyword names by bit; n_out of them; unused bits are empty slices. Lives with the view. */
const struct str *view_keywords(const struct view *v, unsigned *n_out);
/* index 0 .. count-1 (sequence number minus 1), ascending UIDs. O(log n); for scans use the iterator. */
struct message view_at(const struct view *v, uint32_t index);
/* Index of the first message with at least this UID (view_count when none); *exact_out may be NULL. */
uint32_t view_find(const struct view *v, uint32_t uid, bool *exact_out);
struct view_iter { const struct view *v; uint32_t index; uint32_t page; uint32_t slot; struct message message; };
struct view_iter view_iter_at(const struct view *v, uint32_t index);
/* NULL at the end; else it->message, which the next call overwrites, and it->index is one past it. */
const struct message *view_iter_next(struct view_iter *it);

/* What changed from one version to a newer one of the same mailbox. */
struct view_diff {
	struct rangeset vanished;         /* UIDs in old (ghosts too) and not in newer */
	struct rangeset changed;          /* UIDs in both whose flags differ */
	uint32_t added;                   /* messages in newer with UIDs from old's uidnext on */
	bool keywords_added;              /* newer knows keyword names that old does not */
};
int view_diff(const struct view *old, const struct view *newer, struct view_diff *out);
void view_diff_fini(struct view_diff *d);

/* ---- emails: what a message shows ---- */

/* Reads many email records in one short store read. Begin, read a bounded batch, end, and only then write to a
 * socket. */
struct email_reader;
struct email {
	store_blob_id blob;
	uint32_t size;
	struct str summary;               /* codec/mime/summary.h; lives until email_reader_end */
	uint64_t thread;                  /* emails of one conversation have the same; unique in the account, never reused */
};
int email_reader_begin(struct account *a, struct email_reader **out);
int email_reader_get(struct email_reader *r, uint64_t email, struct email *out);
void email_reader_end(struct email_reader **r);   /* accepts NULL */
/* The ids of the emails from `from` on, ascending, at most max of them. *next_out: where to go on; ids are given in order, so no email below
 * it comes later. */
int account_emails(struct account *a, uint64_t from, uint64_t *ids, size_t max, size_t *n_out, uint64_t *next_out);
/* The message itself, in place; may be held across socket I/O. */
int email_map(struct account *a, uint64_t email, struct store_blob_view *out);
int email_map_blob(struct account *a, store_blob_id blob, struct store_blob_view *out);
void email_unmap(struct account *a, struct store_blob_view *v);
/* False when the disk could not give a part of it any more while it was used (store_blob_intact): ask after its last byte was used, and break the answer off. */
bool email_intact(struct account *a, const struct store_blob_view *v);

/* ---- changing messages ---- */

/* A message to be put into a mailbox. */
struct append {
	store_blob_id blob;               /* put with the account's tag (model_put_blob) before */
	uint32_t size;
	struct str summary;
	int64_t date;                     /* internal date, unix seconds */
	uint64_t flags;                   /* system flags */
	const struct str *keywords;
	size_t n_keywords;
	uint32_t uid_out;
};
/* One blob for all the accounts that will hold it; durable on return. */
int model_put_blob(struct model *m, const struct str *pieces, size_t n_pieces, const uint64_t *accounts,
				   size_t n_accounts, store_blob_id *out);
/* Takes one account's tag away again, when what was put is not needed after all. What cannot be done now, model_check
 * does. */
void model_drop_blob(struct model *m, store_blob_id blob, uint64_t account);
/* All or none; UIDs ascend in order. Quota is checked unless ignore_quota. ERR_QUOTA, ERR_NOT_FOUND, ERR_DENIED (the bin), ERR_TOO_BIG (UIDs
 * used up). On failure the blobs lose the account's tag: they must be put anew. Keywords for which the mailbox has no
 * room are left out. */
int mailbox_append(struct account *a, uint32_t mailbox, struct append *items, size_t n, bool ignore_quota,
				   uint32_t *uidvalidity_out);

/* One message into many accounts in as few syncs as possible; each account stands alone (result). Where it fails, the
 * blob loses that account's tag. Quota is checked, with its grace. */
struct model_delivery {
	uint64_t account;
	struct str mailbox;               /* name; empty: INBOX. One that does not exist: INBOX */
	struct append append;
	int result;                       /* out */
};
int model_deliver(struct model *m, struct model_delivery *d, size_t n);      /* first non-zero result, else 0 */

enum flags_op { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };
struct flags_change {
	enum flags_op op;
	uint64_t flags;                   /* system flags */
	const struct str *keywords;       /* names, compared without case; new ones are made, ERR_TOO_BIG without room */
	size_t n_keywords;
	uint64_t kept;                    /* flags, as bits of the mailbox, that stay as they are whatever op says */
	bool conditional;                 /* UNCHANGEDSINCE (RFC 7162 3.1.3) */
	uint64_t unchanged_since;
};
/* UIDs that are not there are passed over. *changed_out: whose flags really changed. *modified_out: refused by
 * unchanged_since. *modseq_out: the change's modseq (0 when nothing changed). Each output may be NULL; rangesets are
 * added to. */
int mailbox_flags(struct account *a, uint32_t mailbox, const struct rangeset *uids, const struct flags_change *change,
				  struct rangeset *changed_out, struct rangeset *modified_out, uint64_t *modseq_out);
/* Removes messages: those of uids (NULL: all), and when only_deleted, only those with \Deleted. All or nothing. What is in no other mailbox then goes
 * into the bin, if deleted mail is kept (bin.h), and out of the bin for good. *expunged_out may be NULL. */
int mailbox_expunge(struct account *a, uint32_t mailbox, const struct rangeset *uids, bool only_deleted,
					struct rangeset *expunged_out, uint64_t *modseq_out);
/* Puts *item into the mailbox `to` and removes the message `uid` from `from` (perhaps the same), in one commit (RFC 8508); the quota counts the old one
 * as gone. ERR_CONFLICT: it is gone already, and nothing was changed; else as mailbox_append, also for what becomes of the blob. */
int mailbox_replace(struct account *a, uint32_t from, uint32_t uid, uint32_t to, struct append *item, uint32_t *uidvalidity_out);
/* Copies (or moves) with flags, keywords and dates, in UID order; all or nothing (RFC 3501 6.4.7). source_out and
 * target_out correspond in order. The quota is asked, but of a move only out of the bin. ERR_DENIED: into the bin. */
int mailbox_copy(struct account *a, uint32_t from, uint32_t to, const struct rangeset *uids, bool move,
				 struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out);
/* The same, but only flags of `keep` go along: system flags by their bits; keywords when it has all bits from MESSAGE_KEYWORD_SHIFT on, or none. */
int mailbox_copy_kept(struct account *a, uint32_t from, uint32_t to, const struct rangeset *uids, bool move, uint64_t keep,
					  struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out);
/* The same into another account, whose quota is asked; all or nothing. The emails are new ones that share the bodies. There is no move: copy, then expunge; a
 * crash in between leaves the messages in both. ERR_TOO_BIG: over a limit of messages at once. */
int mailbox_copy_across(struct account *from, uint32_t from_mailbox, struct account *to, uint32_t to_mailbox, const struct rangeset *uids, uint64_t keep,
						struct rangeset *source_out, struct rangeset *target_out, uint32_t *uidvalidity_out);
/* \Recent (RFC 3501 2.3.2): UIDs from *first_out up to *until_out - 1 are recent for this session; with claim, no other session
 * ever sees them as recent. Asked after a view was opened, it covers all that is new in the view, and perhaps more. */
int mailbox_recent(struct account *a, uint32_t mailbox, bool claim, uint32_t *first_out, uint32_t *until_out);
/* UIDs expunged after modseq `since`, from the change log. ERR_NOT_FOUND: the log does not reach back that far (then
 * all UIDs below uidnext that are not in the mailbox must be taken for vanished), or is damaged. */
int mailbox_vanished(struct account *a, uint32_t mailbox, uint64_t since, struct rangeset *out);

/* ---- what happened ---- */

/* What the commits after modseq `since` did, mailbox by mailbox: from the change log, for who has to tell others. */
struct account_change {
	uint32_t mailbox;                 /* 0: the account itself: subscriptions, and what else belongs to no mailbox */
	uint32_t kinds;                   /* bits 1u << LOG_APPEND and so on: enum changelog_kind, model/changelog.h */
};
struct account_changes {
	struct account_change *v;         /* in the arena, by mailbox; some of them may be gone by now */
	size_t n;
	uint64_t until;                   /* all up to this modseq is in it */
	uint64_t commits;                 /* how many there were, without those that only put deleted mail into the bin */
};
/* With UINT64_MAX nothing but `until`: from now on. ERR_NOT_FOUND: the log does not reach back that far, or there is no such account. */
int account_changes(struct account *a, struct arena *arena, uint64_t since, struct account_changes *out);
/* ---- keys of authorised URLs ---- */

/* The mailbox access keys of RFC 4467 2.2: of this account's user, for a mailbox of the account `holder` (the same, or one that shares it). The key of an
 * own mailbox goes with it. */
#define URL_KEY_SIZE 32
/* ERR_NOT_FOUND: there is none. */
int account_url_key(struct account *a, uint64_t holder, uint32_t mailbox, uint8_t out[URL_KEY_SIZE]);
/* Makes it of the random bytes `fresh` when there is none, or in any case with `replace`; *out is the one that holds. ERR_NOT_FOUND: no such mailbox. */
int account_url_key_make(struct account *a, uint64_t holder, uint32_t mailbox, bool replace, const uint8_t fresh[URL_KEY_SIZE], uint8_t out[URL_KEY_SIZE]);
/* Takes all of them away. */
int account_url_keys_clear(struct account *a);

/* ---- care ---- */

/* Checks an account (0: all): index, emails, blobs, counts, tags against each other; repair mends what can be derived
 * and sets damaged values aside. The server may be running. What a crash leaves by design is told as "note: ..." and is
 * no fault. */
int model_check(struct model *m, uint64_t account, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);
/* Every account id there is, ascending. */
int model_accounts(struct model *m, struct arena *arena, uint64_t **out, size_t *n_out);

#endif
