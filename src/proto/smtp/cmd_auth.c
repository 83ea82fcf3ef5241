#include "proto/smtp/command.h"

#include <stdlib.h>

/* Remembers who it is. False when there is no memory or the user has too many connections. */
static bool take_user(struct smtp_call *c)
{
	const struct directory_user *user = sasl_user(c->s->sasl);

	if (conn_set_user(c->conn, user->name)) {
		smtp_reply(c, 421, "4.7.0", "Too many connections of this user");
		c->s->closing = true;
		return false;
	}
	c->s->user = str_dup_c(user->name);
	if (!c->s->user)
		smtp_reply_error(c, ERR_NO_MEMORY, "Authentication");
	return c->s->user;
}

static void answer(struct smtp_call *c, enum sasl_result r, int code, struct buf *reply)
{
	struct smtp_session *s = c->s;

	s->phase = r == SASL_CONTINUE ? SMTP_AUTH_EXCHANGE : SMTP_COMMAND;
	switch (r) {
	case SASL_CONTINUE:
		conn_printf(c->conn, "334 %.*s\r\n", STR_ARG(buf_str(reply)));
		return;
	case SASL_DONE:
		if (take_user(c)) {
			conn_log(c->conn, LOG_INFO, "smtp.login", LOG_NOTHING);
			smtp_reply(c, 235, "2.7.0", "Authentication succeeded");
		}
		break;
	case SASL_FAILED:
		conn_log(c->conn, LOG_NOTICE, "smtp.login-failed", LOG_LIST(LOG_C("why", err_text(code))));
		if (code == ERR_DENIED)
			smtp_reply(c, 535, "5.7.8", "Authentication credentials invalid");
		else
			smtp_reply(c, 454, "4.7.0", "Temporary authentication failure, try again later");
		break;
	case SASL_MALFORMED:
		smtp_reply(c, 501, "5.5.2", "Cannot decode the response");
		break;
	case SASL_UNKNOWN:
		smtp_reply(c, 504, "5.5.4", "Unrecognised authentication mechanism");
		break;
	case SASL_NEEDS_TLS:
		smtp_reply(c, 538, "5.7.11", "Encryption required for this mechanism: use STARTTLS");
		break;
	}
	sasl_destroy(&s->sasl);
}

/* RFC 4954 section 4. */
void smtp_cmd_auth(struct smtp_call *c)
{
	struct str mechanism, initial;
	struct buf reply = BUF_INIT(SASL_MESSAGE_MAX);
	int code = 0;

	if (c->s->user || c->s->t.open) {
		smtp_reply(c, 503, "5.5.1", c->s->user ? "Already authenticated" : "Not during a mail transaction");
		return;
	}
	bool given = str_cut(c->arg, ' ', &mechanism, &initial);
	if (mechanism.n == 0 || (given && initial.n == 0)) {
		smtp_reply(c, 501, "5.5.4", "Syntax: AUTH mechanism [initial-response]");
		return;
	}
	sasl_destroy(&c->s->sasl);
	str_copy_c(c->s->mechanism, sizeof c->s->mechanism, mechanism);
	enum sasl_result r = sasl_start(c->conn, c->service->services, c->s->config, "smtp", mechanism, given ? initial : STR_NONE,
									&c->s->sasl, &reply, &code);
	/* RFC 4954 section 4: data that goes with success, but no room for it: one more empty round */
	if (r == SASL_DONE && reply.n) {
		conn_printf(c->conn, "334 %.*s\r\n", STR_ARG(buf_str(&reply)));
		c->s->phase = SMTP_AUTH_EXCHANGE;
		c->s->sasl_proven = true;
	} else {
		answer(c, r, code, &reply);
	}
	buf_fini(&reply);
}

void smtp_input_auth(struct smtp_call *c, struct str line)
{
	struct buf reply = BUF_INIT(SASL_MESSAGE_MAX);
	enum sasl_result r;
	int code = 0;

	if (str_eq(line, STR("*"))) {
		c->s->phase = SMTP_COMMAND;
		c->s->sasl_proven = false;
		sasl_destroy(&c->s->sasl);
		smtp_reply(c, 501, "5.7.0", "Authentication cancelled");
		return;
	}
	if (c->s->sasl_proven)
		r = line.n ? SASL_MALFORMED : SASL_DONE;
	else
		r = sasl_step(c->s->sasl, line, &reply, &code);
	if (r == SASL_DONE && reply.n) {
		c->s->sasl_proven = true;
		conn_printf(c->conn, "334 %.*s\r\n", STR_ARG(buf_str(&reply)));
	} else {
		c->s->sasl_proven = false;
		answer(c, r, code, &reply);
	}
	buf_fini(&reply);
}
