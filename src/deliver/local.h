/* Delivery of what the queue holds for ourselves (QUEUE_LOCAL): into accounts, to groups, and on again where an alias leads away. For outbound_env.
 * deliver_local. Any thread. */
#ifndef DELIVER_LOCAL_H
#define DELIVER_LOCAL_H

#include "deliver/group.h"
#include "model/model.h"
#include "store/store.h"

struct local_env {
	struct store *store;                  /* of the queue: bodies are unmapped there */
	struct model *model;
	struct group_env groups;              /* directory and queue too */
	bool srs;                             /* rewrite the sender of what aliases send away */
};
/* Fills the result of each recipient: delivered (to an account, or to a group: RFC 3461 5.2.7.1), expanded or passed on (what is behind an alias), failed,
 * or delayed when it may work later. */
void local_deliver(const struct local_env *env, struct queue_job *j);

#endif
