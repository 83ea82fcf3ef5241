#include "codec/smtp/path.h"
#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/transaction.h"

void smtp_cmd_noop(struct smtp_call *c)
{
	smtp_reply(c, 250, "2.0.0", "Ok");
}

void smtp_cmd_rset(struct smtp_call *c)
{
	if (c->arg.n) {
		smtp_reply(c, 501, "5.5.4", "RSET takes no argument");
		return;
	}
	smtp_transaction_reset(&c->s->t);
	c->s->forwarded = (struct smtp_peer){ .port = 0 };
	smtp_reply(c, 250, "2.0.0", "Ok");
}

void smtp_cmd_quit(struct smtp_call *c)
{
	smtp_reply(c, 221, "2.0.0", "%.*s closing", STR_ARG(c->s->config->hostname));
	c->s->closing = true;
}

void smtp_cmd_starttls(struct smtp_call *c)
{
	if (c->arg.n)
		smtp_reply(c, 501, "5.5.4", "STARTTLS takes no argument");
	else if (conn_has_tls(c->conn))
		smtp_reply(c, 503, "5.5.1", "TLS is on already");
	else if (conn_start_tls(c->conn))
		smtp_reply(c, 454, "4.7.0", "TLS is not available");
	else
		smtp_reply(c, 220, "2.0.0", "Ready to start TLS");
}

/* RFC 5321 3.5.3: 252 tells nothing; the truth only when configured, or to a user. */
void smtp_cmd_vrfy(struct smtp_call *c)
{
	struct arena arena = ARENA_INIT(1 << 20);
	struct directory_target *targets;
	size_t n;
	struct str name = c->arg;

	if (name.n == 0) {
		smtp_reply(c, 501, "5.5.4", "Syntax: VRFY address");
		return;
	}
	if (!c->s->config->smtp_vrfy && !c->s->user) {
		smtp_reply(c, 252, "2.5.2", "Cannot VRFY, but will take a message and try");
		return;
	}
	if (name.n > 2 && name.p[0] == '<' && name.p[name.n - 1] == '>')
		name = str_sub(name, 1, name.n - 2);
	int code = directory_resolve(services_directory(c->service->services), &arena, name, &targets, &n);
	if (code == 0)
		smtp_reply(c, 250, "2.1.5", "<%.*s>", STR_ARG(name));
	else if (code == ERR_DENIED)
		smtp_reply(c, 551, "5.1.1", "Not one of our domains");
	else
		smtp_reply_error(c, code, "Address");
	arena_fini(&arena);
}

/* Users that are named as administrators, and listed networks. */
bool smtp_may_expn(const struct smtp_call *c)
{
	struct str rest = c->s->config->smtp_admins, word;

	while (c->s->user && rest.n) {
		str_cut(rest, ' ', &word, &rest);
		if (str_ieq(word, str_from_c(c->s->user)))
			return true;
	}
	return network_list_has(c->s->config->smtp_expn_from, &c->s->peer.addr);
}

/* RFC 5321 3.5.2: who is behind a name, one line each. */
void smtp_cmd_expn(struct smtp_call *c)
{
	struct arena arena = ARENA_INIT(16 << 20);
	struct directory_target *targets;
	size_t n = 0;

	if (!smtp_may_expn(c)) {
		smtp_reply(c, 502, "5.5.1", "EXPN is switched off");
		return;
	}
	int code = c->arg.n ? directory_resolve(services_directory(c->service->services), &arena, c->arg, &targets, &n) : ERR_INVALID;
	for (size_t i = 0; code == 0 && i < n; i++)
		conn_printf(c->conn, "250%c2.1.5 <%.*s>\r\n", i + 1 < n ? '-' : ' ', STR_ARG(targets[i].address));
	if (code == ERR_INVALID)
		smtp_reply(c, 501, "5.5.4", "Syntax: EXPN address");
	else if (code == ERR_DENIED)
		smtp_reply(c, 551, "5.1.1", "Not one of our domains");
	else if (code)
		smtp_reply_error(c, code, "Address");
	arena_fini(&arena);
}

void smtp_cmd_help(struct smtp_call *c)
{
	size_t n;
	const struct smtp_command *commands = smtp_commands(&n);
	unsigned here = smtp_where(c);

	conn_write_lit(c->conn, "214-2.0.0 Troika " TROIKA_VERSION " takes");
	for (size_t i = 0; i < n; i++)
		if (commands[i].where & here)
			conn_printf(c->conn, " %s", commands[i].verb);
	conn_write_lit(c->conn, "\r\n214 2.0.0 See RFC 5321\r\n");
}
