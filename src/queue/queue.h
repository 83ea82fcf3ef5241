/* Mail on its way: durable envelopes, who is tried when, and what became of it. Knows no SMTP syntax, no socket, no DNS.
 * Any thread. The command line works on the same store beside the running server; it notices by the store's watch.
 *
 * A message is one blob and an envelope; each recipient is an entry of its own. Both lie in one of QUEUE_SHARDS scopes
 * (STORE_QUEUE, shard), chosen by the message's id. Memory is by destination, never by message: a million messages that wait
 * cost no more than their destinations.
 *
 * Nothing is lost: queue_submit returns when durable, and a message leaves only in the commit that settles its last
 * recipient. What is in flight when the process dies is tried again; a notice (bounce, delay, success) is submitted in the very commit
 * that forgets it was owed, so none is lost or doubled. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct queue;

/* 1 to 16; may grow, never shrink. One writes the fewest pages: see README.md, Rejected. */
#ifndef QUEUE_SHARDS
#define QUEUE_SHARDS 1
#endif
/* The destination of recipients that are ours: handed to the local deliverer. Others: the recipient's domain in lower case and
 * A-labels, or an address literal with its brackets. What that means (MX, smart host, LMTP, a file) is decided when it is tried. */
#define QUEUE_LOCAL ":local"
/* Where jobs of kind QUEUE_NOTICE wait; for queue_take. */
#define QUEUE_NOTICES ":notice"
/* With a domain behind it: mail that waits to be fetched (ATRN). Only who asks queue_take for exactly that destination gets it. */
#define QUEUE_FETCHED ":fetched/"

/* ---- what is submitted ---- */

enum queue_flag {
	QUEUE_UTF8 = 1,           /* SMTPUTF8 was asked for, RFC 6531 */
	QUEUE_8BIT = 2,           /* BODY=8BITMIME */
	QUEUE_BINARY = 4,         /* BODY=BINARYMIME */
	QUEUE_REQUIRETLS = 8,     /* RFC 8689 */
	QUEUE_RET_FULL = 16,      /* RFC 3461 4.3 */
	QUEUE_RET_HDRS = 32,
	QUEUE_BY_RETURN = 64,     /* RFC 2852: deliver_by with mode R; otherwise N */
	QUEUE_BY_TRACE = 128,
	QUEUE_TLS_OPTIONAL = 256, /* the message says TLS-Required: No, RFC 8689 5 */
	QUEUE_HELD = 512,         /* waits for `release` */
	QUEUE_JUNK = 2048,        /* kept here: goes to Junk */
	QUEUE_VERP = 1024,        /* sender is a template that the deliverer expands for each recipient */
};
enum queue_notify {           /* RFC 3461 4.1; 0: not given: failures and delays */
	QUEUE_NOTIFY_NEVER = 1, QUEUE_NOTIFY_SUCCESS = 2, QUEUE_NOTIFY_FAILURE = 4, QUEUE_NOTIFY_DELAY = 8,
};

struct queue_recipient {
	struct str address;           /* local@domain as RCPT carries it, without brackets */
	struct str destination;
	unsigned notify;              /* enum queue_notify */
	struct str orcpt;             /* "rfc822;user@example.org": type and decoded address; empty: not given */
};
struct queue_envelope {
	struct str sender;            /* reverse-path without brackets; empty: null */
	unsigned flags;               /* enum queue_flag */
	struct str envid;             /* decoded; empty: not given */
	int priority;                 /* -9 .. 9, RFC 6710 */
	int64_t arrived;              /* unix seconds */
	int64_t not_before;           /* FUTURERELEASE; 0: at once */
	int64_t expires;              /* 0: by configuration */
	int64_t deliver_by;           /* 0: none */
	struct str user;              /* who submitted it; empty: came by MX, or is ours */
	struct str peer;              /* address it came from; for show */
};
struct queue_submission {
	struct queue_envelope envelope;
	const struct str *pieces;     /* the message: their concatenation, CRLF line ends, without Return-Path */
	size_t n_pieces;
	const struct queue_recipient *recipients;
	size_t n_recipients;          /* at least 1, at most QUEUE_RECIPIENTS_MAX */
};
#define QUEUE_RECIPIENTS_MAX 100000          /* for at most 65,535 destinations: ERR_TOO_BIG */
/* An id as people see it and type it: in replies, logs, notices and `troika queue`. */
#define QUEUE_ID_TEXT 17
struct str queue_id_format(uint64_t id, char text[QUEUE_ID_TEXT]);
bool queue_id_parse(struct str text, uint64_t *id_out);
/* 0 when durable, with the id (never reused). ERR_BUSY: the queue is full (config.messages_max); ERR_NO_SPACE, ERR_IO ... */
int queue_submit(struct queue *q, const struct queue_submission *s, uint64_t *id_out, struct err *e);

