/* The state record of an account: the counters that never go back, the quota, the reach of the log. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "model/record.h"

#include <stdint.h>

enum state_status {
	STATE_LIVE = 1,
	STATE_DELETING = 2,         /* account_delete is under way, or was interrupted */
	STATE_DELETED = 3,          /* only this record is left, so that the counters go on if the account is made again */
};

struct state {
	enum state_status status;
	uint64_t modseq;            /* last one given */
	uint64_t log_from;          /* records up to this modseq are trimmed: every later one is there */
	uint64_t tree_modseq;       /* last change of any mailbox's name or being */
	uint64_t email_next;
	uint32_t mailbox_next;
	uint32_t uidvalidity;       /* last one given */
	uint32_t mailboxes;
	uint32_t subscriptions;
	uint64_t grave_pages;       /* waiting for purge */
	uint64_t condemned;         /* keys of that kind: see audit_tags.c */
	uint64_t bytes_max, messages_max, mailboxes_max;       /* as struct quota in model.h */
	uint64_t bytes, messages;   /* sums over the mailboxes: a copy counts */
	uint64_t annotation_bytes;  /* names and values, annotation.h */
	uint32_t bin;               /* the mailbox of what was deleted (bin_inside.h); 0: not made yet */
	uint32_t tombs;             /* keys of that kind */
};

/* 0, ERR_NOT_FOUND (no such account, or deleted: status says so then), ERR_CORRUPT, ERR_VERSION, ... */
int state_load(struct source s, struct state *out);
int state_save(struct store_write *w, const struct state *state);
/* The record as bytes, for who has them from elsewhere (transfer.h). 0, ERR_CORRUPT, ERR_VERSION; whatever the status is. */
#define STATE_BYTES 128u
int state_decode(struct str value, struct state *out);
size_t state_encode(const struct state *state, char p[STATE_BYTES]);          /* its size */

#endif
