/* Which messages of a mailbox as it was are still in a mailbox of now. One thread. */
#ifndef BACKUP_MATCH_H
#define BACKUP_MATCH_H

#include "backup/old_account.h"

#define MATCH_NONE UINT32_MAX
struct match {
	uint32_t *place;                      /* of each message of `old`: its index in `now`, or MATCH_NONE */
	bool *taken;                          /* of each message of `now`: is it one of them? */
};
/* The same UID under the same UIDVALIDITY with the same size, date and summary; or, under whatever UID, also the same octets. Each of now is taken once. */
int match_messages(struct old_account *from, const struct view *old, struct account *to, const struct view *now, struct match *out);
void match_fini(struct match *m);

#endif
