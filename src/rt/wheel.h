/* Deadlines of parked connections: a hashed timing wheel. Moving a deadline later is two plain stores, since the wheel
 * looks at a timer again only when its slot comes up. Any thread; one timer is set by one thread at a time.
 * Lock: wheel.lock, a leaf. Times are milliseconds of clock_mono_ms. */
#ifndef RT_WHEEL_H
#define RT_WHEEL_H

#include "rt/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Lives in the object that waits. Zero-initialise, then set key: what wheel_expire reports. */
struct wheel_timer {
	struct wheel_timer *next;
	struct wheel_timer *prev;
	uint64_t key;
	_Atomic uint64_t deadline;      /* 0: none */
	_Atomic uint64_t look_tick;     /* when the wheel looks at it; 0: it is not in the wheel */
};

struct wheel {
	pthread_mutex_t lock;
	uint64_t tick;                  /* all slots before this tick are done */
	uint64_t sleep_tick;            /* the caller of wheel_next sleeps until this one */
	struct wheel_timer slots[WHEEL_SLOTS];    /* heads of circular lists */
	uint64_t used[WHEEL_SLOTS / 64];          /* a bit for each slot that is not empty */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
void wheel_fini(struct wheel *w);
/* deadline_ms 0: none. True: earlier than what the caller of wheel_next sleeps for, so wake it. */
bool wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ms);
/* Afterwards the timer's memory is the caller's again. */
void wheel_remove(struct wheel *w, struct wheel_timer *t);
/* Takes one timer out whose deadline has passed; false when there are no more. */
bool wheel_expire(struct wheel *w, uint64_t now_ms, uint64_t *key_out);
/* When to call wheel_expire again; UINT64_MAX when nothing waits. One sleeper. */
uint64_t wheel_next(struct wheel *w);

#endif
