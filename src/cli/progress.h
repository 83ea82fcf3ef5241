/* "12,345 messages" on a terminal, now and then; silent elsewhere. One thread. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	bool shown;
	uint64_t last_ms;
};
void progress_show(struct progress *p, uint64_t messages, uint64_t done, uint64_t all);
void progress_end(struct progress *p);

#endif
