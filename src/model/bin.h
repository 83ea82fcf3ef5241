/* Deleted mail. What loses its last place in an account (by EXPUNGE, DELE, the deletion of its mailbox, ...) is kept for a while in the bin: one more mailbox
 * of the account, made when it is first needed, which is like all others but for this: mailbox_list and the quota leave it out, nothing can be put into it, and
 * it can be neither renamed nor deleted nor shared. Its messages have a save date that is the time of their deletion, their old internal date, and their old
 * flags and keywords (of which the bin has room for KEYWORDS_MAX different ones at a time; messages lose those beyond, and that is counted) without \Deleted (which would have the next CLOSE there take them away for good). Moving or copying them out restores them; expunging
 * them there is for good. Only a store of level 2 has it (store.h).
 *
 * Threads and errors: as model.h. A contract beside it. */
#ifndef MODEL_BIN_H
#define MODEL_BIN_H

#include "model/model.h"

#define BIN_NAME "Recently Deleted"      /* "Recently Deleted 2" and so on when that is taken already */

/* For all accounts, from now on; at first nothing is kept. */
struct model_keep {
	int64_t seconds;                 /* how long; 0: deleted is gone at once, and what is in bins goes with the next bin_sweep */
	uint64_t bytes_max;              /* in the bin of one account; beyond it the oldest go at once. 0: no limit */
	unsigned quota_percent;          /* of the account's quota, where it has one, a second ceiling. 0: none */
};
void model_set_keep(struct model *m, const struct model_keep *keep);

/* The bin; ERR_NOT_FOUND: there is none yet. */
int bin_find(struct account *a, struct arena *arena, struct mailbox *out);
/* Takes out what was kept long enough, or is over the ceiling, in bounded commits; *gone_out (may be NULL): how many messages. now: unix seconds. Cheap where
 * there is nothing to do; the account need not be open. */
int bin_sweep(struct model *m, uint64_t account, int64_t now, uint64_t *gone_out);
/* Everything in it goes, and what is known of deleted mailboxes. */
int bin_empty(struct account *a, uint64_t *gone_out);

struct bin_item {
	const struct message *message;   /* in the bin */
	uint32_t mailbox, uid;           /* where it was before; 0: not known */
	struct str name;                 /* that mailbox's name now, or when it was deleted; empty: not known */
	bool gone;                       /* the mailbox was deleted */
	bool with_it;                    /* the message was deleted with the mailbox, not before */
};
/* All messages in the order of their deletion. What fn returns, if not 0, ends the visit and is returned. ERR_NOT_FOUND: there is no bin. */
typedef int bin_visit_fn(void *arg, const struct bin_item *item);
int bin_visit(struct account *a, bin_visit_fn *fn, void *arg);

struct bin_mailbox {
	uint32_t id;                     /* what it was */
	struct str name;
	uint32_t use;
	int64_t deleted;                 /* unix seconds */
	bool subscribed;                 /* its name was */
	bool restored;                   /* it is back, perhaps under another name */
};
/* The deleted mailboxes that are remembered, in the arena, in order of id. */
int bin_mailboxes(struct account *a, struct arena *arena, struct bin_mailbox **out, size_t *n_out);

/* Moves messages of the bin (their UIDs there) back into the mailbox `origin` that they came from (bin_item.mailbox), and makes that again when it was
 * deleted, with its name, special use, subscription, access list (less who was taken out of the account's lists since) and annotations, also for no messages at all; its UIDVALIDITY is a new one. With origin 0, or one that nobody remembers,
 * INBOX takes them. All or nothing. *out (may be NULL): where they are now, name in the arena. ERR_QUOTA. */
int bin_restore(struct account *a, struct arena *arena, uint32_t origin, const struct rangeset *uids, struct mailbox *out, uint64_t *count_out);

#endif
