/* The mailboxes of an account as a tree of names, within a commit. Every superior of a mailbox is there too, as a real
 * mailbox or as one that cannot be selected. For this room only. */
#ifndef MODEL_TREE_H
#define MODEL_TREE_H

#include "model/change.h"
#include "model/mailbox_record.h"

/* A new mailbox under a canonical name that is free. now: unix seconds. ERR_TOO_BIG over MAILBOXES_MAX, ERR_QUOTA over the account's own limit. */
int tree_add(struct change *c, struct str name, uint32_t use, int64_t now, struct mailbox_record *out);
/* The bin (bin_inside.h), which no limit stops, and nobody shares. */
int tree_add_bin(struct change *c, struct str name, int64_t now, struct mailbox_record *out);
/* Makes what is missing of the levels above name. */
int tree_add_superiors(struct change *c, struct str name, int64_t now);
/* Record and name of a mailbox go. */
int tree_remove(struct change *c, const struct mailbox_record *mailbox);
int tree_has_children(struct change *c, struct str name, bool *out);
/* The next mailbox by id after `after` (0: the first). 1, 0 at the end, or an error. */
int tree_next(struct source s, uint32_t after, struct mailbox_record *out);
/* The same, but not the one called `but`, whatever state its record is in: the bin, which has none above or below it, is in the way of nothing. */
int tree_next_but(struct source s, uint32_t but, uint32_t after, struct mailbox_record *out);
/* The next UIDVALIDITY: never the same again in the account, and greater than in any former life of it. */
int tree_take_uidvalidity(struct change *c, int64_t now, uint32_t *out);

#endif
