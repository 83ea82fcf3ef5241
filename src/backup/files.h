/* The files of a data directory beside its store: configuration, certificates and their keys, and whatever else lies there. Not taken: what is derived, passing, or
 * another room's log (files_skipped). Restored with their modes and times; symbolic links as such. One thread. */
#ifndef BACKUP_FILES_H
#define BACKUP_FILES_H

#include "backup/chunk_list.h"

/* Puts them into the repository; *out names the list. What cannot be read is told and left out. */
int files_take(const char *dir, struct repository *r, void (*tell)(void *arg, const char *line), void *arg, struct chunk_id *out, struct err *e);
/* Makes them below dir, which exists. Never writes through a symbolic link, nor outside. A file that is damaged in the repository, or the list, is left out:
 * left_out is told which. */
int files_put(const char *dir, struct repository *r, const struct chunk_id *list, void (*left_out)(void *arg, const char *what), void *arg, struct err *e);
/* Calls need for each chunk of theirs. */
int files_walk(struct str list, repository_need_fn *need, void *ctx);

#endif
