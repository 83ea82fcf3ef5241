/* From the end of data to the reply. Private to the room. */
#ifndef PROTO_SMTP_ACCEPT_H
#define PROTO_SMTP_ACCEPT_H

#include "proto/smtp/session.h"

#define SMTP_ID_SIZE 40

/* The message is whole: checks it, hands it over, answers (once, or per recipient with LMTP), ends the transaction. */
void smtp_accept(struct smtp_call *c);

/* Answers at the end of data, as often as the protocol wants it, and writes it into the log. */
void smtp_refuse_message(struct smtp_call *c, unsigned code, const char *enhanced, const char *format, ...) __attribute__((format(printf, 4, 5)));
void smtp_fail_message(struct smtp_call *c, int code);

/* Unique while the process lives, and telling in a log: connection, message. */
struct str smtp_message_id(const struct smtp_call *c, char text[static SMTP_ID_SIZE]);
/* The Received field for this message. */
void smtp_format_trace(const struct smtp_call *c, struct buf *out);

/* What became of a message. */
struct smtp_handover {
	int code;                                 /* 0: somebody is responsible for all of it */
	const struct deliver_recipient *results;  /* LMTP: one for each target, in order; NULL: the code holds for all */
	uint64_t queue_id;                        /* 0: it did not go through the queue */
};
/* Gives the message, which stands in the spool with all its fields but Return-Path, to accounts and queue. */
void smtp_hand_over(struct smtp_call *c, struct smtp_handover *out);

#endif
