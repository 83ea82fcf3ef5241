/* Changing messages within a commit of their shard: every operation on the queue is made of these. They keep the keys that follow from a
 * message (queue, times, held, notices) and the shard's counts true to it. For this room only.
 *
 * What is read lives in change.arena for the whole run. A change may run more than once: it must look before it acts, so that a run after one
 * that took effect (whose success nobody could tell) adds nothing. */
#ifndef QUEUE_CHANGE_H
#define QUEUE_CHANGE_H

#include "queue/keys.h"
#include "queue/record.h"

/* What the schedule is to hear once the commit is durable. */
struct change_note {
	struct change_note *next;
	struct str destination;
	uint8_t band;
	int64_t due;
};
struct change {
	struct store_write *w;
	struct arena *arena;
	struct shard_record shard;
	int64_t now;
	bool tell_null;                       /* of the configuration */
	bool changed;
	bool freed;                           /* a body is to be given back */
	struct change_note *notes;
};
typedef int change_fn(struct change *c, void *arg);
/* In one commit. Tells the schedule afterwards. Returns what fn or the commit did; ERR_UNKNOWN only after many tries. */
int change_run(struct queue *q, unsigned shard, change_fn *fn, void *arg);

int change_get(struct change *c, struct key key, struct str *value_out);      /* the value is copied */
int change_put(struct change *c, struct key key, struct str value);
int change_del(struct change *c, struct key key);

struct message {
	uint64_t id;
	struct envelope_record e;
	bool dirty, tell_null;
};
struct group {
	unsigned number;
	struct group_record r;
	int64_t was_due;                      /* as it stands in the store */
	unsigned was_pending, was_owing;
};
int message_load(struct change *c, uint64_t id, struct message *out);         /* or ERR_NOT_FOUND */
int group_load(struct change *c, const struct message *m, unsigned number, struct group *out);
/* The first at or behind *number: 1, 0 when there is none, or an error. */
int group_next(struct change *c, const struct message *m, unsigned number, struct group *out);
/* Writes the group, without recipients that are settled and owe nothing; due anew; with its entry in the queue. Follow it by message_save. */
int group_save(struct change *c, struct message *m, struct group *g);
int message_set_clock(struct change *c, struct message *m);                   /* by its times */
int message_set_notice(struct change *c, struct message *m, int64_t at);        /* what is owed is told then; 0: nothing is owed */
int message_hold(struct change *c, struct message *m);
int message_release(struct change *c, struct message *m);
/* Writes the envelope if it changed, with its entry among the notices when something is owed; a message without recipients goes. */
int message_save(struct change *c, struct message *m);
int message_new(struct change *c, struct message *m);                         /* the groups are saved already */

/* A recipient's end: owes what RFC 3461 says. event: enum queue_event but QUEUE_DELAYED. */
void entry_settle(const struct message *m, struct entry *e, unsigned event, const struct queue_result *result);
void entry_delay(const struct message *m, struct entry *e);
void entry_said(struct entry *e, struct str status, struct str reply, struct str remote);
/* It was not delivered in time: RFC 2852, or expired. */
void entry_expire(const struct message *m, struct entry *e, int64_t now);
bool message_is_over(const struct message *m, int64_t now);

#endif
