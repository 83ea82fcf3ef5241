/* What a restore of parts is at, written down beside the store until it is done: DIR/backup/restore-HASH, of the user's name. So one that was killed is told of, one
 * that is begun again goes on with the account and the mailbox that the first had made, and two into one account keep out of each other's way. One thread; the
 * lock ends with the process. doc/format/backup.md has the bytes. */
#ifndef BACKUP_INTENT_H
#define BACKUP_INTENT_H

#include "backup/limits.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define INTENT_USER_MAX 512                       /* bytes */
#define INTENT_MAILBOX_MAX 1024

struct intent {
	int fd;                               /* private from here; -1: not open */
	uint64_t turn;
	char dir[PATH_LENGTH_MAX], folder[PATH_LENGTH_MAX], path[PATH_LENGTH_MAX], user[INTENT_USER_MAX], mailbox[INTENT_MAILBOX_MAX];
	bool again;                           /* to here; one that did not end was found, of: */
	uint64_t account;                     /* 0: not known */
};
/* ERR_BUSY: another restore into that account is at work. Close in any case. */
int intent_open(const char *dir, struct str user, struct intent *out, struct err *e);
/* Durable when it returns: that account is being filled; mailbox, if not empty, has been or is about to be made and is not whole. */
int intent_note(struct intent *i, uint64_t account, struct str mailbox, struct err *e);
/* Was this mailbox being made when the restore before this one ended, or this one noted last? Accepts NULL. */
bool intent_is_making(const struct intent *i, struct str mailbox);
/* done: there is nothing left to tell of. */
void intent_close(struct intent *i, bool done);

/* Visits those that are not at work now and did not end. fn returns true when there is nothing left to tell of: then it is forgotten. The path is what an operator may remove. */
typedef bool intent_fn(void *arg, struct str user, uint64_t account, const char *path);
void intent_each(const char *dir, intent_fn *fn, void *arg);

#endif
