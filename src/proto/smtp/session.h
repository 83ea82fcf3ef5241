/* One SMTP or LMTP session. Private to the room. One thread at a time (the worker that runs the connection). */
#ifndef PROTO_SMTP_SESSION_H
#define PROTO_SMTP_SESSION_H

#include "base/arena.h"
#include "codec/smtp/data.h"
#include "proto/common/sasl.h"
#include "proto/smtp/limits.h"
#include "proto/smtp/smtp.h"
#include "rt/conn.h"
#include "rt/spool.h"

#include <stdbool.h>
#include <stdint.h>

/* What the next octets from the peer are. */
enum smtp_phase { SMTP_COMMAND, SMTP_AUTH_EXCHANGE, SMTP_DATA, SMTP_BDAT };

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/* A recipient that got its 250, with the accounts it leads to. */
struct smtp_recipient {
	struct smtp_recipient *next;
	struct str address;                  /* as given, without brackets */
	const struct directory_target *targets;
	size_t n_targets;
};

/* A mail transaction, from MAIL to the end of data or RSET. */
struct smtp_transaction {
	struct arena arena;                  /* everything below */
	bool open;                           /* MAIL was accepted */
	bool chunking;                       /* BDAT has begun */
	bool utf8;
	bool too_big;                        /* over the size limit: the rest is read and thrown away */
	int spool_error;                     /* or over another one, or the disk's fault */
	enum smtp_body body;
	struct str sender;                   /* reverse-path without brackets; empty for <> */
	uint64_t size_declared;
	struct smtp_recipient *first, **last;
	unsigned n_recipients, n_targets;
	struct spool *spool;
	size_t trace_size;                   /* octets of the spool that are ours: Return-Path and Received */
	struct smtp_data data;
	uint64_t chunk_left;
	bool chunk_is_last;
	bool chunk_refused;                  /* no transaction: read and thrown away */
};

struct smtp_session {
	const struct mail_config *config;    /* a reference */
	enum smtp_phase phase;
	bool esmtp;
	bool greeted;                        /* HELO, EHLO or LHLO was accepted */
	bool closing;
	bool tls_started;
	unsigned errors;                     /* bad commands and refused recipients */
	unsigned messages;                   /* accepted on this connection */
	char *helo;                          /* malloc'ed */
	struct sasl *sasl;                   /* during the exchange */
	bool sasl_proven;                    /* only the empty answer to the additional data is missing */
	char *user;                          /* malloc'ed canonical name, NULL before AUTH */
	struct smtp_transaction t;
};

/* Everything a command sees. */
struct smtp_call {
	struct conn *conn;
	struct smtp_session *s;
	const struct smtp_service *service;
	struct str arg;                      /* behind the verb and one space */
};

/* "CODE ENHANCED text" in one line; enhanced may be NULL (then none). Counts 5xx as errors. The texts hold no CR or LF. */
void smtp_reply(struct smtp_call *c, unsigned code, const char *enhanced, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Answers for an error code of base/err.h at the given verb's place: 4xx or 5xx by its class. */
void smtp_reply_error(struct smtp_call *c, int code, const char *what);

/* Ends the transaction (RSET, EHLO, end of data) and gives back its memory. */
void smtp_transaction_reset(struct smtp_transaction *t);
/* Opens the spool and writes Return-Path and Received: 0 or an error. */
int smtp_transaction_start_data(struct smtp_call *c);
/* Takes octets of the message into the spool; remembers failures in too_big and spool_error. */
void smtp_transaction_write(struct smtp_call *c, const char *p, size_t n);
/* The message is whole: checks it, delivers it, answers (once, or per recipient with LMTP), ends the transaction. */
void smtp_accept(struct smtp_call *c);

/* Octets for the phases that are no commands. */
void smtp_input_data(struct smtp_call *c);
void smtp_input_bdat(struct smtp_call *c);
void smtp_input_auth(struct smtp_call *c, struct str line);

#endif
