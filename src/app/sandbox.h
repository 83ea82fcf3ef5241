/* What the serving process takes from itself, so that a fault in it is worth little to whoever finds one: core dumps, files outside the data directory
 * (Landlock), system calls that it does not need (seccomp). Programs are started by the porter (rt/porter.h), which keeps what they need. Once in a process,
 * by the one thread that there is then: threads made later inherit it. doc/admin/sandbox.md. */
#ifndef APP_SANDBOX_H
#define APP_SANDBOX_H

#include "app/config.h"
#include "base/err.h"

/* After the process has become somebody else, which the kernel takes as a new start, and before the rooms are opened. Says in the log what holds; what the
 * kernel cannot do is told there and done without. With sandbox { enabled = false } only dumps are seen to. config_file: NULL for DIR/troika.conf. */
int sandbox_close(const char *dir, const char *config_file, const struct app_config *c, struct err *e);
/* When all ports are bound; other threads are bound by it too. Errors are told in the log. */
void sandbox_close_listening(const struct app_config *c);
/* Ends the porter. */
void sandbox_end(void);

/* For tests, by TROIKA_FAULTS: tries what must not be possible, from the thread that calls it, and says in the log what became of it. True when
 * app.sandbox_probe is set. With app.sandbox_exec, _ptrace or _mount it tries that one, which ends the process. */
bool sandbox_probe_wanted(void);
void sandbox_probe(const char *dir);

#endif
