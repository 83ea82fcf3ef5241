/* The ways into the TRANSACTION state: USER and PASS, APOP, AUTH. */
#include "proto/pop3/session.h"

#include "base/utf8.h"

#include <stdlib.h>

static void log_failure(struct pop3_call *c, struct str name, int error)
{
	conn_log(c->conn, LOG_NOTICE, "pop3.login-failed", LOG_LIST(LOG_S("name", name), LOG_C("why", err_text(error))));
}

/* RFC 3206: AUTH for what new credentials could mend, SYS for the rest. */
static void refuse(struct pop3_call *c, struct str name, int error)
{
	log_failure(c, name, error);
	if (error == ERR_DENIED)
		pop3_err(c, "AUTH", TEXT_WRONG_PASSWORD);
	else if (error == ERR_BUSY)
		pop3_err(c, "SYS/TEMP", TEXT_TOO_MANY_FAILURES);
	else
		pop3_fail(c, error);
}

/* The user is proven; whether the maildrop can be had is another question (RFC 1939 section 4). */
static void enter(struct pop3_call *c, const struct directory_user *user)
{
	struct pop3_session *s = c->s;
	int code = maildrop_open(&s->drop, services_model(c->services), user->account, s->config->pop3_login_delay_s);
	if (code == ERR_CONFLICT) {
		pop3_err(c, "IN-USE", TEXT_IN_USE);
		return;
	}
	if (code == ERR_DENIED) {
		pop3_err(c, "LOGIN-DELAY", TEXT_TOO_SOON);
		return;
	}
	if (code != 0) {
		pop3_fail(c, code);
		return;
	}
	if (conn_set_user(c->conn, user->name) != 0) {
		maildrop_close(&s->drop);
		pop3_err(c, "SYS/TEMP", TEXT_TOO_MANY_CONNECTIONS);
		return;
	}
	s->state = POP3_TRANSACTION;
	conn_log(c->conn, LOG_INFO, "pop3.login", LOG_LIST(LOG_U("messages", s->drop.count)));
	pop3_ok(c, TEXT_LOGGED_IN);
}

/* RFC 6856 section 2.2: what is not UTF-8 must be refused. */
static bool check_utf8(struct pop3_call *c, struct str arg)
{
	if (utf8_is_valid(arg))
		return true;
	pop3_err(c, "AUTH", TEXT_WRONG_PASSWORD);
	return false;
}

/* Always positive, so that nobody learns who is there. */
void pop3_cmd_user(struct pop3_call *c)
{
	struct str name = str_trim(c->args.v[0]);
	if (name.n == 0) {
		pop3_err(c, NULL, TEXT_BAD_ARGUMENTS);
		return;
	}
	if (!check_utf8(c, name))
		return;
	c->s->name = str_dup_c(name);
	if (c->s->name)
		pop3_ok(c, TEXT_SEND_PASS);
	else
		pop3_fail(c, ERR_NO_MEMORY);
}

void pop3_cmd_pass(struct pop3_call *c)
{
	struct pop3_session *s = c->s;
	if (!s->name) {
		pop3_err(c, NULL, TEXT_USER_FIRST);
		return;
	}
	struct arena arena = ARENA_INIT(0);
	struct directory_user user;
	struct str password = c->args.v[0];
	if (check_utf8(c, password)) {
		int code = login_with_password(c->conn, c->services, "pop3", &arena, str_from_c(s->name), password, &user);
		if (code == 0)
			enter(c, &user);
		else
			refuse(c, str_from_c(s->name), code);
	}
	free(s->name);
	s->name = NULL;
	arena_fini(&arena);
}

/* RFC 1939 section 7; without a timestamp in the greeting there is no APOP. */
void pop3_cmd_apop(struct pop3_call *c)
{
	if (!c->s->offers_apop) {
		pop3_err(c, NULL, TEXT_NO_APOP);
		return;
	}
	struct arena arena = ARENA_INIT(0);
	struct buf timestamp = BUF_INIT(0);
	struct directory_user user;
	struct str name = c->args.v[0];
	pop3_timestamp(c, &timestamp);
	int code = ERR_NO_MEMORY;
	if (!timestamp.failed)
		code = login_with_apop(c->conn, c->services, &arena, name, buf_str(&timestamp), c->args.v[1], &user);
	if (code == 0)
		enter(c, &user);
	else
		refuse(c, name, code);
	buf_fini(&timestamp);
	arena_fini(&arena);
}

/* ---- AUTH, RFC 5034 ---- */

static void challenge(struct pop3_call *c, const struct buf *reply)
{
	conn_write_lit(c->conn, "+ ");
	conn_write_str(c->conn, buf_str(reply));
	conn_write_lit(c->conn, "\r\n");
}

static void answer(struct pop3_call *c, enum sasl_result r, int code, const struct buf *reply)
{
	switch (r) {
	case SASL_CONTINUE:
		challenge(c, reply);
		return;
	case SASL_DONE:
		enter(c, sasl_user(c->s->sasl));
		break;
	case SASL_FAILED:
		refuse(c, STR("(SASL)"), code);
		break;
	case SASL_MALFORMED:
		pop3_err(c, NULL, TEXT_BAD_RESPONSE);
		break;
	case SASL_UNKNOWN:
		pop3_err(c, NULL, TEXT_UNKNOWN_MECHANISM);
		break;
	case SASL_NEEDS_TLS:
		pop3_err(c, "AUTH", TEXT_TLS_REQUIRED);
		break;
	}
	sasl_destroy(&c->s->sasl);
}

void pop3_cmd_auth(struct pop3_call *c)
{
	struct buf reply = BUF_INIT(0);
	int code = 0;
	struct pop3_session *s = c->s;
	struct str initial = c->args.n > 1 ? c->args.v[1] : STR_NONE;
	enum sasl_result r =
		sasl_start(c->conn, c->services, s->config, "pop3", c->args.v[0], initial, &s->sasl, &reply, &code);
	answer(c, r, code, &reply);
	buf_fini(&reply);
}

void pop3_input_auth(struct pop3_call *c, struct str line)
{
	struct buf reply = BUF_INIT(0);
	int code = 0;
	if (str_eq(line, STR("*"))) {
		sasl_destroy(&c->s->sasl);
		pop3_err(c, NULL, TEXT_CANCELLED);
		return;
	}
	enum sasl_result r = sasl_step(c->s->sasl, line, &reply, &code);
	answer(c, r, code, &reply);
	buf_fini(&reply);
}
