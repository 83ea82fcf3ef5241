#include "rt/wheel.h"

#define NEVER UINT64_MAX

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	pthread_mutex_init(&w->lock, NULL);
	w->tick = now_ms / WHEEL_TICK_MS;
	w->sleep_tick = NEVER;
	memset(w->used, 0, sizeof(w->used));
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		w->slots[i].next = w->slots[i].prev = &w->slots[i];
}

void wheel_fini(struct wheel *w) { pthread_mutex_destroy(&w->lock); }

/* The tick in which a deadline has surely passed. */
static uint64_t tick_of(uint64_t deadline_ms) { return deadline_ms / WHEEL_TICK_MS + 1; }

static void timer_unlink(struct wheel *w, struct wheel_timer *t)
{
	size_t slot = atomic_load(&t->look_tick) % WHEEL_SLOTS;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	atomic_store(&t->look_tick, 0);
	if (w->slots[slot].next == &w->slots[slot])
		w->used[slot / 64] &= ~((uint64_t)1 << slot % 64);
}

static void timer_link(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ms)
{
	uint64_t tick = tick_of(deadline_ms);
	if (tick < w->tick)
		tick = w->tick;
	/* One slot less than there are: the one that wheel_expire is just emptying must not get its timers back. */
	if (tick > w->tick + WHEEL_SLOTS - 2)
		tick = w->tick + WHEEL_SLOTS - 2;
	struct wheel_timer *head = &w->slots[tick % WHEEL_SLOTS];
	t->next = head;
	t->prev = head->prev;
	head->prev->next = t;
	head->prev = t;
	w->used[tick % WHEEL_SLOTS / 64] |= (uint64_t)1 << tick % 64;
	atomic_store(&t->look_tick, tick);
}

bool wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ms)
{
	atomic_store(&t->deadline, deadline_ms);
	if (deadline_ms == 0)
		return false;
	/* Either the wheel sees the new deadline when it looks, or we see that it has taken the timer out. */
	uint64_t look = atomic_load(&t->look_tick);
	if (look != 0 && look <= tick_of(deadline_ms))
		return false;
	pthread_mutex_lock(&w->lock);
	if (atomic_load(&t->look_tick) != 0)
		timer_unlink(w, t);
	timer_link(w, t, deadline_ms);
	bool wake = atomic_load(&t->look_tick) < w->sleep_tick;
	pthread_mutex_unlock(&w->lock);
	return wake;
}

void wheel_remove(struct wheel *w, struct wheel_timer *t)
{
	pthread_mutex_lock(&w->lock);
	if (atomic_load(&t->look_tick) != 0)
		timer_unlink(w, t);
	pthread_mutex_unlock(&w->lock);
}

/* Looks at the timers of the slot until one has really passed; the others go where they belong now. */
static struct wheel_timer *slot_expire(struct wheel *w, struct wheel_timer *head, uint64_t now_ms)
{
	while (head->next != head) {
		struct wheel_timer *t = head->next;
		/* In this order: wheel_set stores the deadline, then asks whether the timer is in the wheel. */
		timer_unlink(w, t);
		uint64_t deadline = atomic_load(&t->deadline);
		if (deadline == 0)
			continue;
		if (deadline <= now_ms)
			return t;
		timer_link(w, t, deadline);
	}
	return NULL;
}

bool wheel_expire(struct wheel *w, uint64_t now_ms, uint64_t *key_out)
{
	uint64_t now_tick = now_ms / WHEEL_TICK_MS;
	struct wheel_timer *found = NULL;
	pthread_mutex_lock(&w->lock);
	while (!found && w->tick <= now_tick) {
		struct wheel_timer *head = &w->slots[w->tick % WHEEL_SLOTS];
		w->tick++;
		found = slot_expire(w, head, now_ms);
		if (found)
			w->tick--;
	}
	if (found)
		*key_out = found->key;
	pthread_mutex_unlock(&w->lock);
	return found;
}

uint64_t wheel_next(struct wheel *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t next = NEVER;
	for (size_t i = 0; i < WHEEL_SLOTS && next == NEVER; i++) {
		size_t slot = (w->tick + i) % WHEEL_SLOTS;
		if (w->used[slot / 64] >> slot % 64 & 1)
			next = w->tick + i;
	}
	w->sleep_tick = next;
	pthread_mutex_unlock(&w->lock);
	return next == NEVER ? NEVER : next * WHEEL_TICK_MS;
}
