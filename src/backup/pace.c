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

void pace_give_way(void)
{
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LEAST);
}

static void pause_us(uint64_t us)
{
	nanosleep(&(struct timespec){ (time_t)(us / 1000000), (long)(us % 1000000) * 1000 }, NULL);
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
