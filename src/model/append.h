/* Putting messages into a mailbox within a commit: shared by mailbox_append and model_deliver. For this room only. */
#ifndef MODEL_APPEND_H
#define MODEL_APPEND_H

#include "model/change.h"
#include "model/mailbox_record.h"

enum append_quota { APPEND_QUOTA, APPEND_QUOTA_GRACE, APPEND_QUOTA_IGNORED };

/* Adds the items to the mailbox and all that goes with them; saves the record. The grace: for APPEND_QUOTA_GRACE. */
int append_items(struct change *c, struct mailbox_record *mailbox, struct append *items, size_t n, enum append_quota rule,
				 unsigned grace_percent);
/* ERR_QUOTA when so much more does not fit. */
int append_check_quota(const struct state *state, uint64_t messages, uint64_t bytes);
/* n UIDs from uidnext on, or ERR_TOO_BIG. */
int append_take_uids(struct mailbox_record *mailbox, size_t n, uint32_t *first_out);

#endif
