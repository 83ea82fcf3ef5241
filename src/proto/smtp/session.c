#include "proto/smtp/session.h"

#include "proto/smtp/command.h"
#include "proto/smtp/count.h"
#include "proto/smtp/late.h"
#include "proto/smtp/transaction.h"
#include "proto/smtp/turn.h"

#include <stdlib.h>

unsigned smtp_where(const struct smtp_call *c)
{
	static const unsigned bits[] = { [SMTP_MX] = SMTP_IN_MX, [SMTP_SUBMISSION] = SMTP_IN_SUBMISSION, [SMTP_LMTP] = SMTP_IN_LMTP };

	return bits[c->service->mode];
}

bool smtp_may_relay(const struct smtp_call *c)
{
	return c->service->queue && (c->service->mode == SMTP_SUBMISSION || c->s->user || network_list_has(c->s->config->smtp_relay_from, &c->s->peer.addr));
}

void smtp_reply(struct smtp_call *c, unsigned code, const char *enhanced, const char *format, ...)
{
	struct buf *out = conn_out(c->conn);
	size_t from = out->n;
	va_list ap;

	c->s->errors += code >= 500;
	buf_printf(out, "%u %s%s", code, enhanced ? enhanced : "", enhanced ? " " : "");
	size_t text = out->n;
	va_start(ap, format);
	buf_vprintf(out, format, ap);
	va_end(ap);
	/* What is told back to the peer makes no line of its own, and nothing that one reader takes for the end of a line and another does not. */
	for (size_t i = from; i < out->n; i++)
		if ((uint8_t)out->p[i] < ' ' || out->p[i] == 0x7f)
			out->p[i] = '?';
	smtp_count_reply(c, code, enhanced, str_from(buf_str(out), text));
	buf_add_lit(out, "\r\n");
}

void smtp_reply_error(struct smtp_call *c, int code, const char *what)
{
	switch (code) {
	case ERR_QUOTA:
		smtp_reply(c, 452, "4.2.2", "%s: the mailbox is full", what);
		return;
	case ERR_NO_SPACE:
		smtp_reply(c, 452, "4.3.1", "%s: insufficient system storage, try again later", what);
		return;
	case ERR_TOO_BIG:
		smtp_reply(c, 552, "5.3.4", "%s: over a size limit", what);
		return;
	case ERR_NOT_FOUND:
		smtp_reply(c, 550, "5.1.1", "%s: no such user here", what);
		return;
	default:
		break;
	}
	if (err_class(code) == ERR_CLASS_CLIENT)
		smtp_reply(c, 550, "5.0.0", "%s: %s", what, err_text(code));
	else
		smtp_reply(c, 451, "4.3.0", "%s: local error, try again later", what);
}

/* What is true of a command before it runs; false when an answer was given instead. */
static bool command_may_run(struct smtp_call *c, const struct smtp_command *cmd)
{
	struct smtp_session *s = c->s;

	if (!cmd || !(cmd->where & smtp_where(c))) {
		smtp_reply(c, 500, "5.5.1", "Command not recognised");
		return false;
	}
	if (cmd->needs_helo && !s->greeted) {
		smtp_reply(c, 503, "5.5.1", "Say %s first", c->service->mode == SMTP_LMTP ? "LHLO" : "EHLO");
		return false;
	}
	if (cmd->needs_auth && c->service->mode == SMTP_SUBMISSION && !s->user) {
		smtp_reply(c, 530, "5.7.0", "%s", login_may_show_password(c->conn, s->config) ? "Authentication required" : "Must issue a STARTTLS command first");
		return false;
	}
	/* RFC 3030 section 2: after the first BDAT only RSET, BDAT and what resets may come. */
	if (s->t.chunking && !cmd->during_chunks) {
		smtp_reply(c, 503, "5.5.1", "BDAT or RSET expected");
		return false;
	}
	return true;
}

static void run_command(struct smtp_call *c, struct str line)
{
	struct str verb, rest;

	str_cut(line, ' ', &verb, &rest);
	c->arg = str_trim(rest);
	const struct smtp_command *cmd = smtp_command_find(verb);
	if (memchr(line.p ? line.p : "", 0, line.n)) {
		smtp_reply(c, 500, "5.5.2", "NUL is not allowed in a command");
		return;
	}
	if (!cmd && !smtp_gates_pass(c, SMTP_STAGE_UNKNOWN, &(struct smtp_matter){ .argument = line }))
		return;
	if (!command_may_run(c, cmd))
		return;
	smtp_count_begin(c, cmd);
	cmd->run(c);
	smtp_count_end(c, cmd, true);
}

static void input_line(struct smtp_call *c)
{
	struct str line;
	bool bare_lf = false;
	int r = conn_take_line(c->conn, &line, &bare_lf);

	if (r == 0)
		return;
	if (c->s->phase == SMTP_TURNED && r < 0)
		c->s->closing = true;
	else if (r < 0)
		smtp_reply(c, 500, "5.5.2", "Line too long");
	else if (bare_lf && c->s->phase != SMTP_TURNED)
		smtp_reply(c, 500, "5.5.2", "Lines end with CRLF");          /* RFC 5321 2.3.8 */
	else if (c->s->phase == SMTP_AUTH_EXCHANGE)
		smtp_input_auth(c, line);
	else if (c->s->phase == SMTP_TURNED)
		smtp_turn_line(c, line);
	else
		run_command(c, line);
}

