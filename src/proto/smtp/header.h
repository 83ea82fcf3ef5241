/* Rules for a message's header. Private to the room. */
#ifndef PROTO_SMTP_HEADER_H
#define PROTO_SMTP_HEADER_H

#include "proto/smtp/session.h"

/* Changes the header in the spool; *message is the message there, before and after. False when it was refused and answered. */
bool smtp_tidy_header(struct smtp_call *c, struct str *message);

#endif
