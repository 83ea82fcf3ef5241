#include "backup/pace.h"

#include "base/clock.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_LEAST (2 << 13 | 7)    /* best effort, the last level: a busy disk must not stop us altogether */
#define REST_BYTES ((uint64_t)256 << 10)
#define REST_US_MAX UINT64_C(200000)
#define WINDOW_US UINT64_C(5000000)   /* what was not used for so long is not made up for */
#define SLOW_TIMES 2u                 /* commits that take so many times what they took before we began are slow, ... */
#define SLOW_US_MIN UINT64_C(10000)   /* ... if it is more than this */
#define YIELD_STEP_US UINT64_C(5000)
#define YIELD_US_MAX UINT64_C(300000) /* what is slow for so long while we rest is not slow because of us */

void pace_lower(void)
{
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LEAST);
}

static void pause_us(uint64_t us)
{
	nanosleep(&(struct timespec){ (time_t)(us / 1000000), (long)(us % 1000000) * 1000 }, NULL);
}

void pace_begin(struct pace *p, struct store *store, uint64_t rate)
{
	struct store_pulse pulse;
	store_pulse(store, &pulse);
	*p = (struct pace){ .store = store, .rate = rate, .usual_us = pulse.recent_us, .syncs = pulse.syncs };
}

bool pace_is_slow(const struct store_pulse *now, uint64_t usual_us, uint64_t syncs)
{
	uint64_t limit = usual_us * SLOW_TIMES > SLOW_US_MIN ? usual_us * SLOW_TIMES : SLOW_US_MIN;
	return now->waiting_us > limit || (now->syncs != syncs && now->recent_us > limit);
}

static bool look(struct pace *p, struct store_pulse *out)
{
	store_pulse(p->store, out);
	bool slow = pace_is_slow(out, p->usual_us, p->syncs);
	p->syncs = out->syncs;
	return slow;
}

static void give_way(struct pace *p)
{
	struct store_pulse pulse;
	if (!look(p, &pulse))
		return;
	uint64_t began = clock_mono_us(), spent = 0;
	do {
		pause_us(YIELD_STEP_US);
		spent = clock_mono_us() - began;
	} while (spent < YIELD_US_MAX && look(p, &pulse));
	if (spent >= YIELD_US_MAX && pulse.recent_us > p->usual_us)
		p->usual_us += (pulse.recent_us - p->usual_us + 7) / 8;
	p->yields++;
	p->yielded_us += spent;
	store_gave_way(p->store, spent);
}

void pace_yield(struct pace *p, uint64_t bytes)
{
	p->unlooked += bytes;
	if (p->rate == PACE_FULL || p->unlooked < REST_BYTES)
		return;
	p->unlooked = 0;
	give_way(p);
}

/* What waits for the processor or the disk behind us gets its turn. */
static void rest(struct pace *p, uint64_t bytes)
{
	uint64_t now = clock_mono_us();
	p->bytes += bytes;
	if (p->began_us == 0)
		p->began_us = now;
	if (p->bytes < REST_BYTES)
		return;
	uint64_t worked = now - p->began_us;
	pause_us(worked < REST_US_MAX ? worked : REST_US_MAX);
	p->began_us = clock_mono_us();
	p->bytes = 0;
}

void pace_spend(struct pace *p, uint64_t bytes)
{
	if (p->rate == PACE_FULL)
		return;
	pace_yield(p, bytes);
	if (p->rate == 0) {
		rest(p, bytes);
		return;
	}
	uint64_t now = clock_mono_us();
	uint64_t due = p->began_us + p->bytes * 1000000 / p->rate;
	if (now > due + WINDOW_US || p->began_us == 0) {
		p->began_us = now;
		p->bytes = 0;
	}
	p->bytes += bytes;
	due = p->began_us + p->bytes * 1000000 / p->rate;
	if (due > now)
		pause_us(due - now);
}
