/* Signatures that we put on a message that leaves. Private to the room. */
#ifndef PROTO_SMTP_SEAL_H
#define PROTO_SMTP_SEAL_H

#include "proto/smtp/checks.h"

/* Appends what is to stand in front of the message: DKIM-Signature fields on mail from inside (RFC 6376), the next ARC set on what an alias forwards from
 * outside (RFC 8617). Nothing for mail that stays, and without keys. A signature that cannot be made is logged, and is no reason to keep mail back. */
void smtp_seal(struct smtp_call *c, struct str message, const struct smtp_findings *f, struct buf *out);

#endif
