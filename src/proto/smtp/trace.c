/* What stands in front of a message: RFC 5321 4.4. Return-Path is of final delivery (handover.c), Received of everybody. */
#include "codec/smtp/trace.h"

#include "base/clock.h"
#include "proto/smtp/accept.h"

struct str smtp_message_id(const struct smtp_call *c, char text[static SMTP_ID_SIZE])
{
	int n = snprintf(text, SMTP_ID_SIZE, "%llx.%x", (unsigned long long)conn_id(c->conn), c->s->messages + 1);

	return str_make(text, n > 0 ? (size_t)n : 0);
}

void smtp_format_trace(const struct smtp_call *c, struct buf *out)
{
	const struct smtp_transaction *t = &c->s->t;
	char id[SMTP_ID_SIZE];
	struct smtp_trace trace = {
		.helo = str_from_c(c->s->helo), .peer_ip = str_from_c(c->s->peer.ip), .by = c->s->config->hostname,
		.esmtp = c->s->esmtp, .lmtp = c->service->mode == SMTP_LMTP, .tls = conn_has_tls(c->conn), .auth = c->s->user != NULL,
		.utf8 = t->utf8, .tls_version = conn_tls_version(c->conn), .tls_cipher = conn_tls_cipher(c->conn),
		.id = smtp_message_id(c, id), .has_priority = t->wishes.has_priority, .priority = t->wishes.priority,
		.solicit = t->wishes.solicit, .hide_peer = c->s->user && c->s->config->submission_hide_client, .when = clock_now(),
	};

	/* of several recipients none may learn from it that there are others (RFC 5321 7.2) */
	if (t->n_recipients == 1)
		trace.recipient = t->first->address;
	smtp_format_received(out, &trace);
}
