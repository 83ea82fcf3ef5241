#include "outbound/client_priv.h"

#include "base/clock.h"
#include "outbound/limits.h"
#include "rt/metric.h"

#define SESSIONS "troika_outbound_sessions_total"
#define SESSIONS_HELP "Sessions begun with other servers, by how they are encrypted, or what they broke off at."
METRIC_COUNTER(plain, SESSIONS, "result=\"no TLS\"", SESSIONS_HELP);
METRIC_COUNTER(opportunistic, SESSIONS, "result=\"TLS, unverified\"", SESSIONS_HELP);
METRIC_COUNTER(pkix, SESSIONS, "result=\"TLS, verified by name\"", SESSIONS_HELP);
METRIC_COUNTER(dane, SESSIONS, "result=\"TLS, verified by DANE\"", SESSIONS_HELP);
METRIC_COUNTER(no_connection, SESSIONS, "result=\"failed: connect\"", SESSIONS_HELP);
METRIC_COUNTER(no_greeting, SESSIONS, "result=\"failed: greeting\"", SESSIONS_HELP);
METRIC_COUNTER(no_ehlo, SESSIONS, "result=\"failed: EHLO\"", SESSIONS_HELP);
METRIC_COUNTER(no_starttls, SESSIONS, "result=\"failed: STARTTLS\"", SESSIONS_HELP);
METRIC_COUNTER(no_handshake, SESSIONS, "result=\"failed: handshake\"", SESSIONS_HELP);
METRIC_COUNTER(no_login, SESSIONS, "result=\"failed: login\"", SESSIONS_HELP);

static void count_session(const struct client *c, const struct client_setup *s, const struct client_opening *o)
{
	static struct metric *const failed[] = { [CLIENT_CONNECT] = &no_connection, [CLIENT_GREETING] = &no_greeting, [CLIENT_EHLO] = &no_ehlo,
		[CLIENT_STARTTLS] = &no_starttls, [CLIENT_HANDSHAKE] = &no_handshake, [CLIENT_AUTH] = &no_login };
	static struct metric *const begun[] = { [TLS_TRUST_ANY] = &opportunistic, [TLS_TRUST_PKIX] = &pkix, [TLS_TRUST_DANE] = &dane };

	if (o->stage != CLIENT_READY)
		metric_add(failed[o->stage], 1);
	else
		metric_add(stream_has_tls(c->stream) ? begun[s->tls_policy.trust] : &plain, 1);
}

/* ---- replies ---- */

/* ehlo, when given, gets what the lines after the first say. */
static int read_reply(struct client *c, uint64_t ms, struct smtp_ehlo *ehlo)
{
	enum smtp_reply_step step = SMTP_REPLY_MORE;
	struct str line;

	/* The limit is for the whole reply: a peer that drips it octet by octet gets no more time. */
	stream_set_timeout(c->stream, ms);
	stream_set_deadline(c->stream, clock_mono_ms() + ms);
	smtp_reply_begin(&c->reply);
	while (step == SMTP_REPLY_MORE) {
		int r = stream_read_line(c->stream, SMTP_REPLY_LINE_MAX, &line);
		if (r == 0 && (step = smtp_reply_line(&c->reply, line)) == SMTP_REPLY_BAD)
			r = ERR_INVALID;
		if (r) {
			c->over = true;
			return r;
		}
		if (ehlo && c->reply.lines > 1)
			smtp_ehlo_line(ehlo, smtp_reply_line_text(line));
	}
	if (c->reply.code == 421)             /* RFC 5321 3.8: the server is about to close */
		c->over = true;
	return 0;
}

int client_read_reply(struct client *c, uint64_t ms) { return read_reply(c, ms, NULL); }

void client_trouble(const struct client *c, int r, const char *during, struct trouble *t)
{
	if (r == 0) {
		trouble_set_reply(t, &c->reply, str_from_c(c->host));
		return;
	}
	const char *what = r == ERR_TIMEOUT ? "timed out" : r == ERR_CLOSED ? "closed the connection" : r == ERR_INVALID || r == ERR_TOO_BIG ? "does not speak SMTP"
																								  : "was lost";
	trouble_set(t, r == ERR_INVALID || r == ERR_TOO_BIG ? "4.5.0" : "4.4.2", "%s %s during %s", c->host, what, during);
}

