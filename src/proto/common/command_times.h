/* What the commands of a protocol took, in what Prometheus reads: for the collectors of its count.c. */
#ifndef PROTO_COMMON_COMMAND_TIMES_H
#define PROTO_COMMON_COMMAND_TIMES_H

#include "rt/metric.h"

/* The histogram of one command within that family, as "troika_imap_command_seconds"; nothing when it was never given. The name is one of a table, so it needs no
 * quoting. */
void command_times_print(struct buf *out, const char *family, const char *command, const struct metric *took);

#endif
