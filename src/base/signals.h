/* Which signals a thread may block. Any thread. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <signal.h>

/* All but those that a thread sends itself by a fault: while such a one is blocked the kernel ends the process instead of calling its handler (the store
 * has one for SIGBUS, which is how a failing disk shows). */
static inline void signals_all_but_faults(sigset_t *out)
{
	sigfillset(out);
	sigdelset(out, SIGBUS);
	sigdelset(out, SIGSEGV);
	sigdelset(out, SIGILL);
	sigdelset(out, SIGFPE);
	sigdelset(out, SIGTRAP);
}

#endif
