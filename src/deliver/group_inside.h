/* What the files about groups share. For this room only. */
#ifndef DELIVER_GROUP_INSIDE_H
#define DELIVER_GROUP_INSIDE_H

#include "deliver/group.h"

/* One entry for each target, with its destination; notify for all. In the arena. NULL when out of memory. */
struct queue_recipient *group_recipients(struct arena *a, const struct directory_target *targets, size_t n, unsigned notify);
/* Submits a message of ours about a group, or one that nobody may answer, to its owners: from nobody, so that it can never come back. */
int group_tell_owners(const struct group_env *env, struct str group, struct str message, unsigned flags, struct arena *a, struct err *e);
/* Mail to LIST-bounces. */
int group_take_bounce(const struct group_env *env, const struct directory_target *t, const struct group_mail *m, struct arena *a, struct err *e);

#endif
