#include "proto/smtp/gate_macros.h"

#include "proto/smtp/accept.h"

struct str smtp_peer_literal(const struct smtp_call *c, struct arena *a)
{
	return arena_printf(a, "[%s%s]", net_addr_is_v4(&c->s->peer.addr) ? "" : "IPv6:", c->s->peer.ip);
}

static struct str domain_of(struct str address)
{
	size_t at = str_rchr(address, '@');

	return at == STR_NPOS ? STR("") : str_from(address, at + 1);
}

static struct str user_of(const struct smtp_macro_source *x) { return str_from_c(x->c->s->user); }
static struct str hostname_of(const struct smtp_macro_source *x) { return x->c->s->config->hostname; }
static struct str version_of(const struct smtp_macro_source *x) { return (void)x, STR("Troika " TROIKA_VERSION); }
static struct str peer_of(const struct smtp_macro_source *x) { return smtp_peer_literal(x->c, x->arena); }
static struct str client_addr(const struct smtp_macro_source *x) { return str_from_c(x->c->s->peer.ip); }
static struct str client_port(const struct smtp_macro_source *x) { return arena_printf(x->arena, "%u", x->c->s->peer.port); }
static struct str daemon_addr(const struct smtp_macro_source *x) { return conn_local_ip(x->c->conn); }
static struct str daemon_port(const struct smtp_macro_source *x) { return arena_printf(x->arena, "%u", conn_local_port(x->c->conn)); }

static struct str daemon_name(const struct smtp_macro_source *x)
{
	static const struct str names[] = { [SMTP_MX] = STR_INIT("smtp"), [SMTP_SUBMISSION] = STR_INIT("submission"), [SMTP_LMTP] = STR_INIT("lmtp") };

	return names[x->c->service->mode];
}

static struct str tls_version(const struct smtp_macro_source *x) { return conn_has_tls(x->c->conn) ? conn_tls_version(x->c->conn) : STR_NONE; }
static struct str tls_cipher(const struct smtp_macro_source *x) { return conn_has_tls(x->c->conn) ? conn_tls_cipher(x->c->conn) : STR_NONE; }

static struct str auth_type(const struct smtp_macro_source *x)
{
	return x->c->s->user ? str_from_c(x->c->s->mechanism) : STR_NONE;
}

static struct str message_id(const struct smtp_macro_source *x)
{
	char text[SMTP_ID_SIZE];

	return arena_dup(x->arena, smtp_message_id(x->c, text));
}

static struct str sender(const struct smtp_macro_source *x)
{
	struct str s = x->stage == SMTP_STAGE_MAIL ? x->m->argument : x->c->s->t.sender;

	return s.p ? s : STR("");
}
static struct str sender_host(const struct smtp_macro_source *x) { return domain_of(sender(x)); }
static struct str mailer(const struct smtp_macro_source *x) { return x->stage == SMTP_STAGE_REFUSED_RCPT ? STR("error") : STR("esmtp"); }

static bool is_about_recipient(const struct smtp_macro_source *x) { return x->stage == SMTP_STAGE_RCPT || x->stage == SMTP_STAGE_REFUSED_RCPT; }
static struct str recipient(const struct smtp_macro_source *x) { return is_about_recipient(x) ? x->m->argument : STR_NONE; }
static struct str recipient_host(const struct smtp_macro_source *x) { return is_about_recipient(x) ? domain_of(x->m->argument) : STR_NONE; }

static const struct { struct str name; struct str (*get)(const struct smtp_macro_source *x); } macros[] = {
	{ STR_INIT("_"), peer_of }, { STR_INIT("auth_authen"), user_of }, { STR_INIT("auth_author"), user_of }, { STR_INIT("auth_type"), auth_type },
	{ STR_INIT("cipher"), tls_cipher }, { STR_INIT("client_addr"), client_addr }, { STR_INIT("client_name"), peer_of },
	{ STR_INIT("client_port"), client_port }, { STR_INIT("client_ptr"), peer_of }, { STR_INIT("daemon_addr"), daemon_addr },
	{ STR_INIT("daemon_name"), daemon_name }, { STR_INIT("daemon_port"), daemon_port }, { STR_INIT("i"), message_id }, { STR_INIT("if_addr"), daemon_addr },
	{ STR_INIT("if_name"), hostname_of }, { STR_INIT("j"), hostname_of }, { STR_INIT("mail_addr"), sender }, { STR_INIT("mail_host"), sender_host },
	{ STR_INIT("mail_mailer"), mailer }, { STR_INIT("rcpt_addr"), recipient }, { STR_INIT("rcpt_host"), recipient_host },
	{ STR_INIT("rcpt_mailer"), mailer }, { STR_INIT("tls_version"), tls_version }, { STR_INIT("v"), version_of },
};

struct str smtp_macro(void *ctx, struct str name)
{
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (str_eq(macros[i].name, name))
			return macros[i].get(ctx);
	return STR_NONE;
}
