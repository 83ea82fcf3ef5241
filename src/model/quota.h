/* The quota of an account as its state record has it. For this room only. */
#ifndef MODEL_QUOTA_H
#define MODEL_QUOTA_H

#include "model/model.h"
#include "model/state.h"

struct quota quota_of(const struct state *state, unsigned grace_percent);
/* What model_set_quota_grace said last. */
unsigned quota_grace(struct model *m);
/* May one more mailbox be made? */
bool quota_has_mailbox_room(const struct state *state);

#endif
