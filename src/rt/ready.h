/* The queue of what can run at once without news from a socket: woken connections, connections that had their turn,
 * periodic jobs. Any thread. Lock: ready.lock, a leaf, held for a few instructions. Owns nothing. */
#ifndef RT_READY_H
#define RT_READY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct worker;

struct ready_item {
	struct ready_item *next;
	void (*run)(struct worker *w, struct ready_item *item);
};

struct ready {
	pthread_mutex_t lock;
	struct ready_item *head;
	struct ready_item *tail;
	_Atomic size_t count;
	int event_fd;        /* rises with every push: watched edge-triggered, never read */
};

int ready_init(struct ready *r);        /* 0 or ERR_IO */
void ready_fini(struct ready *r);
/* The item must not be queued already. Wakes one worker. */
void ready_push(struct ready *r, struct ready_item *item);
/* The oldest, or NULL. When more are left, another worker is woken for them. */
struct ready_item *ready_pop(struct ready *r);
/* Wakes one worker for nothing. */
void ready_poke(struct ready *r);

#endif
