/* The options of backup and restore, and what both do first. Private to cli/. */
#ifndef CLI_BACKUP_OPTIONS_H
#define CLI_BACKUP_OPTIONS_H

#include "backup/past.h"
#include "backup/repository.h"
#include "backup/retention.h"

#define BACKUP_USERS_MAX 1000

struct backup_options {
	const char *dir, *repository, *passphrase_file, *at, *as, *mailbox, *into, *message, *subject, *owner;
	const char *users[BACKUP_USERS_MAX];
	unsigned n_users;
	uint64_t rate;                        /* backup/pace.h */
	bool list, verify, prune, mend, unchanged, exact;
	struct retention keep;
};
/* restores: which of the two it is. 0, or CLI_USAGE after saying what is wrong. */
int backup_options_parse(int argc, char **argv, bool restores, struct backup_options *out);
/* Opens the repository; with create, makes it where there is none. The passphrase file was read before (backup_options_secret), as it may be root's. */
int backup_options_open(const struct backup_options *o, const char *secret, bool write, bool create, struct repository **out, struct err *e);
/* NULL with 0: no file was named. The caller wipes and frees. */
int backup_options_secret(const struct backup_options *o, char **out);
/* Says on stderr that the moment that was chosen is not the newest, as that cannot be read. True: it said so. */
bool backup_options_tell_skipped(const struct past *p);
void backup_options_wipe(char **secret);

#endif
