/* The message of one job, and the form in which a given server can take it. One thread at a time. */
#ifndef OUTBOUND_MESSAGE_H
#define OUTBOUND_MESSAGE_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/smtp/ehlo.h"
#include "codec/smtp/stuff.h"
#include "outbound/trouble.h"
#include "queue/queue.h"

#include <stdbool.h>

struct message {
	struct store *store;
	struct store_blob_view view;
	struct str bytes;
	struct smtp_octets octets;
	unsigned flags;                   /* enum queue_flag */
	struct buf seven;                 /* made 7bit, when a server wanted it so */
	int seven_result;                 /* 1: not tried yet */
	const char *seven_why;
};
/* 0, or what the store says. message_close in every case. */
int message_open(struct queue *q, struct store *s, const struct queue_job *j, struct message *out);
void message_close(struct message *m);
/* False: the store's bytes went bad under way; what was sent must not be completed. */
bool message_is_intact(const struct message *m);

/* How it goes to a server. */
struct message_form {
	struct str bytes;
	const char *body;                 /* "8BITMIME" or "BINARYMIME" for BODY=; NULL: 7bit, nothing need be said */
	bool utf8;                        /* its header needs SMTPUTF8 */
};
/* RFC 6152 3, RFC 3030 3, RFC 6531 3.2, RFC 1870 6: as it is where the server can take that, else made 7bit. 0; ERR_UNSUPPORTED: no way, and *t is why (5.6.3,
 * 5.6.9, 5.3.4); ERR_NO_MEMORY. */
int message_fit(struct message *m, const struct smtp_ehlo *server, struct message_form *out, struct trouble *t);

#endif
