/* Messages of an old account into a mailbox of now, many in a commit, their bodies synced together. One thread calls; a few help while it does. */
#ifndef BACKUP_BRING_H
#define BACKUP_BRING_H

#include "backup/old_account.h"

struct bring_item;
struct bring {
	struct old_account *from;
	struct model *model;
	struct account *to;
	uint32_t mailbox;
	const struct view *old;               /* whose keywords the messages' flags mean */
	struct bring_item *items;             /* private from here; bring_end frees */
	size_t n, bytes;
	uint64_t added, lost;                 /* out: lost: those whose body is not in the backup */
};
/* With its flags, keywords and dates; no quota holds it up. It may be put later than this returns. */
int bring_message(struct bring *b, const struct message *m);
/* What is left (not after an error), and the memory. */
int bring_end(struct bring *b, int rc);

#endif
