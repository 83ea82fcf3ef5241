/* Copying and moving messages between mailboxes within a commit; renaming INBOX moves as well. For this room only. */
#ifndef MODEL_COPY_H
#define MODEL_COPY_H

#include "model/change.h"
#include "model/mailbox_record.h"
#include "model/purge.h"

/* The result; begin with zeros, copy_fini at the end. Each copy_messages resets it. */
struct copied {
	struct rangeset source, target;               /* UIDs that correspond in order */
	struct gone_list gone;
	struct member_list come;
	struct message *messages;
	size_t n, cap;
	uint64_t dropped;                             /* in: flags of the source that do not go along */
};
void copy_fini(struct copied *copied);

/* `to` may be `from`, and is not the bin. uids NULL: all. Saves both records and logs. */
int copy_messages(struct change *c, struct mailbox_record *from, struct mailbox_record *to, const struct rangeset *uids,
				  bool move, struct copied *out);

#endif
