#include "migrate/pop3_client_priv.h"

#include "base/base64.h"
#include "base/clock.h"
#include "rt/crypto.h"

#include <stdarg.h>

/* ---- lines ---- */

int pop3c_nonsense(struct pop3_client *c, struct str line, struct err *e)
{
	c->dead = true;
	return err_set(e, ERR_INVALID, NULL, "the server does not speak POP3: %.*s", STR_ARG(str_sub(source_shown(c->setup, line), 0, 80)));
}

int pop3c_read_line(struct pop3_client *c, size_t max, struct str *line_out, struct err *e)
{
	int r = stream_read_line(c->stream, max, line_out);
	if (r == 0)
		return 0;
	c->dead = true;
	if (r == ERR_TOO_BIG)
		return err_set(e, r, NULL, "the server sent a line over %zu bytes", max);
	return err_set(e, r, NULL, r == ERR_CLOSED ? "the server closed the connection" : r == ERR_TIMEOUT ? "the server has been silent for too long" : "the connection broke");
}

/* RFC 2449 8.1, 3206 */
static bool wants_patience(struct str code)
{
	return str_ieq(code, STR("IN-USE")) || str_ieq(code, STR("LOGIN-DELAY")) || str_ieq(code, STR("SYS/TEMP"));
}

int pop3c_status(struct pop3_client *c, struct str *text_out, struct err *e)
{
	struct str line, code, text;
	int r = pop3c_read_line(c, MIGRATE_POP3_LINE_MAX, &line, e);
	if (r)
		return r;
	switch (pop3_response_status(line, &code, &text)) {
	case POP3_OK: break;
	case POP3_ERR:
		c->base.wait_ms = wants_patience(code) ? MIGRATE_THROTTLED_MS : 0;
		return err_set(e, c->base.wait_ms ? ERR_BUSY : ERR_CONFLICT, NULL, "the server refused: %.*s", STR_ARG(source_shown(c->setup, text)));
	case POP3_CONTINUE:
		if (text_out)
			*text_out = text;
		return 1;
	default: return pop3c_nonsense(c, line, e);
	}
	if (text_out)
		*text_out = text;
	return 0;
}

int pop3c_command(struct pop3_client *c, struct err *e, const char *format, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		return err_set(e, ERR_INVALID, NULL, "a command is too long");
	stream_printf(c->stream, "%s\r\n", line);
	crypto_wipe(line, (size_t)n);
	int r = pop3c_status(c, NULL, e);
	return r == 1 ? pop3c_nonsense(c, STR("+"), e) : r;
}

static int learn_capabilities(struct pop3_client *c, struct err *e)
{
	struct str line, text;
	unsigned lines = 0;

	c->capabilities = 0;
	int r = pop3c_command(c, e, "CAPA");
	if (r == ERR_CONFLICT) {              /* RFC 1939 knows no CAPA; UIDL and USER are tried */
		c->capabilities = POP3_CAP_UIDL | POP3_CAP_USER;
		return 0;
	}
	while (r == 0) {
		r = pop3c_read_line(c, MIGRATE_POP3_LINE_MAX, &line, e);
		if (r || !pop3_response_line(line, &text))
			break;
		if (++lines > MIGRATE_IDLE_RESPONSES_MAX)
			return pop3c_nonsense(c, STR("capabilities without end"), e);
		c->capabilities |= pop3_response_capability(text);
	}
	return r;
}

/* ---- opening ---- */

static int secure(struct pop3_client *c, struct err *e)
{
	const struct place *p = &c->setup->place;

	if (stream_has_tls(c->stream))
		return 0;
	if (!(c->capabilities & POP3_CAP_STLS))
		return c->setup->dial.insecure ? 0 : err_set(e, ERR_DENIED, NULL, "%s does not offer STLS (see pop3s://, --insecure)", p->host);
	int r = pop3c_command(c, e, "STLS");
	if (r == 0)
		r = dial_start_tls(&c->setup->dial, p, c->stream, e);
	if (r)
		c->dead = true;
	return r ? r : learn_capabilities(c, e);      /* RFC 2595 4: what was said in the clear is forgotten */
}

static int greeting(struct pop3_client *c, struct err *e)
{
	struct str text;
	int r = pop3c_status(c, &text, e);
	if (r)
		return r == 1 ? pop3c_nonsense(c, STR("+"), e) : r == ERR_CONFLICT ? ERR_CLOSED : r;
	str_copy_c(c->greeting, sizeof c->greeting, text);
	return learn_capabilities(c, e);
}

static int judge(int r, struct err *e)
{
	struct err why = e ? *e : (struct err){ 0 };
	return r == ERR_CONFLICT ? err_set(e, ERR_DENIED, NULL, "login refused: %s", why.log) : r;
}