/* ---- EHLO ---- */

static int say_hello(struct client *c, const struct client_setup *s, struct client_opening *o)
{
	o->stage = CLIENT_EHLO;
	c->ehlo = (struct smtp_ehlo){ 0 };
	stream_printf(c->stream, "%s %.*s\r\n", c->lmtp ? "LHLO" : "EHLO", STR_ARG(s->helo));
	int r = read_reply(c, CLIENT_COMMAND_MS, &c->ehlo);
	if (r || !smtp_reply_is_ok(&c->reply))
		c->ehlo = (struct smtp_ehlo){ 0 };
	/* RFC 5321 3.2: a server of old answers 500 or 502; some refuse in other words. */
	if (r == 0 && smtp_reply_is_permanent(&c->reply) && !c->lmtp && !stream_has_tls(c->stream)) {
		stream_printf(c->stream, "HELO %.*s\r\n", STR_ARG(s->helo));
		r = client_read_reply(c, CLIENT_COMMAND_MS);
	}
	if (r == 0 && smtp_reply_is_ok(&c->reply))
		return 0;
	client_trouble(c, r, "EHLO", &o->trouble);
	return r ? r : ERR_DENIED;
}

/* ---- TLS ---- */

static int no_tls(const struct client *c, const struct client_setup *s, struct client_opening *o, bool offered)
{
	if (s->tls != CLIENT_TLS_MUST)
		return 0;
	if (offered)
		client_trouble(c, 0, "STARTTLS", &o->trouble);
	else
		trouble_set(&o->trouble, "4.7.4", "TLS is required, and %s does not offer it", c->host);
	/* Refused for now or for good: another day or another policy may have it (RFC 7672 2.2, RFC 8461 5). */
	o->trouble.status[0] = '4';
	return ERR_DENIED;
}

static int start_tls(struct client *c, const struct client_setup *s, struct client_opening *o, struct err *e)
{
	if (s->tls == CLIENT_TLS_NEVER)
		return 0;
	o->stage = CLIENT_STARTTLS;
	if (!(c->ehlo.extensions & SMTP_EXT_STARTTLS))
		return no_tls(c, s, o, false);
	stream_printf(c->stream, "STARTTLS\r\n");
	int r = client_read_reply(c, CLIENT_COMMAND_MS);
	if (r || c->over) {
		client_trouble(c, r, "STARTTLS", &o->trouble);
		return r ? r : ERR_CLOSED;
	}
	if (c->reply.code != 220)
		return no_tls(c, s, o, true);
	o->stage = CLIENT_HANDSHAKE;
	o->tls_tried = true;
	stream_set_timeout(c->stream, CLIENT_COMMAND_MS);
	stream_set_deadline(c->stream, clock_mono_ms() + CLIENT_COMMAND_MS);
	/* Octets that came in plain behind the 220 are refused there (RFC 3207 4.2, CVE-2011-0411). */
	r = stream_start_tls(c->stream, &s->tls_policy, &o->tls, e);
	if (r) {
		trouble_set(&o->trouble, "4.7.5", "TLS with %s failed: %s: %s", c->host, o->tls.failure ? o->tls.failure : err_text(r), o->tls.detail);
		return r;
	}
	c->verified = s->tls_policy.trust != TLS_TRUST_ANY;
	snprintf(c->tls_text, sizeof c->tls_text, "%.*s%s", STR_ARG(o->tls.version), c->verified ? " verified" : "");
	/* RFC 3207 4.2: what was learnt before is forgotten. */
	return say_hello(c, s, o);
}

/* ---- the way to a session ---- */

