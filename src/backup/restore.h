/* A whole data directory out of a snapshot: in a directory that is not there yet, under a temporary name until it is whole. One thread. */
#ifndef BACKUP_RESTORE_H
#define BACKUP_RESTORE_H

#include "backup/past.h"

struct restore_report {
	uint64_t left_out, accounts, messages, bytes, lost, held;      /* lost: bodies; held: messages that waited to be sent, and now wait for the operator */
	uint64_t unread;                      /* records of the directory that could not be read when the backup was made */
	uint64_t nameless;                    /* accounts of which the backup does not know any more whose they are */
};
/* An account, a part of the queue or a file that is damaged in the backup is left out and counted in left_out; such an account is empty then. Of the directory what is
 * left of it is taken, so too when records of it could not be read when the backup was made: users may be missing then whose accounts are there. */
struct restore {
	const char *to;                       /* must not exist; its parent must */
	struct past *past;
	/* Nothing happened in the old directory after the snapshot: clients need not be told anything, and what waits may be sent. Otherwise every mailbox
	 * gets another UIDVALIDITY, and what waits is held. */
	bool unchanged;
	const char *owner;                    /* whose all of it becomes, of root's restores; NULL: the caller's */
	void (*progress)(void *arg, uint64_t messages, uint64_t done, uint64_t all);      /* may be NULL */
	void (*tell)(void *arg, const char *line);      /* what is left out as it is damaged in the backup; may be NULL */
	void *arg;
};
/* A killed one leaves to.restoring, which the next one removes and begins again. ERR_EXISTS: `to` is there. ERR_BUSY: another one is at it. ERR_VERSION: made by
 * a newer program. */
int restore_whole(const struct restore *r, struct restore_report *out, struct err *e);

#endif
