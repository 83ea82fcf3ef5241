#include "outbound/client_priv.h"

#include "outbound/limits.h"
#include "rt/crypto.h"

#include <gsasl.h>

/* In the order of preference: SCRAM proves the server too, and tells it no password. */
static const struct { const char *name; unsigned bit; bool mutual, server_first; } mechanisms[] = {
	{ "SCRAM-SHA-256", SMTP_AUTH_SCRAM_SHA_256, true, false }, { "SCRAM-SHA-1", SMTP_AUTH_SCRAM_SHA_1, true, false },
	{ "PLAIN", SMTP_AUTH_PLAIN, false, false }, { "LOGIN", SMTP_AUTH_LOGIN, false, true },
};

static int refused(struct client *c, int r, struct trouble *t)
{
	client_trouble(c, r, "AUTH", t);
	/* A wrong password is the operator's to mend; the mail can wait for that. */
	t->status[0] = '4';
	return r ? r : ERR_DENIED;
}

/* One step of the mechanism on what the server said last (NULL: nothing yet), and the next command or response. */
static int answer(struct client *c, Gsasl_session *session, const char *mechanism, const char *challenge, int *rc)
{
	char *out = NULL;

	/* A server that asks on when all is said cannot be followed. */
	*rc = *rc == GSASL_OK ? GSASL_MECHANISM_CALLED_TOO_MANY_TIMES : gsasl_step64(session, challenge, &out);
	if (*rc != GSASL_OK && *rc != GSASL_NEEDS_MORE) {
		stream_printf(c->stream, "*\r\n");        /* RFC 4954 4: the client gives up */
		return ERR_INVALID;
	}
	if (challenge)
		stream_printf(c->stream, "%s\r\n", out ? out : "");
	else
		stream_printf(c->stream, out && *out ? "AUTH %s %s\r\n" : "AUTH %s\r\n", mechanism, out ? out : "");
	if (out) {
		crypto_wipe(out, strlen(out));
		gsasl_free(out);
	}
	return 0;
}

static int exchange(struct client *c, Gsasl_session *session, size_t which, struct trouble *t)
{
	char challenge[SMTP_REPLY_TEXT_MAX + 1];
	int rc = GSASL_NEEDS_MORE, r = 0;

	if (mechanisms[which].server_first)
		stream_printf(c->stream, "AUTH %s\r\n", mechanisms[which].name);
	else
		r = answer(c, session, mechanisms[which].name, NULL, &rc);
	for (unsigned steps = 0; r == 0; steps++) {
		r = client_read_reply(c, CLIENT_COMMAND_MS);
		if (r || c->reply.code != 334)
			break;
		str_copy_c(challenge, sizeof challenge, str_trim(str_from(smtp_reply_text(&c->reply), 3)));
		if (steps == CLIENT_AUTH_STEPS_MAX || answer(c, session, mechanisms[which].name, challenge, &rc)) {
			trouble_set(t, "4.7.0", "AUTH %s: %s does not keep to it: %s", mechanisms[which].name, c->host, gsasl_strerror(rc));
			return ERR_INVALID;
		}
	}
	if (r || c->reply.code != 235)
		return refused(c, r, t);
	/* RFC 5802 5: a server that cannot prove that it knows the password is not ours. */
	if (mechanisms[which].mutual && rc != GSASL_OK) {
		trouble_set(t, "4.7.0", "AUTH %s: %s did not prove that it knows the password", mechanisms[which].name, c->host);
		return ERR_DENIED;
	}
	return 0;
}

static int with_library(struct client *c, const struct client_setup *s, size_t which, struct trouble *t)
{
	char *user = str_dup_c(s->user), *password = str_dup_c(s->password);
	Gsasl *library = NULL;
	Gsasl_session *session = NULL;
	int r = ERR_NO_MEMORY;

	trouble_set(t, "4.3.0", "AUTH: out of memory");
	if (user && password && gsasl_init(&library) == GSASL_OK && gsasl_client_start(library, mechanisms[which].name, &session) == GSASL_OK) {
		gsasl_property_set(session, GSASL_AUTHID, user);
		gsasl_property_set(session, GSASL_PASSWORD, password);
		r = exchange(c, session, which, t);
	}
	if (session)
		gsasl_finish(session);
	if (library)
		gsasl_done(library);
	if (password)
		crypto_wipe(password, s->password.n);
	free(user);
	free(password);
	return r;
}

int client_authenticate(struct client *c, const struct client_setup *s, struct trouble *t)
{
	/* RFC 4954 4, 9: no password over a wire that others read, nor to somebody who may be anybody. */
	if (!c->verified && !s->path && !net_addr_is_loopback(&c->peer.addr)) {
		trouble_set(t, "4.7.0", "no password for %s: the connection is not encrypted and verified (tls=verify)", c->host);
		return ERR_DENIED;
	}
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (c->ehlo.auth & mechanisms[i].bit)
			return with_library(c, s, i, t);
	trouble_set(t, "4.7.0", "%s offers no way to log in that we know (SCRAM, PLAIN, LOGIN)", c->host);
	return ERR_DENIED;
}
