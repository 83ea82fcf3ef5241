/* Into whose account parts are brought back: a user of now, or one that is made as the backup has it, with the same password and limits. Killed at any step, it is done again
 * (intent.h): the account that was made is found, and nothing of it is left over. One thread. */
#ifndef BACKUP_RECIPIENT_H
#define BACKUP_RECIPIENT_H

#include "backup/intent.h"
#include "backup/old_account.h"

struct recipient_wish {
	const char *dir;                      /* the data directory */
	struct model *model;                  /* of now */
	struct directory *directory;
	struct str name;
	struct old_account *from;             /* whose limits a new one gets */
	struct directory *then;               /* where name_then proves itself as it will here */
	struct str name_then;
};
struct recipient {
	struct directory_user user;           /* its name lies in the arena, or is the wish's */
	struct intent intent;
	bool made, again;                     /* by this call; a restore into the account had not ended */
	bool left;                            /* something that is not whole is there, also after an error */
};
/* Not written down yet: who changes something notes it before (intent_note). ERR_BUSY: another restore into it is at work; ERR_NOT_FOUND: no such domain now, or no such user
 * then; ERR_EXISTS: an alias or a group has the name. Close in any case. */
int recipient_open(const struct recipient_wish *w, struct arena *a, struct recipient *out, struct err *e);
/* done: there is nothing left to do or to tell of. */
void recipient_close(struct recipient *r, bool done);

#endif
