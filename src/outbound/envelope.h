/* MAIL and RCPT as a given server can take them: the parameters of the extensions that it offers. Pure; any thread. */
#ifndef OUTBOUND_ENVELOPE_H
#define OUTBOUND_ENVELOPE_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/smtp/ehlo.h"
#include "outbound/message.h"
#include "outbound/trouble.h"
#include "queue/queue.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the job may go to this server at all: RFC 2852 4.1.4.1 (BY mode R), a sender that needs SMTPUTF8. 0, or ERR_UNSUPPORTED and *t. */
int envelope_check(const struct queue_envelope *e, struct str sender, const struct smtp_ehlo *server, int64_t now, struct trouble *t);
/* "MAIL FROM:<...> ...", with CRLF. utf8: something in this transaction needs SMTPUTF8. */
void envelope_mail(struct buf *out, const struct queue_envelope *e, struct str sender, const struct smtp_ehlo *server, const struct message_form *form,
				   bool utf8, int64_t now);
/* "RCPT TO:<...> ...". The address as envelope_address gave it. */
void envelope_rcpt(struct buf *out, const struct queue_envelope *e, const struct queue_recipient *r, struct str address, const struct smtp_ehlo *server);
/* The recipient's address as it may be said there: as it is, or with its domain in A-labels where that makes it ASCII. ERR_UNSUPPORTED and *t (5.6.7): it
 * needs SMTPUTF8; ERR_INVALID (5.1.3): it cannot be said in a command. */
int envelope_address(struct arena *a, struct str address, const struct smtp_ehlo *server, struct str *out, struct trouble *t);
/* VERP: "list@here.example" and "user@there.example" make "list+user=there.example@here.example"; empty when out of memory. */
struct str envelope_verp(struct arena *a, struct str sender, struct str recipient);

#endif
