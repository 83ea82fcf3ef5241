/* XCLIENT and XFORWARD, as Postfix documents them: a filter or proxy before us tells who the client is. XCLIENT makes this session that client's,
 * XFORWARD is for the log and the queue's show only. */
#include "base/num.h"
#include "codec/smtp/path.h"
#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/transaction.h"

#include <stdlib.h>

bool smtp_may_xclient(const struct smtp_call *c) { return network_list_has(c->s->config->smtp_xclient_from, &c->s->real.addr); }
bool smtp_may_xforward(const struct smtp_call *c) { return network_list_has(c->s->config->smtp_xforward_from, &c->s->real.addr); }

/* What the attributes said; nothing of it holds before all are right. */
struct claim {
	struct smtp_peer peer;
	struct str name, helo, login;        /* in the arena */
	bool has_login;
	struct arena arena;
};

struct attribute {
	const char *name;
	/* value: decoded; empty: [UNAVAILABLE] or [TEMPUNAVAIL]. False: it is no good. */
	bool (*take)(struct claim *x, struct str value);
};

static bool take_nothing(struct claim *x, struct str value)
{
	(void)x, (void)value;
	return true;
}

static bool take_name(struct claim *x, struct str value)
{
	x->name = value;
	return !value.n || smtp_helo_is_valid(value);
}

static bool take_addr(struct claim *x, struct str value)
{
	struct str text = str_istarts(value, STR("IPV6:")) ? str_from(value, 5) : value;
	struct net_addr addr;

	if (!value.n)
		return true;
	if (!net_addr_parse(text, 0, &addr))
		return false;
	x->peer.addr = addr;
	net_addr_format(&addr, x->peer.ip);
	return true;
}

static bool take_port(struct claim *x, struct str value)
{
	uint32_t port = 0;

	if (value.n && (!num_parse_u32(value, &port) || port > 65535))
		return false;
	x->peer.port = (uint16_t)port;
	return true;
}

static bool take_proto(struct claim *x, struct str value)
{
	(void)x;
	return !value.n || str_ieq(value, STR("ESMTP")) || str_ieq(value, STR("SMTP"));
}

/* For the log: the client says EHLO anew. */
static bool take_helo(struct claim *x, struct str value)
{
	x->helo = value;
	return value.n <= SMTP_HELO_MAX;
}

static bool take_local_addr(struct claim *x, struct str value)
{
	struct claim other = *x;

	return take_addr(&other, value);
}

static bool take_local_port(struct claim *x, struct str value)
{
	struct claim other = *x;

	return take_port(&other, value);
}

static bool take_login(struct claim *x, struct str value)
{
	x->has_login = true;
	x->login = value;
	return true;
}

static const struct attribute xclient[] = {
	{ "NAME", take_name }, { "ADDR", take_addr }, { "PORT", take_port }, { "PROTO", take_proto }, { "HELO", take_helo }, { "LOGIN", take_login },
	{ "DESTADDR", take_local_addr }, { "DESTPORT", take_local_port }, { NULL, NULL } };
static const struct attribute xforward[] = {
	{ "NAME", take_name }, { "ADDR", take_addr }, { "PORT", take_port }, { "PROTO", take_proto }, { "HELO", take_helo }, { "IDENT", take_nothing },
	{ "SOURCE", take_nothing }, { NULL, NULL } };

static void describe(const struct attribute *list, struct buf *out)
{
	for (size_t i = 0; list[i].name; i++)
		buf_printf(out, "%s%s", i ? " " : "", list[i].name);
}

void smtp_describe_xclient(const struct smtp_call *c, struct buf *out)
{
	(void)c;
	describe(xclient, out);
}

void smtp_describe_xforward(const struct smtp_call *c, struct buf *out)
{
	(void)c;
	describe(xforward, out);
}

static bool take_one(struct claim *x, const struct attribute *list, struct str name, struct str xtext)
{
	struct buf b = BUF_INIT(SMTP_LINE_MAX);
	bool right = smtp_xtext_decode(xtext, &b);
	struct str value = arena_dup(&x->arena, buf_str(&b));

	buf_fini(&b);
	if (str_ieq(value, STR("[UNAVAILABLE]")) || str_ieq(value, STR("[TEMPUNAVAIL]")))
		value = STR_NONE;
	for (size_t i = 0; right && list[i].name; i++)
		if (str_ieq(name, str_from_c(list[i].name)))
			return list[i].take(x, value);
	return false;
}

/* "NAME=value" words. False when an answer was given. */
static bool take_all(struct smtp_call *c, const struct attribute *list, struct claim *x)
{
	struct str rest = c->arg, word, name, value;

	if (!rest.n) {
		smtp_reply(c, 501, "5.5.4", "Attributes expected");
		return false;
	}
	while (rest.n) {
		str_cut(rest, ' ', &word, &rest);
		if (word.n && (!str_cut(word, '=', &name, &value) || !value.n || !take_one(x, list, name, value))) {
			smtp_reply(c, 501, "5.5.4", "Bad attribute: %.*s", STR_ARG(word));
			return false;
		}
	}
	return true;
}

/* The claimed user must be one of ours; an empty login is nobody. */
static int become(struct smtp_call *c, const struct claim *x)
{
	struct arena a = ARENA_INIT(0);
	struct directory_user user;
	int code = 0;

	if (!x->has_login)
		return 0;
	free(c->s->user);
	c->s->user = NULL;
	if (x->login.n)
		code = directory_user_find(services_directory(c->service->services), &a, x->login, &user);
	if (code == 0 && x->login.n)
		c->s->user = str_dup_c(user.name);
	if (x->login.n)
		login_told(c->conn, "smtp", "XCLIENT", x->login, code ? NULL : &user, err_text(code));
	arena_fini(&a);
	return code;
}

void smtp_cmd_xclient(struct smtp_call *c)
{
	struct claim x = { .peer = c->s->peer, .arena = ARENA_INIT(1 << 16) };

	if (!smtp_may_xclient(c)) {
		smtp_reply(c, 550, "5.7.1", "XCLIENT is not for you");
	} else if (c->s->t.open) {
		smtp_reply(c, 503, "5.5.1", "Not during a mail transaction");
	} else if (take_all(c, xclient, &x)) {
		int code = become(c, &x);
		if (code) {
			smtp_reply_error(c, code, "Login");
		} else {
			c->s->peer = x.peer;
			conn_log(c->conn, LOG_INFO, "smtp.xclient", LOG_LIST(LOG_C("addr", x.peer.ip), LOG_S("name", x.name), LOG_S("helo", x.helo), LOG_S("login", x.login)));
			smtp_session_begin(c);
		}
	}
	arena_fini(&x.arena);
}

void smtp_cmd_xforward(struct smtp_call *c)
{
	struct claim x = { .peer = c->s->peer, .arena = ARENA_INIT(1 << 16) };

	if (!smtp_may_xforward(c)) {
		smtp_reply(c, 550, "5.7.1", "XFORWARD is not for you");
	} else if (c->s->t.open) {
		smtp_reply(c, 503, "5.5.1", "Not during a mail transaction");
	} else if (take_all(c, xforward, &x)) {
		c->s->forwarded = x.peer;
		smtp_reply(c, 250, "2.0.0", "Ok");
	}
	arena_fini(&x.arena);
}
