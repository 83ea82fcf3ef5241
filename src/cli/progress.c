#include "cli/progress.h"

#include "base/clock.h"

#include <unistd.h>

#define PROGRESS_PERIOD_MS 200u

void progress_show(struct progress *p, uint64_t messages, uint64_t done, uint64_t all)
{
	uint64_t now = clock_mono_ms();

	if (!isatty(STDERR_FILENO) || now - p->last_ms < PROGRESS_PERIOD_MS)
		return;
	p->last_ms = now;
	p->shown = true;
	if (all)
		fprintf(stderr, "\r%s: %llu messages, %llu%%\033[K", p->what, (unsigned long long)messages, (unsigned long long)(done * 100 / all));
	else
		fprintf(stderr, "\r%s: %llu messages, %llu MB\033[K", p->what, (unsigned long long)messages, (unsigned long long)(done >> 20));
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
