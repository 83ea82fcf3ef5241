/* What the room counts for who watches. Private to the room; any thread. */
#ifndef PROTO_POP3_COUNT_H
#define PROTO_POP3_COUNT_H

#include "proto/pop3/session.h"

void pop3_count_begin(struct pop3_call *c, const struct pop3_command *command);
void pop3_count_end(struct pop3_call *c, const struct pop3_command *command);
void pop3_count_ok(void);
/* A refusal gets a line in the log, the first of a session. code: may be NULL; text: in English. */
void pop3_count_err(struct pop3_call *c, const char *code, const char *text);

#endif