static void greet(struct smtp_call *c)
{
	smtp_reply(c, 220, NULL, "%.*s %s Troika", STR_ARG(c->s->config->hostname), c->service->mode == SMTP_LMTP ? "LMTP" : "ESMTP");
}

static void meet_peer(struct smtp_call *c)
{
	struct smtp_peer *p = &c->s->real;

	str_copy_c(p->ip, sizeof p->ip, conn_peer_ip(c->conn));
	net_addr_parse(str_from_c(p->ip), 0, &p->addr);
	p->port = conn_peer_port(c->conn);
	c->s->peer = *p;
}

static void forget_peer(struct smtp_session *s)
{
	smtp_transaction_reset(&s->t);
	free(s->helo);
	s->helo = NULL;
	s->greeted = s->esmtp = false;
}

void smtp_session_begin(struct smtp_call *c)
{
	forget_peer(c->s);
	smtp_gates_end(c);
	conn_note(c->conn, "connected");
	if (smtp_gates_pass(c, SMTP_STAGE_CONNECT, &(struct smtp_matter){ 0 }))
		greet(c);
}

static void input(struct smtp_call *c)
{
	enum smtp_phase phase = c->s->phase;

	if (phase != SMTP_DATA && phase != SMTP_BDAT) {
		input_line(c);
		return;
	}
	smtp_count_begin(c, NULL);
	if (phase == SMTP_DATA)
		smtp_input_data(c);
	else
		smtp_input_bdat(c);
	smtp_count_end(c, NULL, c->s->phase != phase);
}

static enum conn_next run(struct conn *conn, void *session, void *ctx, enum conn_event event)
{
	struct smtp_session *s = session;
	struct smtp_call c = { .conn = conn, .s = s, .service = ctx };
	size_t before = conn_out(conn)->n;
	bool was_held = s->held;

	if (was_held && event == CONN_WAKE)
		return CONN_PARK;
	smtp_late_release(&c);
	switch (event) {
	case CONN_OPEN:
		s->config = services_config(c.service->services);
		conn_set_timeout(conn, s->config->smtp_timeout_ms);
		meet_peer(&c);
		smtp_session_begin(&c);
		break;
	case CONN_TLS:
		/* RFC 3207 4.2: as if the connection were new, without a second greeting */
		forget_peer(s);
		break;
	case CONN_INPUT:
		input(&c);
		break;
	case CONN_TIMEOUT:
		if (was_held)
			break;
		if (s->phase == SMTP_TURNED)
			return CONN_CLOSE;               /* a client gives no replies */
		smtp_reply(&c, 421, "4.4.2", "%.*s timed out waiting for you", STR_ARG(s->config->hostname));
		return CONN_CLOSE;
	case CONN_DRAIN:
		if (s->phase == SMTP_TURNED)
			return CONN_CLOSE;
		smtp_reply(&c, 421, "4.3.2", "%.*s is shutting down", STR_ARG(s->config->hostname));
		return CONN_CLOSE;
	case CONN_WAKE:
		break;
	}
	if (s->errors > s->config->smtp_errors_max && !s->closing) {
		smtp_reply(&c, 421, "4.7.0", "Too many errors");
		conn_log(conn, LOG_NOTICE, "smtp.too-many-errors", LOG_LIST(LOG_U("errors", s->errors)));
		return CONN_CLOSE;
	}
	if (smtp_late_hold(&c, before))
		return CONN_PARK;
	if (s->phase == SMTP_DATA || s->phase == SMTP_BDAT)
		conn_want_any(conn);
	else
		conn_want_line(conn, SMTP_LINE_MAX);
	return s->closing ? CONN_CLOSE : CONN_PARK;
}

static void fini(struct conn *conn, void *session, void *ctx)
{
	struct smtp_session *s = session;

	struct smtp_call c = { .conn = conn, .s = s, .service = ctx };

	smtp_turn_end(&c);
	smtp_gates_end(&c);
	if (s->messages || s->errors)
		conn_log(conn, LOG_INFO, "smtp.close", LOG_LIST(LOG_U("messages", s->messages), LOG_U("errors", s->errors)));
	forget_peer(s);
	sasl_destroy(&s->sasl);
	free(s->held);
	free(s->user);
	mail_config_unref(&s->config);
}

const struct conn_proto smtp_proto = { .name = "smtp", .session_size = sizeof(struct smtp_session), .run = run, .fini = fini };
const struct conn_proto smtp_submission_proto = {
	.name = "submission", .session_size = sizeof(struct smtp_session), .run = run, .fini = fini };
const struct conn_proto smtp_lmtp_proto = { .name = "lmtp", .session_size = sizeof(struct smtp_session), .run = run, .fini = fini };
