/* A process that starts commands which speak a mail protocol on their standard input and output. It is made before this program gives up its rights and has
 * threads, keeps the rights, and can do nothing but start the commands it was made with. */
#ifndef MIGRATE_SPAWNER_H
#define MIGRATE_SPAWNER_H

#include "base/err.h"

#include <stddef.h>

struct spawner;
/* commands, for the shell: copied by the fork. */
int spawner_create(const char *const *commands, size_t n, struct spawner **out, struct err *e);
/* Starts commands[index]; *fd_out is its standard input and output, which ends when that is closed. Any thread. 0 or ERR_IO. */
int spawner_start(struct spawner *s, size_t index, int *fd_out, struct err *e);
void spawner_destroy(struct spawner **s);     /* accepts NULL; commands that run go on until their streams are closed */

#endif