/* RFC 5034: the initial response where it fits, else when it is asked for; nothing when a refusal is explained. */
static int authenticate(struct pop3_client *c, const char *mechanism, const struct buf *message, struct err *e)
{
	struct buf coded = BUF_INIT(0);
	bool sent;

	base64_encode(&coded, buf_str(message));
	sent = coded.n < 200;                         /* RFC 5034 4: 255 octets of command */
	stream_printf(c->stream, "AUTH %s", mechanism);
	if (sent)
		stream_printf(c->stream, " %.*s", STR_ARG(buf_str(&coded)));
	stream_write_str(c->stream, STR("\r\n"));
	int r = pop3c_status(c, NULL, e);
	for (unsigned steps = 0; r == 1 && steps < 3; steps++) {
		if (!sent)
			stream_write_str(c->stream, buf_str(&coded));
		sent = true;
		stream_write_str(c->stream, STR("\r\n"));
		r = pop3c_status(c, NULL, e);
	}
	crypto_wipe(coded.p, coded.n);
	buf_fini(&coded);
	return r == 1 ? pop3c_nonsense(c, STR("AUTH without end"), e) : judge(r, e);
}

/* RFC 1939 7 */
static int by_apop(struct pop3_client *c, struct str timestamp, struct err *e)
{
	const struct source_setup *s = c->setup;
	uint8_t digest[CRYPTO_MD5_SIZE];
	struct buf b = BUF_INIT(0);

	buf_add_str(&b, timestamp);
	buf_add_str(&b, s->password);
	int r = crypto_md5(buf_str(&b), digest);
	crypto_wipe(b.p, b.n);
	buf_reset(&b);
	hex_encode(&b, str_make(digest, sizeof digest));
	if (r == 0)
		r = pop3c_command(c, e, "APOP %.*s %.*s", STR_ARG(s->user), STR_ARG(buf_str(&b)));
	buf_fini(&b);
	return judge(r, e);
}

int pop3c_login(struct pop3_client *c, struct err *e)
{
	const struct source_setup *s = c->setup;
	struct str timestamp;
	struct buf b = BUF_INIT(0);
	int r;

	if (!s->user.n)
		return err_set(e, ERR_DENIED, NULL, "the source names no user");
	if (str_chr(s->user, '\n') != STR_NPOS || str_chr(s->password, '\n') != STR_NPOS)
		return err_set(e, ERR_INVALID, NULL, "a line end in a name or a password");
	if (s->token.n) {
		buf_printf(&b, "user=%.*s\001auth=Bearer %.*s\001\001", STR_ARG(s->user), STR_ARG(s->token));
		r = authenticate(c, "XOAUTH2", &b, e);
	} else if (s->authuser.n || (c->capabilities & POP3_CAP_PLAIN)) {
		if (s->authuser.n)
			buf_add_str(&b, s->user);
		buf_add_char(&b, '\0');
		buf_add_str(&b, s->authuser.n ? s->authuser : s->user);
		buf_add_char(&b, '\0');
		buf_add_str(&b, s->password);
		r = authenticate(c, "PLAIN", &b, e);
	} else if (pop3_response_timestamp(str_from_c(c->greeting), &timestamp) && !(stream_has_tls(c->stream) && (c->capabilities & POP3_CAP_USER))) {
		r = by_apop(c, timestamp, e);
	} else {
		r = pop3c_command(c, e, "USER %.*s", STR_ARG(s->user));
		if (r == 0)
			r = pop3c_command(c, e, "PASS %.*s", STR_ARG(s->password));
		r = judge(r, e);
	}
	if (b.p)
		crypto_wipe(b.p, b.n);
	buf_fini(&b);
	return r;
}

static void close_client(struct source *s)
{
	struct pop3_client *c = (struct pop3_client *)s;
	struct err ignored;

	if (c->stream && !c->dead && !c->n_asked) {
		stream_set_timeout(c->stream, MIGRATE_GOODBYE_MS);
		stream_set_deadline(c->stream, clock_mono_ms() + MIGRATE_GOODBYE_MS);
		pop3c_command(c, &ignored, "QUIT");
	}
	stream_close(&c->stream);
	buf_fini(&c->text);
	free(c->v);
	free(c);
}

static const struct source_ops ops = {
	.folders = pop3c_folders, .enter = pop3c_enter, .scan = pop3c_scan, .ask = pop3c_ask, .take = pop3c_take, .close = close_client,
};

int pop3_client_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e)
{
	struct pop3_client *c = calloc(1, sizeof *c);

	*out = NULL;
	if (!c)
		return err_set(e, ERR_NO_MEMORY, NULL, "connection");
	c->base.ops = &ops;
	c->setup = s;
	int r = dial_open(&s->dial, &s->place, s->pipe, &c->stream, e);
	c->dead = r != 0;
	if (r == 0)
		r = greeting(c, e);
	if (r == 0)
		r = secure(c, e);
	if (r == 0)
		r = pop3c_login(c, e);
	if (r == 0)
		r = learn_capabilities(c, e);         /* RFC 2449 5: they may be others now */
	*wait_ms_out = c->base.wait_ms;
	if (r)
		close_client(&c->base);
	else
		*out = &c->base;
	return r;
}
