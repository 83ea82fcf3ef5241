/* Taking a message in: by queue_submit, and as a notice in the commit that forgets that it was owed. For this room only. */
#ifndef QUEUE_SUBMIT_H
#define QUEUE_SUBMIT_H

#include "queue/change.h"

struct submit {
	const struct queue_submission *s;
	const uint32_t *order;                /* recipients by destination */
	struct queue_config config;
	uint64_t size;
	store_blob_id blob;
	unsigned shard;
	uint64_t id;                          /* out; kept between runs to tell whether an earlier one took effect */
};
/* Checks, sorts (into the arena), and stores the body in the shard. 0 or an error. */
int submit_prepare(struct queue *q, const struct queue_submission *s, unsigned shard, struct arena *a, struct submit *out, struct err *e);
/* A change_fn: arg is the struct submit. ERR_CONFLICT: a check took the body for garbage; store it anew. */
int submit_insert(struct change *c, void *arg);
/* Whether an earlier run of submit_insert did: 1, 0, or an error. */
int submit_took_effect(struct change *c, const struct submit *s);
/* The body is not needed after all. */
void submit_abandon(struct queue *q, const struct submit *s);

#endif
