#include "codec/smtp/path.h"
#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/transaction.h"

#include <stdlib.h>

/* Keeps the peer's name and begins anew (RFC 5321 4.1.4: EHLO resets like RSET). False when an answer was given. */
static bool take_name(struct smtp_call *c, bool esmtp)
{
	struct str name = c->arg;

	if (name.n > SMTP_HELO_MAX || !smtp_helo_is_valid(name)) {
		smtp_reply(c, 501, "5.5.4", "Syntax: %s your.host.name", c->service->mode == SMTP_LMTP ? "LHLO" : esmtp ? "EHLO" : "HELO");
		return false;
	}
	if (!smtp_gates_pass(c, SMTP_STAGE_HELO, &(struct smtp_matter){ .argument = name }))
		return false;
	char *copy = str_dup_c(name);
	if (!copy) {
		smtp_reply_error(c, ERR_NO_MEMORY, "Greeting");
		return false;
	}
	smtp_transaction_reset(&c->s->t);
	free(c->s->helo);
	c->s->helo = copy;
	c->s->greeted = true;
	c->s->esmtp = esmtp;
	return true;
}

void smtp_cmd_helo(struct smtp_call *c)
{
	if (take_name(c, false))
		smtp_reply(c, 250, NULL, "%.*s", STR_ARG(c->s->config->hostname));
}

void smtp_cmd_ehlo(struct smtp_call *c)
{
	if (!take_name(c, true))
		return;
	conn_printf(c->conn, "250-%.*s greets %s\r\n", STR_ARG(c->s->config->hostname), c->s->helo);
	smtp_extensions_offer(c);
	conn_write_lit(c->conn, "250 ENHANCEDSTATUSCODES\r\n");
}

/* RFC 2033 4.1: as EHLO. */
void smtp_cmd_lhlo(struct smtp_call *c)
{
	smtp_cmd_ehlo(c);
}
