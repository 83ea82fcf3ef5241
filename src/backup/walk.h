/* Which chunks a snapshot needs: for repository_verify and repository_prune. One thread. */
#ifndef BACKUP_WALK_H
#define BACKUP_WALK_H

#include "backup/repository.h"

/* A repository_walk_fn. arg: the struct repository. */
int walk_snapshot(void *arg, struct str snapshot, repository_need_fn *need, void *ctx);

#endif
