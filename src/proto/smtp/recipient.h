/* Where mail for an address goes, as this server sees it now. The one place that decides. Private to the room. */
#ifndef PROTO_SMTP_RECIPIENT_H
#define PROTO_SMTP_RECIPIENT_H

#include "codec/smtp/path.h"
#include "proto/smtp/session.h"

/* Fills address and targets with their counts, in the transaction's arena. 0; ERR_NOT_FOUND: the domain is ours, the address is not; ERR_DENIED: it leads
 * away, and this session or server sends nothing there, or (r->closed) it is a group that this sender may not write to; ERR_INVALID;
 * ERR_TOO_BIG and ERR_BUSY: too many targets; temporary. */
int smtp_recipient_resolve(struct smtp_call *c, const struct smtp_path *path, struct smtp_recipient *r);
/* Is the domain one of those in the list (parted by spaces), or below one? */
bool smtp_domain_is_listed(struct str list, struct str domain);
/* Adds it to the transaction. */
void smtp_recipient_keep(struct smtp_transaction *t, struct smtp_recipient *r);

#endif
