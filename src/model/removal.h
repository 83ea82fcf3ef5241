/* Taking messages out of a mailbox's index within a commit: what expunging and moving share. For this room only. */
#ifndef MODEL_REMOVAL_H
#define MODEL_REMOVAL_H

#include "model/change.h"
#include "model/mailbox_record.h"
#include "model/purge.h"

/* Told about each message, ascending, before it goes. 0 or an error. */
typedef int removal_fn(void *arg, const struct message *m);

/* Removes those of uids (NULL: all) that have all flags of `with`; counts them out of the record and of the account's
 * sums; the caller saves, logs, and sees to the memberships, which are added to gone. */
int removal_run(struct change *c, struct mailbox_record *mailbox, const struct rangeset *uids, uint64_t with,
				struct gone_list *gone, removal_fn *fn, void *arg);

#endif
