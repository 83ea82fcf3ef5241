/* Starts programs for a process that may not start any: a child that is made early, before the sandbox closes, and that starts nothing but what it was told of
 * then. When it dies, its warden starts another one. Where there is none (the command line, tests) the process starts them itself. Any thread, except for porter_start and porter_stop.
 *
 * A caged program runs in a process group of its own, in an empty directory of its own below /tmp, with nothing open but the three standard files and nothing
 * in its environment but PATH and TMPDIR; its CPU time, memory, file sizes and core files are limited; where the kernel lets an ordinary user do so, it has
 * no network. Whatever is left of its group is killed when it ends, when its time is up, or when the caller says so; and its directory is removed. */
#ifndef RT_PORTER_H
#define RT_PORTER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct porter_program {
	const char *path;                 /* absolute */
	bool caged;
	unsigned seconds;                 /* on the clock, then it is killed */
	unsigned cpu_seconds;             /* caged */
	uint64_t memory, file;            /* caged: bytes of address space, of any file it writes */
};

/* What the sandbox adds. Each runs in a process of one thread. */
struct porter_sandbox {
	int (*porter)(void);                                        /* in the warden, once; the porter and all programs inherit it */
	int (*caged)(const char *program, const char *dir);         /* in a caged program, before it starts; other than 0: it does not */
};
/* Before there are other threads. Copies all. ERR_TOO_BIG: over PORTER_PROGRAMS_MAX. */
int porter_start(const struct porter_program *programs, size_t n, const struct porter_sandbox *sandbox, struct err *e);
/* Ends it, and all that it started. */
void porter_stop(void);

/* args: without the path, ends with NULL. in, out: descriptors, or -1: /dev/null and our own. *job_out: to be ended with porter_end. ERR_NOT_FOUND: the
 * porter was not told of such a program; ERR_BUSY: PORTER_JOBS_MAX run; ERR_IO, ERR_TOO_BIG. A porter that dies takes the request in its hands
 * with it: porter_end says ERR_IO. p is only looked at for its limits where there is no porter. */
int porter_begin(const struct porter_program *p, const char *const *args, int in, int out, int *job_out);
/* Waits until it has ended; until_ms: of clock_mono_ms, then, or when *stop (may be NULL) is set, or with until_ms 0 at once it is killed. *status_out:
 * as from waitpid. 0, ERR_TIMEOUT, ERR_CLOSED (stop), or ERR_IO. Takes the job. */
int porter_end(int job, uint64_t until_ms, const _Atomic bool *stop, int *status_out);

#endif
