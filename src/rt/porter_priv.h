/* The porter from inside: for porter*.c. */
#ifndef RT_PORTER_PRIV_H
#define RT_PORTER_PRIV_H

#include "rt/porter.h"

/* One program, from its start to its end, in a process of its own: runs it, kills it when the channel says so or its time is up, writes its status to the
 * channel. Never returns. argv: with the path. */
_Noreturn void porter_keep(const struct porter_program *p, const struct porter_sandbox *s, char **argv, int channel, int in, int out);

#endif
