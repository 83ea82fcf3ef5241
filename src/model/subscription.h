/* Within a commit. For this room only; the rest is in model.h. */
#ifndef MODEL_SUBSCRIPTION_H
#define MODEL_SUBSCRIPTION_H

#include "model/change.h"

/* Adds or removes one canonical name; nothing happens when it is so already. ERR_TOO_BIG over SUBSCRIPTIONS_MAX. */
int subscription_change(struct change *c, struct str name, bool subscribed);
/* Is it one now? A damaged bucket tells of none. */
int subscription_has(struct source s, struct str name, bool *out);

/* For checks. How many there are; ERR_CORRUPT when a bucket is damaged: its key is in *bad_out then (which may be
 * NULL). */
struct key;
int subscription_count(struct source s, uint32_t *out, struct key *bad_out);

#endif
