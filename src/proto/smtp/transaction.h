/* A mail transaction's memory and octets. Private to the room. */
#ifndef PROTO_SMTP_TRANSACTION_H
#define PROTO_SMTP_TRANSACTION_H

#include "proto/smtp/session.h"

/* Ends the transaction (RSET, EHLO, end of data) and gives back its memory. */
void smtp_transaction_reset(struct smtp_transaction *t);
/* Opens the spool: 0 or an error. */
int smtp_transaction_start_data(struct smtp_call *c);
/* Takes octets of the message into the spool; remembers failures in too_big and spool_error. */
void smtp_transaction_write(struct smtp_call *c, const char *p, size_t n);
/* Another message in place of the one that came, perhaps with slices of it: 0 or an error. */
int smtp_transaction_replace(struct smtp_call *c, const struct str *pieces, size_t n);

#endif
