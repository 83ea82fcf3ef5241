/* An account elsewhere, logged in: folders, what lies in them, and the messages, for the engine (account.h). One thread at a time. Implemented by imap_client
 * and pop3_client.
 *
 * Errors of all calls: ERR_CLOSED, ERR_TIMEOUT, ERR_IO: the connection is lost, another one may do. ERR_BUSY: the server asks for patience (wait_ms).
 * ERR_INVALID, ERR_TOO_BIG: it does not speak the protocol, or over a limit; the connection is of no more use. ERR_CONFLICT: the server refused this one
 * request; the connection is good. ERR_DENIED: login or TLS; trying again is of no use. ERR_NO_MEMORY. Texts are in e. */
#ifndef MIGRATE_SOURCE_H
#define MIGRATE_SOURCE_H

#include "base/arena.h"
#include "base/err.h"
#include "migrate/dial.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct source;

/* How to get in. All strings are the caller's and live as long as the source. */
struct source_setup {
	struct place place;
	size_t pipe;                      /* dial_open's */
	struct dial dial;
	struct str user;                  /* whose mail */
	struct str authuser;              /* who logs in for them (SASL PLAIN's authentication identity); empty: user */
	struct str password;
	struct str token;                 /* OAuth 2.0 access token, instead of the password */
};

struct source_folder {
	struct str wire;                  /* for enter */
	struct str name;                  /* UTF-8, levels parted by '/'; the inbox is "INBOX", and what lies below a prefix "INBOX." of the server stands at the top */
	uint32_t use;                     /* enum mailbox_use bits */
	bool no_select, subscribed;
	bool foreign;                     /* in a namespace of other users or of shared folders */
	bool altered;                     /* the name had characters that a name with '/' cannot have */
	uint32_t messages;                /* as far as is known before it is entered */
};
struct source_entered {
	uint32_t uidvalidity, uidnext;    /* 0: not told */
	uint32_t messages;
	uint64_t modseq;                  /* RFC 7162 HIGHESTMODSEQ; 0: no such thing */
};
struct source_item {
	uint32_t uid;                     /* 0 when `id` is the name of the message: then the callee gives it a number, which is used from then on */
	struct str id;                    /* POP3's unique id */
	bool has_flags, has_date;
	uint64_t flags;                   /* system flags, model.h */
	const struct str *keywords;
	size_t n_keywords;
	unsigned dropped;                 /* flags that are none for us */
	uint64_t size;                    /* 0: not told */
	int64_t date;
	struct str email;                 /* the same for copies of one email in several folders; empty: not known */
};
/* Strings live until it returns. An error ends the scan, and is what the scan returns. */
typedef int source_item_fn(void *arg, struct source_item *item);
/* result 0: the message as it came. ERR_TOO_BIG: over STORE_BLOB_MAX, thrown away. ERR_NOT_FOUND: the server has none. */
typedef int source_body_fn(void *arg, uint32_t uid, struct str message, int result);

#define SOURCE_ASKED_MAX 2                /* asks before a take */

struct source_ops {
	/* All folders in the arena. */
	int (*folders)(struct source *s, struct arena *a, struct source_folder **out, size_t *n_out, struct err *e);
	int (*enter)(struct source *s, const struct source_folder *f, struct source_entered *out, struct err *e);
	/* Messages with UIDs from `from` on: all that an item has; or, with changed_since above 0, UIDs and flags of those changed after that modseq. */
	int (*scan)(struct source *s, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e);
	/* Asks for messages, n at most MIGRATE_BATCH. */
	int (*ask)(struct source *s, const uint32_t *uids, size_t n, struct err *e);
	/* Takes the answer to the oldest ask. Messages may be missing. ERR_CONFLICT: the server refused; what it gave before counts. */
	int (*take)(struct source *s, source_body_fn *fn, void *arg, struct err *e);
	void (*close)(struct source *s);
};
struct source {
	const struct source_ops *ops;
	uint64_t wait_ms;                 /* with ERR_BUSY: what the server wants to be waited; 0: it did not say */
	bool has_emails;                  /* items have `email` */
	bool is_gmail;                    /* folders are labels: \Flagged and \Important show what lies elsewhere */
};
/* Opens, secures, logs in. On failure *out is NULL; *wait_ms_out as wait_ms. */
int source_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e);
/* What a server said, for people: some repeat the command that they refuse, and in it the secret, plain or in base64. Then it is not shown, and something else is
 * returned. Any thread. */
struct str source_shown(const struct source_setup *s, struct str text);
/* The same source for one of several threads that share what the engine knows: lock, which the caller holds, is let go while the server is waited for, and
 * held again while a source_item_fn runs, not while a source_body_fn does. On failure inner is closed. shared_source.c */
int source_share(struct source **inner, pthread_mutex_t *lock, struct source **out);
static inline void source_close(struct source **s)
{
	if (*s)
		(*s)->ops->close(*s);
	*s = NULL;
}

#endif
