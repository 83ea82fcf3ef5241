/* What the serving process takes from itself, so that a fault in it is worth little to whoever finds one. Each may be called once, by the one thread that
 * there is then. */
#ifndef APP_SANDBOX_H
#define APP_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>

/* No core dumps, and nobody of the same user may look into this process's memory (ptrace, /proc/PID/mem): passwords pass through it, and keys live in it.
 * To be called after the process has become somebody else, which the kernel takes as a new start. */
void sandbox_no_dumps(void);

#endif
