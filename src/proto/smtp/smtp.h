/* SMTP and LMTP servers for app/: RFC 5321, 6409 (submission), 2033 (LMTP). */
#ifndef PROTO_SMTP_SMTP_H
#define PROTO_SMTP_SMTP_H

#include "mailauth/check.h"
#include "proto/common/services.h"
#include "rt/conn.h"

enum smtp_mode {
	SMTP_MX,             /* mail for our domains from anybody; no relay, no AUTH */
	SMTP_SUBMISSION,     /* mail from our users; AUTH first */
	SMTP_LMTP,           /* mail from a transfer agent beside us; one reply per recipient */
};

struct queue;
struct store;
struct smtp_gate;

/* The context of a listener; lives as long as the server. What is NULL is not there: nothing that needs it is offered. */
struct smtp_service {
	struct services *services;
	enum smtp_mode mode;
	struct queue *queue;         /* mail for other domains, held, or to be told about */
	struct store *store;         /* that the queue is in; for ATRN */
	const struct dns_source *dns;                /* to check senders with */
	const struct dkim_keyring *keyring;          /* to sign and seal with */
	const struct smtp_gate *gates;
	size_t n_gates;                              /* at most SMTP_GATES_MAX */
	/* What was found out about a message from outside, and what was done at its author's wish: for aggregate reports. Must not block; what it is given
	 * lives for the call. */
	void (*report)(void *ctx, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done);
	void *report_ctx;
};

extern const struct conn_proto smtp_proto;          /* ctx: struct smtp_service * */
extern const struct conn_proto smtp_submission_proto;
extern const struct conn_proto smtp_lmtp_proto;

#endif
