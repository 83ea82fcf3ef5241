/* An account, or the directory, as a snapshot has it: put into a store in memory, so that it is read like any other. Bodies stay in the repository. One thread. Takes as
 * much memory as the account's index, some 500 octets a message. */
#ifndef BACKUP_OLD_ACCOUNT_H
#define BACKUP_OLD_ACCOUNT_H

#include "backup/past.h"
#include "directory/directory.h"
#include "model/model.h"

struct old_account {
	struct store *store;
	struct model *model;
	struct account *account;              /* to be read only */
	struct past_bodies bodies;
};
/* ERR_NOT_FOUND: it is not in the snapshot. Close in any case. */
int old_account_open(struct past *p, uint64_t id, struct old_account *out, struct err *e);
void old_account_close(struct old_account *o);
/* The message itself; appends. ERR_NOT_FOUND: it is not in the backup. */
int old_account_body(struct old_account *o, store_blob_id blob, struct buf *out);

struct old_directory {
	struct store *store;
	struct directory *directory;          /* to be read only */
	uint64_t lost, parts;                 /* so many parts of it are damaged in the backup, of so many: not all users are in it */
	uint64_t unread;                      /* so many records of it could not be read when the backup was made: likewise */
};
int old_directory_open(struct past *p, struct old_directory *out, struct err *e);
void old_directory_close(struct old_directory *o);

#endif
