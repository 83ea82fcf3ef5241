/* Checking the queue, in pieces: check.c reads one snapshot of a shard and tells what does not fit together, check_repair.c makes everything that
 * follows from the messages anew in one commit, check_bodies.c compares who owns the bodies. For this room only. */
#ifndef QUEUE_CHECK_H
#define QUEUE_CHECK_H

#include "queue/queue_private.h"
#include "queue/record.h"

struct id_list {
	uint64_t *v;
	size_t n, cap;
};
struct check {
	struct queue *q;
	unsigned shard;
	store_report_fn *fn;
	void *arg;
	uint64_t faults;
	int failed;                           /* reading did: what follows means nothing */
	uint64_t broken;                      /* of them, those that check_repair mends */
	bool lost;                            /* a message cannot be read, now or at an earlier repair: any body may be its */
	struct shard_record stored, counted;
	struct id_list messages, bodies;      /* of the snapshot, pairwise */
	struct id_list freed;
};

void queue_fault(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line that counts as no fault. */
void queue_note(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int id_list_add(struct id_list *l, uint64_t id);      /* 0 or ERR_NO_MEMORY */
int check_repair(struct check *c);
/* tagged: who had the shard's tag before the snapshot. */
int check_list_tagged(struct check *c, struct id_list *out);
int check_bodies(struct check *c, struct id_list *tagged, bool repair);

#endif
