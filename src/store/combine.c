#include "store/combine.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLER_WAITS, CALLER_LEADS, CALLER_DONE };

/* On the stack of combine(). Once its word says DONE the leader may not touch it any more. */
struct combine_caller {
	atomic_uint word;
	size_t pending;                   /* items not done; belongs to the leader of the moment */
	struct combine_caller *next_done;
};

static void caller_wait(struct combine_caller *me)
{
	while (atomic_load_explicit(&me->word, memory_order_acquire) == CALLER_WAITS)
		syscall(SYS_futex, &me->word, FUTEX_WAIT_PRIVATE, CALLER_WAITS, NULL, NULL, 0);
}

static void caller_wake(struct combine_caller *other, unsigned word)
{
	atomic_store_explicit(&other->word, word, memory_order_release);
	/* The caller may have seen the word and gone already: then this wakes nobody, and harms nobody. */
	syscall(SYS_futex, &other->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void combiner_init(struct combiner *c, const struct combine_ops *ops, void *arg, size_t batch_max)
{
	*c = (struct combiner){ .batch_max = batch_max, .ops = ops, .arg = arg };
	pthread_mutex_init(&c->lock, NULL);
}

void combiner_fini(struct combiner *c) { pthread_mutex_destroy(&c->lock); }

/* True when the caller is to lead. */
static bool enqueue(struct combiner *c, struct combine_item *first, struct combine_item *last)
{
	pthread_mutex_lock(&c->lock);
	if (c->head)
		c->tail->next = first;
	else
		c->head = first;
	c->tail = last;
	bool lead = !c->led;
	c->led = true;
	pthread_mutex_unlock(&c->lock);
	return lead;
}

static struct combine_item *take_batch(struct combiner *c)
{
	pthread_mutex_lock(&c->lock);
	struct combine_item *first = c->head, *last = first;
	for (size_t n = 1; n < c->batch_max && last->next; n++)
		last = last->next;
	c->head = last->next;
	last->next = NULL;
	pthread_mutex_unlock(&c->lock);
	return first;
}

/* The callers who need wait no longer. */
static struct combine_caller *count_done(struct combine_item *batch)
{
	struct combine_caller *done = NULL;
	for (struct combine_item *it = batch; it; it = it->next) {
		struct combine_caller *caller = it->caller;
		if (--caller->pending == 0) {
			caller->next_done = done;
			done = caller;
		}
	}
	return done;
}

/* Passes the lead to the oldest waiting caller, which may be the leader itself: then true. */
static bool pass_lead(struct combiner *c, const struct combine_caller *me)
{
	pthread_mutex_lock(&c->lock);
	struct combine_caller *next = c->head ? c->head->caller : NULL;
	if (!next)
		c->led = false;
	pthread_mutex_unlock(&c->lock);
	if (next && next != me)
		caller_wake(next, CALLER_LEADS);
	return next == me;
}

/* Runs batches until the lead is somebody else's. */
static void lead(struct combiner *c, struct combine_caller *me)
{
	atomic_store_explicit(&me->word, CALLER_WAITS, memory_order_relaxed);
	for (bool mine = true; mine;) {
		struct combine_item *batch = take_batch(c);
		void *from_run = c->ops->run(c->arg, batch);
		struct combine_caller *done = count_done(batch);
		mine = pass_lead(c, me);
		while (done) {
			struct combine_caller *next = done->next_done;
			if (done == me)
				atomic_store_explicit(&me->word, CALLER_DONE, memory_order_relaxed);
			else
				caller_wake(done, CALLER_DONE);
			done = next;
		}
		if (c->ops->after)
			c->ops->after(c->arg, from_run);
	}
}

void combine(struct combiner *c, struct combine_item *first, struct combine_item *last)
{
	struct combine_caller me = { .pending = 0 };
	atomic_init(&me.word, CALLER_WAITS);
	last->next = NULL;
	for (struct combine_item *it = first; it; it = it->next) {
		it->caller = &me;
		me.pending++;
	}
	if (enqueue(c, first, last))
		lead(c, &me);
	for (;;) {
		caller_wait(&me);
		if (atomic_load_explicit(&me.word, memory_order_relaxed) == CALLER_DONE)
			return;
		lead(c, &me);
	}
}
