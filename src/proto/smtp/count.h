/* What the room counts for who watches. Private to the room; any thread. */
#ifndef PROTO_SMTP_COUNT_H
#define PROTO_SMTP_COUNT_H

#include "proto/smtp/command.h"
#include "rt/metric.h"

/* Around whatever a session runs: a command, or (cmd NULL) octets of a message; ended: the message is whole and was answered. */
void smtp_count_begin(struct smtp_call *c, const struct smtp_command *cmd);
void smtp_count_end(struct smtp_call *c, const struct smtp_command *cmd, bool ended);
/* Every reply; what refuses gets a reason by its codes, or the gate's name, and a line in the log unless it has one already. text: of the reply. */
void smtp_count_reply(struct smtp_call *c, unsigned code, const char *enhanced, struct str text);
/* A message was taken, n recipients. */
void smtp_count_message(const struct smtp_call *c, uint64_t size);

#endif
