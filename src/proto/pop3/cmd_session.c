/* Commands about the session itself: CAPA, LANG, NOOP, QUIT, STLS, UTF8. */
#include "proto/pop3/session.h"

/* ---- CAPA, RFC 2449 section 5 ---- */

/* Is what the command offers to be had here and now? What is valid in AUTHORIZATION is announced in both states, but
 * STLS "is present and permitted in the current state" (RFC 2595 section 4). */
static bool is_offered(struct pop3_call *c, const struct pop3_command *command)
{
	if (!command->capability || (command->shows_password && !login_may_show_password(c->conn, c->s->config)))
		return false;
	if (command->run == pop3_cmd_stls)
		return conn_can_tls(c->conn) && c->s->state == POP3_AUTHORIZATION && !c->s->utf8;
	return true;
}

static void announce(struct pop3_call *c, const struct pop3_command *command)
{
	struct buf *out = conn_out(c->conn);
	struct buf mechanisms = BUF_INIT(0);
	if (command->run == pop3_cmd_auth) {
		sasl_mechanisms(c->conn, c->s->config, &mechanisms);
		if (mechanisms.n)
			buf_printf(out, "%s %.*s\r\n", command->capability, STR_ARG(buf_str(&mechanisms)));
		buf_fini(&mechanisms);
		return;
	}
	buf_printf(out, "%s\r\n", command->capability);
}

void pop3_cmd_capa(struct pop3_call *c)
{
	size_t n, n_behaviours;
	const struct pop3_command *commands = pop3_commands(&n);
	const struct pop3_behaviour *behaviours = pop3_behaviours(&n_behaviours);
	struct buf *out = conn_out(c->conn);
	pop3_ok(c, TEXT_CAPABILITIES);
	for (size_t i = 0; i < n; i++)
		if (is_offered(c, &commands[i]))
			announce(c, &commands[i]);
	for (size_t i = 0; i < n_behaviours; i++)
		buf_printf(out, "%s\r\n", behaviours[i].capability);
	if (c->s->config->pop3_login_delay_s)
		buf_printf(out, "LOGIN-DELAY %llu\r\n", (unsigned long long)c->s->config->pop3_login_delay_s);
	buf_add_lit(out, "IMPLEMENTATION Troika-" TROIKA_VERSION "\r\n.\r\n");
}

/* ---- LANG, RFC 6856 section 3 ---- */

static void list_languages(struct pop3_call *c)
{
	struct buf *out = conn_out(c->conn);
	pop3_ok(c, TEXT_LANGUAGES);
	for (enum pop3_language i = 0; i < POP3_LANGUAGES; i++)
		buf_printf(out, "%s %s\r\n", pop3_language_tag(i), pop3_language_name(i));
	buf_add_lit(out, ".\r\n");
}

void pop3_cmd_lang(struct pop3_call *c)
{
	if (c->args.n == 0) {
		list_languages(c);
		return;
	}
	if (!pop3_language_find(c->args.v[0], &c->s->language)) {
		pop3_err(c, NULL, TEXT_NO_SUCH_LANGUAGE);
		return;
	}
	buf_printf(conn_out(c->conn), "+OK %s %s\r\n", pop3_language_tag(c->s->language),
			   pop3_text(c->s->language, TEXT_LANGUAGE_CHANGED));
}

/* ---- the others ---- */

void pop3_cmd_noop(struct pop3_call *c) { pop3_ok(c, TEXT_NOOP); }

/* RFC 1939 section 6: after TRANSACTION it is the UPDATE state that deletes; the lock is released before the answer,
 * so that who reads it may come again at once. */
void pop3_cmd_quit(struct pop3_call *c)
{
	struct pop3_session *s = c->s;
	int code = 0;
	if (s->state == POP3_TRANSACTION) {
		s->state = POP3_UPDATE;
		code = maildrop_update(&s->drop);
		if (code == 0)
			s->deleted = s->drop.marked;
		maildrop_close(&s->drop);
	}
	s->closing = true;
	if (code == 0) {
		pop3_ok(c, TEXT_GOODBYE);
		return;
	}
	pop3_err(c, err_class(code) == ERR_CLASS_TEMPORARY ? "SYS/TEMP" : "SYS/PERM", TEXT_NOT_REMOVED);
	conn_log(c->conn, LOG_ERROR, "pop3.update-failed", LOG_LIST(LOG_C("why", err_text(code))));
}

/* RFC 2595 section 4; RFC 6856 section 2.1: not after UTF8. */
void pop3_cmd_stls(struct pop3_call *c)
{
	if (conn_has_tls(c->conn))
		pop3_err(c, NULL, TEXT_TLS_ACTIVE);
	else if (c->s->utf8)
		pop3_err(c, NULL, TEXT_TLS_AFTER_UTF8);
	else if (conn_start_tls(c->conn) != 0)
		pop3_err(c, "SYS/PERM", TEXT_TLS_UNAVAILABLE);
	else
		pop3_ok(c, TEXT_BEGIN_TLS);
}

void pop3_cmd_utf8(struct pop3_call *c)
{
	c->s->utf8 = true;
	pop3_ok(c, TEXT_UTF8_ON);
}
