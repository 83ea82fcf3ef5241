/* `troika restore --user`: an account, a mailbox, messages; and showing what there is. Private to cli/. */
#ifndef CLI_RESTORE_PART_H
#define CLI_RESTORE_PART_H

#include "cli/backup_options.h"

/* Exit codes, after saying what is wrong. */
int restore_list(const struct backup_options *o, const char *secret, struct err *e);
int restore_part(const struct backup_options *o, const char *secret, struct err *e);

#endif
