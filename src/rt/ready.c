#include "rt/ready.h"

#include "base/err.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int ready_init(struct ready *r)
{
	*r = (struct ready){ .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (r->event_fd < 0)
		return ERR_IO;
	pthread_mutex_init(&r->lock, NULL);
	return 0;
}

void ready_fini(struct ready *r)
{
	close(r->event_fd);
	pthread_mutex_destroy(&r->lock);
}

void ready_poke(struct ready *r)
{
	uint64_t one = 1;
	ssize_t n = write(r->event_fd, &one, sizeof(one));
	(void)n;        /* fails only when the counter is full, after 2^64 pushes */
}

void ready_push(struct ready *r, struct ready_item *item)
{
	item->next = NULL;
	pthread_mutex_lock(&r->lock);
	if (r->tail)
		r->tail->next = item;
	else
		r->head = item;
	r->tail = item;
	atomic_fetch_add(&r->count, 1);
	pthread_mutex_unlock(&r->lock);
	ready_poke(r);
}

struct ready_item *ready_pop(struct ready *r)
{
	if (atomic_load(&r->count) == 0)
		return NULL;
	pthread_mutex_lock(&r->lock);
	struct ready_item *item = r->head;
	bool more = false;
	if (item) {
		r->head = item->next;
		if (!r->head)
			r->tail = NULL;
		more = atomic_fetch_sub(&r->count, 1) > 1;
	}
	pthread_mutex_unlock(&r->lock);
	if (more)
		ready_poke(r);        /* edges that came together were delivered as one */
	return item;
}
