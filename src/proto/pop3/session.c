#include "proto/pop3/session.h"

#include "base/base64.h"
#include "base/clock.h"
#include "proto/pop3/count.h"
#include "proto/pop3/pop3.h"
#include "rt/crypto.h"

#include <stdlib.h>

/* ---- answering ---- */

static void answer(struct pop3_call *c, const char *status, const char *code, enum pop3_text text)
{
	struct buf *out = conn_out(c->conn);
	buf_add_c(out, status);
	if (code)
		buf_printf(out, " [%s]", code);
	buf_add_char(out, ' ');
	buf_add_c(out, pop3_text(c->s->language, text));
	buf_add_lit(out, "\r\n");
}

void pop3_ok(struct pop3_call *c, enum pop3_text text)
{
	pop3_count_ok();
	answer(c, "+OK", NULL, text);
}

void pop3_err(struct pop3_call *c, const char *code, enum pop3_text text)
{
	pop3_count_err(c, code, pop3_text(POP3_ENGLISH, text));
	answer(c, "-ERR", code, text);
}

void pop3_ok_number(struct pop3_call *c, uint64_t number, enum pop3_text text)
{
	struct buf *out = conn_out(c->conn);
	pop3_count_ok();
	buf_add_lit(out, "+OK ");
	buf_add_u64(out, number);
	buf_add_char(out, ' ');
	buf_add_c(out, pop3_text(c->s->language, text));
	buf_add_lit(out, "\r\n");
}

void pop3_fail(struct pop3_call *c, int error)
{
	if (err_class(error) == ERR_CLASS_TEMPORARY)
		pop3_err(c, "SYS/TEMP", TEXT_TEMPORARY);
	else
		pop3_err(c, "SYS/PERM", TEXT_PERMANENT);
	conn_log(c->conn, LOG_ERROR, "pop3.failed", LOG_LIST(LOG_C("why", err_text(error))));
}

/* ---- the greeting ---- */

void pop3_timestamp(const struct pop3_call *c, struct buf *out)
{
	buf_add_char(out, '<');
	hex_encode(out, str_make(c->s->nonce, sizeof(c->s->nonce)));
	buf_printf(out, ".%lld@%.*s>", (long long)c->s->began, STR_ARG(c->s->config->hostname));
}

static void greet(struct pop3_call *c)
{
	struct pop3_session *s = c->s;
	struct buf *out = conn_out(c->conn);
	s->config = services_config(c->services);
	s->state = POP3_AUTHORIZATION;
	s->began = clock_now();
	crypto_random(s->nonce, sizeof(s->nonce));
	s->offers_apop = directory_any_secret(services_directory(c->services));
	buf_printf(out, "+OK %.*s %s", STR_ARG(s->config->hostname), pop3_text(s->language, TEXT_READY));
	if (s->offers_apop) {
		buf_add_char(out, ' ');
		pop3_timestamp(c, out);
	}
	buf_add_lit(out, "\r\n");
	conn_set_timeout(c->conn, s->config->pop3_timeout_ms);
	conn_note(c->conn, "not logged in");
}

/* ---- commands ---- */

static void run_command(struct pop3_call *c, struct str line)
{
	struct pop3_session *s = c->s;
	const struct pop3_command *command;
	enum pop3_parsed parsed = pop3_command_parse(line, &command, &c->args);

	/* RFC 1939 section 7: PASS only immediately after a successful USER. */
	if (s->name && !(command && command->run == pop3_cmd_pass)) {
		free(s->name);
		s->name = NULL;
	}
	if (parsed == POP3_PARSED_UNKNOWN)
		pop3_err(c, NULL, TEXT_UNKNOWN_COMMAND);
	else if (!(command->states & s->state))
		pop3_err(c, NULL, TEXT_WRONG_STATE);
	else if (parsed == POP3_PARSED_BAD_ARGUMENTS)
		pop3_err(c, NULL, TEXT_BAD_ARGUMENTS);
	else if (command->shows_password && !login_may_show_password(c->conn, s->config))
		pop3_err(c, "AUTH", TEXT_TLS_REQUIRED);
	else {
		pop3_count_begin(c, command);
		command->run(c);
		pop3_count_end(c, command);
	}
}

static void input_line(struct pop3_call *c)
{
	struct str line;
	int r = conn_take_line(c->conn, &line, NULL);
	if (r == 0)
		return;
	/* A line may end in LF alone: nothing here could be smuggled by it, and people type into openssl s_client. */
	if (r < 0 || str_chr(line, '\0') != STR_NPOS) {
		sasl_destroy(&c->s->sasl);
		pop3_err(c, NULL, r < 0 ? TEXT_LINE_TOO_LONG : TEXT_BAD_LINE);
	} else if (c->s->sasl) {
		pop3_input_auth(c, line);
	} else {
		run_command(c, line);
	}
}

void pop3_forget_peer(struct pop3_session *s)
{
	sasl_destroy(&s->sasl);
	free(s->name);
	s->name = NULL;
	s->utf8 = false;
	s->language = POP3_ENGLISH;
}

static enum conn_next run(struct conn *conn, void *session, void *ctx, enum conn_event event)
{
	struct pop3_session *s = session;
	struct pop3_call c = { .conn = conn, .s = s, .services = ctx };

	switch (event) {
	case CONN_OPEN:
		greet(&c);
		break;
	case CONN_INPUT:
		input_line(&c);
		break;
	case CONN_TLS:
		pop3_forget_peer(s);
		break;
	case CONN_TIMEOUT:
		/* RFC 1939 section 3: closed without a word, and without UPDATE. */
		conn_log(conn, LOG_INFO, "pop3.timeout", LOG_NOTHING);
		return CONN_CLOSE;
	case CONN_DRAIN:
		pop3_err(&c, "SYS/TEMP", TEXT_SHUTTING_DOWN);
		return CONN_CLOSE;
	case CONN_WAKE:
		break;
	}
	conn_want_line(conn, s->sasl ? SASL_MESSAGE_MAX + 2 : POP3_LINE_MAX);
	return s->closing ? CONN_CLOSE : CONN_PARK;
}

static void fini(struct conn *conn, void *session, void *ctx)
{
	struct pop3_session *s = session;
	(void)ctx;
	if (s->state == POP3_TRANSACTION || s->closing)
		conn_log(conn, LOG_INFO, "pop3.close",
				 LOG_LIST(LOG_U("retrieved", s->retrieved), LOG_U("deleted", s->deleted)));
	maildrop_close(&s->drop);
	pop3_forget_peer(s);
	mail_config_unref(&s->config);
}

_Static_assert(sizeof(struct pop3_session) <= 1024, "what a session costs at rest");

const struct conn_proto pop3_proto = {
	.name = "pop3", .session_size = sizeof(struct pop3_session), .run = run, .fini = fini
};
