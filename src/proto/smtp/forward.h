/* Mail that only passes through because one of our aliases sends it on: the Sender Rewriting Scheme. Private to the room. */
#ifndef PROTO_SMTP_FORWARD_H
#define PROTO_SMTP_FORWARD_H

#include "codec/smtp/path.h"
#include "proto/smtp/session.h"

/* The reverse-path for what aliases send away, in the transaction's arena: the sender as it is where it is null, ours, or cannot be rewritten. */
struct str smtp_forward_sender(struct smtp_call *c);
/* Where a bounce to an address that smtp_forward_sender made goes on to, in the arena. 0; ERR_NOT_FOUND: it is no such address; ERR_DENIED: it looks like
 * one, but is forged or too old; temporary. */
int smtp_forward_reverse(struct smtp_call *c, const struct smtp_path *path, struct str *out);

#endif