/* ---- the schedule ---- */

struct queue_limits {             /* of one destination, asked anew now and then */
	unsigned concurrency;         /* jobs at once; 0: 20 */
	unsigned per_minute;          /* messages; 0: no limit */
};
struct queue_config {
	uint64_t retry_first_s, retry_max_s;  /* growing from one to the other, by 1.5 to 2 each time, with jitter; 0: 300, 14400 */
	uint64_t expire_s;            /* 0: 5 days */
	uint64_t expire_null_s;       /* messages with a null sender; 0: 1 day */
	uint64_t warn_s;              /* a delay notice after so long; 0: 4 hours */
	uint64_t messages_max;        /* 0: 10,000,000 */
	bool tell_null;               /* failures of messages with a null sender are owed too, whatever NOTIFY says: the postmaster hears of them */
	void (*limits)(void *ctx, struct str destination, struct queue_limits *out);      /* may be NULL */
	void *limits_ctx;
};
int queue_open(struct store *s, const struct queue_config *c, struct queue **out, struct err *e);
void queue_close(struct queue **q);       /* no job may be out; accepts NULL */
/* From now on; what was submitted before keeps its time of expiry; what waits for longer than the new retry_max_s is due within the hour. */
void queue_set_config(struct queue *q, const struct queue_config *c);
/* Makes every queue_take that waits return ERR_CLOSED, and later ones too. */
void queue_stop(struct queue *q);

enum queue_job_kind {
	QUEUE_DELIVER,                /* try these recipients, all of one destination */
	QUEUE_NOTICE,                 /* tell the sender about these recipients; any destinations */
};
enum queue_event { QUEUE_DELAYED = 1, QUEUE_FAILED = 2, QUEUE_DELIVERED = 4, QUEUE_RELAYED = 8, QUEUE_EXPANDED = 16 };

struct queue_job_recipient {
	struct queue_recipient r;
	uint32_t index;               /* its number in the message */
	unsigned attempts;            /* before this one */
	unsigned owed;                /* QUEUE_NOTICE: enum queue_event to tell */
	/* what the last attempt said (empty before): for notices and for show */
	struct str status;            /* "4.4.1" */
	struct str reply;             /* the peer's words, or ours */
	struct str remote;            /* name of the peer; empty: it was ourselves */
	int64_t last_attempt;
	/* Filled by the deliverer, see queue_finish. */
	struct queue_result {
		int outcome;              /* 0: not tried, back as it was; QUEUE_DELIVERED, _RELAYED, _EXPANDED, _FAILED; QUEUE_DELAYED: later */
		struct str status, reply, remote;     /* copied by queue_finish */
		bool dsn_passed_on;       /* relayed to a peer that has DSN: success is its to tell (RFC 3461 5.2.2) */
		bool by_lost;             /* relayed to a peer that does not keep BY: the sender is told in any case (RFC 2852 4.1.4.2) */
	} result;
};
struct queue_job {
	enum queue_job_kind kind;
	uint64_t id;
	struct queue_envelope envelope;
	int64_t expires;              /* the effective one */
	struct str destination;
	store_blob_id blob;
	uint64_t size;                /* octets of the message */
	struct queue_job_recipient *recipients;
	size_t n_recipients;
	struct arena arena;           /* owns all strings; results may be put here too */
};
/* The next job that is due; waits up to wait_ms. `prefer`: a destination whose connection is open (empty: any): its jobs first, and
 * only its when `only` is set. ERR_TIMEOUT: none came; ERR_CLOSED. A job must be given to queue_finish or queue_finish_notice. */
