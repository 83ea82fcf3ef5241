/* Named faults for tests: a place in the code asks whether to fail now. Any thread. Costs one relaxed load when none is set. */
#ifndef RT_FAULT_H
#define RT_FAULT_H

#include <stdbool.h>

/* plan: "store.fsync=1/100,spool.write=3" (every 100th on average / once, at the 3rd time). NULL or "": none. From the environment
 * variable TROIKA_FAULTS, by app/, in builds for tests and behind an explicit option. 0 or ERR_INVALID. */
int fault_setup(const char *plan);
bool fault_hit(const char *name);

#endif
