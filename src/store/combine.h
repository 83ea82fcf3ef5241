/* Flat combining: many threads bring work, one of them does it for all that wait, so that they share its cost (a sync).
 * Whoever comes first leads; when its batch is done the lead passes to a caller that came meanwhile, so nobody works
 * for others for longer than one batch beyond its own. Each caller sleeps on a word of its own: no thundering herd.
 */
#ifndef STORE_COMBINE_H
#define STORE_COMBINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct combine_caller;

/* First member of a piece of work; memory of the caller, who gets it back when combine() returns. */
struct combine_item {
	struct combine_item *next;
	struct combine_caller *caller;
};

struct combine_ops {
	/* Does a batch (a list by `next`, oldest first) and leaves each result in its item. Never two at once. What it
	 * returns is handed to `after`. */
	void *(*run)(void *arg, struct combine_item *batch);
	/* Runs in the leader's thread when everybody has been woken; other batches may be running. May be NULL. */
	void (*after)(void *arg, void *from_run);
};

struct combiner {
	pthread_mutex_t lock;             /* guards the queue and `led`; held for a few instructions */
	struct combine_item *head, *tail;
	bool led;
	size_t batch_max;
	const struct combine_ops *ops;
	void *arg;
};

void combiner_init(struct combiner *c, const struct combine_ops *ops, void *arg, size_t batch_max);
void combiner_fini(struct combiner *c);
/* Queues the items (linked by `next` from first to last) and returns when all are done. */
void combine(struct combiner *c, struct combine_item *first, struct combine_item *last);

#endif