static int greet(struct client *c, const struct client_setup *s, struct client_opening *o)
{
	struct str name, rest;

	o->stage = CLIENT_GREETING;
	int r = client_read_reply(c, CLIENT_GREETING_MS);
	if (r || c->reply.code != 220) {
		client_trouble(c, r, "the greeting", &o->trouble);
		return r ? r : ERR_DENIED;
	}
	str_cut(str_from(smtp_reply_text(&c->reply), 4), ' ', &name, &rest);
	str_copy_c(o->helo, sizeof o->helo, name);
	return say_hello(c, s, o);
}

static int talk(struct client *c, const struct client_setup *s, struct client_opening *o, struct err *e)
{
	int r = greet(c, s, o);

	if (r == 0)
		r = start_tls(c, s, o, e);
	if (r == 0 && s->user.n) {
		o->stage = CLIENT_AUTH;
		r = client_authenticate(c, s, &o->trouble);
	}
	if (r == 0) {
		o->stage = CLIENT_READY;
		o->trouble.status[0] = '\0';
	}
	return r;
}

int client_open(const struct client_setup *s, struct client **out, struct client_opening *o, struct err *e)
{
	struct stream_target target = { .peer = s->peer, .path = s->path, .source = s->source, .timeout_ms = CLIENT_CONNECT_MS, .cancel = s->cancel };
	struct err why = { 0 };

	*out = NULL;
	*o = (struct client_opening){ .stage = CLIENT_CONNECT };
	struct client *c = calloc(1, sizeof *c);
	if (!c) {
		trouble_set(&o->trouble, "4.3.0", "out of memory");
		return ERR_NO_MEMORY;
	}
	str_copy_c(c->host, sizeof c->host, s->host);
	str_copy_c(c->tls_text, sizeof c->tls_text, STR("none"));
	c->peer = s->peer;
	c->lmtp = s->lmtp;
	c->no_chunking = s->no_chunking;
	c->opened_ms = clock_mono_ms();
	int r = stream_connect(&target, &c->stream, &why);
	if (r) {
		trouble_set(&o->trouble, "4.4.1", "%s: %s", c->host, why.log);
		c->over = true;
	} else {
		o->local = c->local = stream_local(c->stream).addr;
		r = talk(c, s, o, e);
	}
	count_session(c, s, o);
	if (r == 0) {
		*out = c;
		return 0;
	}
	if (o->stage != CLIENT_HANDSHAKE)
		client_say_quit(c);
	client_close(&c);
	return r;
}

void client_say_quit(struct client *c)
{
	if (c->over || !c->stream)
		return;
	c->over = true;
	stream_set_timeout(c->stream, CLIENT_QUIT_MS);
	stream_set_deadline(c->stream, clock_mono_ms() + CLIENT_QUIT_MS);
	stream_printf(c->stream, "QUIT\r\n");
	c->answers_quit = stream_flush(c->stream) == 0;
}

void client_drop(struct client *c) { c->over = true; }

void client_close(struct client **c)
{
	if (!*c)
		return;
	struct str line;
	if ((*c)->answers_quit)
		stream_read_line((*c)->stream, SMTP_REPLY_LINE_MAX, &line);       /* by the deadline that QUIT has set */
	stream_close(&(*c)->stream);
	free(*c);
	*c = NULL;
}

/* ---- what there is to know ---- */

struct str client_host(const struct client *c) { return str_from_c(c->host); }
const struct net_endpoint *client_peer(const struct client *c) { return &c->peer; }
const struct net_addr *client_local(const struct client *c) { return &c->local; }
const struct smtp_ehlo *client_ehlo(const struct client *c) { return &c->ehlo; }
bool client_has_tls(const struct client *c) { return stream_has_tls(c->stream); }
bool client_is_verified(const struct client *c) { return c->verified; }
const char *client_tls_text(const struct client *c) { return c->tls_text; }
unsigned client_transactions(const struct client *c) { return c->transactions; }

bool client_is_usable(struct client *c)
{
	/* Whatever a server says unasked is its farewell. */
	return !c->over && c->transactions < CLIENT_TRANSACTIONS_MAX && clock_mono_ms() - c->opened_ms < CLIENT_LIFETIME_MS && !stream_readable(c->stream);
}
