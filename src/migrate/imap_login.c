/* LOGIN, AUTHENTICATE PLAIN (RFC 4616), XOAUTH2 and OAUTHBEARER (RFC 7628). */
#include "migrate/imap_client_priv.h"

#include "base/base64.h"
#include "rt/crypto.h"

struct exchange {
	struct str response;          /* base64; sent once when the server asks, afterwards nothing */
	bool sent;
};

static int on_continue(struct imap_client *c, void *arg, struct err *e)
{
	struct exchange *x = arg;
	(void)e;
	if (c->r.kind != IMAP_RESPONSE_CONTINUE)
		return 0;
	/* RFC 7628 3.2.3: the server explains its refusal, and wants an empty response before it says NO. */
	if (!x->sent)
		stream_write_str(c->stream, x->response);
	x->sent = true;
	stream_write_str(c->stream, STR("\r\n"));
	stream_flush(c->stream);
	return 0;
}

/* A refusal of a login is for good, unless the server says that it is not. */
static int judge(struct imap_client *c, int r, struct err *e)
{
	if (r == ERR_CONFLICT)
		return err_set(e, ERR_DENIED, NULL, "login refused: %.*s", STR_ARG(source_shown(c->setup, c->r.text)));
	return r;
}

static int authenticate(struct imap_client *c, const char *mechanism, const struct buf *message, struct err *e)
{
	struct buf coded = BUF_INIT(0);
	struct exchange x = { .sent = c->capabilities & IMAP_CAP_SASL_IR };
	char command[48];

	base64_encode(&coded, buf_str(message));
	x.response = buf_str(&coded);
	snprintf(command, sizeof command, "AUTHENTICATE %s", mechanism);
	imapc_begin(c, command);
	if (x.sent) {
		stream_write_str(c->stream, STR(" "));
		stream_write_str(c->stream, x.response);
	}
	c->capabilities_told = false;                 /* RFC 9051 6.2.2: they may be others now */
	int r = message->failed || coded.failed ? ERR_NO_MEMORY : imapc_finish(c, on_continue, &x, e);
	crypto_wipe(coded.p, coded.n);
	buf_fini(&coded);
	return judge(c, r, e);
}

/* RFC 5801 4: saslname */
static void add_saslname(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == ',')
			buf_add_lit(b, "=2C");
		else if (name.p[i] == '=')
			buf_add_lit(b, "=3D");
		else
			buf_add_char(b, name.p[i]);
	}
}

static int by_token(struct imap_client *c, struct err *e)
{
	const struct source_setup *s = c->setup;
	struct buf b = BUF_INIT(0);
	bool bearer = !(c->capabilities & IMAP_CAP_XOAUTH2) && (c->capabilities & IMAP_CAP_OAUTHBEARER);

	if (bearer) {
		buf_add_lit(&b, "n,a=");
		add_saslname(&b, s->user);
		buf_printf(&b, ",\001auth=Bearer %.*s\001\001", STR_ARG(s->token));
	} else {
		buf_printf(&b, "user=%.*s\001auth=Bearer %.*s\001\001", STR_ARG(s->user), STR_ARG(s->token));
	}
	int r = authenticate(c, bearer ? "OAUTHBEARER" : "XOAUTH2", &b, e);
	crypto_wipe(b.p, b.n);
	buf_fini(&b);
	return r;
}

static int by_plain(struct imap_client *c, struct err *e)
{
	const struct source_setup *s = c->setup;
	struct buf b = BUF_INIT(0);

	if (s->authuser.n)
		buf_add_str(&b, s->user);
	buf_add_char(&b, '\0');
	buf_add_str(&b, s->authuser.n ? s->authuser : s->user);
	buf_add_char(&b, '\0');
	buf_add_str(&b, s->password);
	int r = authenticate(c, "PLAIN", &b, e);
	crypto_wipe(b.p, b.n);
	buf_fini(&b);
	return r;
}

int imapc_login(struct imap_client *c, struct err *e)
{
	const struct source_setup *s = c->setup;

	if (!s->user.n)
		return err_set(e, ERR_DENIED, NULL, "the source names no user, and the server wants a login");
	if (s->token.n)
		return by_token(c, e);
	if ((c->capabilities & IMAP_CAP_PLAIN) || s->authuser.n)
		return by_plain(c, e);
	if (c->capabilities & IMAP_CAP_LOGINDISABLED)
		return err_set(e, ERR_DENIED, NULL, "the server offers no login that is known here (PLAIN, LOGIN, and with a token XOAUTH2 or OAUTHBEARER)");
	imapc_begin(c, "LOGIN");
	c->capabilities_told = false;
	int r = imapc_argument(c, s->user, e);
	if (r == 0)
		r = imapc_argument(c, s->password, e);
	if (r == 0)
		r = imapc_finish(c, NULL, NULL, e);
	return judge(c, r, e);
}
