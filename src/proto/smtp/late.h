/* Replies that come late (tarpit): held back while the connection is parked, so that no thread waits. Private to the room. */
#ifndef PROTO_SMTP_LATE_H
#define PROTO_SMTP_LATE_H

#include "proto/smtp/session.h"

/* Takes back what was written to the output since it had `before` octets, when a gate asked for that. True: the session is to be parked with no want. */
bool smtp_late_hold(struct smtp_call *c, size_t before);
/* Writes what was held back, if anything. */
void smtp_late_release(struct smtp_call *c);

#endif