int queue_take(struct queue *q, uint64_t wait_ms, struct str prefer, bool only, struct queue_job **out);
/* The message's bytes, in place; unmapped with store_blob_unmap. */
int queue_job_map(struct queue *q, const struct queue_job *j, struct store_blob_view *out);
/* Writes down what became of each recipient, durably, frees the job. Deferred ones get their next time; what the sender is to be told
 * is owed (by NOTIFY, or for failures and delays when not given; nothing for a null sender, see tell_null). 0, or an error: the store cannot write now. Then
 * the results are kept in memory, the recipients are not tried again, and writing is: only if the process ends before that succeeds are they
 * as they were. */
int queue_finish(struct queue *q, struct queue_job **j);
/* A notice was made: submits it (NULL: none is to be sent, e.g. to a null sender) and forgets in one commit that it was owed. */
int queue_finish_notice(struct queue *q, struct queue_job **j, const struct queue_submission *notice);
/* The destination cannot be reached at all: nothing of it is tried for a growing while (its messages stay untouched; they expire all the
 * same). ok ends that. */
void queue_destination_failed(struct queue *q, struct str destination, struct str status, struct str reply, struct str remote);
void queue_destination_ok(struct queue *q, struct str destination);
/* ETRN, ATRN, `queue retry`: everything for it is due now. Returns how many recipients, or an error. */
int64_t queue_flush_destination(struct queue *q, struct str destination);

/* ---- looking and steering: `troika queue` ---- */

struct queue_item {
	uint64_t id;
	struct queue_envelope envelope;
	int64_t expires;
	uint64_t size;
	store_blob_id blob;
	struct queue_item_recipient { struct queue_recipient r; unsigned attempts; int64_t next /* 0: held or settled */; struct str status, reply, remote; unsigned owed; bool settled; }
		*recipients;
	size_t n_recipients;
};
/* All that is set must hold. sender "<>": the null one. */
struct queue_filter { uint64_t id; /* 0: any */ struct str destination, sender, recipient; /* empty: any */ bool held_only; };
/* Calls fn for each message that matches, in order of arrival within a shard, with an item that lives for the call; stops when fn returns
 * non-zero, and returns that. */
int queue_list(struct queue *q, const struct queue_filter *f, int (*fn)(void *arg, const struct queue_item *item), void *arg);
enum queue_action { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_DROP, QUEUE_BOUNCE };
/* On all that match; *n_out: messages changed. Retry, drop and bounce change only the recipients that match, hold and release whole messages.
 * Retry also lifts the block of the destinations; drop forgets without a notice; bounce fails with one. */
int queue_act(struct queue *q, const struct queue_filter *f, enum queue_action action, uint64_t *n_out, struct err *e);
struct queue_stats {
	uint64_t messages, recipients, bytes, held, owed, destinations, in_flight;
	int64_t oldest;               /* unix seconds; 0: none */
	uint64_t submitted, delivered, failed, deferred, notices;      /* since open */
};
int queue_stats(struct queue *q, struct queue_stats *out);
struct queue_destination_stats { struct str destination; uint64_t recipients; int64_t next; unsigned failures; struct str reply; };
/* The most loaded first, at most max. */
int queue_destinations(struct queue *q, struct arena *a, size_t max, struct queue_destination_stats **out, size_t *n_out);
/* Reads everything and tells each fault, as store_check does; repair mends what can be derived, beside the running server. Bodies that a
 * crash left without a message are told as a note and are no fault. */
int queue_check(struct queue *q, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);

#endif
