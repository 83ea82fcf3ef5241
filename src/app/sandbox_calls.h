/* Which system calls a process may make (seccomp(2), by libseccomp). One thread; inherited by what it makes. */
#ifndef APP_SANDBOX_CALLS_H
#define APP_SANDBOX_CALLS_H

#include "base/err.h"

/* All of them: 0, ERR_UNSUPPORTED (the kernel has no seccomp), ERR_NO_MEMORY. Need PR_SET_NO_NEW_PRIVS. */
int calls_close_server(void);        /* only those of the list; others fail with EPERM, and what has no place in a server ends it */
int calls_close_programs(void);      /* for the porter and what it starts: all but what has no place in any of them */
int calls_close_network(void);       /* in addition: no sockets to anywhere, only pairs; no session or group of its own */
int calls_close_listening(void);     /* in addition, for all threads: no more ports, no change of rights */

#endif
